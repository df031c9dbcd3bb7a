import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setInterval } from 'node:timers/promises';
import { kioskNodeFlags } from '../src/cli/kiosk.ts';
import type { ChromiumWindow } from '../src/main/shells/chromium-flags.ts';
import { distributionChromium } from '../src/main/distribution-chromium.ts';
import { startChromium } from '../src/main/shells/chromium-process.ts';
import { doorFlags, PageDoor } from './page-door.ts';
import { treeMemoryMb } from './process-memory.ts';
import { median } from './statistics.ts';

export interface StartUp {
  /** From the start of the first process to the first contentful paint. */
  firstPaintMs: number;
  /** PSS of all processes: the median of the two seconds after it. */
  memoryMb: number;
}

/** A page with nothing but a dot on paper. */
export const dotPage = '<!doctype html><link rel="icon" href="data:,"><body style="background:#FAF8F3">.';

const memorySamples = 8;
const sampleIntervalMs = 250;
const now = (): number => performance.timeOrigin + performance.now();

/** The distribution's Chromium with the kiosk's own flags, on a page with nothing but a dot on paper. */
export async function bareStartUp(window: ChromiumWindow): Promise<StartUp> {
  const startedAt = now();
  const blank = `data:text/html,${encodeURIComponent(dotPage)}`;
  // Of two `--app` the last counts.
  const browser = startChromium({ window, binary: distributionChromium, confined: false, extraFlags: [...doorFlags, `--app=${blank}`] });
  if (!browser.ok) throw new Error(browser.failure.code);
  const { pid, profileDir, end } = browser.value;
  const measured = await measure(startedAt, pid, profileDir);
  await end();
  return measured;
}

export interface KioskPlace {
  hubFile: string;
  kioskId: string;
  dataDir: string;
  pcscSocket: string;
}

/** `kiosk-program.ts`, built as the kiosk is; bench/kiosk.ts does it. */
export const measuredKiosk = path.join(import.meta.dirname, '../dist/bench/kiosk-program.mjs');

/** As `imi kiosk` gives it to its processes. */
const compileCache = path.join(import.meta.dirname, '../.runtime/compile-cache');

/** The whole kiosk, from `node`, on its first page. `rendererDir`: with other screens than its own. */
export async function kioskStartUp({ hubFile, kioskId, dataDir, pcscSocket }: KioskPlace, rendererDir?: string): Promise<StartUp> {
  const startedAt = now();
  const renderer = rendererDir === undefined ? [] : ['--renderer', rendererDir];
  const child = fork(measuredKiosk, ['--hub', hubFile, '--kiosk', kioskId, '--data', dataDir, '--headless', ...renderer], {
    execArgv: [...kioskNodeFlags],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCache, PCSCLITE_CSOCK_NAME: pcscSocket },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ profileDir }] = (await once(child, 'message')) as [{ profileDir: string }];
  const replaced = once(child, 'message').then(() => {
    throw new Error(`the kiosk lost its screen while it was measured; ${path.join(dataDir, 'journal.jsonl')} says why`);
  });
  replaced.catch(() => undefined);
  const measured = await Promise.race([measure(startedAt, child.pid ?? -1, profileDir), replaced]);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return measured;
}

async function measure(startedAt: number, pid: number, profileDir: string): Promise<StartUp> {
  const door = await PageDoor.open(profileDir);
  const firstPaintMs = (await door.firstPaintAt()) - startedAt;
  door.close();
  const samples: number[] = [];
  for await (const _ of setInterval(sampleIntervalMs)) {
    samples.push(treeMemoryMb(pid));
    if (samples.length === memorySamples) break;
  }
  return { firstPaintMs, memoryMb: median(samples) };
}
