import path from 'node:path';
import { fail, type Failure, type Result } from '../../contract/result.ts';
import type { Screen } from '../bridge.ts';
import { startChromium, type ChromiumLaunch, type ChromiumProcess } from './chromium-process.ts';
import { panelOf, readArguments, readHubJson } from './kiosk-arguments.ts';

export interface ChromiumKioskOptions {
  args: readonly string[];
  /** The program's folder, with dist/renderer and src/drivers below it. */
  rootDir: string;
  /** For tests alone: a loopback debugging port, so that a test's own hand can touch the screen. */
  extraFlags?: readonly string[];
  onBrowser?: (browser: ChromiumProcess) => void;
}

export interface RunningChromiumKiosk {
  /** Ends the kiosk, the browser and the device host. */
  stop(): Promise<void>;
}

/**
 * The kiosk in the distribution's Chromium. The browser is started before anything else is even loaded: it takes most of the time until the first page.
 * Fails with `kiosk-config`, `browser-missing`, `browser-sandbox`, `screen-lost`, or what `startKiosk` fails with.
 */
export async function runChromiumKiosk(options: ChromiumKioskOptions): Promise<Result<RunningChromiumKiosk>> {
  const parsed = readArguments(options.args);
  if (!parsed.ok) return parsed;
  const { hub, kiosk: kioskId, data, renderer } = parsed.value;
  const read = readHubJson(hub);
  if (!read.ok) return read;
  const panel = panelOf(read.value, kioskId);
  if (!panel.ok) return panel;

  const launch: ChromiumLaunch = {
    window: { ...panel.value, headless: parsed.value.headless, scale: parsed.value.scale, position: parsed.value.position },
    binary: parsed.value.chromium,
    confined: parsed.value.confined,
    extraFlags: options.extraFlags ?? [],
  };
  const begun = startChromium(launch);
  if (!begun.ok) return begun;
  const screen = openBegunScreen(launch, begun.value, path.resolve(renderer ?? path.join(options.rootDir, 'dist/renderer')), options.onBrowser);

  const started = await startOnScreen(screen, read.value, kioskId, path.resolve(data), options.rootDir);
  if (started.ok) return started;
  await begun.value.end();
  return started;
}

async function openBegunScreen(launch: ChromiumLaunch, begun: ChromiumProcess, rendererDir: string, onBrowser?: (browser: ChromiumProcess) => void): Promise<Result<Screen>> {
  const [{ readAssets }, { openChromiumScreen }] = await Promise.all([import('./assets.ts'), import('./chromium-screen.ts')]);
  const assets = await readAssets(rendererDir);
  if (!assets.ok) return assets;
  return openChromiumScreen({ launch, begun, assets: assets.value, onBrowser, onTrouble: report });
}

async function startOnScreen(screen: Promise<Result<Screen>>, hubJson: unknown, kioskId: string, dataDir: string, rootDir: string): Promise<Result<RunningChromiumKiosk>> {
  const { hubFileSchema } = await import('../../contract/hub-file.ts');
  const hubFile = hubFileSchema.safeParse(hubJson);
  if (!hubFile.success) return fail('kiosk-config', hubFile.error.issues[0]?.path.join('.'));
  const binding = hubFile.data.kiosks[kioskId]?.pcscBinding;
  if (binding === undefined) return fail('kiosk-config', `no kiosk ${kioskId}`);
  const [{ spawnNodeHost }, { startKiosk }] = await Promise.all([import('../../drivers/spawn-node-host.ts'), import('../kiosk.ts')]);
  return startKiosk({
    hubFile: hubFile.data,
    kioskId,
    dataDir,
    openScreen: () => screen,
    spawnHost: spawnNodeHost({ hostPath: path.join(rootDir, 'src/drivers/host.ts'), binding }),
  });
}

/** One line for whoever runs the kiosk; the page says the rest. */
export function report(failure: Failure): void {
  process.stderr.write(`${JSON.stringify({ code: failure.code, detail: failure.detail })}\n`);
}
