import { ok, type Result } from '../../contract/result.ts';
import { concatBytes } from './bytes.ts';
import { fromBase45, toBase45 } from './base45.ts';

/** Of receipt in one QR code: with its header in the alphanumeric mode it stays below version 32, error correction L, and a phone reads it off the screen. */
const symbolBytes = 1200;
const mostSymbols = 99;

/**
 * A receipt as the texts of QR codes: `IMI1:<n>:<m>:` and then base45 (RFC 9285) of the n-th of m parts.
 * All symbols are in QR's alphanumeric set.
 */
export function receiptToSymbols(receipt: Uint8Array): string[] {
  const count = Math.max(1, Math.ceil(receipt.length / symbolBytes));
  if (count > mostSymbols) throw new RangeError('a receipt for so many QR codes is not one');
  // Even parts, so that no code is much denser than the others; of an even number of bytes, as base45 takes them in pairs.
  const even = 2 * Math.ceil(receipt.length / count / 2);
  return Array.from({ length: count }, (_, i) => `IMI1:${i + 1}:${count}:${toBase45(receipt.subarray(i * even, (i + 1) * even))}`);
}

/** Why codes make no receipt. Numbers count from 1, as they stand in the codes. */
export type SymbolsFault =
  | { kind: 'no-symbol' }
  /** Codes of two receipts, or one number with two contents. */
  | { kind: 'mixed' }
  | { kind: 'damaged'; number: number }
  | { kind: 'incomplete'; missing: number[]; of: number };

const symbolForm = /^IMI1:([1-9][0-9]?):([1-9][0-9]?):(.*)$/s;

/** In any order, doubles allowed. One that is damaged is told before those that are missing. Whether to believe what comes out, `verifyReceipt` says. */
export function joinSymbols(texts: readonly string[]): Result<Uint8Array, SymbolsFault> {
  const payloads = new Map<number, string>();
  const parts = new Map<number, Uint8Array>();
  let count = 0;
  for (const text of texts) {
    const match = symbolForm.exec(text);
    if (match === null) return joinFails({ kind: 'no-symbol' });
    const [number, of, payload] = [Number(match[1]), Number(match[2]), match[3] ?? ''];
    const part = number > of ? undefined : fromBase45(payload);
    if (part === undefined) return joinFails({ kind: 'damaged', number });
    if ((count || of) !== of || (payloads.get(number) ?? payload) !== payload) return joinFails({ kind: 'mixed' });
    count = of;
    payloads.set(number, payload);
    parts.set(number, part);
  }
  if (count === 0) return joinFails({ kind: 'no-symbol' });
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const missing = numbers.filter((number) => !parts.has(number));
  if (missing.length > 0) return joinFails({ kind: 'incomplete', missing, of: count });
  return ok(concatBytes(...numbers.flatMap((number) => parts.get(number) ?? [])));
}

const joinFails = (failure: SymbolsFault): { readonly ok: false; readonly failure: SymbolsFault } => ({ ok: false, failure });

/** undefined: one is missing, damaged, or of another receipt. */
export function symbolsToReceipt(texts: readonly string[]): Uint8Array | undefined {
  const joined = joinSymbols(texts);
  return joined.ok ? joined.value : undefined;
}
