import { checkAnswer } from '../../identity/checked-answer.ts';
import type { Visit } from './context.ts';
import { askedFor, typedFact } from './known-facts.ts';
import { grantsOf, openedLetter, standingOf, type KnownGrant } from './my-data.ts';
import type { Access, Signing } from './work.ts';

/** What a touch on a page of "my data" changes in the visit. Each is null where there is nothing of that kind to be meant. */
export type Move = Partial<Visit>;

export const chosenGrant = (visit: Visit): KnownGrant | undefined => grants(visit).find(({ row }) => row.grant === visit.grant);

const grants = ({ access }: Visit): KnownGrant[] => (access?.myData ? grantsOf(access.myData, access.offers) : []);

export const chooseGrant = (visit: Visit, grant: string): Move | null => (grants(visit).some(({ row }) => row.grant === grant) ? { grant } : null);

/** A grant that is live, and whose end does not wait already. */
export function beginEnding(visit: Visit): Move | null {
  const grant = chosenGrant(visit);
  return grant?.row.state === 'live' && !grant.row.ending ? { undoing: { what: 'grant.end', grant } } : null;
}

export function beginWithdrawal({ access, opened }: Visit): Move | null {
  if (!access?.myData || opened === null) return null;
  const standing = standingOf(access.myData, opened.request, access.offers);
  if (standing?.withdrawable !== true) return null;
  const { id, agency, grants: rested } = standing;
  return { undoing: { what: 'request.withdraw', request: opened.request, id, agency, grants: rested } };
}

export function openLetter({ access }: Visit, name: string): Move | null {
  const letter = access?.myData ? openedLetter(access.myData, name) : null;
  return letter === null ? null : { letter };
}

/** Over facts that could not be looked at nothing is written: a new map would take their place. */
export function beginCorrection({ access }: Visit, fact: string): Move | null {
  const known = access?.self?.[fact];
  const asked = access === null ? null : askedFor(fact, access.offers);
  if (access === null || known === undefined || asked === null) return null;
  return { correcting: { fact: typedFact(fact, known.value, known.at, access.offers), name: asked.name, question: asked.question, problem: null, signing: null } };
}

/** @param now Unix seconds. */
export function answerCorrection({ access, correcting }: Visit, text: string, now: number): Move | null {
  if (!access?.self || correcting === null) return null;
  const checked = checkAnswer(correcting.question, text);
  if (!checked.ok) return { correcting: { ...correcting, problem: checked.problem } };
  const { fact } = correcting.fact;
  const { value } = checked;
  return {
    correcting: {
      ...correcting,
      problem: null,
      signing: { what: 'facts.keep', fact: typedFact(fact, value, now, access.offers), name: correcting.name, self: { ...access.self, [fact]: { value, at: now } } },
    },
  };
}

/** What is in hand when the card is to sign. */
export function toSign({ draft, undoing, correcting }: Pick<Visit, 'draft' | 'undoing' | 'correcting'>): Signing {
  if (undoing !== null) return undoing;
  if (correcting?.signing) return correcting.signing;
  if (draft === null) throw new Error('nothing to sign');
  return { what: 'request', draft };
}

/** Agencies that may ask: those whose services stand in the catalogue. */
export function agenciesOf({ offers, muted }: Access): { agency: string; name: Access['offers'][number]['agency']; muted: boolean }[] {
  const agencies = new Map(offers.map(({ service, agency }) => [service.agency, agency]));
  return [...agencies].map(([agency, name]) => ({ agency, name, muted: muted.includes(agency) }));
}
