import type { DoorParams } from '../contract/hub-door.ts';
import type { Clock } from './clock.ts';
import type { District } from './district.ts';

/** Tells the hub whether residents are served here, for the staff at its other kiosks: at each change, and again while nothing changes. */
export interface StandingReport {
  say(): void;
  stop(): void;
}

export interface StandingReportParts {
  district: Pick<District, 'sayStanding'>;
  clock: Clock;
  now(): Omit<DoorParams<'kiosk.standing'>, 'kiosk'>;
}

/** Who has said nothing for twice as long and a little more is silent (hub-kiosks.ts). */
export const reportAgainMs = 60_000;

export function reportStanding({ district, clock, now }: StandingReportParts): StandingReport {
  let timer: unknown = null;
  let stopped = false;
  const say = (): void => {
    if (stopped) return;
    if (timer !== null) clock.clearTimeout(timer);
    timer = clock.setTimeout(say, reportAgainMs);
    // A hub that is away hears it when it is back.
    void district.sayStanding(now());
  };
  return {
    say,
    stop() {
      stopped = true;
      if (timer !== null) clock.clearTimeout(timer);
    },
  };
}
