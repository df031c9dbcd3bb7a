import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectHub, type HubClient } from '../../../src/ledger/client/hub-client.ts';
import { encodeFrame, FrameReader, requestSchema, type Answer, type Request } from '../../../src/ledger/client/wire.ts';
import { concatBytes } from '../../../src/ledger/verify/bytes.ts';
import { chain } from '../small-district.ts';

let folder: string;
let socketPath: string;
let server: Server | null;
let sockets: Socket[];
let hub: HubClient | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'client-'));
  socketPath = join(folder, 'hub.sock');
  server = null;
  sockets = [];
  hub = null;
});
afterEach(() => {
  hub?.close();
  stop();
  rmSync(folder, { recursive: true });
});

function stop(): void {
  server?.close();
  for (const socket of sockets) socket.destroy();
}

async function serve(answer: (request: Request) => Answer | Promise<Answer> | Uint8Array | null): Promise<void> {
  const listening = createServer((socket) => {
    sockets.push(socket);
    const reader = new FrameReader();
    socket.on('error', () => undefined);
    socket.on('data', (piece: Uint8Array) => {
      for (const message of reader.push(piece) ?? []) {
        void Promise.resolve(answer(requestSchema.parse(message))).then((made) => {
          if (made !== null) socket.write(made instanceof Uint8Array ? made : (encodeFrame(made) ?? new Uint8Array()));
        });
      }
    });
  });
  server = listening;
  await new Promise<void>((resolve) => void listening.listen(socketPath, resolve));
}

const connect = (): HubClient => (hub = connectHub({ socketPath, deadlineMs: 3000, times: { retryMs: { least: 10, most: 40 } } }));
const hello = { chain, hub: 'hub-1', keeper: 'keeper' };

test('frames come out as they went in, in whatever pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ id: fc.nat(), bytes: fc.uint8Array() }), { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sent, cuts) => {
      const stream = concatBytes(...sent.map(({ id, bytes }) => encodeFrame({ id, method: 'hello', params: { bytes } }) ?? new Uint8Array()));
      const reader = new FrameReader();
      const received: unknown[] = [];
      for (let at = 0, cut = 0; at < stream.length; cut++) {
        const length = cuts[cut % cuts.length] ?? 1;
        received.push(...(reader.push(stream.subarray(at, at + length)) ?? []));
        at += length;
      }
      expect(received).toEqual(sent.map(({ id, bytes }) => ({ id, method: 'hello', params: { bytes } })));
    }),
  );
});

test('a frame that comes byte by byte is read like any other', () => {
  const params = new Uint8Array(200_000).fill(7);
  const frame = encodeFrame({ id: 1, method: 'hello', params }) ?? new Uint8Array();
  const reader = new FrameReader();
  const received = Array.from(frame, (byte) => reader.push(Uint8Array.of(byte)) ?? []).flat();
  expect(received).toEqual([{ id: 1, method: 'hello', params }]);
});

test.each([
  { name: 'a frame of 4 GB', frame: Uint8Array.of(255, 255, 255, 255) },
  { name: 'what is no CBOR', frame: Uint8Array.of(0, 0, 0, 1, 0xff) },
])('$name ends the stream', ({ frame }) => {
  expect(new FrameReader().push(frame)).toBeUndefined();
});

test('a message larger than a frame is not sent', () => {
  expect(encodeFrame({ id: 1, method: 'hello', params: new Uint8Array(1024 * 1024) })).toBeUndefined();
});

describe('a call', () => {
  test('is answered, and several at once each with their own', async () => {
    await serve(({ id, method }) => ({ id, ok: true, result: method === 'hello' ? hello : { head: Uint8Array.of(1) } }));
    const client = connect();
    const answers = await Promise.all([client.call('hello', { kiosk: 'hall-1' }), client.call('head.get', {})]);
    expect(answers).toEqual([{ ok: true, value: hello }, { ok: true, value: { head: Uint8Array.of(1) } }]);
    expect(client.connected).toBe(true);
  });

  const refusals: { name: string; answer: (request: Request) => Answer | Uint8Array | null; failure: object }[] = [
    { name: 'a failure of the hub', answer: ({ id }) => ({ id, ok: false, code: 'hub-storage', detail: 'full' }), failure: { code: 'hub-storage', detail: 'full' } },
    { name: 'another refusal', answer: ({ id }) => ({ id, ok: false, code: 'grant-unknown' }), failure: { code: 'hub-refused', detail: 'grant-unknown' } },
    { name: 'a result of another form', answer: ({ id }) => ({ id, ok: true, result: { chain: 1 } }), failure: { code: 'message-invalid', detail: 'hello' } },
    { name: 'an answer that is none', answer: () => Uint8Array.of(0, 0, 0, 1, 0x01), failure: { code: 'hub-unreachable', detail: 'connection lost' } },
  ];
  test.each(refusals)('$name', async ({ answer, failure }) => {
    await serve(answer);
    expect(await connect().call('hello', { kiosk: 'hall-1' })).toEqual({ ok: false, failure });
  });

  test('that is never answered ends at its deadline', async () => {
    await serve(() => null);
    expect(await connect().call('hello', { kiosk: 'hall-1' }, { deadlineMs: 50 })).toEqual({ ok: false, failure: { code: 'hub-unreachable', detail: 'deadline' } });
  });

  test('finds a hub that came later, and one that came again', async () => {
    const client = connect();
    expect(await client.call('hello', { kiosk: 'hall-1' })).toEqual({ ok: false, failure: { code: 'hub-unreachable', detail: 'no connection' } });
    const up = new Promise<void>((resolve) => void client.onConnection((away) => away === null && resolve()));
    await serve(({ id }) => ({ id, ok: true, result: hello }));
    await up;
    expect((await client.call('hello', { kiosk: 'hall-1' })).ok).toBe(true);
    const down = new Promise<void>((resolve) => void client.onConnection((away) => away !== null && resolve()));
    stop();
    await down;
    await serve(({ id }) => ({ id, ok: true, result: hello }));
    expect((await client.call('hello', { kiosk: 'hall-1' })).ok).toBe(true);
  });
});
