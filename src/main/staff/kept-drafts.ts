import { fail, ok, type Result } from '../../contract/result.ts';
import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import type { PublicKey, StaffRole } from '../../ledger/verify/acts.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { completed, draftId, inputFor, withSignature, withSigner, type Draft } from '../../ledger/verify/draft.ts';
import type { Clock } from '../clock.ts';

/** How long a kiosk with one reader keeps what the first card has signed. */
export const keptDraftMs = 5 * 60_000;
/** More than people at one kiosk have in hand. */
const mostKept = 4;

export interface KeptDraft {
  draft: Draft;
  /** Who has signed, by key. */
  signed: PublicKey[];
  /** Unix milliseconds. */
  untilMs: number;
  /** Of whoever may sign next; empty: those whose keys the draft names. */
  wants: readonly StaffRole[];
}

/** What else is to be known of a draft when it is kept. */
export interface Keeping {
  wants?: readonly StaffRole[];
  /** Called when it is forgotten before it was complete. */
  onGone?: () => void;
}

/** Acts that need two cards, between the first and the second: in memory only, so that a kiosk that is switched off keeps nothing. */
export interface KeptDrafts {
  /** Keeps it, or what a second card has added to it; the five minutes run from the first signature on. `hub-busy`: too many are in hand. */
  keep(draft: Draft, keeping?: Keeping): Result<null>;
  /** Those that are still in time. */
  list(): KeptDraft[];
  /** What this key is to sign, be it one of the draft's signers or whoever an open one waits for; null: it is gone, or waits for somebody else. */
  input(id: Uint8Array, key: PublicKey): Uint8Array | null;
  /** With this signature the envelope, while it waits on as it was until it is handed over; null: others are still missing. `hub-refused`: gone, or not one of its signers. */
  sign(id: Uint8Array, key: PublicKey, signature: Uint8Array): Result<Uint8Array | null>;
  /** While it is being given away nobody is shown it. Taken, it is kept no longer; where `give` failed it waits on, and whoever signs it again does nothing twice. */
  handOver<T>(id: Uint8Array, give: () => Promise<Result<T>>): Promise<Result<T>>;
  drop(id: Uint8Array): void;
  close(): void;
}

/** Whoever comes is the last signer of an open draft. One who has signed it already is not. */
function forSigner(draft: Draft, key: PublicKey): Draft {
  const hasSigned = draft.signers.some((signer) => signer[0] === key[0] && equalBytes(signer[1], key[1]));
  return draft.open === true && !hasSigned ? withSigner(draft, key) : draft;
}

export function createKeptDrafts({ clock, crypto }: { clock: Clock; crypto: Crypto }): KeptDrafts {
  const kept = new Map<string, { draft: Draft; untilMs: number; timer: unknown } & Required<Keeping>>();
  const beingGiven = new Set<string>();

  const forget = (name: string): void => {
    const one = kept.get(name);
    if (one === undefined) return;
    clock.clearTimeout(one.timer);
    kept.delete(name);
  };
  const dropOne = (name: string): void => {
    const one = kept.get(name);
    forget(name);
    one?.onGone();
  };
  const find = (id: Uint8Array): ({ draft: Draft; untilMs: number; timer: unknown } & Required<Keeping>) | undefined => {
    const name = toHex(id);
    const one = kept.get(name);
    return one === undefined || one.untilMs <= clock.now() || beingGiven.has(name) ? undefined : one;
  };

  return {
    keep(draft, { wants = [], onGone = () => undefined } = {}) {
      const name = toHex(draftId(draft, crypto));
      const before = kept.get(name);
      if (before === undefined && kept.size >= mostKept) return fail('hub-busy', 'drafts');
      const untilMs = before?.untilMs ?? clock.now() + keptDraftMs;
      const timer = before?.timer ?? clock.setTimeout(() => beingGiven.has(name) || dropOne(name), keptDraftMs);
      kept.set(name, { draft, untilMs, timer, wants: before?.wants ?? wants, onGone: before?.onGone ?? onGone });
      return ok(null);
    },
    list: () =>
      [...kept]
        .filter(([name, { untilMs }]) => untilMs > clock.now() && !beingGiven.has(name))
        .map(([, { draft, untilMs, wants }]) => ({ draft, untilMs, wants, signed: draft.signers.filter((_, index) => draft.signatures[index] !== null) })),
    input(id, key) {
      const found = find(id);
      return found === undefined ? null : (inputFor(forSigner(found.draft, key), key, crypto) ?? null);
    },
    sign(id, key, signature) {
      const found = find(id);
      if (found === undefined) return fail('hub-refused', 'draft-unknown');
      const signed = withSignature(forSigner(found.draft, key), key, signature, crypto);
      if (!signed.ok) return fail('hub-refused', signed.failure.code);
      const envelope = completed(signed.value, crypto);
      if (envelope === null) kept.set(toHex(id), { ...found, draft: signed.value });
      return ok(envelope);
    },
    async handOver(id, give) {
      const name = toHex(id);
      beingGiven.add(name);
      try {
        const given = await give();
        if (given.ok) forget(name);
        return given;
      } finally {
        beingGiven.delete(name);
        if ((kept.get(name)?.untilMs ?? Infinity) <= clock.now()) dropOne(name);
      }
    },
    drop(id) {
      dropOne(toHex(id));
    },
    close() {
      for (const name of kept.keys()) dropOne(name);
    },
  };
}
