import type { CheckRow, ConsentClaim } from '../../contract/bridge.ts';
import { isVouchedClaim, type VouchedClaim } from '../../contract/claims.ts';
import type { Localized } from '../../contract/language.ts';
import type { Bundle, Question, Service } from '../../contract/service.ts';
import { checkAnswer, type AnswerProblem } from '../../identity/checked-answer.ts';
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

/** Several agencies' services in one go, as the ledger vouches for each of them. The leading one comes first. */
export interface BundleOffer {
  bundle: Bundle;
  members: readonly Offer[];
}

/** All that a resident can ask for. */
export interface Offered {
  offers: Offer[];
  bundles: BundleOffer[];
}

/**
 * null where a member is not offered, another agency leads, an agency has two of them, one has a fee, or two ask other questions under one name:
 * then nobody could be told truly what is signed.
 */
export function bundleOffer(bundle: Bundle, offers: readonly Offer[]): BundleOffer | null {
  const members = bundle.members.flatMap((id) => offers.find(({ service }) => service.id === id) ?? []);
  const agencies = new Set(members.map(({ service }) => service.agency));
  if (members.length < bundle.members.length || agencies.size < members.length) return null;
  const lead = members[0]?.service;
  if (lead?.agency !== bundle.agency || lead.purpose.id !== bundle.purpose || members.some(({ service }) => service.fee !== undefined)) return null;
  const asked = new Map<string, string>();
  for (const { service } of members) {
    for (const [name, question] of Object.entries(service.questions.properties)) {
      const form = JSON.stringify(question);
      if ((asked.get(name) ?? form) !== form) return null;
      asked.set(name, form);
    }
  }
  return { bundle, members };
}

/** A fact that a verified credential holds. */
export interface KnownClaim {
  value: string;
  issuer: Localized;
  /** Of the credential: of each kind only one is at hand. This one presents the fact, whichever others hold it. */
  vct: string;
}
export type KnownClaims = Partial<Record<VouchedClaim, KnownClaim>>;

/** What one agency is asked for, and what it gets for it. */
export interface Letter {
  readonly offer: Offer;
  /** Unix seconds: the grant ends then. */
  readonly until: number;
  /** Optional claims that the resident has switched on. */
  readonly chosen: readonly VouchedClaim[];
  /** What it asks and no credential knows, by name. */
  readonly questions: Readonly<Record<string, Question>>;
  /** false: the resident leaves this agency out. */
  readonly told: boolean;
}

/** A request in the making. A value: every step makes a new one. */
export interface Draft {
  /** null: one service by itself. */
  readonly bundle: Bundle | null;
  /** One an agency, the leading one first; it is always told. */
  readonly letters: readonly Letter[];
  /** What earlier requests told, by question. */
  readonly remembered: Answers;
  /** By question: what was typed in this request; null where an optional question was left open. */
  readonly typed: Readonly<Record<string, string | null>>;
  readonly asking: string | null;
  readonly problem: AnswerProblem | null;
  /** On the way from the check page to one question and back. */
  readonly changing: boolean;
}

/** The claims of a service that are not optional, that no credential holds, and that cannot be asked either. */
export function missingClaims({ claims, questions }: Service, known: KnownClaims): VouchedClaim[] {
  return claims.filter(({ claim, optional }) => !optional && known[claim] === undefined && !(claim in questions.properties)).map(({ claim }) => claim);
}

const servicesOf = (matter: Offer | BundleOffer): readonly Offer[] => ('members' in matter ? matter.members : [matter]);

/** Of all services of a bundle, each once; an agency beside the leading one is left out by choice only. */
export const missingOf = (matter: Offer | BundleOffer, known: KnownClaims): VouchedClaim[] => [...new Set(servicesOf(matter).flatMap(({ service }) => missingClaims(service, known)))];

export interface DraftSources {
  known: KnownClaims;
  /** What of a service's questions was answered earlier. */
  remembered(service: Service): Answers;
  /** When a grant of this service given now ends, Unix seconds. */
  grantEnd(offer: Offer): number;
}

export function beginDraft(matter: Offer | BundleOffer, { known, remembered, grantEnd }: DraftSources): Draft {
  const offers = servicesOf(matter);
  const letters = offers.map((offer): Letter => ({ offer, until: grantEnd(offer), chosen: [], questions: openQuestions(offer.service, known), told: true }));
  const before: Answers = Object.assign({}, ...offers.map(({ service }) => remembered(service))) as Answers;
  return { bundle: 'members' in matter ? matter.bundle : null, letters, remembered: before, typed: {}, asking: null, problem: null, changing: false };
}

/** A claim is asked of those only whom no credential knows it of. */
const openQuestions = ({ questions }: Service, known: KnownClaims): Record<string, Question> =>
  Object.fromEntries(Object.entries(questions.properties).filter(([name]) => !isVouchedClaim(name) || known[name] === undefined));

export const toldLetters = ({ letters }: Draft): Letter[] => letters.filter(({ told }) => told);

export function leadOf({ letters }: Draft): Letter {
  const [lead] = letters;
  if (lead === undefined) throw new Error('a draft without a service');
  return lead;
}

/** Of all agencies that are told, each question once. */
export const questionsOf = (draft: Draft): Readonly<Record<string, Question>> => Object.assign({}, ...toldLetters(draft).map(({ questions }) => questions)) as Record<string, Question>;

/** The questions that this request asks, in order. They change with the agencies that are told, and with nothing after that: so "2 of 3" stays true. */
export const toAsk = (draft: Draft): string[] => Object.keys(questionsOf(draft)).filter((name) => draft.remembered[name] === undefined);

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

/** Optional claims are off until they are chosen; a claim that no credential knows is not offered. */
export function consentClaims({ offer, chosen }: Letter, known: KnownClaims): ConsentClaim[] {
  return offer.service.claims.flatMap(({ claim, why, optional }) => {
    const held = known[claim];
    return held === undefined ? [] : [{ claim, value: held.value, why, optional, chosen: !optional || chosen.includes(claim), issuer: held.issuer }];
  });
}

/** In the order of the service's file. */
export const grantedClaims = ({ offer, chosen }: Letter, known: KnownClaims): VouchedClaim[] =>
  offer.service.claims.filter(({ claim, optional }) => known[claim] !== undefined && (!optional || chosen.includes(claim))).map(({ claim }) => claim);

const change = (draft: Draft, service: string, changed: (letter: Letter) => Letter): Draft => ({
  ...draft,
  letters: draft.letters.map((letter) => (letter.offer.service.id === service ? changed(letter) : letter)),
});

/** A claim that is not optional, or not the service's, is left as it is. */
export const chooseClaim = (draft: Draft, service: string, claim: string, chosen: boolean): Draft =>
  change(draft, service, (letter) => {
    const optional = letter.offer.service.claims.find((wanted) => wanted.claim === claim && wanted.optional);
    if (optional === undefined) return letter;
    const others = letter.chosen.filter((name) => name !== claim);
    return { ...letter, chosen: chosen ? [...others, optional.claim] : others };
  });

/** The leading agency stays told. */
export const tellAgency = (draft: Draft, service: string, told: boolean): Draft =>
  leadOf(draft).offer.service.id === service ? draft : change(draft, service, (letter) => ({ ...letter, told }));

const questionOf = (draft: Draft, name: string): Question | undefined => questionsOf(draft)[name];

export const isRequired = (draft: Draft, name: string): boolean =>
  toldLetters(draft).some(({ offer, questions }) => name in questions && offer.service.questions.required.includes(name));

/** The first question that is still open, from the beginning; none: the draft is ready for the check page. */
export function askNext(draft: Draft): Draft {
  const next = toAsk(draft).find((name) => draft.typed[name] === undefined) ?? null;
  return { ...draft, asking: next, problem: null, changing: false };
}

/** The question before this one; none before the first. */
export function askPrevious(draft: Draft): Draft {
  const asked = toAsk(draft);
  const at = draft.asking === null ? asked.length : asked.indexOf(draft.asking);
  return { ...draft, asking: asked[at - 1] ?? null, problem: null, changing: false };
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

/** Answers as they go to the agency: remembered ones with what was typed over them. */
export function answersOf({ remembered, typed }: Draft, { questions }: Letter): Record<string, string> {
  const answers: Record<string, string> = {};
  for (const name of Object.keys(questions)) {
    const value = typed[name] === undefined ? remembered[name] : typed[name];
    if (value !== null && value !== undefined) answers[name] = value;
  }
  return answers;
}

/** Where the page starts from: what was answered before, to be kept or changed. */
export const answeredBefore = (draft: Draft, name: string): string =>
  draft.typed[name] === null ? '' : (draft.typed[name] ?? draft.remembered[name] ?? '');

/** Each fact and each question once, whoever gets it. */
export function checkRows(draft: Draft, known: KnownClaims): CheckRow[] {
  const granted = new Set(toldLetters(draft).flatMap((letter) => grantedClaims(letter, known)));
  const claims = [...granted].map(
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
  const questions = Object.entries(questionsOf(draft)).map(([name, question]): CheckRow => {
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
