import type { Server, Socket } from 'node:net';
import { doorMethods, type DoorMethod, type DoorParams, type DoorResult } from '../contract/hub-door.ts';
import { fail, type Failure, type Result } from '../contract/result.ts';
import { encodeFrame, FrameReader, requestSchema, type Answer, type Request } from '../ledger/client/wire.ts';
import type { Name } from '../ledger/verify/acts.ts';

/** Who speaks: the kiosk whose key the connection proved, or null for a program of the hub's own user on the hub's own machine. */
export type Speaker = Name | null;

export type DoorHandlers = { [M in DoorMethod]: (params: DoorParams<M>, speaker: Speaker) => Promise<Result<DoorResult<M>>> };

export interface ConversationLimits {
  /** Begun and not answered; one more is answered `hub-busy`. */
  inFlight: number;
  /** That a peer has not read; beyond it the connection is closed. */
  unsentBytes: number;
}

export interface ConversationParts {
  socket: Socket;
  speaker: Speaker;
  /** What is not among them is not for this speaker. */
  handlers: Partial<DoorHandlers>;
  limits: ConversationLimits;
  /** A bug in a handler: the request is answered `hub-refused`, the others go on. */
  onFault: (method: string, error: unknown) => void;
}

/** The messages of contract/hub-door.ts on one connection, whatever carries it. */
export interface Conversation {
  /** Takes nothing new, answers what was begun, closes. */
  finish(): void;
}

export function converse({ socket, speaker, handlers, limits, onFault }: ConversationParts): Conversation {
  const reader = new FrameReader();
  let unanswered = 0;
  let finishing = false;

  const answer = (message: Answer): void => {
    if (!socket.writable) return;
    const frame = encodeFrame(message) ?? encodeFrame({ id: message.id, ok: false, code: 'message-too-large' });
    if (frame !== undefined) socket.write(frame);
    if (socket.writableLength > limits.unsentBytes) socket.destroy();
  };

  socket.on('data', (piece: Uint8Array) => {
    if (finishing || socket.writableEnded) return;
    const messages = reader.push(piece);
    if (messages === undefined) return sayAndClose(socket, { code: 'message-invalid', detail: 'frame' });
    for (const message of messages) {
      const request = requestSchema.safeParse(message);
      if (!request.success) return sayAndClose(socket, { code: 'message-invalid', detail: 'request' });
      if (unanswered >= limits.inFlight) {
        answer({ id: request.data.id, ok: false, code: 'hub-busy', detail: 'requests' });
        continue;
      }
      unanswered += 1;
      void dispatch(request.data, speaker, handlers, onFault).then((result) => {
        unanswered -= 1;
        answer(result);
        if (finishing && unanswered === 0) socket.destroySoon();
      });
    }
  });

  return {
    finish() {
      finishing = true;
      if (unanswered === 0) socket.destroySoon();
    },
  };
}

/** The last word on a connection, to nobody's question: nothing that followed could be told apart, or this peer may not speak here. */
export function sayAndClose(socket: Socket, { code, detail }: Failure): void {
  const frame = socket.writable ? encodeFrame({ id: 0, ok: false, code, ...(detail === undefined ? {} : { detail }) }) : undefined;
  if (frame !== undefined) socket.write(frame);
  socket.destroySoon();
}

/** Never rejects. */
async function dispatch({ id, method, params }: Request, speaker: Speaker, handlers: Partial<DoorHandlers>, onFault: ConversationParts['onFault']): Promise<Answer> {
  if (!isDoorMethod(method)) return { id, ok: false, code: 'message-invalid', detail: 'method' };
  try {
    const result = await call(method, params, speaker, handlers);
    if (result.ok) return { id, ok: true, result: result.value };
    const { code, detail } = result.failure;
    return { id, ok: false, code, ...(detail === undefined ? {} : { detail: detail.slice(0, 400) }) };
  } catch (error) {
    onFault(method, error);
    return { id, ok: false, code: 'hub-refused', detail: 'fault' };
  }
}

const isDoorMethod = (method: string): method is DoorMethod => Object.hasOwn(doorMethods, method);

async function call<M extends DoorMethod>(method: M, params: unknown, speaker: Speaker, handlers: Partial<DoorHandlers>): Promise<Result<DoorResult<M>>> {
  const handler = handlers[method];
  if (handler === undefined) return fail('kiosk-not-enrolled', 'setting-up');
  const read = doorMethods[method].params.safeParse(params);
  if (!read.success) return { ok: false, failure: { code: 'message-invalid', detail: read.error.issues[0]?.path.join('.') ?? 'params' } };
  // Parsed by the schema of this very method.
  return handler(read.data as DoorParams<M>, speaker);
}

/** Resolves when nobody is connected any more: after the last answers were taken, or cut off after `closingMs`. `sockets` is read when the time is over. */
export function closeListener(server: Server, sockets: Iterable<Socket>, conversations: Iterable<Conversation>, closingMs: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, closingMs);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
    for (const conversation of conversations) conversation.finish();
  });
}
