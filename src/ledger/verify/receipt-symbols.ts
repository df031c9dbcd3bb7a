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

/** In any order, doubles allowed. undefined: one is missing, damaged, or of another receipt. Whether to believe it, `verifyReceipt` says. */
export function symbolsToReceipt(texts: readonly string[]): Uint8Array | undefined {
  const parts = new Map<number, string>();
  let count: number | undefined;
  for (const text of texts) {
    const match = /^IMI1:([1-9][0-9]?):([1-9][0-9]?):(.*)$/s.exec(text);
    if (match === null) return undefined;
    const [number, of, payload] = [Number(match[1]), Number(match[2]), match[3] ?? ''];
    if (number > of || (count ?? of) !== of || (parts.get(number) ?? payload) !== payload) return undefined;
    count = of;
    parts.set(number, payload);
  }
  const bytes: Uint8Array[] = [];
  for (let number = 1; number <= (count ?? 0); number++) {
    const payload = parts.get(number);
    const part = payload === undefined ? undefined : fromBase45(payload);
    if (part === undefined) return undefined;
    bytes.push(part);
  }
  return bytes.length === 0 ? undefined : concatBytes(...bytes);
}
