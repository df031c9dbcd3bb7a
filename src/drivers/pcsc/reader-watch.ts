import type { ReadersStatus, ReaderStatus, SlotState } from '../../contract/device-host.ts';
import { serviceAfter } from './codes.ts';
import type { Pcsc, PcscFailure, PcscWatch, SlotReading } from './pcsc.ts';

export interface ReaderWatchTimes {
  retryFirstMs: number;
  retryLongestMs: number;
  /** How often a card that another program holds is tried. */
  inUseRetryMs: number;
}

/** Short: asking a service that is not there costs one look at a socket. */
export const readerWatchTimes: ReaderWatchTimes = { retryFirstMs: 250, retryLongestMs: 2_000, inUseRetryMs: 500 };

interface Slot {
  reading: SlotReading;
  /** The service changes a slot's state first and counts the event a moment later: the next reading's count may be one more, and nothing has happened. */
  isUncounted: boolean;
  insertion: number;
  /** This process is connected, or was until a moment ago: "in use" in the readings is its own doing. */
  own: 'no' | 'held' | 'let-go';
  /** Somebody may have left the card with a PIN verified: it was in before this watch began, or another program had it. */
  needsReset: boolean;
}

/**
 * Every reader's state and the number of insertions, over any come and go of readers and service. A watch that ended is begun anew with a
 * context of its own, at first after a quarter of a second.
 */
export class ReaderWatch {
  readonly #pcsc: Pcsc;
  readonly #onStatus: (status: ReadersStatus) => void;
  readonly #times: ReaderWatchTimes;
  readonly #slots = new Map<string, Slot>();
  #watch: PcscWatch | null = null;
  #insertions = 0;
  #isFirstReading = true;
  #failures = 0;
  #retry: NodeJS.Timeout | null = null;
  #lastReport = '';
  #inUseRetry: NodeJS.Timeout | null = null;
  /** Trying the cards in use; `hold` waits for its end. */
  #trying: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(pcsc: Pcsc, onStatus: (status: ReadersStatus) => void, times: ReaderWatchTimes = readerWatchTimes) {
    this.#pcsc = pcsc;
    this.#onStatus = onStatus;
    this.#times = times;
    this.#begin();
  }

  /** The reader in which the card of this insertion still is. */
  readerOf(insertion: number): string | null {
    for (const [reader, slot] of this.#slots) if (slot.insertion === insertion && slot.reading.present) return reader;
    return null;
  }

  hasReader(reader: string): boolean {
    return this.#slots.has(reader);
  }

  needsReset(reader: string): boolean {
    return this.#slots.get(reader)?.needsReset ?? false;
  }

  /** Before connecting: the reading that shows the connection may come before its answer. */
  async hold(reader: string): Promise<void> {
    this.#own(reader, 'held');
    await this.#trying;
  }

  /** After the connection was reset and closed, which leaves no PIN verified. */
  letGo(reader: string): void {
    const slot = this.#slots.get(reader);
    if (slot !== undefined) slot.needsReset = false;
    this.#own(reader, 'let-go');
  }

  /** The connection never came to be. PC/SC reports no change when a program takes a card, so that this may be the first sign of it. */
  holdFailed(reader: string, isInUse: boolean): void {
    this.#own(reader, 'no');
    const slot = this.#slots.get(reader);
    if (slot !== undefined && isInUse) {
      slot.reading = { ...slot.reading, inUse: true };
      slot.needsReset = true;
    }
    this.#report();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (this.#inUseRetry !== null) clearTimeout(this.#inUseRetry);
    this.#watch?.stop();
  }

  #own(reader: string, own: Slot['own']): void {
    const slot = this.#slots.get(reader);
    if (slot !== undefined) slot.own = own;
  }

  #begin(): void {
    this.#isFirstReading = true;
    this.#watch = this.#pcsc.watch(
      (readings) => this.#read(readings),
      (failure) => this.#ended(failure),
    );
  }

  #read(readings: SlotReading[]): void {
    this.#failures = 0;
    const names = new Set(readings.map(({ reader }) => reader));
    for (const reader of this.#slots.keys()) if (!names.has(reader)) this.#slots.delete(reader);
    const swapped = readings.filter((reading) => this.#isSwap(reading));
    for (const reading of swapped) this.#take({ ...reading, present: false, mute: false, inUse: false });
    if (swapped.length > 0) this.#report();
    for (const reading of readings) this.#take(reading);
    this.#isFirstReading = false;
    this.#report();
  }

  /** Out and in again between two readings: whoever follows the states must see the card out. */
  #isSwap(reading: SlotReading): boolean {
    const before = this.#slots.get(reading.reader);
    if (before === undefined || !before.reading.present || !reading.present) return false;
    return reading.cardEvents !== before.reading.cardEvents && !(before.isUncounted && reading.cardEvents === countOf(before));
  }

  #take(reading: SlotReading): void {
    const before = this.#slots.get(reading.reader);
    const isNewCard = reading.present && before?.reading.present !== true;
    const own = before === undefined || isNewCard || !reading.present || (before.own === 'let-go' && !reading.inUse) ? 'no' : before.own;
    const inUseElsewhere = reading.inUse && own === 'no';
    // Each change of the state is one event more: where an even number was counted, the last is still to come.
    const isUncounted = before !== undefined && before.reading.present !== reading.present && (reading.cardEvents - countOf(before)) % 2 === 0;
    this.#slots.set(reading.reader, {
      reading,
      isUncounted,
      insertion: isNewCard ? ++this.#insertions : (before?.insertion ?? 0),
      own,
      needsReset: isNewCard ? this.#isFirstReading || inUseElsewhere : (before?.needsReset ?? false) || inUseElsewhere,
    });
  }

  #ended(failure: PcscFailure): void {
    this.#slots.clear();
    this.#watch = null;
    this.#send({ service: serviceAfter(failure), readers: [], detail: failure.detail });
    const delayMs = Math.min(this.#times.retryFirstMs * 2 ** this.#failures, this.#times.retryLongestMs);
    this.#failures = Math.min(this.#failures + 1, 30);
    this.#retry = setTimeout(() => this.#begin(), delayMs);
  }

  /** Nor does PC/SC report a change when that program lets the card go: whether it did shows in a connection alone. */
  #tryLater(): void {
    if (this.#stopped || this.#inUseRetry !== null || !this.#inUseElsewhere().length) return;
    this.#inUseRetry = setTimeout(() => {
      this.#inUseRetry = null;
      this.#trying = this.#tryInUse();
      void this.#trying.finally(() => this.#tryLater());
    }, this.#times.inUseRetryMs);
  }

  #inUseElsewhere(): string[] {
    return [...this.#slots].filter(([, slot]) => slotState(slot) === 'card-in-use').map(([reader]) => reader);
  }

  async #tryInUse(): Promise<void> {
    for (const reader of this.#inUseElsewhere()) {
      const tried = this.#slots.get(reader)?.insertion;
      const connection = await this.#pcsc.connect(reader);
      if (connection.ok) await connection.value.disconnect();
      const slot = this.#slots.get(reader);
      if (!connection.ok || slot === undefined || slot.insertion !== tried) continue;
      this.#slots.set(reader, { ...slot, reading: { ...slot.reading, inUse: false }, needsReset: false });
      this.#report();
    }
  }

  #report(): void {
    this.#tryLater();
    this.#send({ service: 'ready', readers: [...this.#slots.values()].map(statusOf) });
  }

  #send(status: ReadersStatus): void {
    const report = JSON.stringify(status);
    if (report === this.#lastReport) return;
    this.#lastReport = report;
    this.#onStatus(status);
  }
}

/** What the service's count is once it has counted what its state shows, 16 bits. */
function countOf({ reading, isUncounted }: Slot): number {
  return (reading.cardEvents + (isUncounted ? 1 : 0)) & 0xffff;
}

function statusOf(slot: Slot): ReaderStatus {
  return { name: slot.reading.reader, slot: slotState(slot), insertion: slot.insertion };
}

function slotState({ reading, own }: Slot): SlotState {
  if (!reading.present) return 'no-card';
  if (reading.mute) return 'card-mute';
  return reading.inUse && own === 'no' ? 'card-in-use' : 'card-present';
}
