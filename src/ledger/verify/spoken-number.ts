/** Crockford's base32: no I, L, O, U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * A number as people read, type and say it: so many signs of Crockford's base32, the most significant first, and two check digits (ISO 7064,
 * MOD 97-10), without hyphens. A wrong sign and two neighbours changed over are found.
 */
export function spokenNumber(value: bigint, signs: number): string {
  return Array.from({ length: signs }, (_, i) => alphabet[Number((value >> BigInt(5 * (signs - 1 - i))) & 31n)]).join('') + checkDigits(value);
}

/** As typed or read aloud: lower case, with or without hyphens and spaces, O for 0, I and L for 1. `form`: another count of signs, or one that there is not; `mistyped`: the digits do not fit. */
export function parseSpokenNumber(typed: string, signs: number): bigint | 'form' | 'mistyped' {
  const text = typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  if (!new RegExp(`^[${alphabet}]{${signs}}[0-9]{2}$`).test(text)) return 'form';
  const value = [...text.slice(0, signs)].reduce((sum, sign) => sum * 32n + BigInt(alphabet.indexOf(sign)), 0n);
  return checkDigits(value) === text.slice(signs) ? value : 'mistyped';
}

/** So that the value times 100, plus these digits, is 1 modulo 97. */
const checkDigits = (value: bigint): string => String(98n - ((value * 100n) % 97n)).padStart(2, '0');
