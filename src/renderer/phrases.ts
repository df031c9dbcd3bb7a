const chinese = new Intl.Segmenter('zh', { granularity: 'word' });

const han = /^\p{Script=Han}+$/u;
const point = /(?<=\p{Script=Han})·(?=\p{Script=Han})/gu;
/** Behind a point in a name. */
const insideName = /(?<=·)(?=\p{Script=Han})/u;
/** What stands between two of them. */
const middleName = /^\p{Script=Han}+\u2060·$/u;
/** U+2060: left to themselves, browsers end a line before a point as well. */
const joiner = '\u2060';

/**
 * Chinese text in pieces between which a line may break: words, not characters. What is no word of its own (a single character, a number, a sign) stays with what is before it.
 * A number and what it counts are not parted: the space between them becomes one that does not break. A name with points in it is parted behind them only.
 * `南岭区税务局想看您的 4 项信息` → `南岭区` `税务局想看您的 4 项` `信息`
 */
export const phrases = (text: string): string[] => text.replace(point, `${joiner}·`).split(insideName).flatMap((part, index) => (index > 0 && middleName.test(part) ? [part] : phrasesOf(part)));

function phrasesOf(text: string): string[] {
  const pieces: string[] = [];
  for (const { segment } of chinese.segment(text)) {
    const last = pieces.at(-1);
    const standsAlone = han.test(segment) && [...segment].length > 1;
    if (last === undefined || (standsAlone && !/[“（《\s]$/u.test(last))) pieces.push(segment);
    else pieces[pieces.length - 1] = last + segment.replace(/ /g, '\u00a0');
  }
  return pieces;
}
