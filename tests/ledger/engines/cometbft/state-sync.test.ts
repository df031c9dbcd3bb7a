import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResponseApplySnapshotChunk_Result, ResponseOfferSnapshot_Result, type Snapshot } from 'cosmjs-types/tendermint/abci/types';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openNode, type LedgerNode } from '../../../../src/ledger/engines/cometbft/node.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { genesis, lin, now, register, residentOf } from '../../small-district.ts';
import { AbciClient } from './abci-client.ts';

const { ACCEPT: OFFER_ACCEPT, ABORT: OFFER_ABORT, REJECT, REJECT_FORMAT } = ResponseOfferSnapshot_Result;
const { ACCEPT, ABORT, RETRY, REJECT_SNAPSHOT } = ResponseApplySnapshotChunk_Result;

let folder: string;
let running: { node: LedgerNode; client: AbciClient }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-sync-'));
  running = [];
});
afterEach(async () => {
  for (const { node, client } of running) {
    client.close();
    await node.close();
  }
  rmSync(folder, { recursive: true });
});

const thrown = (error: unknown): never => {
  throw error;
};

async function start(name: string, snapshotEvery: number | null, onFault: (error: unknown) => void = thrown): Promise<AbciClient> {
  const node = await openNode({
    path: join(folder, `${name}.sqlite`),
    genesis,
    address: { path: join(folder, `${name}.sock`) },
    clock: () => now * 1000,
    keepBlocks: null,
    snapshotEvery,
    onFault,
    onMisbehaviour: () => undefined,
  });
  if (!node.ok) throw new Error(node.failure.detail);
  const client = await AbciClient.open(node.value.address);
  running.push({ node: node.value, client });
  return client;
}

async function block(client: AbciClient, height: number, txs: Uint8Array[]): Promise<Uint8Array> {
  const [{ finalizeBlock }] = await Promise.all([
    client.ask({ finalizeBlock: { height: BigInt(height), time: { seconds: BigInt(now + height), nanos: 0 }, txs } }),
    client.ask({ commit: {} }),
  ]);
  return finalizeBlock?.appHash ?? new Uint8Array();
}

/** It is made beside the blocks: asked for until it is there. */
async function snapshotOf(client: AbciClient, height: number): Promise<Snapshot> {
  const deadline = AbortSignal.timeout(10_000);
  for (;;) {
    deadline.throwIfAborted();
    const { listSnapshots } = await client.ask({ listSnapshots: {} });
    const snapshot = listSnapshots?.snapshots.find((one) => one.height === BigInt(height));
    if (snapshot !== undefined) return snapshot;
  }
}

interface Offer {
  snapshot: Snapshot;
  chunk: Uint8Array;
  appHash: Uint8Array;
}

/** A node with two blocks, and what it has for those who join. */
async function serving(): Promise<{ client: AbciClient; offer: Offer }> {
  const client = await start('serving', 2);
  await block(client, 1, [await register(lin)]);
  const appHash = await block(client, 2, [await register(residentOf('chen'))]);
  const snapshot = await snapshotOf(client, 2);
  const { loadSnapshotChunk } = await client.ask({ loadSnapshotChunk: { height: 2n, format: 1, chunk: 0 } });
  return { client, offer: { snapshot, chunk: loadSnapshotChunk?.chunk ?? new Uint8Array(), appHash } };
}

const offering = async (client: AbciClient, { snapshot, appHash }: Pick<Offer, 'snapshot' | 'appHash'>) => (await client.ask({ offerSnapshot: { snapshot, appHash } })).offerSnapshot?.result;
const applying = async (client: AbciClient, chunk: Uint8Array, index = 0) => (await client.ask({ applySnapshotChunk: { index, chunk, sender: 'peer' } })).applySnapshotChunk;
const height = async (client: AbciClient) => (await client.ask({ info: {} })).info?.lastBlockHeight;

test('a node that has nothing takes a snapshot, and goes on with the next block to the same app hash, also after a restart', async () => {
  const { client, offer } = await serving();
  const joining = await start('joining', null);
  expect(await offering(joining, offer)).toBe(OFFER_ACCEPT);
  expect(await applying(joining, offer.chunk)).toMatchObject({ result: ACCEPT });
  expect((await joining.ask({ info: {} })).info).toMatchObject({ lastBlockHeight: 2n, lastBlockAppHash: offer.appHash });
  const third = [await register(residentOf('wu'))];
  expect(await block(joining, 3, third)).toEqual(await block(client, 3, third));
  const last = running.pop();
  last?.client.close();
  await last?.node.close();
  expect(await height(await start('joining', null))).toBe(3n);
  expect(readdirSync(folder).filter((name) => name.includes('restoring'))).toEqual([]);
});

test('the same blocks give the same snapshot on another node', async () => {
  const { offer } = await serving();
  const other = await start('other', 2);
  await block(other, 1, [await register(lin)]);
  await block(other, 2, []);
  expect((await snapshotOf(other, 2)).hash).not.toEqual(offer.snapshot.hash);
  const joined = await start('joined', 1);
  await offering(joined, offer);
  await applying(joined, offer.chunk);
  await block(joined, 3, []);
  const again = await start('again', 3);
  await offering(again, offer);
  await applying(again, offer.chunk);
  await block(again, 3, []);
  expect((await snapshotOf(joined, 3)).hash).toEqual((await snapshotOf(again, 3)).hash);
});

test('the two newest are kept', async () => {
  const client = await start('serving', 1);
  const listed = async () => (await client.ask({ listSnapshots: {} })).listSnapshots?.snapshots.map((one) => Number(one.height)) ?? [];
  const seen = new Set<number>();
  const deadline = AbortSignal.timeout(10_000);
  let heights: number[] = [];
  // While one is being made, a block makes no other: so many blocks as it takes.
  for (let at = 1; seen.size < 4 || heights.length !== 2; at++) {
    deadline.throwIfAborted();
    await block(client, at, []);
    heights = await listed();
    for (const one of heights) seen.add(one);
  }
  expect(heights).toEqual([...seen].sort((a, b) => b - a).slice(0, 2));
  expect((await client.ask({ loadSnapshotChunk: { height: 1n, format: 1, chunk: 0 } })).loadSnapshotChunk?.chunk).toEqual(new Uint8Array());
});

test('what cannot be finished leaves nothing on the disk', async () => {
  const snapshots = join(folder, 'full.sqlite.snapshots');
  const client = await start('full', 1, () => undefined);
  // Where the first chunk belongs there is something already, as if the disk refused it.
  mkdirSync(join(snapshots, '1.part'));
  await block(client, 1, []);
  const deadline = AbortSignal.timeout(10_000);
  while (existsSync(join(snapshots, '1.part'))) {
    deadline.throwIfAborted();
    await height(client);
  }
  expect(readdirSync(snapshots)).toEqual([]);
});

describe('is not taken', () => {
  test('an offer of another format, or one that contradicts itself; nor any by a node that has blocks', async () => {
    const { client, offer } = await serving();
    const joining = await start('joining', null);
    expect(await offering(joining, { ...offer, snapshot: { ...offer.snapshot, format: 2 } })).toBe(REJECT_FORMAT);
    expect(await offering(joining, { ...offer, snapshot: { ...offer.snapshot, chunks: 2 } })).toBe(REJECT);
    expect(await offering(joining, { ...offer, snapshot: { ...offer.snapshot, hash: new Uint8Array(32) } })).toBe(REJECT);
    expect(await applying(joining, offer.chunk)).toMatchObject({ result: ABORT });
    expect(await offering(client, offer)).toBe(OFFER_ABORT);
  });

  test('a chunk that is not the one that was named: its sender is turned away, and the right one still goes in', async () => {
    const { offer } = await serving();
    const joining = await start('joining', null);
    await offering(joining, offer);
    const changed = offer.chunk.map((byte, i) => (i === offer.chunk.length - 1 ? byte ^ 1 : byte));
    expect(await applying(joining, changed)).toEqual({ result: RETRY, refetchChunks: [0], rejectSenders: ['peer'] });
    expect(await applying(joining, offer.chunk)).toMatchObject({ result: ACCEPT });
  });

  test('a snapshot that is whole but not what the validators signed', async () => {
    const { offer } = await serving();
    const joining = await start('joining', null);
    expect(await offering(joining, { ...offer, appHash: new Uint8Array(32) })).toBe(OFFER_ACCEPT);
    expect(await applying(joining, offer.chunk)).toMatchObject({ result: REJECT_SNAPSHOT });
    expect(await height(joining)).toBe(0n);

    const forged = offer.chunk.map((byte, i) => (i === offer.chunk.length - 1 ? byte ^ 1 : byte));
    const metadata = nodeCrypto.sha256(forged);
    expect(await offering(joining, { ...offer, snapshot: { ...offer.snapshot, metadata, hash: nodeCrypto.sha256(metadata) } })).toBe(OFFER_ACCEPT);
    expect(await applying(joining, forged)).toMatchObject({ result: REJECT_SNAPSHOT });
    expect(await height(joining)).toBe(0n);

    expect(await offering(joining, offer)).toBe(OFFER_ACCEPT);
    expect(await applying(joining, offer.chunk)).toMatchObject({ result: ACCEPT });
    expect(await height(joining)).toBe(2n);
  });
});
