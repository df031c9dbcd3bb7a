import type { GrantRow, GrantState, LetterLine, Look, News, RequestRow, RequestStep, StepTaken } from '../../contract/bridge.ts';
import type { Withheld } from '../../contract/hub-door.ts';
import type { Localized } from '../../contract/language.ts';
import type { SpaceContents } from '../../identity/space.ts';
import type { AccessPart, Act, ActivityAct, GrantGive, Id, Name, OpenedPart, PrivatePart, RequestSubmit } from '../../ledger/verify/acts.ts';
import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { opensAct } from '../../ledger/verify/private-part.ts';
import { pseudonym, shortId } from '../../ledger/verify/reference.ts';
import type { ProvenActivity, ProvenParty } from '../district.ts';
import { lastDay, type Offer } from './draft.ts';
import type { PastRequest } from './work.ts';

/** One entry of the resident's chain with the private part that the data space has of it; null where it has none, or another than the act commits to. */
export interface KnownEntry {
  transaction: Uint8Array;
  logIndex: number;
  actIndex: number;
  act: Act;
  bytes: Uint8Array;
  opened: OpenedPart | null;
  /** Unix seconds of its block, as the data space has it. */
  at: number | null;
}

/** `withheld`: parts of looks under cases that are sealed yet. */
export type Held = Pick<SpaceContents, 'parts' | 'letters'> & { withheld: readonly Withheld[] };

/** All that the ledger holds on the resident, proved complete, and what the data space knows of it. A value: looked up anew, it is another one. */
export interface MyData {
  activity: ProvenActivity;
  /** In the log's order. */
  entries: readonly KnownEntry[];
  /** What the data space and this kiosk have of the resident's acts. */
  held: Held;
  /** Whoever is named in a part. */
  parties: ReadonlyMap<Name, ProvenParty>;
  /** Grants (hex) whose signed end, and requests whose withdrawal, waits to be sent. */
  ending: ReadonlySet<string>;
  /** Unix seconds, when it was looked up. */
  now: number;
}

const same = (text: string): Localized => ({ 'zh-Hans': text, en: text });
const iso = (seconds: number | null): string | null => (seconds === null ? null : new Date(seconds * 1000).toISOString());

/** Each entry with its part. Anybody can seal to a data space: what does not open the act's commitment is as good as not there. */
export function knownEntries({ entries }: ProvenActivity, parts: SpaceContents['parts'], crypto: Crypto): KnownEntry[] {
  const held = Map.groupBy(parts, ({ transaction, act }) => `${toHex(transaction)}/${act}`);
  return entries.map(({ transaction, logIndex, actIndex, bytes, act }) => {
    const candidates = held.get(`${toHex(transaction)}/${actIndex}`) ?? [];
    const mine = 'private' in act ? candidates.find(({ opened }) => opensAct(act, opened, crypto)) : undefined;
    return { transaction, logIndex, actIndex, act, bytes, opened: mine?.opened ?? null, at: mine?.at ?? null };
  });
}

/** Who has to be looked up so that everything can be said by name. */
export function partiesNamed(entries: readonly KnownEntry[]): Name[] {
  const names = new Set<Name>();
  for (const { opened } of entries) {
    const part = opened?.part;
    if (part === undefined) continue;
    if ('agency' in part) names.add(part.agency);
    if ('party' in part) names.add(part.party);
    if ('issuer' in part) names.add(part.issuer);
  }
  return [...names];
}

const nameOf = ({ parties }: MyData, party: Name): Localized => parties.get(party)?.names ?? same(party);

const isEntryOf = <K extends ActivityAct['kind']>(entry: KnownEntry, kind: K, id: Id): entry is KnownEntry & { act: ActivityAct & { kind: K } } =>
  entry.act.kind === kind && equalBytes((entry.act).id, id);

const partOf = <K extends PrivatePart['kind']>({ opened }: KnownEntry, kind: K): Extract<PrivatePart, { kind: K }> | null =>
  opened?.part.kind === kind ? (opened.part as Extract<PrivatePart, { kind: K }>) : null;

const purposeText = (offers: readonly Offer[], purpose: Name): Localized => offers.find(({ service }) => service.purpose.id === purpose)?.service.purpose.text ?? same(purpose);
const serviceTitle = (offers: readonly Offer[], id: Name): Localized => offers.find(({ service }) => service.id === id)?.service.title ?? same(id);

const groups: readonly RequestRow['group'][] = ['tax', 'pension', 'healthcare', 'utility', 'banking', 'telecom'];
/** A service that was withdrawn since keeps its window: the group stands in its id. */
export const groupOf = (service: Name): RequestRow['group'] => groups.find((group) => service.startsWith(`${group}/`)) ?? 'utility';

/** A grant that the resident gave: what is shown of it, and what is needed to end it. */
export interface KnownGrant {
  id: Id;
  agency: Name;
  row: GrantRow;
}

/** Newest first. A grant whose part is not there cannot be told of, nor ended here: its entry shows in the proof. */
export function grantsOf(data: MyData, offers: readonly Offer[]): KnownGrant[] {
  return data.entries
    .flatMap((entry): KnownGrant[] => {
      const part = partOf(entry, 'grant.give');
      if (part === null || entry.act.kind !== 'grant.give') return [];
      const { act } = entry;
      const used = data.entries.filter(({ act: other }) => other.kind === 'access.record' && other.refs?.some((ref) => equalBytes(ref, act.id)) === true).length;
      return [
        {
          id: act.id,
          agency: part.agency,
          row: {
            grant: toHex(act.id),
            agency: nameOf(data, part.agency),
            service: serviceTitle(offers, part.service),
            group: groupOf(part.service),
            purpose: purposeText(offers, part.purpose),
            claims: part.claims,
            given: part.given,
            until: lastDay(act.until),
            reads: act.reads,
            used,
            state: grantState(data, act, used),
            ending: data.ending.has(toHex(act.id)),
          },
        },
      ];
    })
    .reverse();
}

function grantState({ entries, now }: MyData, { id, until, reads }: GrantGive, used: number): GrantState {
  if (entries.some((entry) => isEntryOf(entry, 'grant.end', id) || entry.act.kind === 'resident.retire')) return 'ended';
  if (until <= now) return 'expired';
  return used >= reads ? 'used-up' : 'live';
}

const lookKinds = ['access.record', 'access.lookup', 'verification.answer'] as const;
type LookKind = (typeof lookKinds)[number];
const isLookKind = (kind: Act['kind']): kind is LookKind => lookKinds.some((look) => look === kind);

/** Every look that anybody took, newest first. One whose private part is missing is there all the same, as what it is publicly. */
export function looksOf(data: MyData, offers: readonly Offer[]): Look[] {
  return data.entries.flatMap((entry, index): Look[] => (isLookKind(entry.act.kind) ? [lookOf(data, offers, entry, index + 1)] : [])).reverse();
}

function lookOf(data: MyData, offers: readonly Offer[], entry: KnownEntry, number: number): Look {
  const common = { entry: number, at: iso(entry.at) };
  const access = partOf(entry, 'access.record');
  if (access !== null) return { ...common, ...readOf(data, offers, entry.act as ActivityAct, access) };
  const lookup = partOf(entry, 'access.lookup');
  if (lookup !== null) return { ...common, look: 'index', office: nameOf(data, lookup.party), officer: pseudonym(lookup.staff), reason: lookup.reason };
  const answer = partOf(entry, 'verification.answer');
  if (answer !== null) return { ...common, look: 'answer', office: nameOf(data, answer.agency), claims: answer.claims, purpose: purposeText(offers, answer.purpose) };
  if (entry.act.kind === 'access.record' && entry.act.case !== undefined) return { ...common, look: 'sealed', opensAt: iso(opensAt(data, entry)) };
  return { ...common, look: 'untold', kind: entry.act.kind as LookKind };
}

const opensAt = ({ held }: MyData, { transaction, actIndex }: KnownEntry): number | null =>
  held.withheld.find((one) => one.act === actIndex && equalBytes(one.transaction, transaction))?.opensAt ?? null;

type LookBody<L extends Look = Look> = L extends Look ? Omit<L, 'entry' | 'at'> : never;

function readOf(data: MyData, offers: readonly Offer[], act: ActivityAct, { party, officer, purpose, claims, case: sealed }: AccessPart): LookBody {
  const office = nameOf(data, party);
  const given = data.entries.find(({ act: other }) => other.kind === 'grant.give' && act.refs?.some((ref) => equalBytes(ref, other.id)) === true);
  const basis = sealed?.id ?? (given === undefined && claims.length === 0 ? act.refs?.[0] : undefined);
  if (basis !== undefined) return { look: 'case', office, officer: pseudonym(officer), purpose: purposeText(offers, purpose), basis: shortId(basis) };
  const grant = given === undefined ? null : partOf(given, 'grant.give');
  return {
    look: 'read',
    office,
    officer: pseudonym(officer),
    claims,
    purpose: purposeText(offers, purpose),
    service: grant === null ? null : serviceTitle(offers, grant.service),
    grant: given === undefined ? null : toHex((given.act as GrantGive).id),
  };
}

/** A request as the agency has it by now. */
export interface RequestStanding {
  id: Id;
  agency: Name;
  step: RequestStep;
  decision: RequestRow['decision'];
  /** Oldest first. */
  taken: StepTaken[];
  letters: LetterLine[];
  paid: { amountFen: number; reference: string } | null;
  withdrawable: boolean;
  /** Of the grants that it rests on, those that are live. */
  grants: KnownGrant[];
  /** It rests on grants, and under none of them may the agency still look. */
  lookingIsOver: boolean;
}

/** null: it is not in the ledger yet, or not the resident's. */
export function standingOf(data: MyData, { transaction, row }: Pick<PastRequest, 'transaction' | 'row'>, offers: readonly Offer[]): RequestStanding | null {
  const submitted = data.entries.find(
    (entry) => equalBytes(entry.transaction, transaction) && entry.act.kind === 'request.submit' && (row.act ?? entry.actIndex) === entry.actIndex,
  );
  const part = submitted === undefined ? null : partOf(submitted, 'request.submit');
  if (submitted === undefined || part === null) return null;
  const { id, refs = [] } = submitted.act as RequestSubmit;
  const steps = data.entries.filter((entry) => isEntryOf(entry, 'request.step', id) || isEntryOf(entry, 'request.withdraw', id));
  const taken: StepTaken[] = [{ step: 'submitted', at: iso(submitted.at) }, ...steps.map(({ act, at }): StepTaken => ({ step: act.kind === 'request.step' ? act.step : 'withdrawn', at: iso(at) }))];
  const step = taken.at(-1)?.step ?? 'submitted';
  const restsOn = grantsOf(data, offers).filter((grant) => refs.some((ref) => equalBytes(ref, grant.id)));
  const told = steps.map((entry) => ({ entry, part: partOf(entry, 'request.step') }));
  return {
    id,
    agency: part.agency,
    step,
    decision: told.findLast((one) => one.part?.decision !== undefined)?.part?.decision ?? null,
    taken,
    letters: told.flatMap(({ entry, part: stepPart }) => letterOf(data, entry, stepPart?.letter?.[1])),
    paid: told.findLast((one) => one.part?.payment !== undefined)?.part?.payment ?? null,
    withdrawable: (step === 'submitted' || step === 'received' || step === 'needs-more') && !data.ending.has(toHex(id)),
    grants: restsOn.filter(({ row: grant }) => grant.state === 'live' && !grant.ending),
    lookingIsOver: restsOn.length > 0 && restsOn.every(({ row: grant }) => grant.state !== 'live'),
  };
}

export const letterName = (transaction: Uint8Array, act: number): string => `${toHex(transaction)}/${act}`;

/** The letter that the step names by its hash, and no other. */
function letterOf({ held: { letters } }: MyData, entry: KnownEntry, hash: Uint8Array | undefined): LetterLine[] {
  const found = hash === undefined ? undefined : letters.find((letter) => letter.act === entry.actIndex && equalBytes(letter.transaction, entry.transaction) && equalBytes(letter.hash[1], hash));
  return found === undefined ? [] : [{ letter: letterName(entry.transaction, entry.actIndex), title: found.letter.title, at: new Date(found.at * 1000).toISOString() }];
}

export interface OpenLetter {
  agency: Localized;
  title: string;
  text: string;
  at: string;
}

export function openedLetter(data: MyData, name: string): OpenLetter | null {
  const entry = data.entries.find(({ transaction, actIndex }) => letterName(transaction, actIndex) === name);
  const part = entry === undefined ? null : partOf(entry, 'request.step');
  if (entry === undefined || part === null) return null;
  const [line] = letterOf(data, entry, part.letter?.[1]);
  const found = data.held.letters.find(({ transaction, act }) => letterName(transaction, act) === name);
  return line === undefined || found === undefined ? null : { agency: nameOf(data, part.agency), title: line.title, text: found.letter.text, at: line.at };
}

/** How many entries of each kind, the most frequent first. */
export function kindsOf({ entries }: MyData): { kind: string; count: number }[] {
  const counts = Map.groupBy(entries, ({ act }) => act.kind);
  return [...counts].map(([kind, all]) => ({ kind, count: all.length })).sort((a, b) => b.count - a.count);
}

/** A grant that ends within so many days is news. */
const endsSoonSeconds = 7 * 86_400;

/**
 * What happened since the last visit: what others did, not what the resident signed. What has no time and no part counts each time: somebody owes an answer.
 * @param since Unix seconds; null on the first visit, to which nothing is news but looks.
 */
export function newsOf(data: MyData, since: number | null, requests: readonly PastRequest[], offers: readonly Offer[]): News[] {
  const isNew = (at: number | null): boolean => at === null || at > (since ?? 0);
  const fresh = data.entries.filter(({ at }) => isNew(at));
  const news: News[] = [];
  const looks = looksOf(data, offers).filter(({ at }) => at === null || Date.parse(at) / 1000 > (since ?? 0));
  news.push(...lookNews(looks));
  if (since === null) return news;
  for (const request of requests) news.push(...stepNews(data, request, offers, since));
  for (const { row } of grantsOf(data, offers)) {
    const ends = Date.parse(`${row.until}T23:59:59`) / 1000;
    if (row.state === 'live' && ends - data.now < endsSoonSeconds) news.push({ news: 'grant-ends', grant: row.grant, agency: row.agency, until: row.until });
  }
  for (const entry of fresh) {
    const part = entry.opened?.part;
    if (part?.kind === 'credential.anchor') news.push({ news: 'credential', issuer: nameOf(data, part.issuer), change: 'issued' });
    if (part?.kind === 'credential.revoke' && part.reason !== 'replaced') news.push({ news: 'credential', issuer: nameOf(data, part.issuer), change: 'revoked' });
  }
  return news;
}

function lookNews(looks: readonly Look[]): News[] {
  const news: News[] = [];
  const untold = looks.filter(({ look }) => look === 'untold').length;
  if (untold > 0) news.push({ news: 'untold', count: untold });
  for (const look of looks) if (look.look === 'sealed') news.push({ news: 'sealed', opensAt: look.opensAt });
  if (looks.some(({ look }) => look === 'case')) news.push({ news: 'case' });
  const readers = Map.groupBy(looks.filter((look) => look.look === 'read'), ({ office }) => office.en);
  for (const [, reads] of readers) if (reads[0] !== undefined) news.push({ news: 'read', agency: reads[0].office, count: reads.length });
  for (const look of looks) if (look.look === 'index') news.push({ news: 'index', office: look.office });
  return news;
}

function stepNews(data: MyData, request: PastRequest, offers: readonly Offer[], since: number): News[] {
  const standing = standingOf(data, request, offers);
  if (standing === null) return [];
  const isNew = (at: string | null): boolean => at !== null && Date.parse(at) / 1000 > since;
  const last = standing.taken.at(-1);
  const stepped = last !== undefined && last.step !== 'submitted' && last.step !== 'withdrawn' && isNew(last.at);
  return [
    ...(stepped ? [{ news: 'step' as const, reference: request.row.reference, service: request.row.service, step: last.step }] : []),
    ...standing.letters.filter(({ at }) => isNew(at)).map(({ letter }) => ({ news: 'letter' as const, letter, agency: request.row.agency })),
  ];
}
