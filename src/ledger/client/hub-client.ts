import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { failureCodes, type FailureCode } from '../../contract/failures.ts';
import { doorMethods, type DoorMethod, type DoorParams, type DoorResult } from '../../contract/hub-door.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { Name } from '../verify/acts.ts';
import { doorProtocols, doorTls, peerPin, spokenOn, type DoorProtocol, type TlsIdentity } from './door-tls.ts';
import { answerSchema, encodeFrame, FrameReader, type Answer } from './wire.ts';

/** The hub over TLS 1.3, known by its pin; and the kiosk as which it is spoken to. */
export interface TlsWay {
  host: string;
  port: number;
  /** As in the hub's file. */
  pin: string;
  /** null: one that is being set up. The hub then answers what is proved, and enrols it. */
  kiosk: Name | null;
  /** Made anew for each connection where a chip vouches for it, which may fail. */
  identity: TlsIdentity | (() => Promise<Result<TlsIdentity>>);
}

export interface ClientTimes {
  /** Between attempts: doubled from the least to the most, back to the least after a success. */
  retryMs: { least: number; most: number };
  /** For one attempt over TLS, until the hub has let us in. */
  attemptMs: number;
  /** Over TLS: after so long without a word from the hub we say hello… */
  quietMs: number;
  /** …and after so long without a word, though asked all the while, it is gone, whatever the network says. */
  silentMs: number;
}

/** `socketPath`: of the hub's Unix socket. */
export type HubWay = { socketPath: string } | { tls: TlsWay };

export type HubClientOptions = HubWay & {
  /** For calls that name none. */
  deadlineMs?: number;
  times?: Partial<ClientTimes>;
};

export interface HubClient {
  /**
   * `hub-unreachable`: no connection, or lost before the answer (what was asked for may have happened), or the deadline passed, or who answers there is not
   * the hub (`pin`); `kiosk-not-enrolled`: the hub does not let this kiosk in; `message-invalid`: an answer of another form.
   * A refusal has the hub's own code; one that is no failure code comes as `hub-refused` with it as detail.
   */
  call<M extends DoorMethod>(method: M, params: DoorParams<M>, options?: { deadlineMs?: number }): Promise<Result<DoorResult<M>>>;
  readonly connected: boolean;
  /** Told of each change: null when the hub is there, else why it is not. Returns what ends the listening. */
  onConnection(listener: (away: Failure | null) => void): () => void;
  close(): void;
}

interface Pending {
  settle(result: Result<unknown>): void;
}

/** One attempt, and what becomes of it. */
interface Line {
  socket: Socket;
  /** When something was last heard, milliseconds of a clock that nobody sets. */
  heardAt: number;
  /** How often we have said hello since. */
  asked: number;
  /** Over TLS: the other end has proved the hub's key, and we have said hello. */
  greeted: boolean;
  /** The hub has let us in. */
  open: boolean;
  /** Why there is nothing more to hope for; what the operating system said otherwise. */
  over: Failure | null;
}

const usualTimes: ClientTimes = { retryMs: { least: 100, most: 5000 }, attemptMs: 5000, quietMs: 1500, silentMs: 4500 };

/** Of the greetings, and of what a hub says to nobody's question. */
const greetingId = 0;

/** Connects at once and again whenever the connection is lost; a call that finds none tries without waiting for the next attempt. */
export function connectHub({ deadlineMs = 5000, times: given, ...way }: HubClientOptions): HubClient {
  const times = { ...usualTimes, ...given };
  const tls = 'tls' in way ? way.tls : null;
  let line: Line | null = null;
  let trying: Socket | null = null;
  let attempt: Promise<Result<Socket>> | null = null;
  let closed = false;
  let delayMs = times.retryMs.least;
  let retry: NodeJS.Timeout | null = null;
  let nextId = greetingId + 1;
  let told: string | null = null;
  const pending = new Map<number, Pending>();
  const listeners = new Set<(away: Failure | null) => void>();

  function tell(away: Failure | null): void {
    const news = away === null ? 'there' : `${away.code} ${away.detail ?? ''}`;
    if (news === told) return;
    told = news;
    for (const listener of listeners) listener(away);
  }

  function open(): Promise<Result<Socket>> {
    if (line !== null) return Promise.resolve(ok(line.socket));
    if (closed) return Promise.resolve(fail('hub-unreachable', 'no connection'));
    if (attempt !== null) return attempt;
    if (retry !== null) clearTimeout(retry);
    retry = null;
    attempt = dial();
    return attempt;
  }

  function dial(): Promise<Result<Socket>> {
    if (!('tls' in way)) return wait(connectSocket(way.socketPath));
    const { identity } = way.tls;
    return typeof identity === 'function' ? dialVouched(way.tls, identity) : wait(connectTls(optionsOf(way.tls, identity)));
  }

  /** `hub-unreachable` with `device key`: it lies in a chip that did not sign for the key that stands in for it. */
  async function dialVouched(way: TlsWay, vouch: () => Promise<Result<TlsIdentity>>): Promise<Result<Socket>> {
    let detail = 'device key';
    try {
      const identity = await vouch();
      if (identity.ok && !closed) return await wait(connectTls(optionsOf(way, identity.value)));
      if (identity.ok) detail = 'closed';
    } catch {
      // A key that no TLS connection can be made with: the next try may have another.
    }
    attempt = null;
    const away = fail('hub-unreachable', detail);
    again(away.failure);
    return away;
  }

  function wait(socket: Socket): Promise<Result<Socket>> {
    return new Promise((resolve) => {
      trying = socket;
      const candidate: Line = { socket, heardAt: performance.now(), asked: 0, greeted: false, open: false, over: null };
      const timers = tls === null ? [] : watch(candidate, tls);
      const opened = (): void => {
        attempt = null;
        trying = null;
        candidate.open = true;
        line = candidate;
        delayMs = times.retryMs.least;
        resolve(ok(socket));
        tell(null);
      };
      if (tls === null) socket.once('connect', opened);
      else socket.once('secureConnect', () => greet(candidate, tls));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        // 'close' follows, and is where it is dealt with.
        if (/^(EPROTO|ERR_SSL)/.test(error.code ?? '')) candidate.over ??= { code: 'hub-unreachable', detail: 'tls' };
      });
      socket.once('close', () => {
        attempt = null;
        trying = null;
        for (const timer of timers) clearInterval(timer);
        resolve({ ok: false, failure: candidate.over ?? { code: 'hub-unreachable', detail: 'no connection' } });
        lost(candidate);
      });
      listen(candidate, opened);
    });
  }

  /** Nothing is said to anybody but the hub whose key is in the hub's file. */
  function greet(candidate: Line, way: TlsWay): void {
    const socket = candidate.socket as TLSSocket;
    const isHub = peerPin(socket) === way.pin;
    if (!isHub || spokenOn(socket) !== protocolOf(way)) {
      candidate.over = { code: 'hub-unreachable', detail: isHub ? 'tls' : 'pin' };
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    candidate.greeted = true;
    sayHello(socket, way);
  }

  function sayHello(socket: Socket, { kiosk }: TlsWay): void {
    const hello = encodeFrame({ id: greetingId, method: 'hello', params: { kiosk: kiosk ?? '' } });
    if (hello !== undefined) socket.write(hello);
  }

  /**
   * A cable that was pulled is heard of by nobody: after a while the one who listens has to ask. Whoever stood still meanwhile reads first what has come
   * (`setImmediate` is past the sockets), and holds nobody's silence against them whom it did not ask.
   */
  function watch(candidate: Line, way: TlsWay): NodeJS.Timeout[] {
    const limitAttempt = (): void => {
      if (candidate.open) return;
      candidate.over ??= { code: 'hub-unreachable', detail: 'no connection' };
      candidate.socket.destroy();
    };
    const lookRound = (): void => {
      if (!candidate.open || candidate.socket.destroyed) return;
      const silentMs = performance.now() - candidate.heardAt;
      if (silentMs >= times.silentMs && candidate.asked * times.quietMs >= times.silentMs - times.quietMs) {
        candidate.over = { code: 'hub-unreachable', detail: 'connection lost' };
        candidate.socket.destroy();
      } else if (silentMs >= times.quietMs) {
        candidate.asked += 1;
        sayHello(candidate.socket, way);
      }
    };
    return [setTimeout(() => setImmediate(limitAttempt), times.attemptMs).unref(), setInterval(() => setImmediate(lookRound), times.quietMs).unref()];
  }

  function lost(candidate: Line): void {
    const why = candidate.over ?? { code: 'hub-unreachable', detail: candidate.open ? 'connection lost' : 'no connection' };
    if (line === candidate) {
      line = null;
      for (const { settle } of pending.values()) settle({ ok: false, failure: why });
    }
    again(why);
  }

  function again(why: Failure): void {
    if (!closed) tell(why);
    if (closed || retry !== null) return;
    retry = setTimeout(() => {
      retry = null;
      void open();
    }, delayMs);
    // A kiosk that is otherwise done is not kept alive by a hub that is away.
    retry.unref();
    delayMs = Math.min(delayMs * 2, times.retryMs.most);
  }

  function listen(candidate: Line, opened: () => void): void {
    const reader = new FrameReader();
    candidate.socket.on('data', (piece: Uint8Array) => {
      candidate.heardAt = performance.now();
      candidate.asked = 0;
      const messages = reader.push(piece);
      if (messages === undefined) {
        candidate.socket.destroy();
        return;
      }
      for (const message of messages) {
        const answer = answerSchema.safeParse(message);
        if (!answer.success) {
          candidate.socket.destroy();
          return;
        }
        const { id } = answer.data;
        if (id !== greetingId) pending.get(id)?.settle(resultOf(answer.data));
        else if (!answer.data.ok) {
          const said = resultOf(answer.data);
          candidate.over ??= said.ok ? null : said.failure;
          candidate.socket.destroy();
          return;
        } else if (candidate.greeted && !candidate.open) opened();
      }
    });
  }

  void open();

  return {
    get connected() {
      return line !== null;
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
          if (!connection.ok) {
            settle(connection);
            return;
          }
          pending.set(id, { settle });
          connection.value.write(frame);
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
      line?.socket.destroy();
      trying?.destroy();
      for (const { settle } of pending.values()) settle(fail('hub-unreachable', 'closed'));
    },
  };
}

const protocolOf = ({ kiosk }: TlsWay): DoorProtocol => (kiosk === null ? doorProtocols.setup : doorProtocols.door);

function optionsOf(way: TlsWay, identity: TlsIdentity): ConnectionOptions {
  const { host, port } = way;
  return {
    ...doorTls,
    ALPNProtocols: [protocolOf(way)],
    host,
    port,
    cert: identity.certificate,
    key: identity.privateKey,
    // No authority vouches for a hub: `greet` holds its key against the pin before a word is said.
    rejectUnauthorized: false,
  };
}

function resultOf(answer: Answer): Result<unknown> {
  if (answer.ok) return ok(answer.result);
  return isFailureCode(answer.code) ? fail(answer.code, answer.detail) : fail('hub-refused', answer.code);
}

const isFailureCode = (code: string): code is FailureCode => (failureCodes as readonly string[]).includes(code);
