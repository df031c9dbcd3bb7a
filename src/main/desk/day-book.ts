import type { Result } from '../../contract/result.ts';
import type { Clock } from '../clock.ts';
import { districtDay, districtOffsetMs } from '../district-time.ts';
import { readJournal } from '../journal.ts';
import type { Outbox } from '../outbox.ts';
import type { ShownDay } from '../staff/work.ts';
import type { Offered } from '../visit/draft.ts';
import { countDay, countedEvents } from './day-figures.ts';

export interface DayBook {
  /** One of the last seven days; null, or any other: today. Counted anew each time, off journal and outbox. */
  day(day: string | null): Promise<ShownDay>;
}

export interface DayBookParts {
  dataDir: string;
  outbox: Pick<Outbox, 'requestsOn' | 'waiting'>;
  clock: Clock;
  /** For the titles of services. */
  offers(): Promise<Result<Offered>>;
}

const dayMs = 24 * 3600_000;
const daysKept = 7;
/** A visit that began before midnight ends after it, and no visit lasts longer. */
const longestVisitMs = 6 * 3600_000;

export function createDayBook({ dataDir, outbox, clock, offers }: DayBookParts): DayBook {
  return {
    async day(wanted) {
      const days = Array.from({ length: daysKept }, (_, i) => districtDay(clock.now() - i * dayMs));
      const at = Math.max(0, days.indexOf(wanted ?? ''));
      const day = days[at] ?? '';
      const beginsMs = Date.parse(`${day}T00:00:00Z`) - districtOffsetMs;
      const entries = await readJournal(dataDir, countedEvents, beginsMs);
      // A kiosk that lost its power may have been dark for days.
      const ofDay = entries.filter(({ at, event }) => event.event === 'kiosk.started' || Date.parse(at) < beginsMs + dayMs + longestVisitMs);
      const offered = await offers();
      const titles = new Map(offered.ok ? offered.value.offers.map(({ service }) => [service.id, service.title]) : []);
      const services = outbox.requestsOn(day).map(({ service, count }) => ({ service, title: titles.get(service) ?? null, count }));
      return { figures: { day, ...countDay(ofDay, day), services, waiting: outbox.waiting().length }, earlier: days[at + 1] ?? null, later: days[at - 1] ?? null };
    },
  };
}
