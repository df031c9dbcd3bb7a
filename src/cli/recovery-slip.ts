import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { encode } from 'uqr';
import type { Localized } from '../contract/language.ts';
import { recoveryKeyText } from '../identity/recovery-key.ts';
import { escaped } from '../main/html.ts';

export interface RecoverySlip {
  hub: Localized;
  /** Where to find a person. */
  help: Localized;
  /** The recovery key, 32 bytes. */
  secret: Uint8Array;
  /** Unix milliseconds. */
  madeAt: number;
}

/** For the eyes of whoever holds it: no name, no number of a person, nothing that says whose it is. */
const words = {
  'zh-Hans': {
    title: '恢复凭条',
    what: '卡丢了、坏了，换新卡时带上它：您以前填过的内容就都能找回来。',
    steps: ['放在家里稳妥的地方，不要和卡放在一起。', '换卡时交给工作人员扫一下，用完当场还给您，再给您一张新的。', '不要拍照，不要发给任何人。没有人会打电话向您要它。'],
    without: '没有它也能换卡：身份和单位签发的信息会重新签发，只有您自己填过的内容找不回来。',
    key: '恢复密钥',
    code: '扫码读取恢复密钥',
    made: (date: string): string => `制作日期：${date}。换过一次卡，这张就作废。`,
    help: (where: string): string => `找人帮忙：${where}`,
  },
  en: {
    title: 'Recovery slip',
    what: 'If your card is lost or breaks, bring this slip when you get a new one: then everything that you once typed comes back.',
    steps: [
      'Keep it somewhere safe at home, not with the card.',
      'At the desk it is scanned and given back to you at once, and you get a new one.',
      'Take no photo of it, send it to nobody. Nobody will ever call you and ask for it.',
    ],
    without: 'You can get a new card without it: your identity and what agencies issued are issued again. Only what you typed yourself is lost.',
    key: 'Recovery key',
    code: 'The recovery key as a code',
    made: (date: string): string => `Made on ${date}. After your card was replaced once, this slip no longer works.`,
    help: (where: string): string => `Where to find a person: ${where}`,
  },
} as const;

const districtTimeZone = 'Asia/Shanghai';

/** One page of A5, both languages one below the other, with the fonts that it needs inside. */
export function recoverySlipPage({ hub, help, secret, madeAt }: RecoverySlip): string {
  const key = recoveryKeyText(secret);
  const sections = (['zh-Hans', 'en'] as const).map((language) => {
    const say = words[language];
    const date = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: districtTimeZone }).format(madeAt);
    return `<section lang="${language}"><h1>${say.title}</h1><p class="hub">${escaped(hub[language])}</p><p>${say.what}</p><ul>${say.steps.map((step) => `<li>${step}</li>`).join('')}</ul><p class="soft">${say.without}</p><p class="soft">${say.made(date)}</p><p class="soft">${say.help(escaped(help[language]))}</p></section>`;
  });
  const body = `<main>${sections[0] ?? ''}<figure>${qr(key)}<figcaption><b>${words['zh-Hans'].key} · ${words.en.key}</b><code>${grouped(key)}</code></figcaption></figure>${sections[1] ?? ''}</main>`;
  return `<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>${words.en.title}</title><style>${fontFaces(body)}${style}</style></head><body>${body}</body></html>`;
}

const style = `
@page { size: A5; margin: 11mm 12mm; }
body { margin: 0; font: 9.5pt/1.5 'Noto Sans SC Variable', sans-serif; color: #17252a; }
h1 { font-size: 15pt; font-weight: 600; margin: 0; color: #0b5d52; }
.hub { margin: 0 0 2mm; color: #4a5a60; }
p, ul { margin: 0 0 1.6mm; }
ul { padding-left: 5mm; }
.soft { color: #4a5a60; font-size: 8.5pt; }
figure { display: flex; align-items: center; gap: 6mm; margin: 3mm 0 4mm; padding: 4mm; border: 0.4mm solid #0b5d52; break-inside: avoid; }
figure svg { width: 34mm; height: 34mm; flex: none; }
figcaption { display: grid; gap: 2mm; }
code { font: 600 11.5pt/1.7 'Noto Sans SC Variable', monospace; font-variant-numeric: tabular-nums; letter-spacing: 0.04em; white-space: pre-line; }
`;

/** Four groups a line, to be read aloud. */
const grouped = (key: string): string => (key.match(/(?:[^-]+-?){1,4}/g) ?? [key]).map((line) => line.replace(/-$/, '').replaceAll('-', ' ')).join('\n');

function qr(text: string): string {
  const { data, size } = encode(text, { ecc: 'Q', border: 4 });
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  return `<svg viewBox="0 0 ${size} ${size}" role="img" aria-label="${words.en.code}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${dark}"/></svg>`;
}

/** The slices of the font that hold a character of this text, each as data: a page that loads nothing. */
function fontFaces(text: string): string {
  const points = new Set([...text].map((character) => character.codePointAt(0) ?? 0));
  const sheetPath = createRequire(import.meta.url).resolve('@fontsource-variable/noto-sans-sc/index.css');
  const faces = readFileSync(sheetPath, 'utf8').match(/@font-face \{[^}]*\}/g) ?? [];
  return faces
    .filter((face) => rangesOf(face).some(([from, to]) => [...points].some((point) => from <= point && point <= to)))
    .map((face) => face.replace(/url\(\.\/([^)]*)\)/, (_, file: string) => `url(data:font/woff2;base64,${readFileSync(join(dirname(sheetPath), file)).toString('base64')})`))
    .join('\n');
}

const rangesOf = (face: string): [number, number][] =>
  (/unicode-range: ([^;]*)/.exec(face)?.[1] ?? '').split(',').map((range) => {
    const [from = '', to = from] = range.trim().replace('U+', '').split('-');
    return [Number.parseInt(from, 16), Number.parseInt(to, 16)];
  });
