import type { HubFile, KioskFile } from '../contract/hub-file.ts';
import type { SpawnHost } from '../contract/device-host.ts';
import type { Result } from '../contract/result.ts';
import type { Screen } from './bridge.ts';
import type { Clock } from './clock.ts';

export interface KioskSetup {
  hubFile: HubFile;
  /** A key of `hubFile.kiosks`. */
  kioskId: string;
  /** Holds the device key, the outbox and the journal, and nothing else; the hub's endpoint is relative to it. */
  dataDir: string;
  /** Opens the window at once; called before anything else is set up, so that both start together. */
  openScreen(panel: KioskFile['screen']): Promise<Result<Screen>>;
  spawnHost: SpawnHost;
  clock?: Clock;
}

export interface RunningKiosk {
  /** Ends the visit, closes the screen, the device host, outbox and journal. */
  stop(): Promise<void>;
}

export declare function startKiosk(setup: KioskSetup): Promise<Result<RunningKiosk>>;
