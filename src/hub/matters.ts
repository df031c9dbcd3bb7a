import { ok, type Result } from '../contract/result.ts';
import { readAskCode } from '../identity/ask-code.ts';
import type { SharedHandOffs } from '../keeper/shared-hand-offs.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { mostOfOne, placeWhenCalled, type HandOff, type HandOffs, type QueuePlace } from './hand-offs.ts';

/** Matters handed off, as the hub's door gives them: in this hub's own file, or where hubs share a keeper, with that, and only their numbers in this hall's queue here. */
export interface Matters {
  put(resident: Id, sealed: Uint8Array): Promise<Result<HandOff>>;
  get(resident: Id, code: string): Promise<Result<Uint8Array | null>>;
  until(code: string): Promise<Result<number | null>>;
  drop(resident: Id, code: string): Promise<Result<null>>;
  place(resident: Id, code: string, known: string | null | undefined, waitMs: number): Promise<Result<QueuePlace | null>>;
}

export function mattersOf(own: HandOffs, shared: SharedHandOffs | null): Matters {
  const place: Matters['place'] = (resident, code, known, waitMs) => placeWhenCalled(own, resident, code, known, waitMs);
  if (shared === null) {
    return {
      put: (resident, sealed) => Promise.resolve(own.put(resident, sealed)),
      get: (resident, code) => Promise.resolve(own.get(resident, code)),
      until: (code) => Promise.resolve(own.until(code)),
      drop: (resident, code) => Promise.resolve(own.drop(resident, code)),
      place,
    };
  }
  return {
    async put(resident, sealed) {
      // Here without its content: what stands for its number in the queue.
      const made = own.put(resident, new Uint8Array(0));
      if (!made.ok) return made;
      const { code, until } = made.value;
      const kept = await shared.put(resident, { code, sealed, until }, mostOfOne);
      if (kept.ok) return made;
      own.drop(resident, code);
      return kept;
    },
    async get(resident, typed) {
      const code = readAskCode(typed);
      return code === null ? ok(null) : shared.get(resident, code);
    },
    async until(typed) {
      const code = readAskCode(typed);
      return code === null ? ok(null) : shared.until(code);
    },
    async drop(resident, typed) {
      const code = readAskCode(typed);
      if (code === null) return ok(null);
      const dropped = await shared.drop(resident, code);
      return dropped.ok ? own.drop(resident, code) : dropped;
    },
    async place(resident, typed, known, waitMs) {
      const code = readAskCode(typed);
      const kept = code === null ? ok(null) : await shared.get(resident, code);
      if (!kept.ok) return kept;
      if (kept.value !== null) return place(resident, typed, known, waitMs);
      // Finished at another hub: its number is over here.
      const dropped = own.drop(resident, typed);
      return dropped.ok ? ok(null) : dropped;
    },
  };
}
