import { kioskOrigin } from '../../contract/origin.ts';
import { heartbeatIntervalMs } from './heartbeat.ts';
import { guardWindow, isKioskKey, type GuardedWindow } from './keys-guard.ts';
import { layBridge } from './page-bridge.ts';

/** Names of the two globals that carry the bridge until the boot script and the shell have taken them away. */
export interface BridgeNames {
  send: string;
  deliver: string;
}

interface BootWindow extends GuardedWindow {
  [name: string]: unknown;
  self: unknown;
  top: unknown;
  location: { origin: string; protocol: string };
}

interface BootParts {
  guardWindow: typeof guardWindow;
  isKioskKey: typeof isKioskKey;
  layBridge: typeof layBridge;
  origin: string;
  heartbeatIntervalMs: number;
}

/**
 * Runs in the page before its first line. The binding is captured and deleted, so that only this closure can speak to main; `window.imi` goes the same way when the renderer takes it.
 * Self-contained: it is sent as source.
 */
function boot(names: BridgeNames, parts: BootParts): void {
  const window = globalThis as unknown as BootWindow;
  const binding = window[names.send];
  delete window[names.send];
  if (window.self !== window.top || window.location.protocol !== 'https:' || window.location.origin !== parts.origin || typeof binding !== 'function') return;
  parts.guardWindow(window, parts.isKioskKey);
  const deliver = parts.layBridge((text) => {
    (binding as (text: string) => void)(text);
  }, parts.heartbeatIntervalMs);
  Object.defineProperty(window, names.deliver, { value: deliver, enumerable: false, configurable: true });
}

/** The source that the Chromium shell puts before every document. */
export function bootScript(names: BridgeNames): string {
  return `(${boot.toString()})(${JSON.stringify(names)}, {
    guardWindow: ${guardWindow.toString()},
    isKioskKey: ${isKioskKey.toString()},
    layBridge: ${layBridge.toString()},
    origin: ${JSON.stringify(kioskOrigin)},
    heartbeatIntervalMs: ${heartbeatIntervalMs},
  });`;
}
