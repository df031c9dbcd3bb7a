/** Crockford's base32: no I, L, O, U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const symbols = 8;

/**
 * A transaction's short name for people: its first 40 bits and two check digits (ISO 7064, MOD 97-10), as `7KQ2-M4XD-09`.
 * A wrong symbol and two neighbours changed over are found. It names, it does not prove: receipts do.
 */
export function reference(transactionId: Uint8Array): string {
  if (transactionId.length < 5) throw new RangeError('a transaction id has 32 bytes');
  const value = transactionId.subarray(0, 5).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const text = Array.from({ length: symbols }, (_, i) => alphabet[Number((value >> BigInt(5 * (symbols - 1 - i))) & 31n)]).join('');
  return `${text.slice(0, 4)}-${text.slice(4)}-${checkDigits(value)}`;
}

/** As typed or read aloud: lower case, without hyphens, O for 0, I and L for 1. undefined: not a reference, or mistyped. */
export function parseReference(typed: string): string | undefined {
  const text = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  if (!/^[0-9A-HJKMNP-TV-Z]{8}[0-9]{2}$/.test(text)) return undefined;
  const value = [...text.slice(0, symbols)].reduce((sum, symbol) => sum * 32n + BigInt(alphabet.indexOf(symbol)), 0n);
  if (checkDigits(value) !== text.slice(symbols)) return undefined;
  return `${text.slice(0, 4)}-${text.slice(4, symbols)}-${text.slice(symbols)}`;
}

/** So that the value times 100, plus these digits, is 1 modulo 97. */
function checkDigits(value: bigint): string {
  return String(98n - ((value * 100n) % 97n)).padStart(2, '0');
}
