const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_DIGITS = '10X98765432';

/** GB 11643-1999: the eighteenth character to the seventeen digits before it. `11010519491231002` → `X`. */
export function identityCheckDigit(digits: string): string {
  const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(digits[i]), 0);
  return CHECK_DIGITS.charAt(sum % 11);
}

/** A number of 18 characters whose check digit is right and which holds this birth date (YYYY-MM-DD). */
export function identityNumberIsSound(number: string, birth: string): boolean {
  return /^\d{17}[\dX]$/.test(number) && number.slice(6, 14) === birth.replaceAll('-', '') && identityCheckDigit(number) === number.at(-1);
}
