import type { Bridge, Intent, Snapshot } from '../../contract/bridge.ts';
import { kioskOrigin } from '../../contract/origin.ts';
import { heartbeatIntervalMs } from '../screen-link.ts';
import { guardWindow, isKioskKey, type GuardedWindow, type KeyPress } from './keys-guard.ts';

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
  requestAnimationFrame(run: () => void): void;
  setInterval(run: () => void, ms: number): unknown;
  JSON: JSON;
  MessageChannel: new () => { port1: { onmessage: ((event: { data: string }) => void) | null }; port2: { postMessage(text: string): void } };
}

interface BridgeParts {
  guardWindow: (window: GuardedWindow, isAllowed: (press: KeyPress) => boolean) => void;
  isKioskKey: (press: KeyPress) => boolean;
  origin: string;
  heartbeatIntervalMs: number;
}

/**
 * Runs in the page before its first line. The binding is captured and deleted, so that only this closure can speak to main; `window.imi` goes the same way when the renderer takes it.
 * Self-contained: it is sent as source.
 */
function boot(window: BootWindow, names: BridgeNames, parts: BridgeParts): void {
  const binding = window[names.send];
  delete window[names.send];
  if (window.self !== window.top || window.location.protocol !== 'https:' || window.location.origin !== parts.origin || typeof binding !== 'function') return;

  const { stringify, parse } = window.JSON;
  const nextFrame = window.requestAnimationFrame.bind(window);
  const say = (message: unknown): void => {
    (binding as (text: string) => void)(stringify(message));
  };
  parts.guardWindow(window, parts.isKioskKey);

  let listener: ((snapshot: Snapshot) => void) | null = null;
  let paintedSeq = 0;
  const painted = new window.MessageChannel();
  painted.port1.onmessage = () => {
    say({ signal: 'painted', seq: paintedSeq });
  };
  const arrived = new window.MessageChannel();
  arrived.port1.onmessage = ({ data }) => {
    if (listener === null) return;
    const snapshot = parse(data) as Snapshot;
    listener(snapshot);
    nextFrame(() => {
      paintedSeq = snapshot.seq;
      painted.port2.postMessage('');
    });
  };
  // A task of its own: below a DevTools call the policy's ban on eval does not hold.
  const deliver = (text: string): void => {
    arrived.port2.postMessage(text);
  };
  Object.defineProperty(window, names.deliver, { value: deliver, enumerable: false, configurable: true });

  const bridge: Bridge = {
    send: (intent: Intent) => {
      say(intent);
    },
    onSnapshot: (taken) => {
      listener = taken;
      say({ signal: 'listening' });
    },
    ready: () => {
      say({ signal: 'ready' });
    },
  };
  Object.defineProperty(window, 'imi', { value: Object.freeze(bridge), enumerable: false, configurable: true });
  window.setInterval(() => {
    say({ signal: 'alive' });
  }, parts.heartbeatIntervalMs);
}

/** The source that the Chromium shell puts before every document. */
export function bootScript(names: BridgeNames): string {
  return `(${boot.toString()})(window, ${JSON.stringify(names)}, {
    guardWindow: ${guardWindow.toString()},
    isKioskKey: ${isKioskKey.toString()},
    origin: ${JSON.stringify(kioskOrigin)},
    heartbeatIntervalMs: ${heartbeatIntervalMs},
  });`;
}
