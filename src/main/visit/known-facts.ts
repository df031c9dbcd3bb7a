import type { FactGroup, TypedFact } from '../../contract/bridge.ts';
import { selfClaims } from '../../contract/claims.ts';
import type { Localized } from '../../contract/language.ts';
import type { Question } from '../../contract/service.ts';
import { factOf, type SelfClaims } from '../../identity/self-claims.ts';
import type { KnownClaims, Offer } from './draft.ts';

/** What credentials vouch for, by who issued them, in the vocabulary's order. */
export function factGroups(known: KnownClaims): FactGroup[] {
  const issuers = Map.groupBy(
    Object.entries(known).flatMap(([claim, held]) => (held === undefined ? [] : [{ claim, ...held }])),
    ({ issuer }) => issuer.en,
  );
  return [...issuers.values()].flatMap((facts) => (facts[0] === undefined ? [] : [{ issuer: facts[0].issuer, facts: facts.map(({ claim, value }) => ({ claim, value })) }]));
}

/** The question that a typed fact answers, in the first service that asks it. */
export interface Asked {
  offer: Offer;
  name: string;
  question: Question;
}

export function askedFor(fact: string, offers: readonly Offer[]): Asked | null {
  for (const offer of offers) {
    for (const [name, question] of Object.entries(offer.service.questions.properties)) {
      if (question['x-lasting'] && factOf(offer.service, name) === fact) return { offer, name, question };
    }
  }
  return null;
}

const vocabulary = new Set<string>(selfClaims);
const same = (text: string): Localized => ({ 'zh-Hans': text, en: text });

/** What the resident typed, newest first. One that no service asks for any more is shown as it was typed. */
export function typedFacts(self: SelfClaims, offers: readonly Offer[]): TypedFact[] {
  return Object.entries(self)
    .sort(([, a], [, b]) => b.at - a.at)
    .map(([fact, { value, at }]) => typedFact(fact, value, at, offers));
}

export function typedFact(fact: string, value: string, at: number, offers: readonly Offer[]): TypedFact {
  const asked = askedFor(fact, offers);
  const isCommon = vocabulary.has(fact);
  return {
    fact,
    label: isCommon ? null : (asked?.question['x-label'] ?? same(fact.split('#')[1] ?? fact)),
    service: isCommon ? null : (asked?.offer.service.title ?? same(fact.split('#')[0] ?? fact)),
    value,
    option: asked?.question['x-options']?.[asked.question.enum?.indexOf(value) ?? -1] ?? null,
    unit: asked?.question['x-unit'] ?? null,
    input: asked?.question['x-input'] ?? null,
    at: new Date(at * 1000).toISOString(),
    correctable: asked !== null,
  };
}
