import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { intentSchema, type Intent, type ReceiptCodes } from '../../src/contract/bridge.ts';
import type { Language } from '../../src/contract/language.ts';
import { joinStrips } from '../../src/main/printing.ts';
import { screens, snapshotOf, type Screen } from '../fixtures/snapshots.ts';
import { openGallery, type Gallery } from './gallery/gallery.ts';

let gallery: Gallery;
beforeAll(async () => {
  gallery = await openGallery();
}, 60_000);
afterAll(() => gallery.close());

const screen = (name: string): Screen => {
  const found = screens.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no screen ${name}`);
  return found;
};

const click = (selector: string): Promise<void> => gallery.page.locator(selector).click();
const sent = async (): Promise<Intent[]> => (await gallery.takeSent()).filter(({ intent }) => intent !== 'activity');

beforeEach(async () => {
  await gallery.show(screen('attract'), 'en');
  await gallery.takeSent();
});

describe('one touch sends one intent', () => {
  const touches: { name: string; on: string; touch: string[]; expected: Intent[] }[] = [
    { name: 'begin', on: 'attract', touch: ['[data-intent=start]'], expected: [{ intent: 'start' }] },
    { name: 'language', on: 'language', touch: ['[data-intent="language.set"][data-value=en]'], expected: [{ intent: 'language.set', language: 'en' }] },
    { name: 'a service', on: 'home', touch: ['[data-value="tax/property-tax-certificate"]'], expected: [{ intent: 'service.open', service: 'tax/property-tax-certificate' }] },
    { name: 'an optional claim on', on: 'consent-optional', touch: ['[data-value=household_size]'], expected: [{ intent: 'consent.choose', service: 'tax/property-tax-certificate', claim: 'household_size', chosen: true }] },
    { name: 'an optional claim off', on: 'consent-optional', touch: ['[data-value=marital_status]'], expected: [{ intent: 'consent.choose', service: 'tax/property-tax-certificate', claim: 'marital_status', chosen: false }] },
    { name: 'allow', on: 'consent', touch: ['[data-intent="consent.allow"]'], expected: [{ intent: 'consent.allow' }] },
    { name: 'refuse', on: 'consent', touch: ['[data-intent="consent.refuse"]'], expected: [{ intent: 'consent.refuse' }] },
    { name: 'all receipts', on: 'receipt-codes-and-fee', touch: ['[data-intent="receipts.open"]'], expected: [{ intent: 'receipts.open' }] },
    { name: 'a choice', on: 'question-choice', touch: ['[data-option="2024"]', '[data-intent="answer.submit"]'], expected: [{ intent: 'answer.submit', question: 'tax_year', value: '2024' }] },
    { name: 'no', on: 'question-yes-no', touch: ['[data-option=false]', '[data-intent="answer.submit"]'], expected: [{ intent: 'answer.submit', question: 'tax_year', value: 'false' }] },
    { name: 'digits added', on: 'question-digits', touch: ['[data-key=delete]', '[data-key="9"]', '[data-intent="answer.submit"]'], expected: [{ intent: 'answer.submit', question: 'tax_year', value: '1279' }] },
    { name: 'one point only', on: 'question-decimal', touch: ['[data-key="."]', '[data-key="2"]', '[data-intent="answer.submit"]'], expected: [{ intent: 'answer.submit', question: 'tax_year', value: '86.52' }] },
    {
      name: 'a day, month by month',
      on: 'question-date',
      touch: [...'391958'].map((digit) => `[data-key="${digit}"]`).concat('[data-intent="answer.submit"]'),
      expected: [{ intent: 'answer.submit', question: 'tax_year', value: '1958-03-09' }],
    },
    { name: 'skip', on: 'question-phone', touch: ['[data-intent="answer.skip"]'], expected: [{ intent: 'answer.skip', question: 'tax_year' }] },
    { name: 'change an answer', on: 'check', touch: ['[data-intent="answer.change"][data-value=copies]'], expected: [{ intent: 'answer.change', question: 'copies' }] },
    { name: 'confirm', on: 'check', touch: ['[data-intent="check.confirm"]'], expected: [{ intent: 'check.confirm' }] },
    { name: 'a past request', on: 'requests', touch: ['[data-value="3HV8-QX1C-5T"]'], expected: [{ intent: 'request.open', reference: '3HV8-QX1C-5T' }] },
    { name: 'my data', on: 'home', touch: ['[data-intent="my-data.open"]'], expected: [{ intent: 'my-data.open', part: 'all' }] },
    { name: 'what happened', on: 'home-news', touch: ['[data-news]'], expected: [{ intent: 'my-data.open', part: 'news' }] },
    { name: 'a look that is news', on: 'news', touch: ['[data-news=read]'], expected: [{ intent: 'my-data.open', part: 'looks' }] },
    { name: 'a letter that is news', on: 'news', touch: ['[data-news=letter]'], expected: [{ intent: 'letter.open', letter: 'a1' }] },
    { name: 'who looked', on: 'my-data', touch: ['[data-value=looks]'], expected: [{ intent: 'my-data.open', part: 'looks' }] },
    { name: 'a typed fact to correct', on: 'facts-typed', touch: ['[data-intent="fact.correct"][data-value=phone]'], expected: [{ intent: 'fact.correct', fact: 'phone' }] },
    { name: 'a grant', on: 'grants', touch: [`[data-intent="grant.open"][data-value="${'2'.padStart(32, '0')}"]`], expected: [{ intent: 'grant.open', grant: '2'.padStart(32, '0') }] },
    { name: 'end a grant', on: 'grant', touch: ['[data-intent="grant.end"]'], expected: [{ intent: 'grant.end' }] },
    { name: 'after reading what it does', on: 'undo-grant', touch: ['[data-intent="undo.confirm"]'], expected: [{ intent: 'undo.confirm' }] },
    { name: 'take a request back', on: 'request-needs-more', touch: ['[data-intent="request.withdraw"]'], expected: [{ intent: 'request.withdraw' }] },
    { name: 'prove it', on: 'looks', touch: ['[data-intent="my-data.open"]'], expected: [{ intent: 'my-data.open', part: 'proof' }] },
    { name: 'mute an agency', on: 'agencies', touch: ['[data-value="tax-bureau"]'], expected: [{ intent: 'agency.mute', agency: 'tax-bureau', muted: true }] },
    { name: 'hear an agency again', on: 'agencies', touch: ['[data-value="pension-office"]'], expected: [{ intent: 'agency.mute', agency: 'pension-office', muted: false }] },
    { name: 'the reader’s own pad', on: 'pin-on-reader', touch: ['[data-intent="pin.on-reader"]'], expected: [{ intent: 'pin.on-reader' }] },
    { name: 'more time', on: 'overlay-idle', touch: ['[data-intent="time.more"]'], expected: [{ intent: 'time.more' }] },
    { name: 'close help', on: 'overlay-help', touch: ['[data-intent="help.close"]'], expected: [{ intent: 'help.close' }] },
    { name: 'end', on: 'check', touch: ['nav [data-intent="visit.end"]'], expected: [{ intent: 'visit.end' }] },
    { name: 'retry', on: 'failure-hub-unreachable', touch: ['[data-intent=retry]'], expected: [{ intent: 'retry' }] },
  ];
  test.each(touches)('$name', async ({ on, touch, expected }) => {
    await gallery.show(screen(on), 'en');
    for (const selector of touch) await click(selector);
    const intents = await sent();
    expect(intents).toEqual(expected);
    for (const intent of intents) expect(intentSchema.safeParse(intent).success).toBe(true);
  });

  test('a double tap counts once', async () => {
    await gallery.show(screen('check'), 'en');
    await gallery.page.locator('[data-intent="check.confirm"]').dblclick();
    expect(await sent()).toEqual([{ intent: 'check.confirm' }]);
  });
});

describe('the receipts of a visit', () => {
  const codeShown = (): Promise<string | null> => gallery.page.locator('[data-qr]').getAttribute('data-qr');
  const lineShown = (): Promise<string | null> => gallery.page.locator('[data-receipt][aria-pressed="true"]').getAttribute('data-receipt');

  test('follow one another code by code, and a touched line leads to its first; nothing is sent', async () => {
    await gallery.show(screen('receipts'), 'en');
    expect([await codeShown(), await lineShown()]).toEqual(['1', '7KQ2-M4XD-00']);
    for (const at of ['2', '3']) {
      await click('[data-qr-turn="next"]');
      expect(await codeShown()).toBe(at);
    }
    expect(await lineShown()).toBe('7KQ2-M4XD-01');
    expect(await gallery.page.locator('figcaption').innerText()).toContain('not recorded yet');
    await click('[data-receipt="7KQ2-M4XD-02"]');
    expect([await codeShown(), await lineShown()]).toEqual(['5', '7KQ2-M4XD-02']);
    expect(await gallery.page.locator('figcaption').innerText()).not.toContain('not recorded yet');
    expect(await sent()).toEqual([]);
  });
});

describe('all receipts of a visit on paper', () => {
  /** A visit with so many matters. */
  async function print(matters: number, language: Language): Promise<void> {
    const { page } = screen('receipts-to-print');
    if (page.page !== 'receipts') throw new Error('not the receipts');
    const { receipts } = page;
    const others = Array.from({ length: matters - receipts.length }, (_, i) => ({ ...(receipts[0] as ReceiptCodes), qr: [], reference: `7KQ2-M4XD-${i + 10}` }));
    await gallery.show({ name: 'many', page: { ...page, others, more: others.length } }, language);
    await gallery.takeSent();
    await click('[data-intent="receipt.print"]');
  }

  test('thirty matters are one slip, in strips that go through the bridge', async () => {
    await print(30, 'en');
    const strips: Extract<Intent, { intent: 'receipt.print' }>[] = [];
    await expect
      .poll(async () => {
        strips.push(...(await sent()).filter((intent) => intent.intent === 'receipt.print'));
        return strips.length > 0 && strips.length === strips[0]?.strip?.of;
      })
      .toBe(true);
    for (const strip of strips) expect(intentSchema.safeParse(strip).success).toBe(true);
    expect(joinStrips(strips.map(({ slip }) => slip))).toMatchObject({ ok: true, value: { widthDots: 576 } });
  });

  test.each([
    { language: 'en', says: 'Too long for one slip' },
    { language: 'zh-Hans', says: '一张纸打不下' },
  ] as const)('more than a slip may be says so, and sends nothing ($language)', async ({ language, says }) => {
    await print(90, language);
    await expect.poll(() => gallery.page.locator('[data-print]').innerText()).toContain(says);
    expect(await sent()).toEqual([]);
  });
});

test('how far a request is, is said to those who listen too', async () => {
  await gallery.show(screen('request-queued'), 'en');
  expect(await gallery.page.locator('.progress li').allTextContents()).toEqual(['Signed', 'Recorded: not yet', 'Witnessed: not yet']);
  await gallery.show(screen('request-witnessed'), 'en');
  expect(await gallery.page.locator('.progress li').allTextContents()).toEqual(['Signed', 'Recorded', 'Witnessed']);
});

test.each(['request-rejected', 'request-expired', 'receipt-rejected'])('%s says why, with its code, and promises nothing', async (name) => {
  await gallery.show(screen(name), 'en');
  const page = gallery.page.locator('[data-page]');
  expect(await page.locator('[data-code]').innerText()).toMatch(/^Reason\n+.{10,}\n+Code (key-inactive|expired)$/);
  expect(await page.innerText()).not.toMatch(/may see|What happens next/);
  expect(await page.locator('[data-reached], [data-qr]').count()).toBe(0);
});

describe('the PIN', () => {
  test.each(['pin', 'sign'])('on the page %s goes out once, and is nowhere in the page', async (name) => {
    await gallery.show(screen(name), 'en');
    const main = gallery.page.locator('[data-intent="pin.submit"]');
    expect(await main.isDisabled()).toBe(true);
    for (const digit of '480516') await click(`[data-key="${digit}"]`);
    expect(await gallery.page.content()).not.toContain('480516');
    await main.click();
    expect(await sent()).toEqual([{ intent: 'pin.submit', pin: '480516' }]);
    expect(await main.isDisabled()).toBe(true);
    expect(await gallery.page.locator('.dot.set').count()).toBe(0);
  });

  test('keys of a keyboard count as well', async () => {
    await gallery.show(screen('pin'), 'en');
    for (const digit of '1234567') await gallery.page.keyboard.press(digit);
    await gallery.page.keyboard.press('Backspace');
    await click('[data-intent="pin.submit"]');
    expect(await sent()).toEqual([{ intent: 'pin.submit', pin: '123456' }]);
  });

  test('is gone when the page goes', async () => {
    await gallery.show(screen('pin'), 'en');
    for (const digit of '1234') await click(`[data-key="${digit}"]`);
    await gallery.show(screen('home'), 'en');
    await gallery.show(screen('pin'), 'en');
    expect(await gallery.page.locator('.dot.set').count()).toBe(0);
  });

  test('stays while a language is changed', async () => {
    await gallery.show(screen('pin'), 'en');
    for (const digit of '1234') await click(`[data-key="${digit}"]`);
    await gallery.show(screen('pin'), 'zh-Hans');
    expect(await gallery.page.locator('.dot.set').count()).toBe(4);
  });
});

test('an older snapshot is dropped', async () => {
  await gallery.show(screen('home'), 'en');
  await gallery.page.evaluate((old) => {
    (globalThis as unknown as { deliver: (snapshot: unknown) => void }).deliver(old);
  }, snapshotOf(screen('attract'), 'en', 1));
  expect(await gallery.page.locator('[data-page]').getAttribute('data-page')).toBe('home');
});

test('nobody finds the bridge after the first line', async () => {
  expect(await gallery.page.evaluate(() => 'imi' in globalThis)).toBe(false);
});

test('ready is said once, when the first page is painted', async () => {
  expect(await gallery.page.evaluate(() => (globalThis as unknown as { readyTimes: number }).readyTimes)).toBe(1);
});

test('a page without facts keeps none', async () => {
  await gallery.show(screen('consent-long'), 'zh-Hans');
  expect(await gallery.page.content()).toContain('440106');
  await gallery.show(screen('goodbye-card-removed'), 'zh-Hans');
  expect(await gallery.page.content()).not.toMatch(/440106|迪丽努尔|珠玑路/);
});

test('the first page is light: entry below 200 kB, its fonts below 300 kB', async () => {
  const fresh = await openGallery();
  try {
    await fresh.show(screen('attract'), 'zh-Hans');
    const bytes = (pattern: RegExp): number => [...fresh.loaded].filter(([file]) => pattern.test(file)).reduce((sum, [, size]) => sum + size, 0);
    // The entry and what it shares with the pages that come later; words, those pages and the fonts' slices are files of their own, and come after the first paint.
    const entry = /\/(?!words|LaterPages|font-slices)[^/]*\.js$/;
    expect(bytes(entry)).toBeGreaterThan(0);
    expect(bytes(entry)).toBeLessThanOrEqual(200_000);
    expect(bytes(/\.woff2$/)).toBeGreaterThan(0);
    expect(bytes(/\.woff2$/)).toBeLessThanOrEqual(300_000);
  } finally {
    await fresh.close();
  }
}, 60_000);

test('every seeded name has its characters in the fonts that are shipped', async () => {
  for (const name of ['陈𬱖', '迪丽努尔·阿卜杜热合曼·买买提吐尔逊']) {
    const missing = await gallery.page.evaluate(async (text) => {
      interface Face {
        family: string;
        load(): Promise<unknown>;
        unicodeRange: string;
      }
      const faces = [...(globalThis as unknown as { document: { fonts: Iterable<Face> } }).document.fonts];
      const covers = (face: Face, code: number): boolean =>
        face.unicodeRange.split(',').some((part) => {
          const [from = '', to = from] = part.trim().replace(/^U\+/i, '').split('-');
          return code >= Number.parseInt(from, 16) && code <= Number.parseInt(to, 16);
        });
      const without: string[] = [];
      for (const character of text) {
        const face = faces.find((one) => covers(one, character.codePointAt(0) ?? 0));
        if (face === undefined) without.push(character);
        else await face.load();
      }
      return without;
    }, name);
    expect(missing).toEqual([]);
  }
});
