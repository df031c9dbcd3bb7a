import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Page } from '@playwright/test';
import type { Bridge, Intent, Snapshot } from '../../../src/contract/bridge.ts';
import type { Language } from '../../../src/contract/language.ts';
import { kioskOrigin } from '../../../src/contract/origin.ts';
import { assetResponse, readAssets } from '../../../src/main/shells/assets.ts';
import { builtScreensVariable } from '../../fixtures/built-screens.ts';
import { startDistributionBrowser } from '../../fixtures/distribution-browser.ts';
import { snapshotOf, type Screen } from '../../fixtures/snapshots.ts';

export type Orientation = 'portrait' | 'landscape';

const sizes: Record<Orientation, { width: number; height: number }> = {
  portrait: { width: 1080, height: 1920 },
  landscape: { width: 1920, height: 1080 },
};

/** What stands in the page for the shell. */
interface TestWindow {
  imi?: Bridge;
  deliver: (snapshot: Snapshot) => void;
  sent: Intent[];
  readyTimes: number;
  requestAnimationFrame(callback: () => void): void;
  document: { fonts: { ready: Promise<unknown> }; querySelector(selector: string): object | null };
}

/** The screens in a real browser, as both shells serve them: same origin, same headers, no file and no network behind them. */
export interface Gallery {
  page: Page;
  /** Shows one screen and waits until it is painted and its fonts are there. */
  show(screen: Screen, language: Language): Promise<void>;
  /** Loads a document of the kiosk's origin and waits until its script listens. */
  open(url: string): Promise<void>;
  /** Hands a snapshot over as it is; painted when this resolves. */
  deliver(snapshot: Snapshot): Promise<void>;
  /** Waits for two frames and the fonts. */
  settle(): Promise<void>;
  turn(orientation: Orientation): Promise<void>;
  /** What the screen shows, as PNG, packed in haste. */
  screenshot(): Promise<Buffer>;
  /** Intents since the last call. */
  takeSent(): Promise<Intent[]>;
  /** Console errors and refusals of the page's policy since the start. */
  complaints: string[];
  /** Bytes of each file that the page has asked for. */
  loaded: Map<string, number>;
  close(): Promise<void>;
}

/** Builds the screens as they are now; gives their folder. */
async function buildScreens(): Promise<string> {
  // Vite weighs on every test behind it: where the screens are built already it does not come in.
  const { build } = await import('vite');
  const outDir = mkdtempSync(path.join(os.tmpdir(), 'imi-gallery-'));
  await build({ configFile: path.resolve('vite.config.ts'), logLevel: 'error', build: { outDir } });
  return outDir;
}

/** `flags`: more of the browser's own, as for another way of drawing text. */
export async function openGallery(options: { reducedMotion?: boolean; flags?: readonly string[] } = {}): Promise<Gallery> {
  const builtBefore = process.env[builtScreensVariable];
  const screensDir = builtBefore ?? (await buildScreens());
  const assets = await readAssets(screensDir);
  if (!assets.ok) throw new Error(assets.failure.code);

  const started = await startDistributionBrowser(['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', ...(options.flags ?? [])]);
  const context = await started.browser.newContext({ viewport: sizes.portrait, reducedMotion: options.reducedMotion === false ? 'no-preference' : 'reduce', serviceWorkers: 'block' });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  const complaints: string[] = [];
  const loaded = new Map<string, number>();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.route('**/*', async (route) => {
    const url = new URL(route.request().url());
    if (url.origin !== kioskOrigin) return route.abort();
    const answer = assetResponse(assets.value, route.request().method(), url);
    loaded.set(url.pathname, answer.body.length);
    return route.fulfill({ status: answer.status, headers: { ...answer.headers }, body: answer.body });
  });
  await page.addInitScript(() => {
    const target = globalThis as unknown as TestWindow;
    target.sent = [];
    target.readyTimes = 0;
    target.imi = {
      send: (intent) => target.sent.push(intent),
      onSnapshot: (listener) => {
        target.deliver = listener;
      },
      ready: () => {
        target.readyTimes += 1;
      },
    };
  });
  const open = async (url: string): Promise<void> => {
    await page.goto(url);
    await page.waitForFunction(() => typeof (globalThis as unknown as TestWindow).deliver === 'function');
  };
  const settle = (): Promise<void> =>
    page.evaluate(async () => {
      const { requestAnimationFrame, document } = globalThis as unknown as TestWindow;
      const frame = (): Promise<void> => new Promise((done) => requestAnimationFrame(done));
      await frame();
      await frame();
      await document.fonts.ready;
      await frame();
    });
  const deliver = (snapshot: Snapshot): Promise<void> =>
    page.evaluate(async (handed) => {
      const { deliver: hand, requestAnimationFrame, document } = globalThis as unknown as TestWindow;
      const frame = (): Promise<void> => new Promise((done) => requestAnimationFrame(done));
      hand(handed);
      while (document.querySelector(`[data-page="${handed.page.page}"]`) === null) await frame();
      await frame();
      await frame();
      await document.fonts.ready;
      await frame();
    }, snapshot);
  await open(`${kioskOrigin}/`);

  let seq = 0;
  return {
    page,
    complaints,
    loaded,
    open,
    deliver,
    settle,
    async show(screen, language) {
      seq += 1;
      await deliver(snapshotOf(screen, language, seq));
    },
    async screenshot() {
      const { data } = await devtools.send('Page.captureScreenshot', { format: 'png', optimizeForSpeed: true });
      return Buffer.from(data, 'base64');
    },
    async turn(orientation) {
      await page.setViewportSize(sizes[orientation]);
    },
    takeSent: () => page.evaluate(() => (globalThis as unknown as TestWindow).sent.splice(0)),
    async close() {
      await started.close();
      if (builtBefore === undefined) await rm(screensDir, { recursive: true, force: true });
    },
  };
}
