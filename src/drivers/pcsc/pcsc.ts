import type { Failure, Result } from '../../contract/result.ts';

/** PC/SC's own failures, as far as anybody acts on the difference. `detail` is the SCARD name. */
export type PcscFailureCode =
  | 'no-service'
  | 'no-permission'
  | 'unknown-reader'
  | 'no-card'
  | 'removed'
  | 'mute'
  | 'unsupported'
  | 'in-use'
  | 'timeout'
  | 'cancelled'
  | 'communication';

export type PcscFailure = Failure<PcscFailureCode>;
export type PcscResult<T> = Result<T, PcscFailure>;

/** One slot as the service reports it. */
export interface SlotReading {
  reader: string;
  present: boolean;
  mute: boolean;
  /** Some program, perhaps this one, is connected. */
  inUse: boolean;
  /** The service's own count of insertions and removals, 16 bits: two swaps between two readings still show. */
  cardEvents: number;
}

/** An exclusive connection to the card in one reader. */
export interface PcscCard {
  readonly protocol: 't0' | 't1';
  /** The raw answer; an empty one means that the card went away. */
  transmit(command: Uint8Array): Promise<PcscResult<Uint8Array>>;
  /** SCardControl: a command to the reader. */
  control(code: number, data: Uint8Array): Promise<PcscResult<Uint8Array>>;
  /** Resets the card and lets go of it. Never fails: what is gone needs no reset. */
  disconnect(): Promise<void>;
}

export interface PcscWatch {
  /** Nothing is reported after this. */
  stop(): void;
}

/** The operating system's PC/SC, through one of its bindings. */
export interface Pcsc {
  /**
   * Reports every slot, all of them each time, soon after `watch` has returned and upon every change, until `stop` or a failure. A failure is reported once and ends
   * the watch: another one has to be started, with a context of its own (no binding recovers from a restarted service by itself).
   */
  watch(onSlots: (slots: SlotReading[]) => void, onEnd: (failure: PcscFailure) => void): PcscWatch;
  /** Exclusive. Needs a running watch. */
  connect(reader: string): Promise<PcscResult<PcscCard>>;
}
