import { ok, type Result } from '../contract/result.ts';
import type { District } from './district.ts';
import type { Journal } from './journal.ts';
import type { Offer } from './visit/draft.ts';

/** The catalogue as the ledger vouches for it. */
export interface ServiceList {
  /** What was proved last, at once; where nothing was proved yet, the answer of the hub. A look-up in the background follows. */
  offers(): Promise<Result<Offer[]>>;
}

/** Proving it takes several questions: one at a time, and everybody who asks meanwhile gets the same answer. */
export function createServiceList(district: Pick<District, 'services'>, journal: Journal): ServiceList {
  let proved: Offer[] | null = null;
  let asking: Promise<Result<Offer[]>> | null = null;
  let told = '';

  const ask = async (): Promise<Result<Offer[]>> => {
    const answer = await district.services();
    asking = null;
    if (!answer.ok) return answer;
    const { offers, refused } = answer.value;
    const figures = `${offers.length} ${refused}`;
    if (figures !== told) journal.write({ event: 'services', usable: offers.length, refused });
    told = figures;
    proved = offers;
    return ok(offers);
  };

  return {
    offers() {
      asking ??= ask();
      return proved === null ? asking : Promise.resolve(ok(proved));
    },
  };
}
