import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, ok } from '../../src/contract/result.ts';
import { openDoor, type Door } from '../../src/hub/door.ts';
import { encodeFrame, FrameReader, type Answer } from '../../src/ledger/client/wire.ts';
import { encodeCbor, type CborValue } from '../../src/ledger/verify/cbor.ts';
import { must } from './visitor.ts';
import { refusingHandlers } from './refusing-hub.ts';

let folder: string;
let socketPath: string;
let door: Door | null;
const faults: string[] = [];
let release: () => void;
let begun: () => void;

const handlers = refusingHandlers({
  hello: ({ kiosk }) => Promise.resolve(ok({ chain: 'c', hub: kiosk, keeper: 'k' })),
  'hub.file': () => Promise.resolve(fail('hub-refused')),
  'head.get': () => new Promise((resolve) => {
    release = () => resolve(ok({ head: new Uint8Array(3) }));
    begun();
  }),
  'state.get': () => {
    throw new Error('a bug');
  },
  'services.list': () => Promise.resolve(fail('hub-storage', 'sqlite-13')),
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-door-'));
  socketPath = join(folder, 'hub.sock');
  door = null;
  begun = () => undefined;
});
afterEach(async () => {
  await door?.close();
  rmSync(folder, { recursive: true });
});
const open = async (limits?: Parameters<typeof openDoor>[0]['limits']): Promise<Door> => {
  door = must(await openDoor({ socketPath, handlers, ...(limits && { limits }), onFault: (method) => faults.push(method) }));
  return door;
};

/** What the hub answers, until it closes or `count` answers are in. */
class Peer {
  readonly socket: Socket = connect(socketPath);
  readonly #reader = new FrameReader();
  readonly #answers: CborValue[] = [];
  #wake: () => void = () => undefined;
  closed = false;

  constructor() {
    this.socket.on('data', (piece: Uint8Array) => {
      this.#answers.push(...(this.#reader.push(piece) ?? []));
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  ask(id: number, method: string, params: unknown): this {
    this.socket.write(encodeFrame({ id, method, params }) ?? '');
    return this;
  }

  async answers(count: number): Promise<Answer[]> {
    while (this.#answers.length < count && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#answers as unknown as Answer[];
  }

  async end(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

describe('the door', () => {
  it('is a socket of its owner alone', async () => {
    await open();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  });

  it.each([
    { name: 'a good one', ask: ['hello', { kiosk: 'hall-1' }], answer: { ok: true, result: { chain: 'c', hub: 'hall-1', keeper: 'k' } } },
    { name: 'a failure as its code', ask: ['services.list', {}], answer: { ok: false, code: 'hub-storage', detail: 'sqlite-13' } },
    { name: 'an unknown method', ask: ['ledger.erase', {}], answer: { ok: false, code: 'message-invalid', detail: 'method' } },
    { name: "a method of JavaScript's own", ask: ['constructor', {}], answer: { ok: false, code: 'message-invalid', detail: 'method' } },
    { name: 'a missing parameter', ask: ['hello', {}], answer: { ok: false, code: 'message-invalid', detail: 'kiosk' } },
    { name: 'one parameter too many', ask: ['head.get', { all: true }], answer: { ok: false, code: 'message-invalid', detail: '' } },
    { name: 'an id of 15 bytes', ask: ['challenge.get', { kioskNonce: new Uint8Array(15) }], answer: { ok: false, code: 'message-invalid', detail: 'kioskNonce' } },
  ] as const)('answers $name', async ({ ask: [method, params], answer }) => {
    await open();
    expect(await new Peer().ask(4, method, params).answers(1)).toEqual([{ id: 4, ...answer }]);
  });

  it('goes on after a bug of its own, and says so to the one who asked', async () => {
    await open();
    const peer = new Peer().ask(1, 'state.get', { keys: [new Uint8Array(1)] }).ask(2, 'hello', { kiosk: 'a' });
    expect(await peer.answers(2)).toMatchObject([{ id: 1, ok: false, code: 'hub-refused', detail: 'fault' }, { id: 2, ok: true }]);
    expect(faults).toEqual(['state.get']);
  });

  it.each([
    { name: 'a frame that is no CBOR', bytes: Buffer.from([0, 0, 0, 1, 0xff]) },
    { name: 'a frame that is too large', bytes: Buffer.from([0xff, 0xff, 0xff, 0xff, 0]) },
    { name: 'CBOR that is no request', bytes: Buffer.concat([Buffer.from([0, 0, 0, 1]), encodeCbor(7)]) },
  ])('breaks off at $name with a code', async ({ bytes }) => {
    await open();
    const peer = new Peer();
    peer.socket.write(bytes);
    expect(await peer.answers(1)).toMatchObject([{ ok: false, code: 'message-invalid' }]);
    await peer.end();
    expect(peer.closed).toBe(true);
  });

  it('has a limit of requests in flight', async () => {
    await open({ connections: 4, inFlight: 1, unsentBytes: 1_000_000, closingMs: 3000 });
    const peer = new Peer().ask(1, 'head.get', {}).ask(2, 'hello', { kiosk: 'a' });
    expect(await peer.answers(1)).toEqual([{ id: 2, ok: false, code: 'hub-busy', detail: 'requests' }]);
    release();
    expect(await peer.answers(2)).toMatchObject([{ id: 2 }, { id: 1, ok: true }]);
  });

  it('has a limit of connections', async () => {
    await open({ connections: 1, inFlight: 4, unsentBytes: 1_000_000, closingMs: 3000 });
    await new Peer().ask(1, 'hello', { kiosk: 'a' }).answers(1);
    const second = new Peer();
    await second.end();
    expect(second.closed).toBe(true);
  });

  it('is not held open by a peer that does not read, nor by an answer that does not come', async () => {
    const closing = await open({ connections: 4, inFlight: 4, unsentBytes: 8_000_000, closingMs: 50 });
    const deaf = new Peer();
    deaf.socket.pause();
    const name = 'a'.repeat(900_000);
    const both = new Promise<void>((resolve) => (begun = resolve));
    deaf.ask(1, 'hello', { kiosk: name }).ask(2, 'hello', { kiosk: name }).ask(3, 'head.get', {});
    await both;
    expect(closing.connections).toBe(1);
    await closing.close();
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
    door = null;
    deaf.socket.destroy();
  });

  it('answers what was begun before it closes', async () => {
    const closing = await open();
    const started = new Promise<void>((resolve) => (begun = resolve));
    const peer = new Peer().ask(1, 'head.get', {});
    await started;
    const closed = closing.close();
    release();
    expect(await peer.answers(1)).toMatchObject([{ id: 1, ok: true }]);
    await closed;
    door = null;
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('a path that is taken', () => {
  it('is refused while another hub answers on it', async () => {
    await open();
    const second = await openDoor({ socketPath, handlers, onFault: () => undefined });
    expect(!second.ok && second.failure.code).toBe('in-use');
  });

  it('is refused when it is a file', async () => {
    writeFileSync(socketPath, 'not a socket');
    const refused = await openDoor({ socketPath, handlers, onFault: () => undefined });
    expect(!refused.ok && refused.failure.code).toBe('unusable');
    expect(statSync(socketPath).isFile()).toBe(true);
  });

  it('is taken over from a hub that was killed', async () => {
    // A server whose file outlives it: Node removes the file when it closes one itself.
    spawnSync(process.execPath, ['-e', `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`]);
    expect(statSync(socketPath).isSocket()).toBe(true);
    await open();
    expect(await new Peer().ask(1, 'hello', { kiosk: 'a' }).answers(1)).toMatchObject([{ ok: true }]);
  });

  it('is refused in a folder that is not there', async () => {
    const refused = await openDoor({ socketPath: join(folder, 'no', 'hub.sock'), handlers, onFault: () => undefined });
    expect(!refused.ok && refused.failure.code).toBe('unusable');
  });
});

