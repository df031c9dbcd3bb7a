import path from 'node:path';
import { ok, type Failure, type Result } from '../../contract/result.ts';
import type { RunningKiosk } from '../kiosk.ts';
import { startChromium, type ChromiumLaunch, type ChromiumProcess } from './chromium-process.ts';
import { firstSnapshot } from './first-snapshot.ts';
import { kioskToStart, readArguments, type KioskToStart } from './kiosk-arguments.ts';

export interface ChromiumKioskOptions {
  args: readonly string[];
  /** The built screens, where the arguments name no others. */
  rendererDir: string;
  /** The device host's program. */
  hostPath: string;
  /** Of the product. */
  version: string;
  /** For tests alone: a loopback debugging port, so that a test's own hand can touch the screen. */
  extraFlags?: readonly string[];
  onBrowser?: (browser: ChromiumProcess) => void;
}

/** A browser that shows nothing for so long is no reason to wait further: the kiosk says what is wrong, or the browser is replaced. */
const firstPageLimitMs = 3000;

/**
 * The kiosk in the distribution's Chromium. Until its first page is painted everything else waits: the browser takes most of the time, and all of the processor.
 * Fails with `kiosk-config`, `browser-missing`, `browser-sandbox`, `screen-lost`, or what `startKiosk` fails with, each said on stderr as it happens.
 */
export async function runChromiumKiosk(options: ChromiumKioskOptions): Promise<Result<RunningKiosk>> {
  const begun = beginKiosk(options);
  if (!begun.ok) {
    report(begun.failure);
    return begun;
  }
  const { browser, launch, rendererDir, kiosk } = begun.value;
  options.onBrowser?.(browser);

  const [{ readAssets }, { ChromiumSession }, { firstDocument }] = await Promise.all([import('./assets.ts'), import('./chromium-session.ts'), import('./first-document.ts')]);
  const assets = await readAssets(rendererDir);
  if (!assets.ok) {
    report(assets.failure);
    await browser.end();
    return assets;
  }
  const session = new ChromiumSession(browser, assets.value);
  const first = kiosk.named === null ? null : firstSnapshot(kiosk.named.hubJson, kiosk.named.kioskId);
  if (first !== null) await session.showFirst(JSON.stringify(first), firstDocument(assets.value, first), firstPageLimitMs);

  const [{ openChromiumScreen }, { startOnScreen }, { spawnNodeHost }] = await Promise.all([
    import('./chromium-screen.ts'),
    import('./start-on-screen.ts'),
    import('../../drivers/spawn-node-host.ts'),
  ]);
  const started = await startOnScreen({
    screen: openChromiumScreen({ launch, assets: assets.value, begun: { browser, session }, onBrowser: options.onBrowser, onTrouble: report }),
    kiosk,
    version: options.version,
    spawnHost: (duties) => spawnNodeHost({ hostPath: options.hostPath, ...duties }),
    onTrouble: report,
  });
  if (!started.ok) await browser.end();
  return started;
}

interface BegunKiosk {
  browser: ChromiumProcess;
  launch: ChromiumLaunch;
  rendererDir: string;
  kiosk: KioskToStart;
}

function beginKiosk(options: ChromiumKioskOptions): Result<BegunKiosk> {
  const parsed = readArguments(options.args);
  if (!parsed.ok) return parsed;
  const { renderer, headless, scale, position, chromium, confined } = parsed.value;
  const kiosk = kioskToStart(parsed.value);
  if (!kiosk.ok) return kiosk;

  const launch: ChromiumLaunch = {
    window: { ...kiosk.value.panel, headless, scale, position },
    binary: chromium,
    confined,
    extraFlags: options.extraFlags ?? [],
  };
  const browser = startChromium(launch);
  if (!browser.ok) return browser;
  const rendererDir = path.resolve(renderer ?? options.rendererDir);
  return ok({ browser: browser.value, launch, rendererDir, kiosk: kiosk.value });
}

/** One line for whoever supervises the kiosk; the page says the rest. */
export function report(failure: Failure): void {
  process.stderr.write(`${JSON.stringify({ code: failure.code, detail: failure.detail })}\n`);
}
