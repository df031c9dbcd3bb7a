import type { Clock } from './clock.ts';
import type { District } from './district.ts';
import type { Settlement } from './visit/work.ts';

export interface WitnessWatchParts {
  district: Pick<District, 'receipt'>;
  clock: Clock;
  /** Whether the kiosk's trust root names anybody outside: without one nothing is ever witnessed. */
  isExpected: boolean;
  /** Whether there is anybody to be told. */
  isWanted(): boolean;
  onWitnessed(transaction: Uint8Array, settlement: Settlement): void;
  times?: Partial<WatchTimes>;
}

export interface WatchTimes {
  /** Before the second question; doubles with each. */
  againMs: number;
  /** After a longer wait nobody asks. */
  longestMs: number;
}

/** Witnesses are asked by the hub about once in a few seconds. */
const usualTimes: WatchTimes = { againMs: 1000, longestMs: 64_000 };

/** Asks after recorded requests until enough outsiders have cosigned them, as long as somebody is there to see it. */
export interface WitnessWatch {
  follow(transactions: readonly Uint8Array[]): void;
  stop(): void;
}

export function createWitnessWatch({ district, clock, isExpected, isWanted, onWitnessed, times }: WitnessWatchParts): WitnessWatch {
  const { againMs, longestMs } = { ...usualTimes, ...times };
  /** By transaction in hex: the timer, or null while the hub is asked. */
  const followed = new Map<string, unknown>();
  let stopped = false;

  const ask = async (transaction: Uint8Array, id: string, waitMs: number): Promise<void> => {
    followed.set(id, null);
    const found = await district.receipt(transaction, 0);
    if (stopped) return;
    if (found.ok && found.value?.isWitnessed === true) {
      followed.delete(id);
      const { receipt, at } = found.value;
      onWitnessed(transaction, { state: 'witnessed', receipt, at });
    } else if (isWanted() && waitMs <= longestMs) {
      followed.set(id, clock.setTimeout(() => void ask(transaction, id, waitMs * 2), waitMs));
    } else {
      followed.delete(id);
    }
  };

  return {
    follow(transactions) {
      if (!isExpected || stopped) return;
      for (const transaction of transactions) {
        const id = Buffer.from(transaction).toString('hex');
        if (!followed.has(id)) void ask(transaction, id, againMs);
      }
    },
    stop() {
      stopped = true;
      for (const timer of followed.values()) if (timer !== null) clock.clearTimeout(timer);
      followed.clear();
    },
  };
}
