import { connect, type Socket } from 'node:net';
import type { DeepPartial } from 'cosmjs-types/helpers';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { MessageReader } from '../../../../src/ledger/engines/cometbft/abci-server.ts';
import { varint } from '../../../../src/ledger/verify/protobuf.ts';

export function framed(request: DeepPartial<Request>): Uint8Array {
  const message = Request.encode(Request.fromPartial(request as Request)).finish();
  return Buffer.concat([varint(message.length), message]);
}

/** What CometBFT is to its application: one of its connections. */
export class AbciClient {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (response: Response) => void; reject: (error: Error) => void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const messages = new MessageReader();
    socket.on('data', (chunk: Uint8Array) => {
      for (const message of messages.add(chunk) ?? []) this.#waiting.shift()?.resolve(Response.decode(message));
    });
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('cut off'));
    });
    socket.on('error', () => undefined);
  }

  /** `unix://<path>` or `tcp://127.0.0.1:<port>`. */
  static async open(address: string): Promise<AbciClient> {
    const port = /^tcp:\/\/127\.0\.0\.1:(\d+)$/.exec(address)?.[1];
    const socket = port === undefined ? connect(address.slice('unix://'.length)) : connect(Number(port), '127.0.0.1');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new AbciClient(socket);
  }

  /** What is left out is as Protocol Buffers have it. */
  ask(request: DeepPartial<Request>): Promise<Response> {
    return this.askInBytes(framed(request));
  }

  /** Whatever the bytes are: the next answer, or `cut off`. */
  askInBytes(bytes: Uint8Array): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(bytes);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
