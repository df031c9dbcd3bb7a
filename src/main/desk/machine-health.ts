import { statfsSync } from 'node:fs';
import type { HubKiosk, OwnLine } from '../../contract/bridge.ts';
import type { DoorResult } from '../../contract/hub-door.ts';
import type { Failure } from '../../contract/result.ts';
import type { KioskRecord } from '../../ledger/verify/records.ts';
import type { ChipState } from '../device-key-watch.ts';
import { reportAgainMs } from '../standing-report.ts';

export interface OwnHealth {
  /** Why the hub cannot be reached; null: it can. */
  away: Failure | null;
  /** Time of the newest verified head, Unix milliseconds; null: none yet. */
  headMs: number | null;
  maxHeadAgeMs: number;
  /** Unix milliseconds. */
  nowMs: number;
  /** Bytes; null: the disk does not say. */
  disk: { free: number; total: number } | null;
  /** Of the TPM that the device key lies in; null: it lies in a file. */
  chip: ChipState | null;
}

/** A head may be ahead of this machine's clock by as much as blocks and clocks differ anyway. */
const mostAheadMs = 60_000;
/** Of the disk, below which it is said. */
const leastFree = 0.05;

/** What is this kiosk's own beside its devices, each as it is: the way to the hub, the ledger's age, the clock, the disk, the device key's chip where it lies in one. */
export function ownLines({ away, headMs, maxHeadAgeMs, nowMs, disk, chip }: OwnHealth): OwnLine[] {
  const ageMs = headMs === null ? null : nowMs - headMs;
  const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000));
  return [
    { what: 'hub', state: away === null ? 'good' : 'bad', says: away === null ? 'reachable' : 'away', amount: null, code: away?.code ?? null },
    ageMs === null
      ? { what: 'ledger', state: 'bad', says: 'none', amount: null, code: null }
      : ageMs > maxHeadAgeMs
        ? { what: 'ledger', state: 'bad', says: 'old', amount: seconds(ageMs), code: 'head-too-old' }
        : { what: 'ledger', state: 'good', says: 'fresh', amount: seconds(ageMs), code: null },
    ageMs === null
      ? { what: 'clock', state: 'watch', says: 'unknown', amount: null, code: null }
      : ageMs < -mostAheadMs
        ? { what: 'clock', state: 'bad', says: 'behind', amount: seconds(-ageMs), code: null }
        : { what: 'clock', state: 'good', says: 'agrees', amount: null, code: null },
    disk === null
      ? { what: 'disk', state: 'bad', says: 'unreadable', amount: null, code: 'kiosk-storage' }
      : { what: 'disk', state: disk.free / disk.total < leastFree ? 'bad' : 'good', says: 'free', amount: Math.floor((100 * disk.free) / disk.total), code: null },
    ...(chip === null ? [] : [chipLine(chip)]),
  ];
}

function chipLine(chip: ChipState): OwnLine {
  if (chip === 'untried') return { what: 'device-key', state: 'watch', says: 'untried', amount: null, code: null };
  if (chip === 'signs') return { what: 'device-key', state: 'good', says: 'signs', amount: null, code: null };
  return { what: 'device-key', state: 'bad', says: 'silent', amount: null, code: chip.code };
}

export function diskAt(dataDir: string): OwnHealth['disk'] {
  try {
    const { bavail, blocks, bsize } = statfsSync(dataDir);
    return blocks === 0 ? null : { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return null;
  }
}

/**
 * The hub's kiosks as its file names them, each with what the ledger has of it, proved, and with what it last said to the hub, which is only told.
 * One that has said nothing for more than two of its reports is `silent`, whatever it said then.
 *
 * @param records by kiosk, null where the ledger knows none; `undefined` where the ledger could not be asked.
 */
export function hubKiosks(ids: readonly string[], own: string, records: ReadonlyMap<string, KioskRecord | null> | undefined, seen: DoorResult<'kiosks.seen'>, nowMs: number): HubKiosk[] {
  const hub = records?.get(own)?.hub;
  return ids.map((id) => {
    const record = records?.get(id);
    const said = seen.kiosks.find(({ kiosk }) => kiosk === id);
    const ledger = record === undefined ? 'unasked' : record === null ? 'unknown' : record.state === 'retired' ? 'retired' : record.hub !== hub ? 'another-hub' : 'enrolled';
    return {
      id,
      isThis: id === own,
      ledger,
      seen: said === undefined ? null : new Date(said.at * 1000).toISOString(),
      standing: said === undefined ? 'unseen' : nowMs - said.at * 1000 > 2.5 * reportAgainMs ? 'silent' : said.standing,
      reason: said?.reason ?? null,
    };
  });
}
