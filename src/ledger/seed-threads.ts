import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Of one thread: how many of its messages were taken. So none runs far ahead of whoever takes them. */
export type Taken = Int32Array<SharedArrayBuffer>;

/** So many messages may wait at most. */
const mostWaiting = 3;

/** In the thread, before it makes message number `made`. */
export function waitUntilWanted(taken: Taken, made: number): void {
  for (let seen = Atomics.load(taken, 0); made - seen >= mostWaiting; seen = Atomics.load(taken, 0)) Atomics.wait(taken, 0, seen);
}

/** A thread that seeds, and what it says, in its order. */
export class SeedThread<Message> {
  readonly #worker: Worker;
  readonly #taken: Taken = new Int32Array(new SharedArrayBuffer(4));
  readonly #waiting: Message[] = [];
  #wake: () => void = () => undefined;
  #fault: Error | null = null;

  /** `program` lies beside this file. `work` is its `workerData`, with `taken`. */
  constructor(program: string, work: object) {
    this.#worker = new Worker(join(import.meta.dirname, program), { workerData: { ...work, taken: this.#taken }, resourceLimits: { maxYoungGenerationSizeMb: 64 } });
    this.#worker.on('message', (message: Message) => {
      this.#waiting.push(message);
      this.#wake();
    });
    this.#worker.on('error', (error: unknown) => {
      this.#fault = error instanceof Error ? error : new Error(String(error));
      this.#wake();
    });
  }

  /** Throws what the thread threw. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) {
        Atomics.add(this.#taken, 0, 1);
        Atomics.notify(this.#taken, 0);
        return message;
      }
      if (this.#fault !== null) throw this.#fault;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<void> {
    if (this.#worker.threadId === -1) return;
    const ended = once(this.#worker, 'exit');
    await this.#worker.terminate();
    await ended.catch(() => undefined);
  }
}
