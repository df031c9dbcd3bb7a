import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languages } from '../../../src/contract/language.ts';
import { PNG } from 'pngjs';
import { Dock } from '../../../tools/dock/dock.ts';
import { type DockServer, serveDock } from '../../../tools/dock/dock-server.ts';
import type { PluggedDevices } from '../../../tools/dock/plugged-devices.ts';
import { EscposPaper } from '../../../tools/virtual-devices/escpos-paper.ts';
import { sdtCommands, sdtFrame } from '../../../src/drivers/hid/sdt.ts';
import { SamV } from '../../../tools/virtual-devices/sam-v.ts';
import { loadCardState, newCardState, saveCardState } from '../../../tools/virtual-card/card-state.ts';
import type { CardEvent } from '../../../tools/virtual-card/control.ts';
import type { CardHand } from '../../../tools/virtual-card/hand.ts';
import { startDistributionBrowser } from '../../fixtures/distribution-browser.ts';
import { axeFindings } from '../../renderer/gallery/axe.ts';

/** A hand whose reader notices everything at once. */
class QuickHand implements CardHand {
  private tell: (event: CardEvent) => void = () => undefined;

  insert(card: string, { slot = 'resident' as const } = {}): Promise<void> {
    this.tell({ event: 'inserted', slot, card, label: loadCardState(card).label });
    return Promise.resolve();
  }
  pull({ slot = 'resident' as const } = {}): Promise<void> {
    this.tell({ event: 'removed', slot, because: 'pulled' });
    return Promise.resolve();
  }
  wantTouch(): void {
    this.tell({ event: 'touch-wanted', slot: 'resident' });
  }
  fault(): Promise<void> {
    return Promise.resolve();
  }
  touch(): Promise<void> {
    this.tell({ event: 'touch-over', slot: 'resident' });
    return Promise.resolve();
  }
  onEvent(listener: (event: CardEvent) => void): () => void {
    this.tell = listener;
    return () => undefined;
  }
  status(): Promise<never> {
    return Promise.reject(new Error('the dock asks for no status'));
  }
  command(): Promise<never> {
    return Promise.reject(new Error('the dock waits for no command'));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Devices on no line: what is sent to the computer is kept. */
class DevicesAlone implements PluggedDevices {
  readonly plugged = { devices: {}, kiosk: null };
  readonly identityConnection = 'hid' as const;
  readonly scanned: Uint8Array[] = [];
  readonly answers: Uint8Array[] = [];
  readonly samV = new SamV((answer) => this.answers.push(answer));
  readonly paper = new EscposPaper(() => undefined);
  readonly scanner: PluggedDevices['scanner'];
  readonly whyNoScanner: string | null;

  constructor(whyNoScanner: string | null) {
    this.whyNoScanner = whyNoScanner;
    this.scanner = whyNoScanner === null ? { send: (report) => this.scanned.push(report), unplug: () => Promise.resolve() } : null;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** How wide the window is at least, and how high. */
const viewport = { width: 370, height: 860 };
const people = [
  { label: 'lin', face: { name: '林静', kind: 'resident', note: { en: 'Everything in order', 'zh-Hans': '一切正常' } } },
  { label: 'long', face: { name: '阿卜杜热合曼·买买提明', kind: 'resident' } },
  { label: 'other', face: { name: '—', kind: 'other' } },
  { label: 'liang', face: { name: '梁慧', kind: 'staff' } },
  { label: 'ou', face: { name: '区伟明', kind: 'technician' } },
  { label: 'shen', face: { name: '沈', kind: 'auditor' } },
  { label: 'lin-new', face: { name: '林静', kind: 'new' } },
  { label: 'mai', face: { name: '麦颖', kind: 'officer' } },
  { label: 'tan', face: { name: '谭佩仪', kind: 'registrar' } },
] as const;

describe('the dock’s page', () => {
  let dir: string;
  let server: DockServer;
  let browser: Awaited<ReturnType<typeof startDistributionBrowser>>;
  const hand = new QuickHand();

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dock-page-'));
    const cardFiles = people.map(({ label, face }, index) => {
      const path = join(dir, `${label}.json`);
      saveCardState(path, newCardState({ label, face, seed: new Uint8Array(32).fill(index) }));
      return path;
    });
    server = await serveDock(new Dock({ hand, cardFiles }));
    browser = await startDistributionBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(dir, { recursive: true });
  });

  /** Puts them in, or takes them out. */
  async function touch(page: Page, labels: readonly string[], isIn: boolean): Promise<void> {
    for (const label of labels) {
      await page.locator(`[data-card=${label}]`).click();
      await page.locator(`[data-card=${label}][aria-pressed=${isIn}]`).waitFor();
    }
  }

  async function opened(language: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.browser.newPage({ viewport, reducedMotion: 'reduce' });
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    await page.goto(`${server.url}?language=${language}`);
    await page.locator('[data-card]').nth(people.length - 1).waitFor();
    return { page, complaints };
  }

  describe('with devices', () => {
    const devices = new DevicesAlone(null);
    let withDevices: DockServer;
    const askCode = { id: 'ask/1', kind: 'ask', sender: { en: 'Pension Office', 'zh-Hans': '养老金中心' }, of: null, scan: { text: 'openid4vp://?client_id=pension-office', symbology: 'qr' } } as const;

    const dockWith = (one: DevicesAlone): Promise<DockServer> => {
      const dock = new Dock({ hand: new QuickHand(), cardFiles: [join(dir, 'lin.json')], devices: { devices: one, newAsk: () => Promise.resolve({ ok: true, value: askCode }) } });
      return serveDock(dock);
    };
    const openParts = async (server: DockServer, language: string): Promise<Page> => {
      const page = await browser.browser.newPage({ viewport, reducedMotion: 'reduce' });
      await page.goto(`${server.url}?language=${language}`);
      await page.locator('#tab-paper').waitFor();
      return page;
    };

    beforeAll(async () => {
      withDevices = await dockWith(devices);
    });
    afterAll(() => withDevices.close());

    test.each(languages)('%s: axe finds nothing in any part, and nothing is cut off', async (language) => {
      const page = await openParts(withDevices, language);
      await page.locator('#tab-codes').click();
      await page.locator('#ask').click();
      await page.locator('[data-code="ask/1"]').waitFor();
      for (const part of ['cards', 'documents', 'codes', 'paper']) {
        await page.locator(`#tab-${part}`).click();
        await page.locator(`#part-${part}`).waitFor();
        expect([part, await axeFindings(page), await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')]).toEqual([part, [], 0]);
      }
      await page.close();
    });

    test('an identity card lies on the reader until it is touched again, and one at a time', async () => {
      const page = await openParts(withDevices, 'en');
      await page.locator('#tab-documents').click();
      await page.locator('[data-document="fang"]').click();
      await page.locator('[data-document="lin"]').click();
      await page.locator('[data-document="lin"][aria-pressed="true"]').waitFor();
      expect(await page.locator('[data-document][aria-pressed="true"]').count()).toBe(1);
      devices.samV.hear(sdtFrame(Uint8Array.from(sdtCommands.find)));
      await page.locator('[data-document="lin"]').click();
      await page.locator('[data-document="lin"][aria-pressed="false"]').waitFor();
      devices.samV.hear(sdtFrame(Uint8Array.from(sdtCommands.find)));
      expect(devices.answers.slice(-2).map((answer) => answer[9])).toEqual([0x9f, 0x80]);
      await page.close();
    });

    test('a bill, a typed text and the code of a hand-off go under the scanner', async () => {
      const page = await openParts(withDevices, 'en');
      await page.locator('#tab-codes').click();
      const scanned = async (act: () => Promise<void>): Promise<string> => {
        const before = devices.scanned.length;
        await act();
        await expect.poll(() => devices.scanned.length).toBeGreaterThan(before);
        const report = devices.scanned.at(-1) ?? new Uint8Array(0);
        return Buffer.from(report.subarray(2, 5 + (report[1] ?? 0))).toString('latin1');
      };
      const typed = async (text: string): Promise<void> => {
        await page.locator('#typed-text').fill(text);
        await page.keyboard.press('Enter');
      };
      expect(await scanned(() => page.locator('[data-code="bill/utility/water-account-transfer"]').click())).toBe(']C0WB40718825202611\r');
      expect(await scanned(() => typed('hello'))).toBe(']Q1hello\r');
      expect(await scanned(() => typed('23ab-cd45'))).toBe(']Q1IMI-GO 23ABCD45\r');
      await page.close();
    });

    test('the printer’s state is chosen, and its last slip is shown', async () => {
      const page = await openParts(withDevices, 'en');
      await page.locator('#tab-paper').click();
      await page.locator('#paper-choices input[value="paper-out"]').check();
      await page.locator('.device.troubled').waitFor();
      await page.locator('#paper-choices input[value="none"]').check();
      await page.locator('.device.troubled').waitFor({ state: 'detached' });
      devices.paper.hear(Uint8Array.of(0x1b, 0x40, 0x1d, 0x76, 0x30, 0, 1, 0, 2, 0, 0xff, 0x00, 0x1d, 0x56, 0x42, 0x00));
      const slip = page.locator('#slip[src="slip/1.png"]');
      await slip.waitFor();
      const response = await fetch(`${withDevices.url}slip/1.png`);
      const picture = PNG.sync.read(Buffer.from(await response.arrayBuffer()));
      expect([picture.width, picture.height, picture.data[0], picture.data[4 * 8]]).toEqual([8, 2, 0, 255]);
      await page.close();
    });

    test('where there is no scanner the dock says so, and has the rest', async () => {
      const poor = await dockWith(new DevicesAlone('/usr/bin/umockdev-wrapper is missing'));
      const page = await openParts(poor, 'en');
      await page.locator('#tab-codes').click();
      expect(await page.locator('#no-scanner').textContent()).toContain('/usr/bin/umockdev-wrapper is missing');
      expect(await page.locator('#scanning').isVisible()).toBe(false);
      expect(await axeFindings(page)).toEqual([]);
      await page.locator('#tab-documents').click();
      await page.locator('[data-document="fang"]').waitFor();
      await page.close();
      await poor.close();
    });
  });

  test.each(languages)('%s: axe finds nothing, whatever lies where, and nothing is cut off', async (language) => {
    const { page, complaints } = await opened(language);
    expect(await page.locator('html').getAttribute('lang')).toBe(language);
    const hidden = () => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect([await axeFindings(page), await hidden()]).toEqual([[], 0]);

    await touch(page, ['lin', 'liang'], true);
    hand.wantTouch();
    await page.locator('#finger').waitFor();
    await page.locator('summary').click();
    expect([await axeFindings(page), await hidden()]).toEqual([[], 0]);

    await page.locator('#finger').click();
    await page.locator('#finger').waitFor({ state: 'hidden' });
    await touch(page, ['lin', 'liang'], false);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('cards of a kind lie together under a heading, whatever their order', async () => {
    const { page } = await opened('en');
    const shelves = await Promise.all(
      (await page.locator('.shelf').all()).map(async (shelf) => [
        await shelf.locator('h2').textContent(),
        ...(await Promise.all((await shelf.locator('[data-card]').all()).map((card) => card.getAttribute('data-card')))),
      ]),
    );
    expect(shelves).toEqual([
      ['Residents', 'lin', 'long'],
      ['The hub', 'liang', 'ou'],
      ['Agencies and offices', 'shen', 'mai', 'tan'],
      ['New cards, and another', 'other', 'lin-new'],
    ]);
    await page.close();
  });

  test('the PIN of the cards stands below, and on a card that has another its own', async () => {
    const { page } = await opened('en');
    expect(await page.locator('footer').textContent()).toBe('Demo: the PIN of the cards is 123456');
    const path = join(dir, 'lin.json');
    const state = loadCardState(path);
    saveCardState(path, { ...state, pw1: { ...state.pw1, value: Buffer.from('654321').toString('hex') } });
    await hand.pull();
    await page.getByText('Everything in order · PIN 654321').waitFor();
    expect(await page.locator('footer').textContent()).toBe('Demo: the PIN of the cards is 123456');
    saveCardState(path, state);
    await hand.pull();
    await page.getByText('Everything in order', { exact: true }).waitFor();
    await page.close();
  });

  test('a fault is chosen with the keyboard alone', async () => {
    const { page } = await opened('en');
    await page.locator('summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.getByRole('radio', { name: 'All is well', checked: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('radio', { name: 'Put in backwards', checked: true }).waitFor();
    expect(await page.locator('#fault-now').textContent()).toBe('Put in backwards');
    await page.keyboard.press('ArrowUp');
    await page.getByRole('radio', { name: 'All is well', checked: true }).waitFor();
    await page.close();
  });
});
