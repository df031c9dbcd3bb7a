import type { SeedSize } from './seed-calendar.ts';

/** What a thread that makes entries is told, and what it says (seed-entries-worker.ts). */

export interface EntriesWork {
  size: SeedSize;
  /** Of the district's streams. */
  own: number[];
  /** Brings what the genesis begins with, but for what the streams change of it. */
  isFirst: boolean;
  /** Of its state; is made. */
  dir: string;
}

/** Of one stream, the entries of one round, one behind the other. */
export interface EntriesSlab {
  ids: Uint8Array<ArrayBuffer>;
  leaves: Uint8Array<ArrayBuffer>;
  subjects: Int32Array<ArrayBuffer>;
  lengths: Int32Array<ArrayBuffer>;
  envelopes: Uint8Array<ArrayBuffer>;
}

/** The slabs of a round, one a stream in the order of `own`; at the end, how many values lie in each of the state's files. */
export type EntriesMessage = { slabs: EntriesSlab[] } | { counts: number[] };

/** Entries of the log, of all streams together; a multiple of any number of streams up to eight. */
export const entriesInRound = 840 * 4;
