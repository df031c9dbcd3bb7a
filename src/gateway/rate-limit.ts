export interface Rate {
  /** Refilled so fast, on average. */
  perSecond: number;
  /** At once, after a pause. */
  burst: number;
}

/** More names than a district has; beyond it the one that was quiet longest is forgotten, whose bucket is the likeliest to be full again. */
const mostBuckets = 4096;

/** Token buckets by name. */
export class RateLimit {
  readonly #rate: Rate;
  /** The one that was used last is last. */
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Seconds to wait, whole and at least 1, or null where there was a token, which is then gone. */
  take(name: string, nowMs: number): number | null {
    const { perSecond, burst } = this.#rate;
    const known = this.#buckets.get(name) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, known.tokens + (Math.max(0, nowMs - known.atMs) / 1000) * perSecond);
    this.#buckets.delete(name);
    this.#buckets.set(name, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs });
    const [quietest] = this.#buckets.keys();
    if (this.#buckets.size > mostBuckets && quietest !== undefined) this.#buckets.delete(quietest);
    return tokens < 1 ? Math.max(1, Math.ceil((1 - tokens) / perSecond)) : null;
  }
}
