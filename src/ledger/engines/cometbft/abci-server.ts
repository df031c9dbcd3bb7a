import { createServer, type Server, type Socket } from 'node:net';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { ok, type Failure, type Result } from '../../../contract/result.ts';
import { clearStaleSocket } from '../../stale-socket.ts';
import { varint } from '../../verify/protobuf.ts';

export type AbciAddress = { path: string } | { host: '127.0.0.1' | '::1'; port: number };

export interface AbciServerOptions {
  address: AbciAddress;
  /** Synchronous, so that what the node's four connections ask is answered one after the other. What it throws is told to the node, which ends. */
  handle: (request: Request) => Response;
  onFault: (error: unknown) => void;
}

export interface AbciServer {
  /** As in a node's `proxy_app`; with the port that was free where 0 was asked for. */
  readonly address: string;
  /** Cuts the node off: what was not committed it sends again. */
  close(): Promise<void>;
}

/** `in-use`: another application answers here. `unusable`: the address cannot be bound; detail is the errno. */
export type AbciServerFailure = Failure<'in-use' | 'unusable'>;

/** CometBFT's own limit of a message is 100 MiB; its largest is a block, of 4 MiB here, or a snapshot's chunk of up to 16. */
const mostMessageBytes = 32 * 1024 * 1024;

/**
 * CometBFT's socket protocol (spec/abci, "Client and Server"): each message is its length as an unsigned varint and a Request or Response in
 * Protocol Buffers; answers come in the order of the questions on their connection. Unix socket or loopback: there is no authentication in it.
 */
export async function openAbciServer({ address, handle, onFault }: AbciServerOptions): Promise<Result<AbciServer, AbciServerFailure>> {
  if ('path' in address) {
    const cleared = await clearStaleSocket(address.path);
    if (!cleared.ok) return cleared;
  }
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => open.delete(socket));
    // The node went away: 'close' follows.
    socket.on('error', () => undefined);
    const messages = new MessageReader();
    socket.on('data', (chunk: Uint8Array) => {
      const whole = messages.add(chunk);
      socket.cork();
      for (const message of whole ?? []) socket.write(frame(answerTo(message, handle, onFault)));
      socket.uncork();
      if (whole === undefined) socket.destroy();
    });
  });
  const bound = await listen(server, address);
  if (!bound.ok) return bound;
  return ok({
    address: bound.value,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  });
}

function answerTo(message: Uint8Array, handle: AbciServerOptions['handle'], onFault: AbciServerOptions['onFault']): Response {
  try {
    return handle(Request.decode(message));
  } catch (error) {
    onFault(error);
    return { exception: { error: error instanceof Error ? error.message : 'fault' } };
  }
}

function frame(response: Response): Uint8Array {
  const message = Response.encode(response).finish();
  return Buffer.concat([varint(message.length), message]);
}

/** Cuts what comes in into messages. */
export class MessageReader {
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Fewer bytes than these hold no message: nothing is joined before. */
  #wantedBytes = 1;

  /** Messages that are whole by now, in their order. undefined: not this protocol, or too long. */
  add(chunk: Uint8Array): Uint8Array[] | undefined {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    const whole: Uint8Array[] = [];
    while (this.#pendingBytes >= this.#wantedBytes) {
      const [only, ...more] = this.#pending;
      const joined = only !== undefined && more.length === 0 ? only : Buffer.concat(this.#pending);
      const frame = readLength(joined);
      if (frame === undefined) return undefined;
      const end = frame === null ? joined.length + 1 : frame.begin + frame.length;
      const isWhole = frame !== null && end <= joined.length;
      if (isWhole) whole.push(joined.subarray(frame.begin, end));
      this.#pending = [isWhole ? joined.subarray(end) : joined];
      this.#pendingBytes = this.#pending[0]?.length ?? 0;
      this.#wantedBytes = isWhole ? 1 : end;
    }
    return whole;
  }
}

/** The unsigned varint that a message begins with. null: it has not yet come whole; undefined: longer than any message may be. */
function readLength(bytes: Uint8Array): { begin: number; length: number } | null | undefined {
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (length > mostMessageBytes || i > 4) return undefined;
    if (byte < 0x80) return { begin: i + 1, length };
  }
  return null;
}

function listen(server: Server, address: AbciAddress): Promise<Result<string, AbciServerFailure>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, failure: { code: error.code === 'EADDRINUSE' ? 'in-use' : 'unusable', detail: error.code ?? 'unknown' } }),
    );
    server.listen(address, () => {
      const bound = server.address();
      resolve(ok(typeof bound === 'object' && bound !== null ? `tcp://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}` : `unix://${bound ?? ''}`));
    });
  });
}
