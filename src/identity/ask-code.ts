/** What a resident types at a kiosk to find an ask: no letter or digit in it is taken for another (no 0, 1, I, L, O, U). */
export const askCodeAlphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
export const askCodeLength = 8;

/** Each of 30 signs as likely as the others: bytes above the last whole multiple are drawn again. @param random as many random bytes as it is asked for. */
export function newAskCode(random: (count: number) => Uint8Array): string {
  let code = '';
  while (code.length < askCodeLength) {
    const [byte = 255] = random(1);
    if (byte < 240) code += askCodeAlphabet[byte % 30] ?? '';
  }
  return code;
}

/** As typed: blanks and hyphens go, letters become capitals. null: not a code. */
export function readAskCode(typed: string): string | null {
  const code = typed.replaceAll(/[\s-]/g, '').toUpperCase();
  return code.length === askCodeLength && [...code].every((sign) => askCodeAlphabet.includes(sign)) ? code : null;
}

/** In two groups of four, as it is read out. */
export const shownAskCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;
