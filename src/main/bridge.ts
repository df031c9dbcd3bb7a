import { bridgeMessageLimitBytes, intentSchema, type Intent, type Snapshot } from '../contract/bridge.ts';

/** Why the renderer is gone. `wandered`: the main frame left our origin. */
export type ScreenLoss = 'crashed' | 'hung' | 'wandered' | 'browser-exited';

/** A message that was not taken, for the journal; never with its content. */
export type DropReason = 'too-large' | 'not-json' | 'not-an-intent' | 'foreign-frame' | 'too-many' | 'snapshot-too-large';

/** One kiosk screen, whatever shell draws it. */
export interface Screen {
  /**
   * Puts a snapshot on the screen; the latest wins. Before the renderer listens it is held and sent then.
   * A snapshot over `bridgeMessageLimitBytes` is not sent and reported as dropped.
   */
  show(snapshot: Snapshot): void;
  onIntent(listener: (intent: Intent) => void): void;
  /** The snapshot with this `seq` is painted; one that was overtaken before its frame is not reported. */
  onPainted(listener: (seq: number) => void): void;
  /**
   * The renderer is gone and what it showed with it. The shell starts it again by itself. What was shown before is forgotten: the listener ends the visit and calls `show` again.
   */
  onLost(listener: (loss: ScreenLoss) => void): void;
  onDropped(listener: (reason: DropReason) => void): void;
  /** At a visit's end, after a page without facts was shown: storage, cookies and caches of our origin are cleared and a fresh document is loaded, which gets the latest snapshot. */
  wipe(): void;
  close(): Promise<void>;
}

/** What the boot script of a shell says besides intents. */
export type Signal =
  /** The renderer has handed its listener in. */
  | { signal: 'listening' }
  | { signal: 'alive' }
  | { signal: 'ready' }
  | { signal: 'painted'; seq: number };

export type Received = { kind: 'intent'; intent: Intent } | { kind: 'signal'; signal: Signal } | { kind: 'dropped'; reason: DropReason };

/** Intents in a row and per second that a pair of hands can reach; more is a program. */
const burst = 40;
const perSecond = 20;

/** Checks every message from the renderer, in both shells. The caller has made sure that our own main frame sent it. */
export class IntentDoor {
  #tokens = burst;
  #lastMs: number;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
  }

  receive(text: string): Received {
    if (Buffer.byteLength(text) > bridgeMessageLimitBytes) return { kind: 'dropped', reason: 'too-large' };
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return { kind: 'dropped', reason: 'not-json' };
    }
    const signal = readSignal(message);
    if (signal !== null) return { kind: 'signal', signal };
    if (!this.#takeToken()) return { kind: 'dropped', reason: 'too-many' };
    const intent = intentSchema.safeParse(message);
    return intent.success ? { kind: 'intent', intent: intent.data } : { kind: 'dropped', reason: 'not-an-intent' };
  }

  #takeToken(): boolean {
    const now = this.#nowMs();
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#lastMs) * perSecond) / 1000);
    this.#lastMs = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

function readSignal(message: unknown): Signal | null {
  if (typeof message !== 'object' || message === null || !('signal' in message)) return null;
  switch (message.signal) {
    case 'listening':
    case 'alive':
    case 'ready':
      return { signal: message.signal };
    case 'painted':
      return 'seq' in message && Number.isSafeInteger(message.seq) ? { signal: 'painted', seq: message.seq as number } : null;
    default:
      return null;
  }
}
