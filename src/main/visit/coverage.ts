import { serviceGroups, type Question, type Service, type ServiceGroup } from '../../contract/service.ts';
import { factOf, rememberedAnswers, withAnswers, type SelfClaims } from '../../identity/self-claims.ts';
import { answer, answersOf, askNext, beginDraft, leadOf, type Draft, type KnownClaims, type Offer } from './draft.ts';

/** One fact that some service of the catalogue wants to know, under the one name that it has everywhere. */
export interface CoveredFact {
  fact: string;
  /** Where it comes from after the visits. `typed`: in one of them, and never again. `unknown`: still to be asked. */
  from: 'credential' | 'typed' | 'unknown';
  services: string[];
}

export interface Coverage {
  /** The union of everything that the catalogue asks for and that stays true: claims, and lasting answers. */
  facts: CoveredFact[];
  /** Questions about one request alone (a reading, a date, what is wanted this time): nobody can know them, each is asked each time. By service. */
  eachTime: { service: string; questions: string[] }[];
  /** By request of the visits: how many questions it asked. */
  visits: { group: ServiceGroup; service: string; asked: number }[];
  total: number;
  known: number;
  share: number;
  /** The same union with every question that is asked each time counted in, once by its name, as not known. */
  everyName: { total: number; known: number; share: number };
  /** Of every field of every service, those asked each time counted as not known. */
  fields: { total: number; known: number; share: number };
}

/**
 * How much of the catalogue a resident need not type after one visit to each window, with one request in each, the first of the window's list; every
 * question of these is answered. The drafts are the kiosk's own.
 *
 * @param known what the resident's credentials say.
 */
export function coverageOf(services: readonly Service[], known: KnownClaims): Coverage {
  let self: SelfClaims = {};
  const visits: Coverage['visits'] = [];
  for (const group of serviceGroups) {
    const service = services.filter((one) => one.group === group).toSorted((a, b) => (a.id < b.id ? -1 : 1))[0];
    if (service === undefined) continue;
    const { draft, asked } = answered(service, known, self);
    self = withAnswers(self, service, answersOf(draft, leadOf(draft)), 0) ?? self;
    visits.push({ group, service: service.id, asked });
  }

  const facts = new Map<string, CoveredFact>();
  const eachTime: Coverage['eachTime'] = [];
  const fields = { total: 0, known: 0 };
  for (const service of services) {
    const note = (fact: string, from: CoveredFact['from']): void => {
      const noted = facts.get(fact) ?? { fact, from, services: [] };
      facts.set(fact, { ...noted, services: [...noted.services, service.id] });
      fields.total += 1;
      if (from !== 'unknown') fields.known += 1;
    };
    const remembered = rememberedAnswers(self, service);
    const open = leadOf(beginDraft(offerOf(service), { known, remembered: () => remembered, grantEnd: () => 0 })).questions;
    const once = Object.entries(open).filter(([, question]) => !question['x-lasting']);
    for (const { claim } of service.claims) if (!(claim in open)) note(claim, known[claim] === undefined ? 'unknown' : 'credential');
    for (const [name, question] of Object.entries(open)) if (question['x-lasting']) note(factOf(service, name), remembered[name] === undefined ? 'unknown' : 'typed');
    if (once.length > 0) eachTime.push({ service: service.id, questions: once.map(([name]) => name) });
    fields.total += once.length;
  }
  const union = [...facts.values()].toSorted((a, b) => (a.fact < b.fact ? -1 : 1));
  const isKnown = union.filter(({ from }) => from !== 'unknown').length;
  const names = union.length + new Set(eachTime.flatMap(({ questions }) => questions)).size;
  return {
    facts: union,
    eachTime,
    visits,
    total: union.length,
    known: isKnown,
    share: isKnown / union.length,
    everyName: { total: names, known: isKnown, share: isKnown / names },
    fields: { ...fields, share: fields.known / fields.total },
  };
}

function answered(service: Service, known: KnownClaims, self: SelfClaims): { draft: Draft; asked: number } {
  let draft = askNext(beginDraft(offerOf(service), { known, remembered: () => rememberedAnswers(self, service), grantEnd: () => 0 }));
  let asked = 0;
  while (draft.asking !== null) {
    const question = leadOf(draft).questions[draft.asking];
    if (question === undefined) throw new Error(`no question ${draft.asking}`);
    draft = answer(draft, draft.asking, exampleAnswer(question));
    if (draft.problem !== null) throw new Error(`${service.id}: an example answer was not taken`);
    asked += 1;
    draft = askNext(draft);
  }
  return { draft, asked };
}

const offerOf = (service: Service): Offer => ({ service, definition: [-16, new Uint8Array(32)], agency: service.title, seal: new Uint8Array(32) });

function exampleAnswer({ 'x-input': input, enum: members, minimum = 0, minLength = 1 }: Question): string {
  switch (input) {
    case 'choice':
      return members?.[0] ?? '';
    case 'yes-no':
      return 'true';
    case 'date':
      return '2026-01-31';
    case 'phone':
      return '13800138000';
    case 'decimal':
      return `${minimum}`;
    case 'digits':
      return minimum > 0 ? `${minimum}` : '1'.repeat(minLength);
    case 'latin':
      return 'A'.repeat(minLength);
  }
}
