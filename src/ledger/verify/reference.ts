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

/** A member of staff's name on screens and in lists of who looked: the first 40 bits of the staff id, as `7KQ2-M4XD`. */
export function pseudonym(staffId: Uint8Array): string {
  if (staffId.length < 5) throw new RangeError('a staff id has 16 bytes');
  return reference(staffId).slice(0, signs + 1);
}

/** As typed or read aloud. undefined: not a reference, or mistyped. */
export function parseReference(typed: string): string | undefined {
  const value = parseSpokenNumber(typed, signs);
  return typeof value === 'bigint' ? grouped(spokenNumber(value, signs)) : undefined;
}

const grouped = (text: string): string => `${text.slice(0, 4)}-${text.slice(4, signs)}-${text.slice(signs)}`;
