import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Name } from '../ledger/verify/acts.ts';
import { toHex } from '../ledger/verify/bytes.ts';

export interface KeeperNonce {
  keeperNonce: Uint8Array;
  /** Unix seconds. */
  notAfter: number;
}

const lifetimeSeconds = 120;
/** More than every kiosk of a hub has open; beyond it the hub is being flooded. */
const mostOpen = 512;
/** More than a kiosk has in two minutes; beyond it that kiosk floods, and the others are not to suffer for it. */
const mostOpenOfOne = 32;

/** The keeper's halves of challenges: each is used once and dies by itself. Nothing of them outlives the process. */
export class Challenges {
  readonly #open = new Map<string, { asker: Name | null; kioskNonce: string; notAfter: number }>();

  /**
   * @param asker the kiosk, where it is known. `hub-busy`: too many are open.
   * @param now Unix seconds.
   */
  issue(kioskNonce: Uint8Array, asker: Name | null, now: number): Result<KeeperNonce> {
    this.#forgetDead(now);
    if (this.#open.size >= mostOpen) return fail('hub-busy', 'challenges');
    if (asker !== null && [...this.#open.values()].filter((open) => open.asker === asker).length >= mostOpenOfOne) return fail('hub-busy', 'challenges');
    const keeperNonce = new Uint8Array(randomBytes(16));
    const notAfter = now + lifetimeSeconds;
    this.#open.set(toHex(keeperNonce), { asker, kioskNonce: toHex(kioskNonce), notAfter });
    return ok({ keeperNonce, notAfter });
  }

  /** true, once, for kiosk16 ‖ keeper16 as issued, in time, and under the same `notAfter`. */
  use(nonce: Uint8Array, notAfter: number, now: number): boolean {
    const keeperHalf = toHex(nonce.subarray(16));
    const issued = this.#open.get(keeperHalf);
    if (issued === undefined) return false;
    this.#open.delete(keeperHalf);
    return issued.kioskNonce === toHex(nonce.subarray(0, 16)) && issued.notAfter === notAfter && now <= notAfter;
  }

  #forgetDead(now: number): void {
    for (const [nonce, { notAfter }] of this.#open) if (notAfter < now) this.#open.delete(nonce);
  }
}
