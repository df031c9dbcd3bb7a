import type { Bridge, Snapshot } from '../../contract/bridge.ts';

interface PageWindow {
  requestAnimationFrame(run: () => void): void;
  setInterval(run: () => void, ms: number): unknown;
  JSON: JSON;
  MessageChannel: new () => { port1: { onmessage: ((event: { data: string }) => void) | null }; port2: { postMessage(text: string): void } };
}

/**
 * Lays `window.imi` in the page, to be called in the page's own world before its first line; `say` carries one message to main.
 * Answers with the function that main hands each snapshot to, as JSON. Self-contained: both shells send it to the page as source.
 */
export function layBridge(say: (text: string) => void, heartbeatIntervalMs: number): (text: string) => void {
  const window = globalThis as unknown as PageWindow;
  const { stringify, parse } = window.JSON;
  const nextFrame = window.requestAnimationFrame.bind(window);

  let listener: ((snapshot: Snapshot) => void) | null = null;
  let paintedSeq = 0;
  const painted = new window.MessageChannel();
  painted.port1.onmessage = () => {
    say(stringify({ signal: 'painted', seq: paintedSeq }));
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

  const bridge: Bridge = {
    send: (intent) => {
      say(stringify(intent));
    },
    onSnapshot: (taken) => {
      listener = taken;
      say(stringify({ signal: 'listening' }));
    },
    ready: () => {
      say(stringify({ signal: 'ready' }));
    },
  };
  Object.defineProperty(window, 'imi', { value: Object.freeze(bridge), enumerable: false, configurable: true });
  window.setInterval(() => {
    say(stringify({ signal: 'alive' }));
  }, heartbeatIntervalMs);

  // A task of its own: below a DevTools call the policy's ban on eval does not hold.
  return (text) => {
    arrived.port2.postMessage(text);
  };
}
