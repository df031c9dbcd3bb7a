import type { CheckRow, ConsentClaim } from '../../contract/bridge.ts';
import type { IdentityClaim } from '../../contract/claims.ts';
import type { Localized } from '../../contract/language.ts';
import type { Question, Service } from '../../contract/service.ts';
import type { Answers } from '../../identity/self-claims.ts';
import type { Hash } from '../../ledger/verify/acts.ts';

/** A service as the ledger vouches for it. */
export interface Offer {
  service: Service;
  /** Hash of the file's bytes, as on the ledger. */
  definition: Hash;
  /** The agency's names, as in its record on the ledger. */
  agency: Localized;
  /** The agency's sealing key, proved with the rest: signing needs no hub. */
  seal: Uint8Array;
}

/** A fact that a verified credential holds. */
export interface KnownClaim {
  value: string;
  issuer: Localized;
  /** Of the credential: of each kind only one is at hand. This one presents the fact, whichever others hold it. */
  vct: string;
}
export type KnownClaims = Partial<Record<IdentityClaim, KnownClaim>>;

export type Problem = 'missing' | 'format' | 'too-small' | 'too-large';

/** A request in the making. A value: every step makes a new one. */
export interface Draft {
  readonly offer: Offer;
  /** Unix seconds: the grant ends then. */
  readonly until: number;
  /** Optional claims that the resident has switched on. */
  readonly chosen: readonly IdentityClaim[];
  /** What earlier requests told, by question. */
  readonly remembered: Answers;
  /** By question: what was typed in this request; null where an optional question was left open. */
  readonly typed: Readonly<Record<string, string | null>>;
  /** Questions that this request asks, in order; fixed when it begins, so that "2 of 3" stays true. */
  readonly toAsk: readonly string[];
  readonly asking: string | null;
  readonly problem: Problem | null;
  /** On the way from the check page to one question and back. */
  readonly changing: boolean;
}

/** The claims of a service that are not optional and that no credential holds. */
export function missingClaims(service: Service, known: KnownClaims): IdentityClaim[] {
  return service.claims.filter(({ claim, optional }) => !optional && known[claim] === undefined).map(({ claim }) => claim);
}

export function beginDraft(offer: Offer, remembered: Answers, until: number): Draft {
  const toAsk = Object.keys(offer.service.questions.properties).filter((name) => remembered[name] === undefined);
  return { offer, until, chosen: [], remembered, typed: {}, toAsk, asking: null, problem: null, changing: false };
}

/**
 * When a grant of so many days ends: local midnight, so that "until 30 November" means to the end of that day and no longer than was allowed.
 * With 30 days from 31 October 09:00 it is the midnight after 29 November.
 * @param nowSeconds Unix seconds, no later than the newest block's time.
 */
export function grantUntil(nowSeconds: number, days: number): number {
  const end = new Date((nowSeconds + days * 86_400) * 1000);
  const midnight = new Date(end.getFullYear(), end.getMonth(), end.getDate()).getTime() / 1000;
  return midnight > nowSeconds ? midnight : nowSeconds + days * 86_400;
}

/** ISO date, local: the last day on which the agency may look. */
export function lastDay(until: number): string {
  const last = new Date((until - 1) * 1000);
  return [last.getFullYear(), last.getMonth() + 1, last.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
}

/** Optional claims are off until they are chosen; a claim that nobody knows is not offered. */
export function consentClaims(draft: Draft, known: KnownClaims): ConsentClaim[] {
  return draft.offer.service.claims.flatMap(({ claim, why, optional }) => {
    const held = known[claim];
    return held === undefined
      ? []
      : [{ claim, value: held.value, why, optional, chosen: !optional || draft.chosen.includes(claim), issuer: held.issuer }];
  });
}

/** In the order of the service's file. */
export const grantedClaims = (draft: Draft, known: KnownClaims): IdentityClaim[] =>
  draft.offer.service.claims
    .filter(({ claim, optional }) => known[claim] !== undefined && (!optional || draft.chosen.includes(claim)))
    .map(({ claim }) => claim);

/** A claim that is not optional, or not the service's, is left as it is. */
export function chooseClaim(draft: Draft, claim: string, chosen: boolean): Draft {
  const optional = draft.offer.service.claims.find((wanted) => wanted.claim === claim && wanted.optional);
  if (optional === undefined) return draft;
  const others = draft.chosen.filter((name) => name !== claim);
  return { ...draft, chosen: chosen ? [...others, optional.claim] : others };
}

const questionOf = (draft: Draft, name: string): Question | undefined => draft.offer.service.questions.properties[name];
const isRequired = (draft: Draft, name: string): boolean => draft.offer.service.questions.required.includes(name);

/** The first question that is still open, from the beginning; none: the draft is ready for the check page. */
export function askNext(draft: Draft): Draft {
  const next = draft.toAsk.find((name) => draft.typed[name] === undefined) ?? null;
  return { ...draft, asking: next, problem: null, changing: false };
}

/** The question before this one; none before the first. */
export function askPrevious(draft: Draft): Draft {
  const at = draft.asking === null ? draft.toAsk.length : draft.toAsk.indexOf(draft.asking);
  return { ...draft, asking: draft.toAsk[at - 1] ?? null, problem: null, changing: false };
}

/** From the check page to one question. A name that is no question of the service changes nothing. */
export const askAgain = (draft: Draft, name: string): Draft =>
  questionOf(draft, name) === undefined ? draft : { ...draft, asking: name, problem: null, changing: true };

export const leaveQuestion = (draft: Draft): Draft => ({ ...draft, asking: null, problem: null, changing: false });

/** Takes the answer to the question that is asked, or says what is wrong with it. An answer to another question changes nothing. */
export function answer(draft: Draft, name: string, text: string): Draft {
  const question = questionOf(draft, name);
  if (question === undefined || draft.asking !== name) return draft;
  const checked = checkAnswer(question, text);
  if (!checked.ok) return { ...draft, problem: checked.problem };
  return { ...draft, typed: { ...draft.typed, [name]: checked.value }, asking: null, problem: null };
}

/** Leaves an optional question open; a required one says `missing`. */
export function skip(draft: Draft, name: string): Draft {
  if (questionOf(draft, name) === undefined || draft.asking !== name) return draft;
  if (isRequired(draft, name)) return { ...draft, problem: 'missing' };
  return { ...draft, typed: { ...draft.typed, [name]: null }, asking: null, problem: null };
}

export type CheckedAnswer = { ok: true; value: string } | { ok: false; problem: Problem };

/** Value as text in the form of its question: `true` or `false`, digits, a decimal, an ISO date, a member of the enum. */
export function checkAnswer(question: Question, text: string): CheckedAnswer {
  const value = text.trim();
  if (value === '') return { ok: false, problem: 'missing' };
  switch (question.type) {
    case 'boolean':
      return value === 'true' || value === 'false' ? { ok: true, value } : { ok: false, problem: 'format' };
    case 'integer':
    case 'number':
      return checkNumber(question, value);
    case 'string':
      return checkText(question, value);
  }
}

function checkNumber(question: Question, value: string): CheckedAnswer {
  const form = question.type === 'integer' ? /^-?(0|[1-9][0-9]{0,14})$/ : /^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$/;
  if (!form.test(value)) return { ok: false, problem: 'format' };
  const number = Number(value);
  if (question.minimum !== undefined && number < question.minimum) return { ok: false, problem: 'too-small' };
  if (question.maximum !== undefined && number > question.maximum) return { ok: false, problem: 'too-large' };
  return { ok: true, value };
}

function checkText(question: Question, value: string): CheckedAnswer {
  if (question.enum !== undefined && !question.enum.includes(value)) return { ok: false, problem: 'format' };
  if (question.pattern !== undefined && !new RegExp(question.pattern, 'u').test(value)) return { ok: false, problem: 'format' };
  if (question.format === 'date' && !isDate(value)) return { ok: false, problem: 'format' };
  const length = [...value].length;
  const tooLong = question.maxLength !== undefined && length > question.maxLength;
  const tooShort = question.minLength !== undefined && length < question.minLength;
  return tooLong || tooShort ? { ok: false, problem: 'format' } : { ok: true, value };
}

/** A day that the calendar has, as YYYY-MM-DD. */
function isDate(value: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

/** Answers as they go to the agency: remembered ones with what was typed over them. */
export function answersOf(draft: Draft): Record<string, string> {
  const answers: Record<string, string> = {};
  for (const name of Object.keys(draft.offer.service.questions.properties)) {
    const value = draft.typed[name] === undefined ? draft.remembered[name] : draft.typed[name];
    if (value !== null && value !== undefined) answers[name] = value;
  }
  return answers;
}

/** Where the page starts from: what was answered before, to be kept or changed. */
export const answeredBefore = (draft: Draft, name: string): string =>
  draft.typed[name] === null ? '' : (draft.typed[name] ?? draft.remembered[name] ?? '');

export function checkRows(draft: Draft, known: KnownClaims): CheckRow[] {
  const claims = grantedClaims(draft, known).map(
    (claim): CheckRow => ({
      name: claim,
      label: null,
      value: known[claim]?.value ?? '',
      option: null,
      unit: null,
      input: null,
      source: 'known',
      changeable: false,
    }),
  );
  const questions = Object.entries(draft.offer.service.questions.properties).map(([name, question]): CheckRow => {
    const typed = draft.typed[name];
    const value = answeredBefore(draft, name);
    return {
      name,
      label: question['x-label'],
      value,
      option: question['x-options']?.[question.enum?.indexOf(value) ?? -1] ?? null,
      unit: question['x-unit'] ?? null,
      input: question['x-input'],
      source: typed === null ? 'skipped' : typed === undefined ? 'remembered' : 'typed',
      changeable: true,
    };
  });
  return [...claims, ...questions];
}
