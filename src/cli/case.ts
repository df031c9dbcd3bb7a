import { readFileSync } from 'node:fs';
import { hubFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { CaseOffice, type CaseEntry } from '../gateway/cases/case-office.ts';
import { gatewayClient } from '../gateway/client.ts';
import { secretsOf } from '../hub/key-file.ts';
import { softwareOpener } from '../identity/hpke.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import type { CasePart, PublicKey } from '../ledger/verify/acts.ts';
import type { CaseRecord } from '../ledger/verify/records.ts';
import { fromBase64url, fromHex, toBase64url, toHex } from '../ledger/verify/bytes.ts';
import { trustThrough } from '../ledger/verify/handover.ts';
import { readWords } from './arguments.ts';
import { CardFailed, CardsAtHand, isBinding } from './cards-at-hand.ts';
import { openTerminal } from './terminal.ts';

export const usage = `imi case open OFFICE --basis TEXT --subjects ID[,ID…] --kinds KIND[,KIND…] --from DAY --to DAY --until DAY --opens DAY
              --second STAFF --authority NAME[,NAME…] --threshold K [--keeper NAME] [--elsewhere]
imi case list OFFICE
imi case show CASE OFFICE
imi case sign DRAFT [--authority-key FILE] OFFICE
imi case read CASE --subject ID OFFICE
imi case close CASE OFFICE
imi case share CASE OFFICE
imi case body CASE --shares SHARE[,SHARE…] OFFICE
imi case unseal CASE --authority-key FILE[,FILE…] [--with KEY[,KEY…]] OFFICE
  OFFICE: --hub FILE --gateway URL --party NAME --key FILE [--ca FILE] [--binding smartcard|pcsclite]`;

const options = {
  hub: { type: 'string' },
  gateway: { type: 'string' },
  party: { type: 'string' },
  key: { type: 'string' },
  ca: { type: 'string' },
  binding: { type: 'string', default: 'smartcard' },
  basis: { type: 'string' },
  subjects: { type: 'string' },
  subject: { type: 'string' },
  kinds: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  until: { type: 'string' },
  opens: { type: 'string' },
  second: { type: 'string' },
  authority: { type: 'string' },
  threshold: { type: 'string' },
  keeper: { type: 'string', default: 'keeper' },
  elsewhere: { type: 'boolean', default: false },
  shares: { type: 'string' },
  'authority-key': { type: 'string' },
  with: { type: 'string' },
} as const;
type Values = ReturnType<typeof readWords<typeof options>>['values'];

class Misused extends Error {}

/**
 * Cases of an auditor's office. What is asked of a card is asked of the one in any reader, one after the other; the PIN is never an argument.
 * Exit codes: 0 done; 1 refused or failed, the code is on stderr; 2 called wrongly.
 */
export async function run(args: string[]): Promise<number> {
  // What is printed is JSON, for programs; people are spoken to beside it.
  const terminal = openTerminal(process.stdin, process.stderr);
  let cards: CardsAtHand | null = null;
  try {
    const { values, positionals } = readWords(args, options);
    if (values.binding === undefined || !isBinding(values.binding)) throw new Misused('binding');
    const office = officeOf(values);
    if (!office.ok) return complain(office.failure);
    const { binding } = values;
    const hand = (): CardsAtHand => (cards ??= new CardsAtHand(terminal, { binding, reader: null }));
    const done = await carryOut(positionals, values, office.value, hand, (line) => terminal.say(line));
    if (!done.ok) return complain(done.failure);
    process.stdout.write(`${JSON.stringify(done.value, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof CardFailed) return complain(error.failure);
    if (!(error instanceof Misused) && !(error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))) throw error;
    process.stderr.write(`${error.message}\n${usage}\n`);
    return 2;
  } finally {
    (cards as CardsAtHand | null)?.stop();
    terminal.close();
  }
}

function complain({ code, detail }: Failure<string>): number {
  process.stderr.write(`imi case: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
  return 1;
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new Misused(`--${name} is missing`);
  return value;
}

function id(text: string | undefined, name: string): Uint8Array {
  const bytes = fromHex(text ?? '');
  if (bytes?.length !== 16) throw new Misused(`${name}: 32 hexadecimal digits`);
  return bytes;
}

/** A day is its beginning in UTC. */
function moment(text: string | undefined, name: string): Date {
  const date = new Date(needed(text, name));
  if (Number.isNaN(date.getTime())) throw new Misused(`--${name}: a day as 2026-12-31, or a moment in ISO 8601`);
  return date;
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

function officeOf(values: Values): Result<CaseOffice, Failure<string>> {
  const keys = secretsOf(needed(values.key, 'key'), ['sign', 'seal']);
  if (!keys.ok) return keys;
  let trustRoot: ReturnType<typeof hubFileSchema.parse>['trustRoot'];
  let ca: string | undefined;
  try {
    ({ trustRoot } = hubFileSchema.parse(JSON.parse(readFileSync(needed(values.hub, 'hub'), 'utf8'))));
    ca = values.ca === undefined ? undefined : readFileSync(values.ca, 'utf8');
  } catch (error) {
    if (error instanceof Misused) throw error;
    return fail('usage', 'a file cannot be read');
  }
  const name = needed(values.party, 'party');
  return ok(
    new CaseOffice({
      client: gatewayClient({ url: needed(values.gateway, 'gateway'), party: { name, signer: ed25519Signer(keys.value.sign) }, now: Date.now, ...(ca === undefined ? {} : { ca }) }),
      name,
      opener: softwareOpener(keys.value.seal),
      chain: trustRoot.chain,
      trust: trustThrough(trustRoot, nodeCrypto),
      crypto: nodeCrypto,
      now: Date.now,
    }),
  );
}

async function carryOut([command, what, ...more]: string[], values: Values, office: CaseOffice, cards: () => CardsAtHand, say: (line: string) => void): Promise<Result<unknown, Failure<string>>> {
  if (more.length > 0) throw new Misused('one case, or one draft');
  switch (command) {
    case 'open':
      return openCase(values, office, cards());
    case 'list':
      return list(office);
    case 'show':
      return show(what, office);
    case 'sign':
      return values['authority-key'] === undefined ? sign(needed(what, 'draft'), office, cards(), say) : signUnsealing(needed(what, 'draft'), values['authority-key'], office);
    case 'read':
      return read(what, values, office, cards());
    case 'close': {
      const card = await cards().signer('the auditor’s card', null);
      if (!card.ok) return card;
      const closed = await office.close(id(what, 'case'), card.value);
      await card.value.release();
      return closed.ok ? ok({ closed: what, transaction: closed.value }) : closed;
    }
    case 'share': {
      const piece = await office.share(id(what, 'case'));
      return piece.ok ? ok({ share: toBase64url(piece.value) }) : piece;
    }
    case 'body': {
      const pieces = needed(values.shares, 'shares').split(',').map((text) => fromBase64url(text) ?? new Uint8Array(0));
      const part = await office.body(id(what, 'case'), pieces);
      return part.ok ? ok(partView(part.value)) : part;
    }
    case 'unseal':
      return unseal(what, values, office);
    case undefined:
    default:
      throw new Misused(`no such command: ${command ?? ''}`);
  }
}

async function openCase(values: Values, office: CaseOffice, cards: CardsAtHand): Promise<Result<unknown, Failure<string>>> {
  const members = needed(values.authority, 'authority').split(',');
  const threshold = Number(needed(values.threshold, 'threshold'));
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > members.length) throw new Misused(`--threshold: 1 to ${members.length}`);
  const wish = {
    basis: needed(values.basis, 'basis'),
    subjects: needed(values.subjects, 'subjects').split(',').map((text) => id(text, '--subjects')),
    kinds: needed(values.kinds, 'kinds').split(','),
    from: moment(values.from, 'from').toISOString(),
    to: moment(values.to, 'to').toISOString(),
    until: seconds(moment(values.until, 'until')),
    opensAt: seconds(moment(values.opens, 'opens')),
    members,
    threshold,
  };
  const second = id(values.second, '--second');
  const auditor = await cards.signer('the auditor’s card', null);
  if (!auditor.ok) return auditor;
  const begun = await office.begin(wish, auditor.value, second, values.keeper);
  await auditor.value.release();
  if (!begun.ok) return begun;
  const caseId = toHex(begun.value.id);
  if (values.elsewhere) {
    const left = await office.leave(begun.value);
    return left.ok ? ok({ case: caseId, draft: left.value, waitsFor: begun.value.second.party }) : left;
  }
  const other = begun.value.draft.signers[1]?.[1] ?? new Uint8Array(0);
  const officer = await cards.signer('the second officer’s card', other);
  if (!officer.ok) return officer;
  const done = await office.finish(begun.value, officer.value);
  await officer.value.release();
  return done.ok ? ok({ case: caseId, transaction: done.value }) : done;
}

async function list(office: CaseOffice): Promise<Result<unknown, Failure<string>>> {
  const [drafts, sealed, own] = [await office.drafts(), await office.sealed(), await office.cases()];
  if (!drafts.ok) return drafts;
  if (!sealed.ok) return sealed;
  // A second officer's office and the authority have none.
  if (!own.ok && own.failure.code !== 'party-not-admitted') return own;
  const row = ({ id: caseId, office: party, state, until, opensAt, sealed: isSealed }: CaseRecord): object => ({ case: toHex(caseId), office: party, state, sealed: isSealed, until: iso(until), opensAt: iso(opensAt), overdue: isSealed && opensAt * 1000 < Date.now() });
  return ok({
    drafts: drafts.value.map((draft) => ({ ...draft, until: new Date(draft.until * 1000).toISOString() })),
    ...(own.ok ? { cases: own.value.map(row) } : {}),
    sealed: sealed.value.map(row),
  });
}

const iso = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString();

async function show(what: string | undefined, office: CaseOffice): Promise<Result<unknown, Failure<string>>> {
  const record = await office.case(id(what, 'case'));
  if (!record.ok) return record;
  if (record.value === null) return fail('case-unknown');
  const { office: party, until, opensAt, state, sealed, since } = record.value;
  return ok({ case: what, office: party, state, sealed, until: iso(until), opensAt: iso(opensAt), since });
}

/** A member of the authority who is elsewhere adds a signature. */
async function signUnsealing(draftId: string, path: string, office: CaseOffice): Promise<Result<unknown, Failure<string>>> {
  if (!isDraftId(draftId)) throw new Misused(draftForm);
  const keys = secretsOf(path, ['sign']);
  if (!keys.ok) return keys;
  const begun = await office.unsealingBegun(draftId);
  if (!begun.ok) return begun;
  const signed = await office.sign(begun.value.draft, ed25519Signer(keys.value.sign));
  if (!signed.ok) return signed;
  return signed.value.state === 'rejected' ? fail(signed.value.code ?? 'rejected') : ok({ case: toHex(begun.value.case), ...signed.value });
}

const isDraftId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
const draftForm = 'a draft is named by 64 hexadecimal digits';

/** The second officer reads what it is about before anything is signed. */
async function sign(draftId: string, office: CaseOffice, cards: CardsAtHand, say: (line: string) => void): Promise<Result<unknown, Failure<string>>> {
  if (!isDraftId(draftId)) throw new Misused(draftForm);
  const draft = await office.draft(draftId);
  if (!draft.ok) return draft;
  const { act, part } = draft.value;
  say(`A case of ${act.office}: ${JSON.stringify({ ...partView(part), until: iso(act.until), opensAt: iso(act.opensAt) }, null, 2)}`);
  const card = await cards.signer('your card', null);
  if (!card.ok) return card;
  const signed = await office.sign(draft.value.draft, card.value);
  await card.value.release();
  if (!signed.ok) return signed;
  return signed.value.state === 'rejected' ? fail(signed.value.code ?? 'rejected') : ok({ case: toHex(act.id), ...signed.value });
}

async function read(what: string | undefined, values: Values, office: CaseOffice, cards: CardsAtHand): Promise<Result<unknown, Failure<string>>> {
  const caseId = id(what, 'case');
  const subject = id(values.subject, '--subject');
  const card = await cards.signer('the auditor’s card', null);
  if (!card.ok) return card;
  const done = await office.read(caseId, subject, card.value);
  await card.value.release();
  return done.ok ? ok({ look: done.value.transaction, entries: done.value.entries.map(entryView) }) : done;
}

async function unseal(what: string | undefined, values: Values, office: CaseOffice): Promise<Result<unknown, Failure<string>>> {
  const caseId = id(what, 'case');
  const signers = [];
  for (const path of needed(values['authority-key'], 'authority-key').split(',')) {
    const keys = secretsOf(path, ['sign']);
    if (!keys.ok) return keys;
    signers.push(ed25519Signer(keys.value.sign));
  }
  const others = values.with?.split(',').map((text): PublicKey => [-19, fromBase64url(text) ?? new Uint8Array(0)]) ?? [];
  const [first] = signers;
  if (others.length === 0 || first === undefined) {
    const done = await office.unseal(caseId, signers);
    return done.ok ? ok({ unsealed: what, transaction: done.value }) : done;
  }
  const left = await office.beginUnsealing(caseId, first, others);
  return left.ok ? ok({ draft: left.value }) : left;
}

const partView = ({ basis, subjects, kinds, from, to }: CasePart): { basis: string; subjects: string[]; kinds: string[]; from: string; to: string } => ({ basis, subjects: subjects.map(toHex), kinds, from, to });

/** Bytes as text: ids and hashes in hexadecimal, signed orders left out, which say the same in another form. */
function entryView({ transaction, act, kind, at, part }: CaseEntry): unknown {
  const plain = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return value.length > 64 ? `${value.length} bytes` : toHex(value);
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
    return value;
  };
  return { transaction, act, kind, at: iso(at), part: plain(part.part) };
}
