import type { DoorParams, DoorResult } from '../contract/hub-door.ts';
import type { Name } from '../ledger/verify/acts.ts';

/** What kiosks have said of themselves since this hub was started; in memory only, since each says it again within a minute. */
export interface KioskStandings {
  note(said: DoorParams<'kiosk.standing'>): void;
  list(): DoorResult<'kiosks.seen'>;
}

/** More than any hub has: names beyond it are not kept. */
const mostKiosks = 256;

/** @param now Unix milliseconds. */
export function keepStandings(now: () => number): KioskStandings {
  const since = Math.floor(now() / 1000);
  const said = new Map<Name, DoorResult<'kiosks.seen'>['kiosks'][number]>();
  return {
    note({ kiosk, standing, reason }) {
      if (said.has(kiosk) || said.size < mostKiosks) said.set(kiosk, { kiosk, standing, reason, at: Math.floor(now() / 1000) });
    },
    list: () => ({ since, kiosks: [...said.values()] }),
  };
}
