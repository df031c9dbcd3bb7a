import { setInterval as ticks } from 'node:timers/promises';
import type { Snapshot } from '../src/contract/bridge.ts';
import type { ChromiumWindow } from '../src/main/shells/chromium-flags.ts';
import { CdpPipe } from '../src/main/cdp-pipe.ts';
import { distributionChromium } from '../src/main/distribution-chromium.ts';
import { startChromium } from '../src/main/shells/chromium-process.ts';
import { openChromiumScreen } from '../src/main/shells/chromium-screen.ts';

const page = {
  html: '<!doctype html><title>echo</title><script type="module" src="/echo.js"></script><body>.',
  script: `imi.onSnapshot(() => imi.send({ intent: 'activity' }));`,
};
/** Below the rate at which the bridge takes intents. */
const intervalMs = 60;

/** Main → page → main, with a page that answers each snapshot with an intent: times in ms. */
export async function roundTrips(window: ChromiumWindow, count: number): Promise<number[]> {
  const assets = new Map([
    ['/', { contentType: 'text/html', body: () => Buffer.from(page.html) }],
    ['/echo.js', { contentType: 'text/javascript', body: () => Buffer.from(page.script) }],
  ]);
  const opened = await openChromiumScreen({ launch: { window, binary: distributionChromium, confined: false, extraFlags: [] }, assets });
  if (!opened.ok) throw new Error(opened.failure.code);
  const screen = opened.value;
  const times: number[] = [];
  let sentAt: number | null = null;
  const send = (): void => {
    if (sentAt !== null) return;
    sentAt = performance.now();
    screen.show({ seq: times.length } as Snapshot);
  };
  const sending = setInterval(send, intervalMs);
  await new Promise<void>((resolve) => {
    screen.onIntent(() => {
      if (sentAt !== null) times.push(performance.now() - sentAt);
      sentAt = null;
      if (times.length > count) resolve();
    });
  });
  clearInterval(sending);
  await screen.close();
  // The first one waited for the page.
  return times.slice(1);
}

/** What the browser takes for itself: a page's answer to the smallest evaluation there is, over the same pipe at the same pace. Times in ms. */
export async function bareRoundTrips(window: ChromiumWindow, count: number): Promise<number[]> {
  const started = startChromium({ window, binary: distributionChromium, confined: false, extraFlags: ['--app=data:text/html,.'] });
  if (!started.ok) throw new Error(started.failure.code);
  const { toBrowser, fromBrowser, end } = started.value;
  const { promise: attached, resolve } = Promise.withResolvers<string>();
  const pipe = new CdpPipe(toBrowser, fromBrowser, ({ method, params }) => {
    if (method === 'Target.attachedToTarget') resolve(params['sessionId'] as string);
  });
  await pipe.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
  const page = await attached;
  const times: number[] = [];
  for await (const _ of ticks(intervalMs)) {
    const sentAt = performance.now();
    await pipe.send('Runtime.evaluate', { expression: '0' }, page);
    times.push(performance.now() - sentAt);
    if (times.length > count) break;
  }
  await end();
  return times.slice(1);
}
