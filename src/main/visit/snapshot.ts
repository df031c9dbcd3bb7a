import type { BundleLetter, Doing, Page, ReceiptCodes, RequestRow, Snapshot } from '../../contract/bridge.ts';
import type { Localized } from '../../contract/language.ts';
import { shownAskCode } from '../../identity/ask-code.ts';
import { handOffLink } from '../../identity/hand-off.ts';
import { isAnswered } from '../../identity/answer.ts';
import { askedRows } from './asks.ts';
import { never } from '../../contract/result.ts';
import { lastDay, answeredBefore, checkRows, consentClaims, grantedClaims, answersOf, isRequired, leadOf, missingOf, questionsOf, toAsk, toldLetters, type Draft, type Letter } from './draft.ts';
import { printOffer } from '../printing.ts';
import type { Visit, VisitContext } from './context.ts';
import { draftCard, serviceCard } from './issued.ts';
import { factGroups, typedFacts } from './known-facts.ts';
import { signedTransactions } from './my-data-lookup.ts';
import { agenciesOf, chosenGrant, toSign } from './my-data-moves.ts';
import { grantsOf, kindsOf, looksOf, standingOf, type MyData } from './my-data.ts';
import type { Access } from './work.ts';

/** What never changes while the kiosk runs. */
export type KioskFacts = Snapshot['kiosk'];

/** A state of the machine, as much of it as the screen needs. */
export interface VisitState {
  /** The state of the region `stage` as a path: `visiting.signIn.pin`. */
  stage: string;
  /** The state of the region `attention`. */
  attention: 'off' | 'awake' | 'warned';
  context: VisitContext;
}

/** The screen is this function of the visit, and of nothing else. */
export function snapshotOf(state: VisitState, kiosk: KioskFacts, seq: number): Snapshot {
  const { context } = state;
  return {
    seq,
    language: context.language,
    languages: [...context.settings.languages],
    kiosk,
    cardIn: context.reader.view === 'card' || context.reader.view === 'mute' || context.reader.view === 'in-use',
    staffWaits: false,
    overlay: overlayOf(state),
    page: pageOf(state),
  };
}

function overlayOf({ attention, context }: VisitState): Snapshot['overlay'] {
  if (attention === 'warned') return { overlay: 'idle', secondsLeft: context.secondsLeft };
  return context.help ? { overlay: 'help' } : null;
}

export function pageOf({ stage, context }: VisitState): Page {
  switch (stage) {
    case 'welcome.attract':
      return { page: 'attract' };
    case 'welcome.language':
      return { page: 'language' };
    case 'welcome.held.seen':
    case 'welcome.held.looking':
      return heldPage(context);
    case 'welcome.insertCard':
      return { page: 'insert-card' };
    case 'closed.resting':
    case 'closed.asking':
      return closedPage(context);
    case 'outOfService':
      return readerPage(context, 'reader-missing');
    case 'cardFault':
      return readerPage(context, 'card-mute');
    case 'takeCard':
      return { page: 'take-card', references: context.farewell?.receipts.map(({ reference }) => reference) ?? [] };
    case 'goodbye':
      return goodbyePage(context);
    default:
      return context.visit === null ? { page: 'attract' } : visitPage(stage, context.visit, context);
  }
}

function closedPage({ closure }: VisitContext): Page {
  if (closure === null) throw new Error('nobody has closed it');
  return { page: 'closed', ...closure };
}

function heldPage({ held }: VisitContext): Page {
  if (held === null) throw new Error('nothing is held under the scanner');
  return { page: 'held-receipt', held: held.shown };
}

/** The page leaves by itself when the reader says something else. */
function readerPage({ reader }: VisitContext, otherwise: 'reader-missing' | 'card-mute'): Page {
  const failure = { page: 'failure', next: 'none', sent: 'not-begun' } as const;
  switch (reader.view) {
    case 'fault':
      return { ...failure, code: reader.code, detail: reader.detail };
    case 'mute':
      return { ...failure, code: 'card-mute', detail: null };
    case 'in-use':
      return { ...failure, code: 'card-in-use', detail: null };
    case 'starting':
    case 'empty':
    case 'card':
      return { ...failure, code: otherwise, detail: null };
  }
}

function goodbyePage({ farewell }: VisitContext): Page {
  const receipts = farewell?.receipts ?? [];
  return {
    page: 'goodbye',
    ended: farewell?.ended ?? 'done',
    receipts: receipts.map(({ reference, state, qr }) => ({ reference, state, qr: receipts.length === 1 ? qr : [] })),
    unsent: farewell?.unsent ?? false,
  };
}

function visitPage(stage: string, visit: Visit, context: VisitContext): Page {
  switch (stage) {
    case 'visiting.signIn.pin':
      return { page: 'pin', ...pinPrompt(visit) };
    case 'visiting.failed':
      return failurePage(visit);
    case 'visiting.inside.home':
      return homePage(accessOf(visit), context.scannerReady);
    case 'visiting.inside.group':
      return groupPage(visit, accessOf(visit));
    case 'visiting.inside.factsMissing':
      return factsMissingPage(visit, accessOf(visit));
    case 'visiting.inside.requests':
      return { page: 'requests', requests: rows(accessOf(visit)) };
    case 'visiting.inside.request':
      return requestPage(visit);
    case 'visiting.inside.news':
      return { page: 'news', news: accessOf(visit).news };
    case 'visiting.inside.myData':
      return myDataPage(accessOf(visit));
    case 'visiting.inside.facts':
      return factsPage(accessOf(visit));
    case 'visiting.inside.correction':
      return correctionPage(visit);
    case 'visiting.inside.grants':
      return { page: 'grants', grants: grantsOf(myDataOf(visit), accessOf(visit).offers).map(({ row }) => row) };
    case 'visiting.inside.grant':
      return grantPage(visit);
    case 'visiting.inside.undo':
      return undoPage(visit);
    case 'visiting.inside.looks':
      return { page: 'looks', looks: looksOf(myDataOf(visit), accessOf(visit).offers).slice(0, mostLooks), entries: myDataOf(visit).entries.length };
    case 'visiting.inside.proof':
      return proofPage(visit);
    case 'visiting.inside.signed':
      return { page: 'signed', signed: visit.signed?.signed ?? [], more: visit.signed?.more ?? 0 };
    case 'visiting.inside.agencies':
      return { page: 'agencies', agencies: agenciesOf(accessOf(visit)) };
    case 'visiting.inside.letter':
      return letterPage(visit);
    case 'visiting.inside.consent':
      return consentPage(draftOf(visit), accessOf(visit));
    case 'visiting.inside.question':
      return questionPage(draftOf(visit));
    case 'visiting.inside.check':
      return checkPage(draftOf(visit), accessOf(visit));
    case 'visiting.inside.sign':
      return signPage(visit, accessOf(visit));
    case 'visiting.inside.receipt':
      return receiptPage(visit, context);
    case 'visiting.inside.receipts':
      return receiptsPage(visit, context);
    case 'visiting.inside.held.seen':
    case 'visiting.inside.held.looking':
      return heldPage(context);
    case 'visiting.inside.handedOff':
      return handOffPage(visit);
    case 'visiting.inside.askCode':
      return { page: 'ask-code', ...visit.askCode, ...(context.scannerReady ? { scanner: true } : {}) };
    case 'visiting.inside.ask':
      return askPage(visit);
    case 'visiting.inside.askDone':
      return askDonePage(visit);
    default:
      return { page: 'working', doing: doingOf(stage, visit) };
  }
}

/** What is being done, in every state that waits for the card, the hub or the disk. */
function doingOf(stage: string, visit: Visit): Doing {
  if (visit.touchWanted) return 'touch-card';
  switch (stage) {
    case 'visiting.signIn.checking':
    case 'visiting.checkingSignPin':
      return visit.onReaderPad ? 'pin-on-reader' : 'checking-pin';
    case 'visiting.signIn.verified':
    case 'visiting.proving':
      return 'proving-key';
    case 'visiting.opening':
      return 'opening-space';
    case 'visiting.recalling':
    case 'visiting.preparing':
    case 'visiting.openingRequest':
    case 'visiting.findingAsk':
    case 'visiting.lookingUp':
    case 'visiting.recallingFacts':
    case 'visiting.lookingUpSigned':
    case 'visiting.muting':
    case 'visiting.takenUp':
      return 'preparing';
    case 'visiting.handingOff':
      return 'storing';
    case 'visiting.refusingAsk':
      return 'sending';
    case 'visiting.signing':
    case 'visiting.answeringAsk':
      return 'signing';
    case 'visiting.sending':
      return 'sending';
    default:
      return 'reading-card';
  }
}

function handOffPage({ handedOff, place }: Visit): Page {
  if (handedOff === null) throw new Error('nothing was handed off');
  const { code, until } = handedOff;
  return { page: 'hand-off', code: shownAskCode(code), until: new Date(until * 1000).toISOString(), qr: handOffLink(code), place };
}

function accessOf({ access }: Visit): Access {
  if (access === null) throw new Error('nobody is signed in');
  return access;
}

function draftOf({ draft }: Visit): Draft {
  if (draft === null) throw new Error('no request in hand');
  return draft;
}

function pinPrompt({ card, triesLeft, pinWrong }: Visit): Omit<Extract<Page, { page: 'pin' }>, 'page'> {
  return { triesLeft, wrong: pinWrong, pinPad: card?.pinPad ?? false, minLength: card?.pinMinLength ?? 6, maxLength: card?.pinMaxLength ?? 32 };
}

const rows = (access: Access): RequestRow[] => access.requests.map(({ row }) => row);

/** What belongs to a bundle is asked for there. */
const offersAlone = ({ offers, bundles }: Access): Access['offers'] =>
  offers.filter(({ service }) => !bundles.some(({ bundle }) => bundle.members.includes(service.id)));

function homePage(access: Access, scannerReady: boolean): Page {
  return {
    page: 'home',
    name: access.name,
    services: offersAlone(access).map(serviceCard),
    bundles: access.bundles.map(({ bundle: { id, title, summary, members } }) => ({ id, title, summary, agencies: members.length })),
    requests: rows(access),
    notices: access.notices,
    news: access.news.length,
    asks: access.asks.map(({ ask, agency }) => ({ ask: ask.state, agency })),
    ...(scannerReady && access.offers.some(({ service }) => service.barcode !== undefined) ? { bills: true } : {}),
  };
}

function groupPage({ group }: Visit, access: Access): Page {
  if (group === null) throw new Error('no window is open');
  return { page: 'group', group, services: offersAlone(access).filter(({ service }) => service.group === group).map(serviceCard) };
}

function factsMissingPage({ lacking }: Visit, { known }: Access): Page {
  if (lacking === null) throw new Error('nothing was asked for');
  // A service file gives every claim of an agency a question: what is missing is the register's.
  if (known.name === undefined) throw new Error('a resident without a name');
  return { page: 'facts-missing', title: 'members' in lacking ? lacking.bundle.title : lacking.service.title, office: known.name.issuer, claims: missingOf(lacking, known) };
}

function requestPage({ opened, access }: Visit): Page {
  if (opened === null) throw new Error('no request is open');
  const { request, shown } = opened;
  const standing = access?.myData ? standingOf(access.myData, request, access.offers) : null;
  return {
    page: 'request',
    request: { ...request.row, state: shown.state, step: standing?.step ?? request.row.step, decision: standing?.decision ?? request.row.decision },
    qr: shown.qr,
    steps: request.steps,
    claims: request.claims,
    until: request.until,
    lookingIsOver: standing?.lookingIsOver ?? false,
    taken: standing === null || standing.taken.length < 2 ? [] : standing.taken,
    letters: standing?.letters ?? [],
    paid: standing?.paid ?? null,
    withdrawable: standing?.withdrawable ?? false,
  };
}

function consentPage(draft: Draft, access: Access): Page {
  if (draft.bundle !== null) return { page: 'letters', title: draft.bundle.title, letters: draft.letters.map((letter) => bundleLetter(draft, letter, access)) };
  const lead = leadOf(draft);
  return {
    page: 'consent',
    service: serviceCard(lead.offer),
    purpose: lead.offer.service.purpose.text,
    until: lastDay(lead.until),
    claims: consentClaims(lead, access.known),
  };
}

const bundleLetter = (draft: Draft, letter: Letter, access: Access): BundleLetter => ({
  service: serviceCard(letter.offer),
  purpose: letter.offer.service.purpose.text,
  until: lastDay(letter.until),
  claims: consentClaims(letter, access.known),
  answers: Object.values(letter.questions).map((question) => question['x-label']),
  told: letter.told,
  leads: letter === leadOf(draft),
});

function questionPage(draft: Draft): Page {
  const name = draft.asking ?? '';
  const question = questionsOf(draft)[name];
  if (question === undefined) throw new Error('no such question');
  const asked = toAsk(draft);
  return {
    page: 'question',
    service: draftCard(draft),
    question: name,
    label: question['x-label'],
    text: question['x-question'],
    hint: question['x-hint'] ?? null,
    input: question['x-input'],
    options: question['x-input'] === 'yes-no' ? [] : options(question.enum, question['x-options']),
    unit: question['x-unit'] ?? null,
    optional: !isRequired(draft, name),
    maxLength: question.maxLength ?? 40,
    value: answeredBefore(draft, name),
    problem: draft.problem,
    number: draft.changing ? 1 : asked.indexOf(name) + 1,
    of: draft.changing ? 1 : asked.length,
  };
}

const options = (values: readonly string[] = [], labels: readonly Localized[] = []): { value: string; label: Localized }[] =>
  values.map((value, index) => ({ value, label: labels[index] ?? { 'zh-Hans': value, en: value } }));

function checkPage(draft: Draft, access: Access): Page {
  const { fee } = leadOf(draft).offer.service;
  return {
    page: 'check',
    service: draftCard(draft),
    rows: checkRows(draft, access.known),
    fee: fee === undefined ? null : { amountFen: fee.amountFen },
  };
}

function signPage(visit: Visit, access: Access): Page {
  const signing = toSign(visit);
  switch (signing.what) {
    case 'request':
      return signRequestPage(visit, signing.draft, access);
    case 'grant.end':
      return { page: 'sign', what: signing.what, service: signing.grant.row.service, agency: signing.grant.row.agency, ...pinPrompt(visit) };
    case 'request.withdraw':
      return { page: 'sign', what: signing.what, service: signing.request.row.service, agency: signing.request.row.agency, ...pinPrompt(visit) };
    case 'facts.keep':
      return { page: 'sign', what: signing.what, fact: signing.fact, ...pinPrompt(visit) };
  }
  return never(signing);
}

function signRequestPage(visit: Visit, draft: Draft, access: Access): Page {
  const letters = toldLetters(draft);
  const lead = leadOf(draft);
  return {
    page: 'sign',
    what: 'request',
    service: draftCard(draft),
    claims: [...new Set(letters.flatMap((letter) => grantedClaims(letter, access.known)))],
    answers: new Set(letters.flatMap((letter) => Object.keys(answersOf(draft, letter)))).size,
    purpose: lead.offer.service.purpose.text,
    // The last of them to end.
    until: lastDay(Math.max(...letters.map(({ until }) => until))),
    ...pinPrompt(visit),
  };
}

function receiptPage({ issued, printing }: Visit, { printer, settings }: VisitContext): Page {
  const last = issued.at(-1);
  if (last === undefined) throw new Error('nothing was signed');
  const { what, reference, service, state, at, steps, fee, qr, code } = last;
  return { page: 'receipt', what, reference, service, state, at, steps, fee, qr, signed: issued.length, ...(settings.paperDots === null ? {} : { print: printOffer(printing, printer, settings.paperDots) }), ...(code === null ? {} : { code }) };
}

function askPage({ asked }: Visit): Page {
  if (asked === null) throw new Error('nothing is asked');
  const { shown, leftOut } = asked;
  const { ask, agency, missing } = shown;
  return { page: 'ask', agency, reason: ask.reason, until: new Date(ask.until * 1000).toISOString(), claims: askedRows(shown, leftOut), missing, enough: isAnswered(shown.parts, leftOut) };
}

function askDonePage({ askDone }: Visit): Page {
  if (askDone === null) throw new Error('nothing was asked');
  return { page: 'ask-done', agency: askDone.agency, ...askDone.done };
}

/** More lines than these do not fit the screen beside the code; and with many more codes the snapshot would not fit the bridge. */
const mostOnSheet = 4;

/** Of the codes of all of them together: with what else stands in it the snapshot fits the bridge. */
const mostCodeChars = 40_000;

function receiptsPage({ issued, printing }: Visit, { printer, settings }: VisitContext): Page {
  let room = mostCodeChars;
  const all = issued.toReversed().map(({ what, reference, service, state, at, fee, qr }): ReceiptCodes => {
    room -= qr.reduce((sum, { length }) => sum + length, 0);
    return { reference, what, service: service?.title ?? null, agencies: service === null ? [] : (service.agencies ?? [service.agency]), state, at, fee, qr: room < 0 ? [] : qr };
  });
  const [receipts, others] = [all.slice(0, mostOnSheet), all.slice(mostOnSheet)];
  return { page: 'receipts', receipts, more: others.length, ...(settings.paperDots === null ? {} : { print: printOffer(printing, printer, settings.paperDots), others }) };
}

/** More lines than these nobody reads on a screen; the proof counts all. */
const mostLooks = 60;

function myDataOf(visit: Visit): MyData {
  const { myData } = accessOf(visit);
  if (myData === null) throw new Error('nothing was looked up');
  return myData;
}

function myDataPage(access: Access): Page {
  const { myData, known, self, offers, muted } = access;
  if (myData === null) throw new Error('nothing was looked up');
  const groups = factGroups(known);
  return {
    page: 'my-data',
    facts: groups.reduce((sum, { facts }) => sum + facts.length, 0) + Object.keys(self ?? {}).length,
    issuers: groups.length,
    live: grantsOf(myData, offers).filter(({ row }) => row.state === 'live').length,
    looks: looksOf(myData, offers).length,
    signed: signedTransactions(myData).length,
    muted: muted.length,
  };
}

const factsPage = ({ known, self, offers }: Access): Page => ({ page: 'facts', groups: factGroups(known), typed: typedFacts(self ?? {}, offers) });

function correctionPage({ correcting }: Visit): Page {
  if (correcting === null) throw new Error('nothing is corrected');
  const { question, name, fact, problem } = correcting;
  return {
    page: 'question',
    service: null,
    question: name,
    label: question['x-label'],
    text: question['x-question'],
    hint: question['x-hint'] ?? null,
    input: question['x-input'],
    options: question['x-input'] === 'yes-no' ? [] : options(question.enum, question['x-options']),
    unit: question['x-unit'] ?? null,
    optional: false,
    maxLength: question.maxLength ?? 40,
    value: fact.value,
    problem,
    number: 1,
    of: 1,
  };
}

function grantPage(visit: Visit): Page {
  const grant = chosenGrant(visit);
  if (grant === undefined) throw new Error('no grant is chosen');
  const looks = looksOf(myDataOf(visit), accessOf(visit).offers).filter((look) => look.look === 'read' && look.grant === grant.row.grant);
  return { page: 'grant', grant: grant.row, looks };
}

function undoPage({ undoing }: Visit): Page {
  if (undoing === null) throw new Error('nothing is undone');
  return undoing.what === 'grant.end'
    ? { page: 'undo', undo: { what: 'grant.end', grant: undoing.grant.row } }
    : { page: 'undo', undo: { what: 'request.withdraw', request: undoing.request.row } };
}

function proofPage(visit: Visit): Page {
  const data = myDataOf(visit);
  const { head } = data.activity;
  return { page: 'proof', entries: data.entries.length, at: new Date(head.timeMs).toISOString(), kinds: kindsOf(data), qr: visit.proofCodes };
}

function letterPage({ letter }: Visit): Page {
  if (letter === null) throw new Error('no letter is open');
  return { page: 'letter', ...letter };
}

function failurePage({ setback }: Visit): Page {
  if (setback === null) throw new Error('nothing failed');
  const { failure, next, sent } = setback;
  return { page: 'failure', code: failure.code, detail: failure.detail ?? null, next, sent };
}
