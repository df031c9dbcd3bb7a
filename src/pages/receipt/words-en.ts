import { claim } from '../../contract/messages/en.json';
import type { Words } from './words.ts';

const numbers = new Intl.ListFormat('en');

export const wordsEn: Words = {
  title: 'Check a receipt',
  lead: 'Is it real, and what does it prove? Nothing you put in here leaves this device.',
  languages: 'Language',
  withId: (name, id) => `${name} (${id})`,
  localTime: (moment) => `${moment} (Beijing time)`,

  trust: {
    title: 'Whom this page trusts',
    hub: (hub, chain) => `The ledger “${chain}” of ${hub}. That hub’s keys are built into this page.`,
    brought: (chain) => `The ledger “${chain}”, by keys that you brought yourself. This page cannot say whose they are.`,
    none: 'Nobody yet. Paste the trust root of the hub that gave the receipt.',
    fingerprint: 'Fingerprint of these keys',
    compare: 'Get the fingerprint from the hub or from someone you trust, not from where this page came from, and compare. If one sign differs, do not use this page.',
    other: 'Trust other keys (for experts)',
    otherText: 'Paste the trust root (trust.json) of another hub. It counts until you close this page.',
    field: 'Trust root',
    take: 'Trust these keys',
    wrong: 'That is not a trust root.',
    back: 'Back to the keys built in',
  },

  receipt: {
    title: 'Your receipt',
    file: 'Choose the receipt’s file',
    codes: 'Or paste its codes',
    codesText: 'Scan each code with a phone and paste its text here, in any order. Each begins with IMI1.',
    check: 'Check these codes',
  },

  holds: {
    title: 'This receipt is real',
    text: (chain) => `Nothing in it was changed, and the ledger “${chain}” holds what it says.`,
    completes: 'It completes the receipt that you opened before: that request was waiting then, and is recorded now.',
    reference: 'Reference',
    signed: 'What was signed',
    place: 'Where and when',
    at: 'In the ledger by',
    kiosk: 'Signed at kiosk',
    ledger: 'Ledger',
    entry: 'Entry',
    entryOf: (entry, entries) => `${entry} of ${entries}`,
    signatures: 'Signatures that hold',
    witnessed: 'Who outside has seen it there',
    tooFewWitnesses: 'Who outside has seen it there (fewer than it takes)',
    witness: 'Witness',
    seenAt: 'Seen',
    not: 'What this does not prove',
    nots: [
      'Who the person is: no name and no fact about anyone is in a receipt.',
      'That the one who shows it is the one who signed.',
      'What the agency has decided since, or whether a permission was ended early.',
    ],
    experts: 'For experts',
    transaction: 'Transaction',
    height: 'Block',
    head: 'Hash of the block header that signs it',
    print: 'Print this result',
  },

  complete: {
    title: (count) => (count === 0 ? 'Nothing has touched this resident' : count === 1 ? 'This one entry, and no other' : `These ${count} entries, and no others`),
    text: (chain) => `The ledger “${chain}” counts every entry about a resident. This list is all of them up to the moment below: none was left out, none was added, none was changed.`,
    entries: 'The entries, newest first',
    ordered: 'Ordered',
    asOf: 'Complete up to',
    resident: 'Resident’s number in the ledger',
    nots: [
      'Who the resident is: no name and no fact about anyone is in the list.',
      'What happened after that moment.',
      'What an agency did with facts that it had seen: passing them on leaves no entry.',
    ],
  },

  progress: { queued: 'Signed', recorded: 'Recorded', witnessed: 'Witnessed', notYet: ': not shown by this receipt' },

  queued: {
    title: 'Signed, but not recorded yet',
    text: (chain) =>
      `This receipt was given while the request was still waiting to be sent. Nothing in it was changed since. It does not prove that the ledger “${chain}” holds the request, nor whose card signed it: only the complete receipt does.`,
    complete: 'How to complete it',
    steps: [
      'Put your card in at any kiosk of the hub and open the request under “My requests”. Once it is recorded, the complete receipt is there.',
      'Open that one here too. This page then says whether it completes this one.',
    ],
    lapses: (at) => `If it is not recorded by ${at}, the signature lapses and the request has to be made again.`,
    says: 'What it says of itself',
  },

  refused: {
    'not-a-receipt': { title: 'This is not a whole receipt', text: 'It is something else, or it was cut or damaged on the way. Take the file or the codes once more from where you got them.' },
    altered: { title: 'Do not rely on this receipt', text: 'Something in it was changed or damaged, or codes of different receipts were mixed. Nothing that it says is proven.' },
    'part-altered': { title: 'Do not rely on this receipt', text: 'Its private part (which agency, which service, which facts) was changed or belongs to another receipt. Nothing that it says is proven.' },
    'other-signers': {
      title: 'The keys behind this receipt are not trusted here',
      text: 'The ledger has the right name, but too few of the keys that this page trusts have signed. The receipt may be forged, or the keys have changed since this page was made: get a new page from the hub.',
    },
    'before-trust': { title: 'This receipt is older than this page can judge', text: 'It is from before the keys that this page trusts. Ask the hub for a page with its earlier keys.' },
  },
  otherLedger: (named, trusted) => ({
    title: 'This receipt is from another ledger',
    text: `It says that it stands in “${named}”; this page trusts “${trusted}” only. Use the page of the hub that gave the receipt.`,
  }),
  noTrust: { title: 'This page trusts nobody yet', text: 'Without a trust root nothing can be checked. Paste one above, under “Trust other keys”.' },
  fileUnreadable: { title: 'The file cannot be read', text: 'Copy it to this device and choose it again.' },
  reason: 'Reason',
  codes: {
    noSymbol: { title: 'There is no code here yet', text: 'Paste the text of the receipt’s codes. Each begins with IMI1.' },
    mixed: { title: 'These codes are not of one receipt', text: 'Empty the field and paste the codes of one receipt only.' },
    damaged: (number) => ({ title: `Code ${number} is not right`, text: 'Scan or copy it once more: a sign is wrong or missing.' }),
    incomplete: (missing, of) => ({
      title: missing.length === 1 ? `Code ${missing[0] ?? ''} of ${of} is still missing` : `Codes ${numbers.format(missing.map(String))} of ${of} are still missing`,
      text: 'Paste what is missing below the others and check again.',
    }),
  },

  claims: claim,
};
