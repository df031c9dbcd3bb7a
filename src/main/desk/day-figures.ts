import type { DayFigures } from '../../contract/bridge.ts';
import { districtDay, districtHour } from '../district-time.ts';
import type { JournalEntry, JournalEvent } from '../journal.ts';

/** What the figures are counted from. */
export const countedEvents: readonly JournalEvent['event'][] = ['kiosk.started', 'visit.began', 'visit.state', 'visit.ended', 'visit.failure', 'outbox'];

/** Of the visit's states (main/visit/machine.ts): all that have somebody signed in begin so. */
const signedInStage = 'visiting.inside';

/** Upper bounds of the columns but the last, in minutes. */
const boundsMinutes = [1, 2, 5, 10] as const;

/** Of the journal; what was asked for, and what waits, stands in the outbox. */
export type CountedVisits = Pick<DayFigures, 'hours' | 'minutes' | 'medianSeconds' | 'refusals'>;

/**
 * A visit belongs to the hour in which it began, and to the day of that hour. One in which nobody signed in is counted apart, and says nothing of how long a
 * visit takes; neither does one that ended with the kiosk's power, which is known by the kiosk's next start. A staff card in a reader for all is none. Hours between the first and the last visit stand there even where nobody came.
 */
export function countDay(entries: readonly JournalEntry[], day: string): CountedVisits {
  const hours = new Map<number, { signedIn: number; others: number }>();
  const durationsMs: number[] = [];
  const refusals = new Map<string, number>();
  const refuse = (code: string): void => void refusals.set(code, (refusals.get(code) ?? 0) + 1);

  const count = (beganMs: number, signedIn: boolean): void => {
    const hour = districtHour(beganMs);
    const counts = hours.get(hour) ?? { signedIn: 0, others: 0 };
    hours.set(hour, signedIn ? { ...counts, signedIn: counts.signedIn + 1 } : { ...counts, others: counts.others + 1 });
  };
  /** Begun, and nothing heard of its end yet. */
  let open = null as { visit: string; beganMs: number; signedIn: boolean } | null;

  for (const { at, event } of entries) {
    const atMs = Date.parse(at);
    if (event.event === 'visit.began') open = { visit: event.visit, beganMs: atMs, signedIn: false };
    else if (event.event === 'visit.state') {
      if (event.visit === open?.visit && event.to.startsWith(signedInStage)) open.signedIn = true;
    } else if (event.event === 'kiosk.started') {
      if (open !== null && districtDay(open.beganMs) === day) count(open.beganMs, open.signedIn);
      open = null;
    } else if (event.event === 'visit.ended') {
      open = null;
      const beganMs = atMs - event.durationMs;
      if (event.ended === 'of-staff' || districtDay(beganMs) !== day) continue;
      count(beganMs, event.signedIn === true);
      if (event.signedIn === true) durationsMs.push(event.durationMs);
    } else if (districtDay(atMs) === day) {
      if (event.event === 'visit.failure') refuse(event.code);
      else if (event.event === 'outbox' && (event.what === 'rejected' || event.what === 'expired')) refuse(event.code ?? event.what);
    }
  }

  durationsMs.sort((a, b) => a - b);
  const middle = durationsMs[Math.ceil(durationsMs.length / 2) - 1];
  return {
    hours: wholeHours(hours),
    minutes: [...boundsMinutes, null].map((upTo, i) => ({ upTo, count: durationsMs.filter((ms) => inMinutes(ms, boundsMinutes[i - 1] ?? -1, upTo)).length })),
    medianSeconds: middle === undefined ? null : Math.round(middle / 1000),
    refusals: [...refusals].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)),
  };
}

const inMinutes = (ms: number, above: number, upTo: number | null): boolean => ms / 60_000 > above && (upTo === null || ms / 60_000 <= upTo);

function wholeHours(hours: ReadonlyMap<number, { signedIn: number; others: number }>): DayFigures['hours'] {
  if (hours.size === 0) return [];
  const [first, last] = [Math.min(...hours.keys()), Math.max(...hours.keys())];
  return Array.from({ length: last - first + 1 }, (_, i) => ({ hour: first + i, ...(hours.get(first + i) ?? { signedIn: 0, others: 0 }) }));
}
