import { connect, type Socket } from 'node:net';
import { failureCodes, type FailureCode } from '../../contract/failures.ts';
import { doorMethods, type DoorMethod, type DoorParams, type DoorResult } from '../../contract/hub-door.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import { answerSchema, encodeFrame, FrameReader, type Answer } from './wire.ts';

export interface HubClientOptions {
  /** Of the hub's Unix socket. */
  socketPath: string;
  /** For calls that name none. */
  deadlineMs?: number;
  /** Between attempts: doubled from the least to the most, back to the least after a success. */
  retryMs?: { least: number; most: number };
}

export interface HubClient {
  /**
   * `hub-unreachable`: no connection, or lost before the answer (what was asked for may have happened), or the deadline passed;
   * `message-invalid`: an answer of another form. A refusal has the hub's own code; one that is no failure code comes as `hub-refused` with it as detail.
   */
  call<M extends DoorMethod>(method: M, params: DoorParams<M>, options?: { deadlineMs?: number }): Promise<Result<DoorResult<M>>>;
  readonly connected: boolean;
  /** Returns what ends the listening. */
  onConnection(listener: (connected: boolean) => void): () => void;
  close(): void;
}

interface Pending {
  settle(result: Result<unknown>): void;
}

/** Connects at once and again whenever the connection is lost; a call that finds none tries without waiting for the next attempt. */
export function connectHub({ socketPath, deadlineMs = 5000, retryMs = { least: 100, most: 5000 } }: HubClientOptions): HubClient {
  let socket: Socket | null = null;
  let attempt: Promise<Socket | null> | null = null;
  let closed = false;
  let delayMs = retryMs.least;
  let retry: NodeJS.Timeout | null = null;
  let nextId = 0;
  const pending = new Map<number, Pending>();
  const listeners = new Set<(connected: boolean) => void>();

  function open(): Promise<Socket | null> {
    if (socket !== null) return Promise.resolve(socket);
    if (closed) return Promise.resolve(null);
    attempt ??= new Promise<Socket | null>((resolve) => {
      if (retry !== null) clearTimeout(retry);
      retry = null;
      const candidate = connect(socketPath);
      candidate.once('connect', () => {
        attempt = null;
        if (closed) {
          candidate.destroy();
          resolve(null);
          return;
        }
        socket = candidate;
        delayMs = retryMs.least;
        resolve(candidate);
        for (const listener of listeners) listener(true);
      });
      candidate.on('error', () => {
        // 'close' follows, and is where it is dealt with.
      });
      candidate.once('close', () => {
        attempt = null;
        resolve(null);
        lost(candidate);
      });
      listen(candidate);
    });
    return attempt;
  }

  function lost(candidate: Socket): void {
    if (socket === candidate) {
      socket = null;
      for (const { settle } of pending.values()) settle(fail('hub-unreachable', 'connection lost'));
      for (const listener of listeners) listener(false);
    }
    if (closed || retry !== null) return;
    retry = setTimeout(() => {
      retry = null;
      void open();
    }, delayMs);
    // A kiosk that is otherwise done is not kept alive by a hub that is away.
    retry.unref();
    delayMs = Math.min(delayMs * 2, retryMs.most);
  }

  function listen(candidate: Socket): void {
    const reader = new FrameReader();
    candidate.on('data', (piece: Uint8Array) => {
      const messages = reader.push(piece);
      if (messages === undefined) {
        candidate.destroy();
        return;
      }
      for (const message of messages) {
        const answer = answerSchema.safeParse(message);
        if (!answer.success) {
          candidate.destroy();
          return;
        }
        pending.get(answer.data.id)?.settle(resultOf(answer.data));
      }
    });
  }

  void open();

  return {
    get connected() {
      return socket !== null;
    },
    async call(method, params, options) {
      const deadline = AbortSignal.timeout(options?.deadlineMs ?? deadlineMs);
      const id = nextId++;
      const frame = encodeFrame({ id, method, params });
      if (frame === undefined) return fail('message-too-large', method);
      const answered = await new Promise<Result<unknown>>((resolve) => {
        const onDeadline = (): void => settle(fail('hub-unreachable', 'deadline'));
        const settle = (result: Result<unknown>): void => {
          pending.delete(id);
          deadline.removeEventListener('abort', onDeadline);
          resolve(result);
        };
        deadline.addEventListener('abort', onDeadline);
        void open().then((connection) => {
          if (deadline.aborted) return;
          if (connection === null) {
            settle(fail('hub-unreachable', 'no connection'));
            return;
          }
          pending.set(id, { settle });
          connection.write(frame);
        });
      });
      if (!answered.ok) return answered;
      const result = doorMethods[method].result.safeParse(answered.value);
      // The schema of `method` was just passed; TypeScript cannot follow the index.
      return result.success ? ok(result.data as DoorResult<typeof method>) : fail('message-invalid', method);
    },
    onConnection(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      if (retry !== null) clearTimeout(retry);
      socket?.destroy();
      for (const { settle } of pending.values()) settle(fail('hub-unreachable', 'closed'));
    },
  };
}

function resultOf(answer: Answer): Result<unknown> {
  if (answer.ok) return ok(answer.result);
  return isFailureCode(answer.code) ? fail(answer.code, answer.detail) : fail('hub-refused', answer.code);
}

const isFailureCode = (code: string): code is FailureCode => (failureCodes as readonly string[]).includes(code);
