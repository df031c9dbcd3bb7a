import fc from 'fast-check';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { screens } from '../fixtures/snapshots.ts';
import { differences, lookOf, type Look } from './gallery/baseline.ts';
import { changedPlaces } from './gallery/compare-pictures.ts';
import { movedBoxes, type ElementBox } from './gallery/element-boxes.ts';
import { openGallery, type Gallery } from './gallery/gallery.ts';
import { smallPng } from './gallery/small-png.ts';
import { readPicture, shrink, type SmallPicture } from './gallery/small-picture.ts';

interface StyledElement {
  style: { setProperty(name: string, value: string): void };
}
interface Document {
  querySelector(selector: string): StyledElement | null;
}

let gallery: Gallery;
beforeAll(async () => {
  gallery = await openGallery();
}, 60_000);
afterAll(() => gallery.close());

/** As it is kept: packed and read again. */
const kept = ({ picture, boxes }: Look): Look => ({ picture: readPicture(smallPng(picture)), boxes });

async function show(name: string): Promise<void> {
  const screen = screens.find((one) => one.name === name);
  if (screen === undefined) throw new Error(`no screen ${name}`);
  await gallery.show(screen, 'en');
}

async function approvedLook(name: string): Promise<Look> {
  await show(name);
  return kept(await lookOf(gallery));
}

async function restyle(selector: string, style: Record<string, string>): Promise<void> {
  await gallery.page.evaluate(
    ([on, properties]) => {
      const element = (globalThis as unknown as { document: Document }).document.querySelector(on);
      if (element === null) throw new Error(`nothing is ${on}`);
      for (const [property, value] of Object.entries(properties)) element.style.setProperty(property, value);
    },
    [selector, style] as const,
  );
}

/** The page afresh: what a test has restyled is gone. */
beforeEach(() => show('language'));

const shown = ['attract', 'pin', 'consent-long', 'receipt', 'sign'];

describe('another way of drawing the same passes', () => {
  test.each(shown)('%s, drawn again', async (name) => {
    const approved = await approvedLook(name);
    await show('language');
    await show(name);
    expect(differences(approved, await lookOf(gallery))).toEqual([]);
  });

  const drawings: { name: string; style: Record<string, string> }[] = [
    { name: 'everything half a pixel further, as words lie on a line', style: { transform: 'translateX(0.5px)' } },
    { name: 'everything one pixel lower', style: { transform: 'translateY(1px)' } },
    { name: 'bolder letters, as with another gamma', style: { '-webkit-text-stroke': '0.2px' } },
    { name: 'letters placed without hinting', style: { 'text-rendering': 'geometricPrecision' } },
  ];
  describe.each(drawings)('$name', ({ style }) => {
    test.each(shown)('%s', async (name) => {
      const approved = await approvedLook(name);
      await restyle('#kiosk', style);
      try {
        expect(differences(approved, await lookOf(gallery))).toEqual([]);
      } finally {
        await restyle('#kiosk', Object.fromEntries(Object.keys(style).map((property) => [property, ''])));
      }
    });
  });

  test('noise on every soft edge', async () => {
    await show('consent-long');
    const screenshot = await gallery.screenshot();
    const approved = readPicture(smallPng(shrink(screenshot)));
    expect(changedPlaces(approved, shrink(withNoisyEdges(screenshot, 48)))).toEqual([]);
  });
});

describe('a part that is moved by 8 px is found in the picture and among the boxes', () => {
  const parts: { on: string; part: string }[] = [
    { on: 'attract', part: '.name' },
    { on: 'home', part: 'button.pane:nth-child(2)' },
    { on: 'home', part: 'h1' },
    { on: 'home', part: '[data-intent="requests.open"]' },
    { on: 'pin', part: '.dots' },
    { on: 'pin', part: '[data-key="5"]' },
    { on: 'pin', part: 'nav [data-intent="visit.end"]' },
    { on: 'consent-long', part: '.released' },
    { on: 'consent-long', part: '[data-claim=address] .value' },
    { on: 'check', part: '[data-row=phone] .value' },
    { on: 'check', part: '[data-row=copies] .change' },
    { on: 'receipt', part: '[data-reference]' },
    { on: 'receipt', part: 'svg.qr' },
    { on: 'sign', part: 'h1' },
    { on: 'failure-card-mute', part: 'svg.card-and-slot' },
  ];
  const ways = ['translateX(8px)', 'translateY(-8px)'];
  test.each(parts)('$part on $on', async ({ on, part }) => {
    const approved = await approvedLook(on);
    for (const transform of ways) {
      await restyle(part, { transform });
      const seen = await lookOf(gallery);
      expect(changedPlaces(approved.picture, seen.picture)).not.toEqual([]);
      expect(movedBoxes(approved.boxes, seen.boxes)).not.toEqual([]);
    }
    await restyle(part, { transform: '' });
    expect(differences(approved, await lookOf(gallery))).toEqual([]);
  });
});

describe('a part that is cut off, hidden, of another colour or of another size is found', () => {
  const changes: { name: string; on: string; part: string; style: Record<string, string> }[] = [
    { name: 'the lower third of a line', on: 'pin', part: '.lead', style: { 'clip-path': 'inset(0 0 33% 0)' } },
    { name: 'the last letters of a line', on: 'home', part: 'h1', style: { 'clip-path': 'inset(0 30% 0 0)' } },
    { name: 'the right edge of a button', on: 'consent', part: '[data-intent="consent.allow"]', style: { 'clip-path': 'inset(0 12px 0 0)' } },
    { name: 'the foot of a drawing', on: 'failure-card-mute', part: 'svg.card-and-slot', style: { 'clip-path': 'inset(0 0 12% 0)' } },
    { name: 'a line nobody sees', on: 'consent-long', part: '[data-claim=address] .why', style: { visibility: 'hidden' } },
    { name: 'a line in a pale colour', on: 'consent-long', part: '.released', style: { color: '#b8bcbb' } },
    { name: 'a main button in red', on: 'consent', part: '[data-intent="consent.allow"]', style: { background: '#a3211a' } },
    { name: 'a heading in a smaller size', on: 'home', part: 'h1', style: { 'font-size': '60px' } },
    { name: 'a thinner heading', on: 'home', part: 'h1', style: { 'font-weight': '400' } },
  ];
  test.each(changes)('$name', async ({ on, part, style }) => {
    const approved = await approvedLook(on);
    await restyle(part, style);
    const found = differences(approved, await lookOf(gallery));
    await restyle(part, Object.fromEntries(Object.keys(style).map((property) => [property, ''])));
    expect(found).not.toEqual([]);
  });

  test('a value of one digit more', async () => {
    const approved = await approvedLook('question-digits');
    await gallery.page.locator('[data-key="8"]').click();
    expect(differences(approved, await lookOf(gallery))).not.toEqual([]);
  });

  test('the other language', async () => {
    const approved = await approvedLook('pin');
    const screen = screens.find(({ name }) => name === 'pin');
    if (screen !== undefined) await gallery.show(screen, 'zh-Hans');
    expect(differences(approved, await lookOf(gallery))).not.toEqual([]);
  });
});

describe('boxes', () => {
  const box: ElementBox = ['button.key[5]', 400, 900, 200, 97];
  const cases: { name: string; seen: ElementBox[]; found: string[] }[] = [
    { name: 'the same', seen: [box], found: [] },
    { name: '4 px further', seen: [['button.key[5]', 404, 896, 204, 93]], found: [] },
    { name: '5 px to the right', seen: [['button.key[5]', 405, 900, 200, 97]], found: ['moved from 400 900 200 97 to 405 900 200 97: button.key[5]'] },
    { name: '5 px lower', seen: [['button.key[5]', 400, 905, 200, 97]], found: ['moved from 400 900 200 97 to 400 905 200 97: button.key[5]'] },
    { name: '5 px narrower', seen: [['button.key[5]', 400, 900, 195, 97]], found: ['moved from 400 900 200 97 to 400 900 195 97: button.key[5]'] },
    { name: '5 px higher', seen: [['button.key[5]', 400, 900, 200, 102]], found: ['moved from 400 900 200 97 to 400 900 200 102: button.key[5]'] },
    { name: 'none', seen: [], found: ['gone: button.key[5]'] },
    { name: 'one more', seen: [box, ['p.lead Hello', 1, 2, 3, 4]], found: ['new at 1 2 3 4: p.lead Hello'] },
    { name: 'two of one name', seen: [box, box], found: ['new at 400 900 200 97: button.key[5]'] },
  ];
  test.each(cases)('$name', ({ seen, found }) => {
    expect(movedBoxes([box], seen)).toEqual(found);
  });
});

describe('the kept picture', () => {
  test('of another size is said to be so', () => {
    const plain = (width: number): SmallPicture => ({ width, height: 2, rgb: new Uint8Array(width * 6) });
    expect(changedPlaces(plain(3), plain(4))).toBeNull();
  });

  test('loses at most a shade of each pixel, and nothing of a plain surface', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), { minLength: 1, maxLength: 700 }), fc.integer({ min: 1, max: 30 }), (colours, width) => {
        const height = Math.max(1, Math.floor(colours.length / width));
        const rgb = new Uint8Array(width * height * 3);
        colours.slice(0, width * height).forEach((colour, at) => rgb.set(colour, at * 3));
        const back = readPicture(smallPng({ width, height, rgb }));
        expect([back.width, back.height]).toEqual([width, height]);
        rgb.forEach((level, at) => expect(Math.abs(level - (back.rgb[at] ?? Number.NaN))).toBeLessThanOrEqual(8));
      }),
      { numRuns: 50 },
    );
    const paper = Uint8Array.from({ length: 300 }, (_, at) => [0xfa, 0xf8, 0xf3][at % 3] ?? 0);
    expect(readPicture(smallPng({ width: 10, height: 10, rgb: paper })).rgb).toEqual(paper);
  });
});

/** Every pixel of an edge made lighter or darker by up to `amount` levels, the same way each time. */
function withNoisyEdges(screenshot: Buffer, amount: number): Buffer {
  const picture = PNG.sync.read(screenshot);
  const { width, data } = picture;
  const before = Buffer.from(data);
  let seed = 1;
  for (let at = 0; at < data.length; at += 4) {
    const right = Math.abs((before[at] ?? 0) - (before[at + 4] ?? before[at] ?? 0));
    const below = Math.abs((before[at] ?? 0) - (before[at + width * 4] ?? before[at] ?? 0));
    if (right < 12 && below < 12) continue;
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const change = (seed % (2 * amount + 1)) - amount;
    for (const channel of [0, 1, 2]) data[at + channel] = Math.max(0, Math.min(255, (before[at + channel] ?? 0) + change));
  }
  return PNG.sync.write(picture);
}
