import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { HostMessage, HostProcess, HostRequest, SpawnHost } from '../src/contract/device-host.ts';
import { hubFileSchema } from '../src/contract/hub-file.ts';
import type { Page, Snapshot } from '../src/contract/bridge.ts';
import { ok } from '../src/contract/result.ts';
import { spawnNodeHost } from '../src/drivers/spawn-node-host.ts';
import type { Screen } from '../src/main/bridge.ts';
import { startKiosk } from '../src/main/kiosk.ts';
import { readAssets } from '../src/main/shells/assets.ts';
import type { ChromiumWindow } from '../src/main/shells/chromium-flags.ts';
import { distributionChromium } from '../src/main/distribution-chromium.ts';
import type { ChromiumProcess } from '../src/main/shells/chromium-process.ts';
import { openChromiumScreen } from '../src/main/shells/chromium-screen.ts';
import type { CardHand } from '../tools/virtual-card/hand.ts';
import { doorFlags, PageDoor } from './page-door.ts';
import type { KioskPlace } from './start-up.ts';

export interface SignIns {
  /** The reader's word that a card is in → the PIN page painted. */
  cardToPinPageMs: number[];
  /** The PIN's arrival in main → the resident's first page painted, less the card's own time. */
  pinToHomeBesideCardMs: number[];
  /** The same with the card's time. */
  pinToHomeMs: number[];
  /** A finger on a key of the PIN pad → the next paint, by Event Timing, which knows steps of 8 ms and counts what is faster than 16 ms as 16. */
  touchToPaintMs: number[];
}

const pin = '123456';

/** Keeps, in every document, how long each interaction took until it was painted. */
const interactionProbe = `
  globalThis.benchInteractions = new Map();
  globalThis.benchTaps = 0;
  addEventListener('click', () => { benchTaps += 1; }, true);
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries()) {
      if (interactionId > 0) benchInteractions.set(interactionId, Math.max(benchInteractions.get(interactionId) ?? 0, duration));
    }
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
`;

/** Signs one resident in and out again `count` times on the kiosk itself, composed here from its own parts so that each can be watched. */
export async function signIns(place: KioskPlace, window: ChromiumWindow, hubJson: unknown, hand: CardHand, cardFile: string, count: number): Promise<SignIns> {
  mkdirSync(place.dataDir, { recursive: true });
  const hubFile = hubFileSchema.parse(hubJson);
  const root = path.join(import.meta.dirname, '..');
  const assets = await readAssets(path.join(root, 'dist/renderer'));
  if (!assets.ok) throw new Error(`${assets.failure.detail ?? ''}: build the screens first (npx vite build)`);

  let browser: ChromiumProcess | null = null;
  const launch = { window, binary: distributionChromium, confined: false, extraFlags: doorFlags };
  const opened = await openChromiumScreen({ launch, assets: assets.value, onBrowser: (one) => (browser = one) });
  if (!opened.ok) throw new Error(opened.failure.code);
  const watch = new Watch(opened.value);
  const spawn = spawnNodeHost({ hostPath: path.join(root, 'src/drivers/host.ts'), binding: hubFile.kiosks[place.kioskId]?.pcscBinding ?? 'smartcard', pcscSocket: place.pcscSocket });
  const kiosk = await startKiosk({
    version: '0.0.0',
    hubFile,
    kioskId: place.kioskId,
    dataDir: place.dataDir,
    openScreen: () => Promise.resolve(ok(watch.screen)),
    spawnHost: watch.host(spawn),
  });
  if (!kiosk.ok) throw new Error(`${kiosk.failure.code} ${kiosk.failure.detail ?? ''}`);
  if (browser === null) throw new Error('no browser');
  const door = await PageDoor.open((browser as ChromiumProcess).profileDir);
  await door.send('Page.enable');
  await door.send('Page.addScriptToEvaluateOnNewDocument', { source: interactionProbe });
  await door.evaluate(`${interactionProbe}; 0`);

  const found: SignIns = { cardToPinPageMs: [], pinToHomeBesideCardMs: [], pinToHomeMs: [], touchToPaintMs: [] };
  await watch.until('attract');
  for (let round = 0; round < count; round += 1) {
    const pinPage = watch.painted('pin');
    await hand.insert(cardFile);
    found.cardToPinPageMs.push((await pinPage) - watch.cardSeenAt);
    for (const digit of pin) await door.touch(`[data-page="pin"] [data-key="${digit}"]`);
    const homePage = watch.painted('home');
    await door.touch('[data-page="pin"] [data-intent="pin.submit"]');
    const shownAt = await homePage;
    found.pinToHomeMs.push(shownAt - watch.pinAt);
    found.pinToHomeBesideCardMs.push(shownAt - watch.pinAt - watch.cardMs);
    const { taps, slow } = await door.evaluate<{ taps: number; slow: number[] }>('({ taps: benchTaps, slow: [...benchInteractions.values()] })');
    found.touchToPaintMs.push(...slow, ...Array.from({ length: Math.max(0, taps - slow.length) }, () => 16));
    const farewell = watch.painted('goodbye');
    await hand.pull();
    await farewell;
  }
  door.close();
  await kiosk.value.stop();
  return found;
}

/** Stands at the kiosk's two doors, to the screen and to the device host, and notes when what passes. */
class Watch {
  readonly screen: Screen;
  cardSeenAt = 0;
  pinAt = 0;
  /** What the card took since the PIN came. */
  cardMs = 0;
  readonly #pageOf = new Map<number, Page['page']>();
  #waiting: { page: Page['page']; resolve: (at: number) => void }[] = [];
  #lastPage: Page['page'] | null = null;

  constructor(screen: Screen) {
    this.screen = {
      ...forwarding(screen),
      show: (snapshot: Snapshot) => {
        this.#pageOf.set(snapshot.seq, snapshot.page.page);
        screen.show(snapshot);
      },
    };
    screen.onIntent(({ intent }) => {
      if (intent !== 'pin.submit') return;
      this.pinAt = performance.now();
      this.cardMs = 0;
    });
    screen.onPainted((seq) => {
      const at = performance.now();
      this.#lastPage = this.#pageOf.get(seq) ?? null;
      this.#waiting = this.#waiting.filter(({ page, resolve }) => {
        if (page !== this.#lastPage) return true;
        resolve(at);
        return false;
      });
    });
  }

  /** When the next page of this name is painted. */
  painted(page: Page['page']): Promise<number> {
    return new Promise((resolve) => this.#waiting.push({ page, resolve }));
  }

  async until(page: Page['page']): Promise<void> {
    if (this.#lastPage !== page) await this.painted(page);
  }

  host(spawn: SpawnHost): SpawnHost {
    return () => {
      const host = spawn();
      const askedAt = new Map<number, number>();
      const watched: HostProcess = {
        ...host,
        post: (request: HostRequest) => {
          if (request.command !== 'ping') askedAt.set(request.id, performance.now());
          host.post(request);
        },
        onMessage: (listener) => {
          host.onMessage((message: HostMessage) => {
            this.#take(message, askedAt);
            listener(message);
          });
        },
      };
      return watched;
    };
  }

  #take(message: HostMessage, askedAt: Map<number, number>): void {
    const at = performance.now();
    if ('status' in message && message.status.readers.some(({ slot }) => slot === 'card-present')) this.cardSeenAt = this.cardSeenAt === 0 ? at : this.cardSeenAt;
    if ('status' in message && message.status.readers.every(({ slot }) => slot === 'no-card')) this.cardSeenAt = 0;
    if ('answer' in message) {
      this.cardMs += at - (askedAt.get(message.answer) ?? at);
      askedAt.delete(message.answer);
    }
  }
}

function forwarding(screen: Screen): Screen {
  return {
    show: (snapshot) => screen.show(snapshot),
    onIntent: (listener) => screen.onIntent(listener),
    onPainted: (listener) => screen.onPainted(listener),
    onLost: (listener) => screen.onLost(listener),
    onDropped: (listener) => screen.onDropped(listener),
    wipe: () => screen.wipe(),
    close: () => screen.close(),
  };
}
