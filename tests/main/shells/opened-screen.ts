import path from 'node:path';
import type { Intent, Snapshot } from '../../../src/contract/bridge.ts';
import type { DropReason, Screen, ScreenLoss } from '../../../src/main/bridge.ts';
import { readAssets } from '../../../src/main/shells/assets.ts';
import { openChromiumScreen } from '../../../src/main/shells/chromium-screen.ts';
import { distributionChromium } from '../../../src/main/distribution-chromium.ts';
import type { ChromiumLaunch, ChromiumProcess } from '../../../src/main/shells/chromium-process.ts';

export const fixtureDir = path.resolve('tests/main/shells/fixture-renderer');

export function headlessLaunch(changes: Partial<ChromiumLaunch> = {}): ChromiumLaunch {
  return {
    window: { widthPx: 1080, heightPx: 1920, headless: true, scale: 1, position: { x: 0, y: 0 } },
    binary: distributionChromium,
    confined: false,
    extraFlags: [],
    ...changes,
  };
}

/** Everything a screen tells, kept, with a promise for what is still to come. */
export class Heard<T> {
  readonly all: T[] = [];
  #waiting: { wanted: (item: T) => boolean; resolve: (item: T) => void }[] = [];

  add(item: T): void {
    this.all.push(item);
    this.#waiting = this.#waiting.filter(({ wanted, resolve }) => {
      if (!wanted(item)) return true;
      resolve(item);
      return false;
    });
  }

  next(wanted: (item: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => this.#waiting.push({ wanted, resolve }));
  }
}

/** A screen on the fixture page, which tries what it is told to and says what came of it. */
export class OpenedScreen {
  readonly intents = new Heard<Intent>();
  readonly painted = new Heard<number>();
  readonly losses = new Heard<ScreenLoss>();
  readonly drops = new Heard<DropReason>();
  readonly browsers: ChromiumProcess[];
  readonly screen: Screen;
  #seq = 0;

  constructor(screen: Screen, browsers: ChromiumProcess[]) {
    this.screen = screen;
    this.browsers = browsers;
    screen.onIntent((intent) => {
      this.intents.add(intent);
    });
    screen.onPainted((seq) => {
      this.painted.add(seq);
    });
    screen.onLost((loss) => {
      this.losses.add(loss);
    });
    screen.onDropped((reason) => {
      this.drops.add(reason);
    });
  }

  static async open(changes: Partial<ChromiumLaunch> = {}): Promise<OpenedScreen> {
    const assets = await readAssets(fixtureDir);
    if (!assets.ok) throw new Error(assets.failure.detail);
    const browsers: ChromiumProcess[] = [];
    const opened = await openChromiumScreen({ launch: headlessLaunch(changes), assets: assets.value, onBrowser: (browser) => browsers.push(browser) });
    if (!opened.ok) throw new Error(`${opened.failure.code} ${opened.failure.detail ?? ''}`);
    return new OpenedScreen(opened.value, browsers);
  }

  get browser(): ChromiumProcess {
    const browser = this.browsers.at(-1);
    if (browser === undefined) throw new Error('no browser');
    return browser;
  }

  /** Only `seq` and the name of the try matter to the fixture page. */
  show(attempt?: string): number {
    this.#seq += 1;
    this.screen.show({ seq: this.#seq, try: attempt } as unknown as Snapshot);
    return this.#seq;
  }

  /** What came of one try in the page. */
  async try(attempt: string): Promise<string> {
    const answer = this.intents.next((intent) => intent.intent === 'answer.submit' && intent.question === attempt);
    this.show(attempt);
    const intent = await answer;
    return intent.intent === 'answer.submit' ? intent.value : '';
  }

  async paints(): Promise<void> {
    const seq = this.show();
    await this.painted.next((painted) => painted >= seq);
  }
}
