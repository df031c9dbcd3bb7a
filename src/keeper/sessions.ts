import { randomBytes } from 'node:crypto';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { toHex } from '../ledger/verify/bytes.ts';

const usualLifetimeSeconds = 20 * 60;
const mostOpen = 512;

/** Visits whose data space is open, or staff who are signed in, in memory only: a restarted hub knows none, and the card proves its key again. */
export class Sessions {
  readonly #open = new Map<string, { resident: Id; endsAt: number }>();
  readonly #lifetimeSeconds: number;

  constructor(lifetimeSeconds = usualLifetimeSeconds) {
    this.#lifetimeSeconds = lifetimeSeconds;
  }

  /** @param now Unix seconds. */
  begin(resident: Id, now: number): Result<Uint8Array> {
    for (const [session, { endsAt }] of this.#open) if (endsAt <= now) this.#open.delete(session);
    if (this.#open.size >= mostOpen) return fail('hub-busy', 'sessions');
    const session = new Uint8Array(randomBytes(16));
    this.#open.set(toHex(session), { resident, endsAt: now + this.#lifetimeSeconds });
    return ok(session);
  }

  /** null: unknown, ended or run out. */
  resident(session: Uint8Array, now: number): Id | null {
    const open = this.#open.get(toHex(session));
    return open === undefined || open.endsAt <= now ? null : open.resident;
  }

  end(session: Uint8Array): void {
    this.#open.delete(toHex(session));
  }
}
