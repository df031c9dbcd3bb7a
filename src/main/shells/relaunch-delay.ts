/** Wait before the screen is started again. A first loss costs nothing; one that keeps dying is not hammered: 0, 0.5, 1, 2, 4, 8, 10, 10 … s. */
export function relaunchDelayMs(lossesInLastMinute: number): number {
  return lossesInLastMinute <= 1 ? 0 : Math.min(10_000, 500 * 2 ** (lossesInLastMinute - 2));
}

export class RelaunchPace {
  #lossesMs: number[] = [];

  /** Counts one loss and says how long to wait. */
  next(nowMs: number): number {
    this.#lossesMs = [...this.#lossesMs.filter((lossMs) => lossMs >= nowMs - 60_000), nowMs];
    return relaunchDelayMs(this.#lossesMs.length);
  }
}
