import { ok, type Result } from '../contract/result.ts';
import type { Clock } from './clock.ts';
import type { District } from './district.ts';
import type { Journal } from './journal.ts';
import type { Offered } from './visit/draft.ts';

/** The catalogue as the ledger vouches for it. */
export interface ServiceList {
  /** What was proved last, at once; where nothing was proved yet, the answer of the hub. A look-up in the background follows. */
  offers(): Promise<Result<Offered>>;
  stop(): void;
}

export interface ServiceListParts {
  district: Pick<District, 'services'>;
  journal: Journal;
  clock: Clock;
  /** A service was published, changed or withdrawn. */
  onChange(offered: Offered): void;
  /** Between two looks at the catalogue. */
  everyMs?: number;
}

/** A few questions of some hundred bytes, as long as nothing is new. */
const usualEveryMs = 5000;

/** Proving it takes several questions: one at a time, and everybody who asks meanwhile gets the same answer. */
export function createServiceList({ district, journal, clock, onChange, everyMs = usualEveryMs }: ServiceListParts): ServiceList {
  let proved: { offered: Offered; mark: string } | null = null;
  let asking: Promise<Result<Offered>> | null = null;
  let timer: unknown = null;
  let told = '';
  let stopped = false;

  const ask = async (): Promise<Result<Offered>> => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
    const answer = await district.services();
    asking = null;
    if (!stopped) timer = clock.setTimeout(() => void offers(), everyMs);
    if (!answer.ok) return answer;
    const { refused, mark, ...offered } = answer.value;
    const usable = offered.offers.length + offered.bundles.length;
    const figures = `${usable} ${refused}`;
    if (figures !== told) journal.write({ event: 'services', usable, refused });
    told = figures;
    const isOther = proved !== null && proved.mark !== mark;
    // The same catalogue stays the same objects: nothing on the screen is drawn anew for it.
    if (proved?.mark !== mark) proved = { offered, mark };
    if (isOther && !stopped) onChange(offered);
    return ok(proved.offered);
  };

  const offers = (): Promise<Result<Offered>> => {
    asking ??= ask();
    return proved === null ? asking : Promise.resolve(ok(proved.offered));
  };

  return {
    offers,
    stop() {
      stopped = true;
      if (timer !== null) clock.clearTimeout(timer);
    },
  };
}
