import type { Language } from '../../contract/language.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import type { ActStatement } from '../../ledger/verify/receipt-statement.ts';
import { actWords, type ActWords } from './act-words.ts';

/** What one act says, in plain words. */
export interface ActSaid {
  sentence: string;
  /** Names of claims, as in `contract/claims.ts`. */
  claims: readonly string[];
  facts: readonly (readonly [label: string, value: string])[];
  /** Why it says no more. */
  note: string | null;
}

/** How ids are called; only the ids are proven. */
export interface Calling {
  party(id: string): string;
  service(id: string): string;
}

/** The legal time of the district, wherever a receipt is read. */
export const districtTimeZone = 'Asia/Shanghai';

export function sayAct(act: ActStatement, language: Language, calling: Calling): ActSaid {
  const words = actWords[language];
  switch (act.shown) {
    case 'no-private-part':
      return { ...bare, sentence: words.kinds[act.kind] };
    case 'public-part':
      return { ...bare, sentence: words.kinds[act.kind], note: words.hidden };
    case 'all':
      return { ...bare, ...sayPart(act, words, language, calling) };
  }
}

const bare: ActSaid = { sentence: '', claims: [], facts: [], note: null };

type Shown = Extract<ActStatement, { shown: 'all' }>;

function sayPart({ part, reads, step }: Shown, words: ActWords, language: Language, { party, service }: Calling): Partial<ActSaid> & Pick<ActSaid, 'sentence'> {
  switch (part.kind) {
    case 'grant.give':
      return {
        sentence: words.grant(party(part.agency), part.claims.length),
        claims: part.claims,
        facts: [[words.service, service(part.service)], [words.until, lastDay(part.until, language)], ...(reads === null ? [] : [[words.reads, words.times(reads)] as const])],
      };
    case 'grant.end':
      return { sentence: words.grantEnd(party(part.agency)) };
    case 'request.submit':
      return { sentence: words.request(party(part.agency)), facts: [[words.service, service(part.service)]] };
    case 'request.withdraw':
      return { sentence: words.withdraw(party(part.agency)) };
    case 'facts.keep':
      return { sentence: words.kinds['facts.keep'] };
    case 'request.step':
      return { sentence: words.step(party(part.agency))[part.decision ?? step ?? 'decided'] };
    case 'credential.anchor':
      return { sentence: words.credential(party(part.issuer)), facts: [[words.credentialKind, part.vct]] };
    case 'credential.revoke':
      return { sentence: words.revocation(party(part.issuer)), facts: [[words.credentialKind, part.vct], [words.reason, words.reasons[part.reason]]] };
    case 'verification.answer':
      return { sentence: words.answer(party(part.agency), part.claims.length), claims: part.claims, facts: [[words.purpose, part.purpose]] };
    case 'access.record':
      return {
        sentence: part.claims.length === 0 ? words.accessUnderCase(party(part.party)) : words.access(party(part.party), part.claims.length),
        claims: part.claims,
        facts: [[words.purpose, part.purpose], [words.officer, toHex(part.officer)]],
      };
    case 'access.lookup':
      return { sentence: words.lookup(party(part.party)), facts: [[words.reason, part.reason], [words.officer, toHex(part.staff)]] };
    case 'case.open':
      return {
        sentence: words.caseOpen(part.subjects.length),
        facts: [[words.basis, part.basis], [words.covers, part.kinds.join(', ')], [words.from, day(part.from, language)], [words.to, day(part.to, language)]],
      };
  }
}

/** The last day on which there is something to look at, as the kiosk says it: a grant that ends at midnight ends with the day before. */
function lastDay(end: string, language: Language): string {
  const ms = Date.parse(end);
  return day(Number.isNaN(ms) ? end : new Date(ms - 1000).toISOString(), language);
}

/** As it was signed, where there is no such day. */
function day(moment: string, language: Language): string {
  const ms = Date.parse(moment);
  return Number.isNaN(ms) ? moment : new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: districtTimeZone }).format(ms);
}
