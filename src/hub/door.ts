import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { doorMethods, type DoorMethod, type DoorParams, type DoorResult } from '../contract/hub-door.ts';
import { ok, type Failure, type Result } from '../contract/result.ts';
import { encodeFrame, FrameReader, requestSchema, type Answer, type Request } from '../ledger/client/wire.ts';

export type DoorHandlers = { [M in DoorMethod]: (params: DoorParams<M>) => Promise<Result<DoorResult<M>>> };

export interface DoorLimits {
  /** At once; one more is closed at once. */
  connections: number;
  /** Of one connection, begun and not answered; one more is answered `hub-busy`. */
  inFlight: number;
  /** That a peer has not read; beyond it the connection is closed. */
  unsentBytes: number;
  /** For the peers to take their last answers when the door closes; after that they are cut off. */
  closingMs: number;
}

export interface DoorOptions {
  socketPath: string;
  handlers: DoorHandlers;
  limits?: DoorLimits;
  /** A bug in a handler: the request is answered `hub-refused`, the others go on. */
  onFault: (method: string, error: unknown) => void;
}

export interface Door {
  readonly connections: number;
  /** Takes nothing new, answers what was begun, closes; after `closingMs` in any case. */
  close(): Promise<void>;
}

/** `in-use`: another hub answers on this path. `unusable`: the path cannot be bound; detail is the errno. */
export type DoorFailure = Failure<'in-use' | 'unusable'>;

const usualLimits: DoorLimits = { connections: 64, inFlight: 16, unsentBytes: 8 * 1024 * 1024, closingMs: 3000 };

/** The hub's door (contract/hub-door.ts) on a Unix socket of mode 0600. A socket file that nobody listens on any more is replaced. */
export async function openDoor({ socketPath, handlers, limits = usualLimits, onFault }: DoorOptions): Promise<Result<Door, DoorFailure>> {
  const cleared = await clearStaleSocket(socketPath);
  if (!cleared.ok) return cleared;

  const sockets = new Set<Socket>();
  let closing = false;
  const server = createServer((socket) => {
    if (closing || sockets.size >= limits.connections) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, handlers, limits, onFault);
  });
  const bound = await listen(server, socketPath);
  if (!bound.ok) return bound;

  return ok({
    get connections() {
      return sockets.size;
    },
    close: () =>
      new Promise<void>((resolve) => {
        closing = true;
        const deadline = setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, limits.closingMs);
        server.close(() => {
          clearTimeout(deadline);
          resolve();
        });
        for (const socket of sockets) endOnceAnswered(socket);
      }),
  });
}

const unanswered = new WeakMap<Socket, { count: number; ending: boolean }>();

function endOnceAnswered(socket: Socket): void {
  const state = unanswered.get(socket);
  if (state === undefined || state.count === 0) socket.destroySoon();
  else state.ending = true;
}

function serve(socket: Socket, handlers: DoorHandlers, limits: DoorLimits, onFault: DoorOptions['onFault']): void {
  const reader = new FrameReader();
  const state = { count: 0, ending: false };
  unanswered.set(socket, state);

  const answer = (message: Answer): void => {
    if (socket.destroyed) return;
    const frame = encodeFrame(message) ?? encodeFrame({ id: message.id, ok: false, code: 'message-too-large' });
    if (frame !== undefined) socket.write(frame);
    if (socket.writableLength > limits.unsentBytes) socket.destroy();
  };
  /** Nothing that follows on this connection could be told apart any more. */
  const breakOff = (detail: string): void => {
    answer({ id: 0, ok: false, code: 'message-invalid', detail });
    socket.destroySoon();
  };

  socket.on('error', () => {
    // A peer that went away: 'close' follows.
  });
  socket.on('data', (piece: Uint8Array) => {
    if (state.ending || socket.writableEnded) return;
    const messages = reader.push(piece);
    if (messages === undefined) return breakOff('frame');
    for (const message of messages) {
      const request = requestSchema.safeParse(message);
      if (!request.success) return breakOff('request');
      if (state.count >= limits.inFlight) {
        answer({ id: request.data.id, ok: false, code: 'hub-busy', detail: 'requests' });
        continue;
      }
      state.count += 1;
      void dispatch(request.data, handlers, onFault).then((result) => {
        state.count -= 1;
        answer(result);
        if (state.ending && state.count === 0) socket.destroySoon();
      });
    }
  });
}

/** Never rejects. */
async function dispatch({ id, method, params }: Request, handlers: DoorHandlers, onFault: DoorOptions['onFault']): Promise<Answer> {
  if (!isDoorMethod(method)) return { id, ok: false, code: 'message-invalid', detail: 'method' };
  try {
    const result = await call(method, params, handlers);
    if (result.ok) return { id, ok: true, result: result.value };
    const { code, detail } = result.failure;
    return { id, ok: false, code, ...(detail === undefined ? {} : { detail: detail.slice(0, 400) }) };
  } catch (error) {
    onFault(method, error);
    return { id, ok: false, code: 'hub-refused', detail: 'fault' };
  }
}

const isDoorMethod = (method: string): method is DoorMethod => Object.hasOwn(doorMethods, method);

async function call<M extends DoorMethod>(method: M, params: unknown, handlers: DoorHandlers): Promise<Result<DoorResult<M>>> {
  const read = doorMethods[method].params.safeParse(params);
  if (!read.success) return { ok: false, failure: { code: 'message-invalid', detail: read.error.issues[0]?.path.join('.') ?? 'params' } };
  // Parsed by the schema of this very method.
  return handlers[method](read.data as DoorParams<M>);
}

async function clearStaleSocket(path: string): Promise<Result<null, DoorFailure>> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return ok(null);
  if (!found.isSocket()) return { ok: false, failure: { code: 'unusable', detail: 'not a socket' } };
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answered) return { ok: false, failure: { code: 'in-use' } };
  unlinkSync(path);
  return ok(null);
}

function listen(server: Server, path: string): Promise<Result<null, DoorFailure>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve({ ok: false, failure: { code: 'unusable', detail: error.code ?? error.message } }));
    // The file is made by this call; a chmod afterwards would leave a moment in which anybody may connect.
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        chmodSync(path, 0o600);
        resolve(ok(null));
      });
    } finally {
      process.umask(umask);
    }
  });
}
