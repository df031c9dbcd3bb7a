import { bridgeMessageLimitBytes, type Intent, type Snapshot } from '../contract/bridge.ts';
import { never } from '../contract/result.ts';
import { IntentDoor, type DropReason, type Screen, type ScreenLoss, type Signal } from './bridge.ts';

/** What one shell does in its own way. */
export interface Carrier {
  /** To the renderer's listener. */
  deliver(text: string): void;
  wipe(): void;
  close(): Promise<void>;
}

/** Beats that may be missing in a row before the renderer counts as hung: 4 s. Ending a visit for a disk that was slow once is worse than a wait. */
const missedBeatsLimit = 8;
/** Beats that a document may take until it hands its listener in: 15 s, for a slow disk at power-on. */
const startBeatsLimit = 30;

/** How long a wipe waits for the page without facts to be painted: a document that is replaced before it drew that keeps the old one on the glass. */
const wipeLimitMs = 150;

/** The half of the screen that both shells share: the latest snapshot, the listeners, the door, and the watch over the heartbeat. */
export class ScreenLink implements Screen {
  readonly #carrier: Carrier;
  readonly #nowMs: () => number;
  readonly #door: IntentDoor;
  readonly #intentListeners: ((intent: Intent) => void)[] = [];
  readonly #paintedListeners: ((seq: number) => void)[] = [];
  readonly #lostListeners: ((loss: ScreenLoss) => void)[] = [];
  readonly #droppedListeners: ((reason: DropReason) => void)[] = [];
  readonly #lastDropMs = new Map<DropReason, number>();
  #held: string | null = null;
  #heldSeq = 0;
  /** A wipe that waits until this snapshot, or a later one, is painted. */
  #wiping: { seq: number; limit: NodeJS.Timeout } | null = null;
  #listening = false;
  #missedBeats = 0;

  constructor(carrier: Carrier, nowMs: () => number) {
    this.#carrier = carrier;
    this.#nowMs = nowMs;
    this.#door = new IntentDoor(nowMs);
  }

  show(snapshot: Snapshot): void {
    const text = JSON.stringify(snapshot);
    if (Buffer.byteLength(text) > bridgeMessageLimitBytes) {
      this.dropped('snapshot-too-large');
      return;
    }
    this.#held = text;
    this.#heldSeq = snapshot.seq;
    if (this.#listening) this.#carrier.deliver(text);
  }

  onIntent(listener: (intent: Intent) => void): void {
    this.#intentListeners.push(listener);
  }

  onPainted(listener: (seq: number) => void): void {
    this.#paintedListeners.push(listener);
  }

  onLost(listener: (loss: ScreenLoss) => void): void {
    this.#lostListeners.push(listener);
  }

  onDropped(listener: (reason: DropReason) => void): void {
    this.#droppedListeners.push(listener);
  }

  wipe(): void {
    if (!this.#listening) {
      this.#wipeNow();
      return;
    }
    if (this.#wiping !== null) clearTimeout(this.#wiping.limit);
    this.#wiping = { seq: this.#heldSeq, limit: setTimeout(() => this.#wipeNow(), wipeLimitMs) };
  }

  close(): Promise<void> {
    this.#forgetWipe();
    return this.#carrier.close();
  }

  /** A message that our own main frame sent. */
  receive(text: string): void {
    const received = this.#door.receive(text);
    switch (received.kind) {
      case 'intent':
        for (const listener of this.#intentListeners) listener(received.intent);
        return;
      case 'signal':
        this.#signal(received.signal);
        return;
      case 'dropped':
        this.dropped(received.reason);
        return;
      default:
        never(received);
    }
  }

  /** Each reason is told at most once a second, so that a flood does not fill the journal. */
  dropped(reason: DropReason): void {
    const now = this.#nowMs();
    if (now - (this.#lastDropMs.get(reason) ?? -Infinity) < 1000) return;
    this.#lastDropMs.set(reason, now);
    for (const listener of this.#droppedListeners) listener(reason);
  }

  lost(loss: ScreenLoss): void {
    this.#unload();
    this.#held = null;
    for (const listener of this.#lostListeners) listener(loss);
  }

  /** Called every `heartbeatIntervalMs` (shells/heartbeat.ts). Counting calls, not time, keeps a busy main process from blaming the renderer. */
  beat(): 'alive' | 'hung' {
    this.#missedBeats += 1;
    if (this.#missedBeats <= (this.#listening ? missedBeatsLimit : startBeatsLimit)) return 'alive';
    this.#missedBeats = 0;
    return 'hung';
  }

  #wipeNow(): void {
    this.#unload();
    this.#carrier.wipe();
  }

  #forgetWipe(): void {
    if (this.#wiping !== null) clearTimeout(this.#wiping.limit);
    this.#wiping = null;
  }

  #unload(): void {
    this.#forgetWipe();
    this.#listening = false;
    this.#missedBeats = 0;
  }

  #signal(signal: Signal): void {
    switch (signal.signal) {
      case 'listening':
        this.#listening = true;
        this.#missedBeats = 0;
        if (this.#held !== null) this.#carrier.deliver(this.#held);
        return;
      case 'alive':
        if (this.#listening) this.#missedBeats = 0;
        return;
      case 'painted':
        if (this.#wiping !== null && signal.seq >= this.#wiping.seq) this.#wipeNow();
        for (const listener of this.#paintedListeners) listener(signal.seq);
        return;
      case 'ready':
        return;
      default:
        never(signal);
    }
  }
}
