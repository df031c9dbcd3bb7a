import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { Screen, ScreenLoss } from '../bridge.ts';
import { ScreenLink } from '../screen-link.ts';
import type { Assets } from './assets.ts';
import { startChromium, sweepProfiles, type ChromiumLaunch, type ChromiumProcess } from './chromium-process.ts';
import { checkRendererSandbox } from './chromium-sandbox.ts';
import { ChromiumSession } from './chromium-session.ts';
import { heartbeatIntervalMs } from './heartbeat.ts';
import { RelaunchPace } from './relaunch-delay.ts';

export interface ChromiumScreenSetup {
  launch: ChromiumLaunch;
  assets: Assets;
  /** A browser that was started, and perhaps has painted its first page, before this code was even loaded. */
  begun?: { browser: ChromiumProcess; session: ChromiumSession };
  /** A relaunch that failed; it is tried again. */
  onTrouble?: (failure: Failure) => void;
  /** Each browser that is started here. */
  onBrowser?: (browser: ChromiumProcess) => void;
}

/** How long a browser may take until its page is there. */
const startLimitMs = 20_000;

/**
 * The kiosk's screen in the distribution's Chromium, supervised: a crashed, hung, closed or strayed browser is replaced.
 * Fails with `browser-missing` or `browser-sandbox`, or `screen-lost` where it never showed a page.
 */
export async function openChromiumScreen(setup: ChromiumScreenSetup): Promise<Result<Screen>> {
  const screen = new ChromiumScreen(setup);
  const opened = await screen.open();
  return opened.ok ? ok(screen.link) : opened;
}

class ChromiumScreen {
  readonly link: ScreenLink;
  readonly #setup: ChromiumScreenSetup;
  #browser: ChromiumProcess | null = null;
  #session: ChromiumSession | null = null;
  readonly #pace = new RelaunchPace();
  #heartbeat: NodeJS.Timeout | null = null;
  #relaunch: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(setup: ChromiumScreenSetup) {
    this.#setup = setup;
    this.link = new ScreenLink(
      {
        deliver: (text) => this.#session?.deliver(text),
        wipe: () => this.#session?.wipe(),
        close: () => this.#close(),
      },
      () => performance.now(),
    );
  }

  async open(): Promise<Result<null>> {
    const launched = await this.#launch(this.#setup.begun);
    if (!launched.ok) {
      await this.#close();
      return launched;
    }
    void sweepProfiles();
    this.#heartbeat = setInterval(() => {
      if (this.#session !== null && this.link.beat() === 'hung') this.#lose('hung');
    }, heartbeatIntervalMs);
    return launched;
  }

  async #launch(begun?: { browser: ChromiumProcess; session: ChromiumSession }): Promise<Result<null>> {
    const started = begun === undefined ? startChromium(this.#setup.launch) : ok(begun.browser);
    if (!started.ok) return started;
    const browser = started.value;
    const session = begun?.session ?? new ChromiumSession(browser, this.#setup.assets);
    this.#browser = browser;
    this.#session = session;
    if (begun === undefined) this.#setup.onBrowser?.(browser);

    let opening = true;
    let lostInOpening = false;
    session.listen({
      onMessage: (text) => {
        this.link.receive(text);
      },
      onForeignMessage: () => {
        this.link.dropped('foreign-frame');
      },
      onGone: (loss) => {
        if (opening) lostInOpening = true;
        else this.#lose(loss);
      },
    });
    const atHome = await Promise.race([session.home.then(() => null), browser.exited, deadline(startLimitMs)]);
    if (atHome !== null) return atHome === tooLate ? fail('screen-lost', 'start') : exitFailure(atHome);
    const { window } = this.#setup.launch;
    if (window.scale !== 1 && !window.headless) await session.fit(window.widthPx, window.heightPx);
    const sandbox = checkRendererSandbox(browser.pid);
    if (!sandbox.ok) return sandbox;
    opening = false;
    return lostInOpening ? fail('screen-lost', 'start') : ok(null);
  }

  #lose(loss: ScreenLoss): void {
    if (this.#closed || this.#session === null) return;
    this.#session = null;
    this.link.lost(loss);
    this.#relaunchLater();
  }

  #relaunchLater(): void {
    this.#relaunch = setTimeout(() => {
      void this.#replace();
    }, this.#pace.next(performance.now()));
  }

  async #replace(): Promise<void> {
    const former = this.#browser;
    this.#browser = null;
    await former?.end();
    if (this.#closed) return;
    const launched = await this.#launch();
    if (launched.ok || this.#closed) return;
    this.#session = null;
    this.#setup.onTrouble?.(launched.failure);
    this.#relaunchLater();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    if (this.#relaunch !== null) clearTimeout(this.#relaunch);
    this.#session = null;
    await this.#browser?.end();
  }
}

const tooLate = Symbol('too late');

function deadline(ms: number): Promise<typeof tooLate> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(tooLate);
    }, ms).unref();
  });
}

/** With what it said last: a display that cannot be opened and a library that is missing look the same otherwise. */
function exitFailure(lastWords: string): Result<never> {
  if (/sandbox|namespace/i.test(lastWords)) return fail('browser-sandbox');
  const lastLine = lastWords.trimEnd().split('\n').at(-1)?.trim().slice(0, 150) ?? '';
  return fail('screen-lost', lastLine === '' ? 'start' : `start: ${lastLine}`);
}
