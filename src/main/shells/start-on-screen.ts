import { flushCompileCache } from 'node:module';
import path from 'node:path';
import { hubFileSchema } from '../../contract/hub-file.ts';
import type { SpawnHost } from '../../contract/device-host.ts';
import { fail, type Failure, type Result } from '../../contract/result.ts';
import type { HostDuties } from '../../drivers/host-arguments.ts';
import type { Screen } from '../bridge.ts';
import { startKiosk, type RunningKiosk } from '../kiosk.ts';

export interface OnScreen {
  /** The screen that is being opened already. */
  screen: Promise<Result<Screen>>;
  hubJson: unknown;
  kioskId: string;
  dataDir: string;
  spawnHost(duties: HostDuties): SpawnHost;
  /** Told at once, while the screen still says it. */
  onTrouble(failure: Failure): void;
}

/** How long the page about a kiosk that cannot start stays, before whoever supervises it may try again. */
const faultStayMs = 30_000;

/** Checks the hub's file and starts the kiosk. A kiosk that fails to start says so on its screen for a while before this ends. */
export async function startOnScreen({ screen, hubJson, kioskId, dataDir, spawnHost, onTrouble }: OnScreen): Promise<Result<RunningKiosk>> {
  const hubFile = hubFileSchema.safeParse(hubJson);
  const kioskFile = hubFile.data?.kiosks[kioskId];
  const started =
    hubFile.success && kioskFile !== undefined
      ? await startKiosk({ hubFile: hubFile.data, kioskId, dataDir: path.resolve(dataDir), openScreen: () => screen, spawnHost: spawnHost({ binding: kioskFile.pcscBinding, devices: kioskFile.devices }) })
      : fail('kiosk-config', hubFile.error?.issues[0]?.path.join('.') ?? `no kiosk ${kioskId}`);
  flushCompileCache();
  if (started.ok) return started;
  onTrouble(started.failure);
  const isShown = hubFile.success && kioskFile !== undefined && (await screen).ok;
  return isShown ? afterStay(started) : started;
}

function afterStay<T>(value: T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(value);
    }, faultStayMs);
  });
}
