import type { Snapshot } from '../src/contract/bridge.ts';
import type { ChromiumWindow } from '../src/main/shells/chromium-flags.ts';
import { distributionChromium } from '../src/main/shells/chromium-process.ts';
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
