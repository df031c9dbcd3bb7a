import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MessageReader, openAbciServer, type AbciAddress, type AbciServer } from '../../../../src/ledger/engines/cometbft/abci-server.ts';
import { concatBytes } from '../../../../src/ledger/verify/bytes.ts';
import { varint } from '../../../../src/ledger/verify/protobuf.ts';
import { AbciClient, framed } from './abci-client.ts';

let folder: string;
let server: AbciServer | null;
let client: AbciClient | null;
let faults: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'abci-'));
  server = null;
  client = null;
  faults = [];
});
afterEach(async () => {
  client?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

const echo = ({ echo: asked, flush }: Request): Response => {
  if (flush !== undefined) return { flush: {} };
  if (asked === undefined || asked.message === 'fault') throw new Error('not for this application');
  return { echo: { message: asked.message } };
};

async function listen(address: AbciAddress = { path: join(folder, 'app.sock') }): Promise<AbciClient> {
  const opened = await openAbciServer({ address, handle: echo, onFault: (error) => faults.push(error) });
  if (!opened.ok) throw new Error(opened.failure.code);
  server = opened.value;
  client = await AbciClient.open(server.address);
  return client;
}

test.each([{ name: 'a unix socket', address: undefined }, { name: 'loopback', address: { host: '127.0.0.1', port: 0 } as const }])(
  'answers in order over $name',
  async ({ address }) => {
    const node = await listen(address);
    const answers = await Promise.all(['first', 'x'.repeat(300_000), 'third'].map((message) => node.ask({ echo: { message } })));
    expect(answers.map((answer) => answer.echo?.message.length)).toEqual([5, 300_000, 5]);
    expect((await node.ask({ flush: {} })).flush).toEqual({});
  },
);

test('what a handler throws is told to the node, and the next question is answered', async () => {
  const node = await listen();
  expect(await node.ask({ echo: { message: 'fault' } })).toMatchObject({ exception: { error: 'not for this application' } });
  expect(faults).toHaveLength(1);
  expect(await node.ask({ echo: { message: 'sound' } })).toMatchObject({ echo: { message: 'sound' } });
});

test('a message that is longer than any may be cuts the connection', async () => {
  const node = await listen();
  const asked = node.ask({ echo: { message: 'x'.repeat(33 * 1024 * 1024) } });
  await expect(asked).rejects.toThrow('cut off');
});

const sound = framed({ echo: { message: 'sound' } });
const brokenFrames: { name: string; bytes: Uint8Array; faults: number; answer: 'exception' | 'cut off' }[] = [
  { name: 'a length of more than five bytes', bytes: Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x01), faults: 0, answer: 'cut off' },
  { name: 'a length without an end', bytes: new Uint8Array(64).fill(0xff), faults: 0, answer: 'cut off' },
  { name: 'a length beyond any message, before the first of its bytes', bytes: varint(32 * 1024 * 1024 + 1), faults: 0, answer: 'cut off' },
  { name: 'a message of nothing', bytes: varint(0), faults: 1, answer: 'exception' },
  { name: 'a message that is no Protocol Buffers', bytes: Uint8Array.of(3, 0x0a, 0xff, 0xff), faults: 1, answer: 'exception' },
  { name: 'a message that is longer than its length says', bytes: concatBytes(Uint8Array.of((sound[0] ?? 0) - 1), sound.subarray(1)), faults: 1, answer: 'exception' },
];

test.each(brokenFrames)('$name: $answer, and the other connections go on', async ({ bytes, answer, ...expected }) => {
  const node = await listen();
  const asked = node.askInBytes(bytes);
  if (answer === 'cut off') await expect(asked).rejects.toThrow('cut off');
  else expect((await asked).exception).toBeDefined();
  expect(faults).toHaveLength(expected.faults);
  await expectGoingOn();
});

test('a node that goes away in the middle of a message leaves nothing behind', async () => {
  const node = await listen();
  expect(await node.ask({ echo: { message: 'sound' } })).toMatchObject({ echo: { message: 'sound' } });
  const asked = node.askInBytes(sound.subarray(0, 4));
  node.close();
  await expect(asked).rejects.toThrow('cut off');
  await expectGoingOn();
  expect(faults).toEqual([]);
});

async function expectGoingOn(): Promise<void> {
  const other = await AbciClient.open(server?.address ?? '');
  try {
    expect(await other.ask({ echo: { message: 'sound' } })).toMatchObject({ echo: { message: 'sound' } });
  } finally {
    other.close();
  }
}

test('a socket file that nobody listens on is replaced; one that answers, or another file, is not', async () => {
  const path = join(folder, 'app.sock');
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(path, resolve));
  const taken = await openAbciServer({ address: { path }, handle: echo, onFault: () => undefined });
  expect(taken).toEqual({ ok: false, failure: { code: 'in-use' } });
  await new Promise<void>((resolve) => dead.close(() => resolve()));
  await listen();
  await server?.close();
  writeFileSync(path, '');
  expect(await openAbciServer({ address: { path }, handle: echo, onFault: () => undefined })).toMatchObject({ ok: false, failure: { code: 'unusable' } });
});

test('messages come out whole, however they are cut on the way', () => {
  const message = fc.uint8Array({ maxLength: 400 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }), (messages, cuts) => {
      const stream = concatBytes(...messages.flatMap((one) => [varint(one.length), one]));
      const reader = new MessageReader();
      const out: Uint8Array[] = [];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const length = cuts[i % cuts.length] ?? 1;
        out.push(...(reader.add(stream.subarray(at, at + length)) ?? [Uint8Array.of(255)]));
        at += length;
      }
      expect(out.map((one) => [...one])).toEqual(messages.map((one) => [...one]));
    }),
  );
});
