import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, expect, type Browser, type CDPSession, type Page } from '@playwright/test';
import { kioskOrigin } from '../../src/contract/origin.ts';
import { never } from '../../src/contract/result.ts';
import type { KioskScreen } from './kiosk-driver.ts';
import type { KioskNews } from './kiosk-news.ts';

export interface KioskProcessSetup {
  /** Which kiosk it is; left out: what its data folder was set up as, or a first boot that looks for hub files in `hubFrom`. */
  hubFile?: string;
  kioskId?: string;
  hubFrom?: string;
  dataDir: string;
  /** Of the PC/SC daemon that its readers hang on. */
  pcscSocket: string;
  /** A program that runs its device host in surroundings of its own. Left out: the host itself. */
  hostPath?: string;
}

/** A browser's start on a busy machine. */
const startLimitMs = 20_000;

interface Connection {
  profileDir: string;
  browser: Browser;
  page: Page;
  touchpad: CDPSession;
}

/** A kiosk in a process of its own, and a connection to whatever browser it has at the moment. */
export class KioskProcess implements KioskScreen {
  /** All that its main has heard of the readers. */
  readonly readerNews: Extract<KioskNews, { news: 'readers' }>[] = [];
  readonly #child: ChildProcess;
  #profileDir: string | null = null;
  #connection: Promise<Connection> | null = null;
  #lastWords = '';

  constructor({ hubFile, kioskId, hubFrom, dataDir, pcscSocket, hostPath }: KioskProcessSetup) {
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    this.#child = fork(join(import.meta.dirname, 'kiosk-program.ts'), [...(hubFile === undefined || kioskId === undefined ? [] : ['--hub', hubFile, '--kiosk', kioskId]), ...(hubFrom === undefined ? [] : ['--hub-from', hubFrom]), '--data', dataDir, '--headless'], {
      execArgv: [],
      env: { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }), PCSCLITE_CSOCK_NAME: pcscSocket, ...(hostPath === undefined ? {} : { KIOSK_HOST: hostPath }) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#lastWords = (this.#lastWords + text).slice(-4000);
      });
    }
    this.#child.on('message', (message) => this.#hear(message as KioskNews));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What it wrote to its terminal lately. */
  get lastWords(): string {
    return this.#lastWords;
  }

  /** Of the browser that it has at the moment. */
  get profileDir(): string | null {
    return this.#profileDir;
  }

  async current(): Promise<Connection> {
    const connection = await this.#connection;
    if (connection !== null && connection.profileDir === this.#profileDir && connection.browser.isConnected()) return connection;
    this.#connection = this.#connect();
    return this.#connection;
  }

  /** @param signal SIGKILL: as when the power goes. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill(signal);
      await exited;
    }
    await connection?.browser.close();
  }

  #hear(told: KioskNews): void {
    switch (told.news) {
      case 'browser':
        this.#profileDir = told.profileDir;
        return;
      case 'readers':
        this.readerNews.push(told);
        return;
      default:
        never(told);
    }
  }

  async #connect(): Promise<Connection> {
    await expect.poll(() => this.#port(), { message: `the kiosk's browser; it said: ${this.#lastWords}`, timeout: startLimitMs }).not.toBeNull();
    // A second debugger that comes while the kiosk's own holds the new page stalls both.
    await expect.poll(() => this.#showsKiosk(), { message: 'the kiosk on its page', timeout: startLimitMs }).toBe(true);
    const profileDir = this.#profileDir ?? '';
    const browser = await chromium.connectOverCDP(`http://127.0.0.1:${this.#port() ?? 0}`);
    const pages = () => browser.contexts().flatMap((context) => context.pages());
    await expect.poll(() => pages().find((page) => page.url().startsWith(kioskOrigin)) !== undefined, { timeout: startLimitMs }).toBe(true);
    const [page] = pages().filter((one) => one.url().startsWith(kioskOrigin));
    if (page === undefined) throw new Error('the kiosk has left its origin');
    return { profileDir, browser, page, touchpad: await page.context().newCDPSession(page) };
  }

  async #showsKiosk(): Promise<boolean> {
    const port = this.#port();
    try {
      const targets = (await (await fetch(`http://127.0.0.1:${port ?? 0}/json/list`)).json()) as { url: string }[];
      return targets.some(({ url }) => url.startsWith(kioskOrigin));
    } catch {
      return false;
    }
  }

  #port(): number | null {
    if (this.#child.exitCode !== null) throw new Error(`the kiosk has ended: ${this.#lastWords}`);
    try {
      return Number(readFileSync(join(this.#profileDir ?? '', 'DevToolsActivePort'), 'utf8').split('\n')[0]);
    } catch {
      return null;
    }
  }
}
