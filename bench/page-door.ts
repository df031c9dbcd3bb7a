import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setInterval } from 'node:timers/promises';

/** The flags that give a measured browser a door of its own; product and bare browser get the same. */
export const doorFlags: readonly string[] = ['--remote-debugging-port=0', '--remote-debugging-address=127.0.0.1'];

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A look into the one page of a browser from outside, over its loopback port. */
export class PageDoor {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as Answer;
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (id === undefined || waiting === undefined) return;
      this.#waiting.delete(id);
      if (error === undefined) waiting.resolve(result ?? {});
      else waiting.reject(new Error(error.message));
    });
  }

  static async open(profileDir: string): Promise<PageDoor> {
    const port = await poll(() => {
      const file = path.join(profileDir, 'DevToolsActivePort');
      // The file is there before its lines are.
      return existsSync(file) ? /^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
    });
    const url = await poll(async () => {
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { type: string; webSocketDebuggerUrl?: string }[];
      return targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl;
    });
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => {
        reject(new Error(`no door at ${url}`));
      });
    });
    return new PageDoor(socket);
  }

  send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** The value of an expression in the page, as JSON carries it. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  /** When the page first painted something, on the clock of `performance.timeOrigin`. */
  firstPaintAt(): Promise<number> {
    return poll(async () => {
      const at = await this.evaluate<number>(
        `(() => { const paint = performance.getEntriesByName('first-contentful-paint')[0]; return paint === undefined ? 0 : performance.timeOrigin + paint.startTime; })()`,
      );
      return at === 0 ? undefined : at;
    });
  }

  /** One finger, where the element is. */
  async touch(selector: string): Promise<void> {
    const at = await poll(async () =>
      this.evaluate<{ x: number; y: number } | null>(
        `(() => { const box = document.querySelector(${JSON.stringify(selector)})?.getBoundingClientRect(); return box === undefined ? null : { x: box.x + box.width / 2, y: box.y + box.height / 2 }; })()`,
      ).then((point) => point ?? undefined),
    );
    await this.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
    await this.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  }

  close(): void {
    this.#socket.close();
  }
}

/** How long one answer may take; a page that is being replaced under a question never gives one. */
const answerLimitMs = 1000;
const patienceMs = 60_000;

/** Asks until there is an answer; nothing outside tells when a browser has got so far. */
async function poll<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const endsAt = performance.now() + patienceMs;
  let lastError: unknown = 'no answer';
  for await (const _ of setInterval(20)) {
    try {
      const late = AbortSignal.timeout(answerLimitMs);
      const answer = await Promise.race([ask(), new Promise<undefined>((resolve) => late.addEventListener('abort', () => resolve(undefined), { once: true }))]);
      if (answer !== undefined) return answer;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > endsAt) break;
  }
  throw new Error(`${patienceMs} ms and no answer: ${String(lastError)} (${ask.toString()})`);
}
