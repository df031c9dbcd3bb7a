import type { Genesis } from './genesis.ts';

export interface SeedSize {
  seed: number;
  residents: number;
  /** Log entries beside the registrations: requests with their grants, their steps, and reads. */
  requests: number;
}

/** What the engines take in one block at most. */
const inBlock = 500;
/** The seeded past: two years. */
const pastSeconds = 2 * 366 * 86_400;
/** Kiosks ask for seven days. */
export const notAfterSeconds = 7 * 86_400;

/** When and at which height each entry of a seeded log was taken. */
export class SeedCalendar {
  readonly size: number;
  readonly #begin: number;

  constructor({ residents, requests }: SeedSize, { time }: Genesis) {
    this.size = residents + requests;
    this.#begin = time + 1;
  }

  /** Unix seconds. */
  timeOf(index: number): number {
    return this.#begin + Math.floor((index / this.size) * pastSeconds);
  }

  heightOf(index: number): number {
    return 1 + Math.floor(index / inBlock);
  }

  /** From this entry on the ids are still remembered at the end. */
  get firstRemembered(): number {
    const last = this.timeOf(this.size - 1);
    let first = Math.max(0, this.size - 1 - Math.ceil((this.size * notAfterSeconds) / pastSeconds) - 2);
    while (this.timeOf(first) + notAfterSeconds < last) first += 1;
    return first;
  }
}
