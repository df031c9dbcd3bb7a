import { flushCompileCache } from 'node:module';
import path from 'node:path';
import { hubFileSchema } from '../../contract/hub-file.ts';
import type { SpawnHost } from '../../contract/device-host.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { HostDuties } from '../../drivers/host-arguments.ts';
import type { Screen } from '../bridge.ts';
import { systemClock } from '../clock.ts';
import { startKiosk, type RunningKiosk } from '../kiosk.ts';
import { stickRoots } from '../workshop/medium.ts';
import { readinessPdf } from '../workshop/readiness-page.ts';
import type { KioskToStart } from './kiosk-arguments.ts';

export interface OnScreen {
  /** The screen that is being opened already. */
  screen: Promise<Result<Screen>>;
  kiosk: KioskToStart;
  /** Of the product, for the readiness report. */
  version: string;
  spawnHost(duties: HostDuties): SpawnHost;
  /** Told at once, while the screen still says it. */
  onTrouble(failure: Failure): void;
}

/** How long the page about a kiosk that cannot start stays, before whoever supervises it may try again. */
const faultStayMs = 30_000;

/** Checks the hub's file and starts the kiosk, or the first boot of one. A kiosk that fails to start says so on its screen for a while before this ends. */
export async function startOnScreen(parts: OnScreen): Promise<Result<RunningKiosk>> {
  const { kiosk, screen, onTrouble } = parts;
  if (kiosk.named === null) return firstBoot(parts);
  const started = await startNamed(parts, kiosk.named, () => screen);
  flushCompileCache();
  if (started.ok) return started;
  onTrouble(started.failure);
  const { hubJson, kioskId } = kiosk.named;
  const isShown = hubFileSchema.safeParse(hubJson).data?.kiosks[kioskId] !== undefined && (await screen).ok;
  return isShown ? afterStay(started) : started;
}

async function startNamed({ kiosk: { dataDir }, version, spawnHost }: OnScreen, { hubJson, kioskId }: { hubJson: unknown; kioskId: string }, openScreen: () => Promise<Result<Screen>>): Promise<Result<RunningKiosk>> {
  const hubFile = hubFileSchema.safeParse(hubJson);
  const kioskFile = hubFile.data?.kiosks[kioskId];
  return hubFile.success && kioskFile !== undefined
    ? startKiosk({ hubFile: hubFile.data, kioskId, dataDir: path.resolve(dataDir), openScreen, version, spawnHost: spawnHost({ binding: kioskFile.pcscBinding, devices: kioskFile.devices }) })
    : fail('kiosk-config', hubFile.error?.issues[0]?.path.join('.') ?? `no kiosk ${kioskId}`);
}

/** The technician's pages, and after them the kiosk that they made, on the same screen. */
async function firstBoot(parts: OnScreen): Promise<Result<RunningKiosk>> {
  const { kiosk, version, spawnHost, onTrouble } = parts;
  const opened = await parts.screen;
  if (!opened.ok) return opened;
  const screen = opened.value;
  const { startFirstBoot } = await import('../workshop/first-boot.ts');
  const wizard = startFirstBoot({ screen, clock: systemClock, dataDir: path.resolve(kiosk.dataDir), panel: kiosk.panel, hubPlaces: kiosk.hubPlaces, stickRoots, readinessPdf, version, program: ok(null), spawnHost });
  const following = wizard.done.then(({ hubFile, kioskId }) => startNamed(parts, { hubJson: hubFile, kioskId }, () => Promise.resolve(ok(after(screen, wizard.lastSeq)))));
  let running: Result<RunningKiosk> | null = null;
  void following.then((started) => {
    running = started;
    if (!started.ok) onTrouble(started.failure);
  });
  return ok({
    async stop() {
      wizard.stop();
      if (running?.ok === true) await running.value.stop();
      else await screen.close();
    },
  });
}

/** The same screen for whoever has it next: what they show is newer than all that was shown before. */
function after(screen: Screen, lastSeq: number): Screen {
  return {
    show: (snapshot) => screen.show({ ...snapshot, seq: snapshot.seq + lastSeq }),
    onIntent: (listener) => screen.onIntent(listener),
    onPainted: (listener) => screen.onPainted((seq) => listener(seq - lastSeq)),
    onLost: (listener) => screen.onLost(listener),
    onDropped: (listener) => screen.onDropped(listener),
    wipe: () => screen.wipe(),
    close: () => screen.close(),
  };
}

function afterStay<T>(value: T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(value);
    }, faultStayMs);
  });
}
