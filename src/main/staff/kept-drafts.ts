import { fail, ok, type Result } from '../../contract/result.ts';
import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import type { PublicKey } from '../../ledger/verify/acts.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { completed, draftId, withSignature, type Draft } from '../../ledger/verify/draft.ts';
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
}

/** Acts that need two cards, between the first and the second: in memory only, so that a kiosk that is switched off keeps nothing. */
export interface KeptDrafts {
  /** Keeps it, or what a second card has added to it; the five minutes run from the first signature on. `hub-busy`: too many are in hand. */
  keep(draft: Draft): Result<null>;
  /** Those that are still in time. */
  list(): KeptDraft[];
  /** With this signature the envelope, and then it is kept no longer; null: others are still missing. `hub-refused`: gone, or not one of its signers. */
  sign(id: Uint8Array, key: PublicKey, signature: Uint8Array): Result<Uint8Array | null>;
  drop(id: Uint8Array): void;
  close(): void;
}

export function createKeptDrafts({ clock, crypto }: { clock: Clock; crypto: Crypto }): KeptDrafts {
  const kept = new Map<string, { draft: Draft; untilMs: number; timer: unknown }>();

  const forget = (name: string): void => {
    const one = kept.get(name);
    if (one === undefined) return;
    clock.clearTimeout(one.timer);
    kept.delete(name);
  };
  const find = (id: Uint8Array): { draft: Draft; untilMs: number } | undefined => {
    const one = kept.get(toHex(id));
    return one === undefined || one.untilMs <= clock.now() ? undefined : one;
  };

  return {
    keep(draft) {
      const name = toHex(draftId(draft, crypto));
      const before = kept.get(name);
      if (before === undefined && kept.size >= mostKept) return fail('hub-busy', 'drafts');
      const untilMs = before?.untilMs ?? clock.now() + keptDraftMs;
      const timer = before?.timer ?? clock.setTimeout(() => forget(name), keptDraftMs);
      kept.set(name, { draft, untilMs, timer });
      return ok(null);
    },
    list: () =>
      [...kept.values()]
        .filter(({ untilMs }) => untilMs > clock.now())
        .map(({ draft, untilMs }) => ({ draft, untilMs, signed: draft.signers.filter((_, index) => draft.signatures[index] !== null) })),
    sign(id, key, signature) {
      const found = find(id);
      if (found === undefined) return fail('hub-refused', 'draft-unknown');
      const signed = withSignature(found.draft, key, signature, crypto);
      if (!signed.ok) return fail('hub-refused', signed.failure.code);
      const envelope = completed(signed.value, crypto);
      if (envelope !== null) forget(toHex(id));
      else kept.set(toHex(id), { ...(kept.get(toHex(id)) ?? { untilMs: found.untilMs, timer: undefined }), draft: signed.value });
      return ok(envelope);
    },
    drop(id) {
      forget([...kept.keys()].find((name) => equalBytes(Buffer.from(name, 'hex'), id)) ?? '');
    },
    close() {
      for (const name of kept.keys()) forget(name);
    },
  };
}
