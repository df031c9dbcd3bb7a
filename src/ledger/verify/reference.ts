import { parseSpokenNumber, spokenNumber } from './spoken-number.ts';

const signs = 8;

/**
 * A transaction's short name for people: its first 40 bits and two check digits, as `7KQ2-M4XD-09` (spoken-number.ts).
 * It names, it does not prove: receipts do.
 */
export function reference(transactionId: Uint8Array): string {
  if (transactionId.length < 5) throw new RangeError('a transaction id has 32 bytes');
  return grouped(spokenNumber(transactionId.subarray(0, 5).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n), signs));
}

/** The first 40 bits of an id, for people to tell one from another: `7KQ2-M4XD`. Whose it is knows the party that gave it. */
export function shortId(id: Uint8Array): string {
  if (id.length < 5) throw new RangeError('an id has 16 bytes');
  return reference(id).slice(0, signs + 1);
}

/** A member of staff's name on screens and in lists of who looked: the first 40 bits of the staff id, as `7KQ2-M4XD`. */
export const pseudonym = shortId;

/** As typed or read aloud. undefined: not a reference, or mistyped. */
export function parseReference(typed: string): string | undefined {
  const value = parseSpokenNumber(typed, signs);
  return typeof value === 'bigint' ? grouped(spokenNumber(value, signs)) : undefined;
}

const grouped = (text: string): string => `${text.slice(0, 4)}-${text.slice(4, signs)}-${text.slice(signs)}`;
