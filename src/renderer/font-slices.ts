import slices from './fonts/slices.css?inline';

/** Brings the faces of every character that `kiosk-font.css` lacks: 100 kB of rules, for which Chromium draws the whole page once more. */
export function laySlices(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(slices);
  document.adoptedStyleSheets.push(sheet);
}

/** Whether the faces that are there have each character of the text. */
export function isCovered(text: string): boolean {
  const ranges = [...document.fonts].flatMap((face) => rangesOf(face.unicodeRange));
  return [...text].every((character) => {
    const point = character.codePointAt(0) ?? 0;
    return /\s/.test(character) || ranges.some(({ first, last }) => first <= point && point <= last);
  });
}

/** `U+20-7E, U+A5`. */
function rangesOf(unicodeRange: string): { first: number; last: number }[] {
  return [...unicodeRange.matchAll(/U\+([\da-f]+)(?:-([\da-f]+))?/gi)].map(([, first = '', last = first]) => ({ first: Number.parseInt(first, 16), last: Number.parseInt(last, 16) }));
}
