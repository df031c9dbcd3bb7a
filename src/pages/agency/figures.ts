import type { DeskState, DeskStep } from './desk-state.ts';

export const deskSteps: readonly DeskStep[] = ['submitted', 'received', 'needs-more', 'decided', 'closed', 'withdrawn'];

export interface DayFigures {
  /** ISO 8601, in the district's time. */
  day: string;
  /** By the step that requests of this day stand at now, in the order of `deskSteps`. */
  counts: number[];
}

/** The district's day of a moment: UTC+8 the whole year. */
export const dayOf = (at: number): string => new Date((at + 8 * 3600) * 1000).toISOString().slice(0, 10);

/** The last days on which a request came, the newest last. */
export function requestsByDay({ requests }: Pick<DeskState, 'requests'>, most = 14): DayFigures[] {
  const days = new Map<string, number[]>();
  for (const { at, step } of requests) {
    const counts = days.get(dayOf(at)) ?? deskSteps.map(() => 0);
    const place = deskSteps.indexOf(step);
    counts[place] = (counts[place] ?? 0) + 1;
    days.set(dayOf(at), counts);
  }
  return [...days].sort(([a], [b]) => (a < b ? -1 : 1)).slice(-most).map(([day, counts]) => ({ day, counts }));
}

/** Upper bounds of the columns but the last, in hours. */
const boundsHours = [1, 24, 72, 168];

export interface DecisionFigures {
  /** Within an hour, a day, three, seven, longer. */
  counts: number[];
  /** null: nothing was decided. */
  medianHours: number | null;
}

export function timeToDecision({ requests, steps }: Pick<DeskState, 'requests' | 'steps'>): DecisionFigures {
  const begun = new Map(requests.map(({ id, at }) => [id, at]));
  const hours = steps
    .filter(({ step }) => step === 'decided')
    .flatMap(({ id, at }) => {
      const from = begun.get(id);
      return from === undefined ? [] : [Math.max(0, at - from) / 3600];
    })
    .sort((a, b) => a - b);
  const counts = [...boundsHours, Number.POSITIVE_INFINITY].map((bound, i) => hours.filter((one) => one <= bound && one > (boundsHours[i - 1] ?? -1)).length);
  return { counts, medianHours: hours[Math.ceil(hours.length / 2) - 1] ?? null };
}
