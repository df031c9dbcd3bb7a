import { ok, type Result } from '../../../contract/result.ts';
import { BlockDraft, type Outcome, type Tip } from '../../application.ts';
import { compareBytes } from '../../verify/bytes.ts';
import type { Crypto } from '../../verify/crypto.ts';
import type { Proven } from './proven-read.ts';

/** The rules ask for the signers' keys, then for their owners, then for what the acts rest on. */
const mostRounds = 16;

export interface Judged {
  outcome: Outcome;
  /** Whose state it was judged on. */
  tip: Tip;
}

/**
 * What the rules make of an envelope, on values that are proven: so that no node's word is needed for a refusal. The rules are run again and again,
 * each time with what they asked for and did not find, all of it of one height, until they ask for nothing new.
 * `before`: envelopes that wait and come earlier. null: the ledger moved on too fast.
 */
export async function judgeProven<F>(
  envelope: Uint8Array,
  { before, chain, nowMs, read, crypto }: { before: readonly Uint8Array[]; chain: string; nowMs: number; read: (keys: Uint8Array[]) => Promise<Result<Proven, F>>; crypto: Crypto },
): Promise<Result<Judged | null, F>> {
  const wanted: Uint8Array[] = [];
  for (let round = 0; round < mostRounds; round++) {
    const proven = await read(wanted);
    if (!proven.ok) return proven;
    const { tip, entries } = proven.value;
    const known = new Map(wanted.map((key, i) => [textOf(key), entries[i]?.value ?? undefined]));
    const missing = new Map<string, Uint8Array>();
    const view = {
      get: (key: Uint8Array): Uint8Array | undefined => {
        const text = textOf(key);
        if (!known.has(text)) missing.set(text, key);
        return known.get(text);
      },
    };
    const draft = new BlockDraft(view, tip, { chain, timeMs: Math.max(nowMs, tip.timeMs + 1) }, crypto);
    for (const earlier of before) draft.take(earlier);
    const outcome = draft.take(envelope);
    if (missing.size === 0) return ok({ outcome, tip });
    wanted.push(...missing.values());
    wanted.sort(compareBytes);
  }
  return ok(null);
}

// State keys are ASCII.
const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
