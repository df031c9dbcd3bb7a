import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languages } from '../../../src/contract/language.ts';
import { Dock } from '../../../tools/dock/dock.ts';
import { type DockServer, serveDock } from '../../../tools/dock/dock-server.ts';
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

  test('the PIN stands below where all cards have the same, and else nothing does', async () => {
    const { page } = await opened('en');
    expect(await page.locator('footer').textContent()).toBe('Demo: the PIN of every card is 123456');
    const path = join(dir, 'lin.json');
    const state = loadCardState(path);
    saveCardState(path, { ...state, pw1: { ...state.pw1, value: Buffer.from('654321').toString('hex') } });
    await hand.pull();
    await page.locator('footer').waitFor({ state: 'hidden' });
    saveCardState(path, state);
    await hand.pull();
    await page.locator('footer').waitFor();
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
