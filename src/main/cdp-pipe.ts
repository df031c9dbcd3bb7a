import type { Readable, Writable } from 'node:stream';

/** One command of the DevTools protocol went wrong; also what every pending command ends with when the pipe closes. */
export class CdpError extends Error {
  readonly method: string;

  constructor(method: string, message: string) {
    super(`${method}: ${message}`);
    this.method = method;
  }
}

export type CdpParams = Readonly<Record<string, unknown>>;

export interface CdpEvent {
  method: string;
  params: CdpParams;
  /** Absent for events of the browser itself. */
  sessionId?: string;
}

interface Pending {
  method: string;
  resolve(result: CdpParams): void;
  reject(error: CdpError): void;
}

/**
 * A raw client for `--remote-debugging-pipe`: JSON messages, each ended by a zero byte.
 * Events are handed on in the order in which they came, before the next message is read.
 */
export class CdpPipe {
  readonly #toBrowser: Writable;
  readonly #pending = new Map<number, Pending>();
  readonly #onEvent: (event: CdpEvent) => void;
  #unread: Buffer[] = [];
  #lastId = 0;
  #closed = false;

  constructor(toBrowser: Writable, fromBrowser: Readable, onEvent: (event: CdpEvent) => void) {
    this.#toBrowser = toBrowser;
    this.#onEvent = onEvent;
    fromBrowser.on('data', (chunk: Buffer) => this.#read(chunk));
    fromBrowser.on('close', () => this.#close());
    fromBrowser.on('error', () => this.#close());
    toBrowser.on('error', () => this.#close());
  }

  send(method: string, params: CdpParams = {}, sessionId?: string): Promise<CdpParams> {
    if (this.#closed) return Promise.reject(new CdpError(method, 'the pipe is closed'));
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { method, resolve, reject });
      this.#toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** For commands whose answer nobody needs; a target that is gone by then is not an error. */
  tell(method: string, params: CdpParams = {}, sessionId?: string): void {
    this.send(method, params, sessionId).catch((error: unknown) => {
      if (!(error instanceof CdpError)) throw error;
    });
  }

  #read(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
      this.#unread.push(chunk.subarray(start, end));
      const text = Buffer.concat(this.#unread).toString('utf8');
      this.#unread = [];
      start = end + 1;
      this.#take(JSON.parse(text) as { id?: number; method?: string; params?: CdpParams; result?: CdpParams; error?: { message: string }; sessionId?: string });
    }
    if (start < chunk.length) this.#unread.push(chunk.subarray(start));
  }

  #take(message: { id?: number; method?: string; params?: CdpParams; result?: CdpParams; error?: { message: string }; sessionId?: string }): void {
    if (message.id === undefined) {
      if (message.method !== undefined) this.#onEvent({ method: message.method, params: message.params ?? {}, sessionId: message.sessionId });
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    if (message.error === undefined) pending.resolve(message.result ?? {});
    else pending.reject(new CdpError(pending.method, message.error.message));
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of this.#pending.values()) pending.reject(new CdpError(pending.method, 'the pipe closed'));
    this.#pending.clear();
  }
}
