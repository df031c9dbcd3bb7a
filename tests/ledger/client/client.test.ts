import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectHub, type HubClient } from '../../../src/ledger/client/hub-client.ts';
import { createLightClient, query, type LightClientOptions } from '../../../src/ledger/client/light-client.ts';
import { encodeFrame, FrameReader, requestSchema, type Answer, type Request } from '../../../src/ledger/client/wire.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { concatBytes, toBase64url } from '../../../src/ledger/verify/bytes.ts';
import { chain, genesis, keys, lin, now, register, residentOf } from '../small-district.ts';

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

const connect = (): HubClient => (hub = connectHub({ socketPath, deadlineMs: 3000, retryMs: { least: 10, most: 40 } }));
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
    const up = new Promise<void>((resolve) => void client.onConnection((connected) => connected && resolve()));
    await serve(({ id }) => ({ id, ok: true, result: hello }));
    await up;
    expect((await client.call('hello', { kiosk: 'hall-1' })).ok).toBe(true);
    const down = new Promise<void>((resolve) => void client.onConnection((connected) => !connected && resolve()));
    stop();
    await down;
    await serve(({ id }) => ({ id, ok: true, result: hello }));
    expect((await client.call('hello', { kiosk: 'hall-1' })).ok).toBe(true);
  });
});

describe('the light client', () => {
  let ledger: EmbeddedLedger;
  let time: number;

  beforeEach(() => {
    time = now * 1000;
    const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => time, heartbeatMs: 3600_000, begin: true });
    if (!opened.ok) throw new Error(opened.failure.detail);
    ledger = opened.value;
  });
  afterEach(() => ledger.close());

  const trustRoot = { chain, height: 1, trustingPeriodMs: 86_400_000, validators: [{ alg: -19 as const, key: toBase64url(keys.validator.key[1]), power: 10 }] };
  /** Stands where the socket would: the hub's own answers, and those of a hub that lies. */
  const hubOf = (lie: { head?: () => Uint8Array; value?: Uint8Array | null } = {}): LightClientOptions['hub'] => ({
    call: async (method, params) => {
      const answer = method === 'head.get' ? await ledger.head() : await ledger.read((params as { keys: Uint8Array[] }).keys);
      if (!answer.ok) return answer;
      const read = answer.value instanceof Uint8Array ? { head: answer.value } : answer.value;
      if (lie.head !== undefined) read.head = lie.head();
      const [entry] = 'entries' in read ? read.entries : [];
      if (entry !== undefined && lie.value !== undefined) entry.value = lie.value;
      return { ok: true, value: read } as never;
    },
  });
  const client = (more: Partial<LightClientOptions> = {}) =>
    createLightClient({ hub: hubOf(), trustRoot, crypto: nodeCrypto, clock: () => time, maxHeadAgeMs: 900_000, ...more });
  const made = (): Promise<void> => new Promise((resolve) => void ledger.onBlock(({ transactions }) => transactions.length === 0 && resolve()));

  async function registered(): Promise<void> {
    const block = made();
    await ledger.submit(await register(lin));
    await block;
  }

  test('reads what is proven, and what is proven to be absent', async () => {
    await registered();
    const read = await client().read([query.resident(lin.id), query.service('tax/none'), query.party('registrar')]);
    expect(read).toMatchObject({ ok: true, value: { records: [{ state: 'active', counter: 1 }, null, { party: 'registrar' }] } });
  });

  test('believes no value that is not proven', async () => {
    expect(await client({ hub: hubOf({ value: Uint8Array.of(0xa0) }) }).read([query.resident(lin.id)])).toMatchObject({ ok: false, failure: { code: 'proof-invalid' } });
    await registered();
    expect(await client({ hub: hubOf({ value: null }) }).read([query.resident(lin.id)])).toMatchObject({ ok: false, failure: { code: 'proof-invalid' } });
  });

  test('takes no older head than it has seen, not even after a restart', async () => {
    const old = await ledger.head();
    await registered();
    let saved = new Uint8Array();
    const first = client({ onHead: (head) => (saved = new Uint8Array(head)) });
    expect((await first.refresh()).ok).toBe(true);
    const lying = hubOf({ head: () => (old.ok ? old.value : new Uint8Array()) });
    expect(await client({ hub: lying, savedHead: saved }).refresh()).toMatchObject({ ok: false, failure: { code: 'head-invalid', detail: expect.stringMatching(/older/) as unknown } });
    expect((await client({ hub: lying }).refresh()).ok).toBe(true);
  });

  describe('and a validator that signs two histories', () => {
    let other: EmbeddedLedger;
    const headBytes = async (of: EmbeddedLedger): Promise<Uint8Array> => {
      const head = await of.head();
      if (!head.ok) throw new Error(head.failure.code);
      return head.value;
    };

    beforeEach(async () => {
      const opened = openEmbeddedLedger({ path: join(folder, 'other.sqlite'), genesis, validator: keys.validator, clock: () => time, heartbeatMs: 100, begin: true });
      if (!opened.ok) throw new Error(opened.failure.detail);
      other = opened.value;
      await registered();
      const block = new Promise<void>((resolve) => void other.onBlock(({ transactions }) => transactions.length === 0 && resolve()));
      await other.submit(await register(residentOf('chen')));
      await block;
    });
    afterEach(() => other.close());

    test('is found out at one height, also by answers that cross', async () => {
      const lies: Uint8Array[] = [await headBytes(ledger), await headBytes(other)];
      const asked: (() => void)[] = [];
      const light = client({
        hub: {
          call: () => new Promise((resolve) => asked.push(() => resolve({ ok: true, value: { head: lies.shift() } } as never))),
        },
      });
      const both = [light.refresh(), light.refresh()];
      for (const answer of asked) answer();
      expect(await Promise.all(both)).toMatchObject([{ ok: true }, { ok: false, failure: { detail: 'two heads of one height' } }]);
    });

    test('is found out at a later height, where the log has as many entries and is another', async () => {
      let saved = new Uint8Array();
      expect((await client({ onHead: (head) => (saved = new Uint8Array(head)) }).refresh()).ok).toBe(true);
      const beat = new Promise<void>((resolve) => void other.onBlock(() => resolve()));
      time += 1000;
      await beat;
      const later = await headBytes(other);
      expect(await client({ hub: hubOf({ head: () => later }), savedHead: saved }).refresh()).toMatchObject({ ok: false, failure: { detail: 'another log of the same size' } });
    });
  });

  test('takes no head of another validator, and none that is too old or from the future', async () => {
    const other = { ...trustRoot, validators: [{ alg: -19 as const, key: toBase64url(keys.hub.key[1]), power: 10 }] };
    expect(await client({ trustRoot: other }).refresh()).toMatchObject({ ok: false, failure: { code: 'head-invalid' } });
    const head = await client().refresh();
    if (!head.ok) throw new Error(head.failure.code);
    const at = (ms: number) => client({ clock: () => head.value.timeMs + ms }).refresh();
    expect((await at(900_000)).ok).toBe(true);
    expect(await at(900_001)).toMatchObject({ ok: false, failure: { code: 'head-too-old' } });
    expect((await at(-300_000)).ok).toBe(true);
    expect(await at(-300_001)).toMatchObject({ ok: false, failure: { code: 'head-invalid' } });
  });

  test('after longer in the dark than the trusting period it wants a new trust root', async () => {
    const dark = client();
    expect((await dark.refresh()).ok).toBe(true);
    await ledger.close();
    time += trustRoot.trustingPeriodMs + 1;
    const again = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => time, heartbeatMs: 100 });
    if (!again.ok) throw new Error(again.failure.detail);
    ledger = again.value;
    await made();
    expect(await dark.refresh()).toEqual({ ok: false, failure: { code: 'trust-expired' } });
    expect(dark.headAgeMs()).toBeGreaterThan(86_400_000);
  });
});
