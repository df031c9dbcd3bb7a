import type { Result } from '../contract/result.ts';
import type { Clock } from './clock.ts';
import type { District } from './district.ts';
import type { Journal } from './journal.ts';
import type { Outbox } from './outbox.ts';
import { isInLedger, type Settlement } from './visit/work.ts';

export interface DeliveryParts {
  outbox: Outbox;
  district: Pick<District, 'deliver'>;
  clock: Clock;
  journal: Journal;
  /** Told after the outbox has it on disk. */
  onSettled(transaction: Uint8Array, settlement: Settlement): void;
  times?: Partial<DeliveryTimes>;
}

export interface DeliveryTimes {
  /** How long the hub may wait for the block before it answers. */
  blockMs: number;
  /** Between two questions after what the hub has on disk, and the first wait after a failure; that one doubles. */
  againMs: number;
  longestMs: number;
}

const usualTimes: DeliveryTimes = { blockMs: 2000, againMs: 500, longestMs: 30_000 };

/** Brings what lies in the outbox to the ledger, each by its id until it is recorded or refused, whoever stands before the kiosk meanwhile. */
export interface Delivery {
  /** At once, or once more after the attempt that is under way. */
  send(transaction: Uint8Array): void;
  /** The hub is back, or the kiosk just started. */
  sendAll(): void;
  /** No attempt begins any more. */
  stop(): void;
}

interface Round {
  busy: boolean;
  again: boolean;
  failures: number;
  told: string | null;
  timer: unknown;
}

export function createDelivery({ outbox, district, clock, journal, onSettled, times }: DeliveryParts): Delivery {
  const { blockMs, againMs, longestMs } = { ...usualTimes, ...times };
  const rounds = new Map<string, Round>();
  let stopped = false;

  const send = (transaction: Uint8Array): void => {
    if (stopped) return;
    const id = Buffer.from(transaction).toString('hex');
    const round = rounds.get(id) ?? { busy: false, again: false, failures: 0, told: null, timer: null };
    rounds.set(id, round);
    if (round.timer !== null) clock.clearTimeout(round.timer);
    round.timer = null;
    if (round.busy) round.again = true;
    else void attempt(transaction, id, round);
  };

  const attempt = async (transaction: Uint8Array, id: string, round: Round): Promise<void> => {
    const waiting = outbox.find(transaction);
    if (waiting === null) {
      rounds.delete(id);
      return;
    }
    round.busy = true;
    const answer = await district.deliver(waiting, blockMs);
    round.busy = false;
    if (stopped) return;
    if (answer.ok && answer.value !== null && settle(transaction, answer.value).ok) {
      rounds.delete(id);
      onSettled(transaction, answer.value);
      return;
    }
    tell(round, answer);
    round.failures = answer.ok ? 0 : round.failures + 1;
    const waitMs = round.again ? 0 : Math.min(againMs * 2 ** Math.min(round.failures, 16), longestMs);
    round.again = false;
    round.timer = clock.setTimeout(() => {
      send(transaction);
    }, waitMs);
  };

  const settle = (transaction: Uint8Array, settlement: Settlement): Result<null> => {
    const kept = isInLedger(settlement) ? outbox.recorded(transaction) : outbox.refused(transaction, settlement.state, settlement.code);
    if (kept.ok) journal.write(isInLedger(settlement) ? { event: 'outbox', what: 'recorded' } : { event: 'outbox', what: settlement.state, code: settlement.code });
    return kept;
  };

  /** Once for each new reason: a hub that is away for a day fills no journal. */
  const tell = (round: Round, answer: Result<Settlement | null>): void => {
    const reason = answer.ok ? 'delivered' : answer.failure.code;
    if (round.told === reason) return;
    round.told = reason;
    journal.write(answer.ok ? { event: 'outbox', what: 'delivered' } : { event: 'outbox', what: 'waiting', code: answer.failure.code });
  };

  return {
    send,
    sendAll() {
      for (const { transaction } of outbox.waiting()) send(transaction);
    },
    stop() {
      stopped = true;
      for (const { timer } of rounds.values()) if (timer !== null) clock.clearTimeout(timer);
      rounds.clear();
    },
  };
}
