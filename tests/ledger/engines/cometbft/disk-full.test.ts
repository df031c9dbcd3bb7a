import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openNode } from '../../../../src/ledger/engines/cometbft/node.ts';
import { mayMount, SmallDisk } from '../../../fixtures/small-disk.ts';
import { genesis, now, register, residentOf } from '../../small-district.ts';
import { AbciClient } from './abci-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'disk-full-'));
/** Not on the small disk. */
const sockets = mkdtempSync(join(tmpdir(), 'sockets-'));
const disk = mayMount ? SmallDisk.mount(folder, '4m') : null;

afterAll(() => {
  disk?.unmount();
  for (const place of [folder, sockets]) rmSync(place, { recursive: true });
});

test.skipIf(disk === null)(`a block that the disk refuses is not committed, and comes again to the same${disk !== null ? '' : ' (skipped: a disk of its own takes root)'}`, async () => {
  const faults: unknown[] = [];
  const node = await openNode({
    path: join(folder, 'ledger.sqlite'),
    genesis,
    address: { path: join(sockets, 'app.sock') },
    clock: () => now * 1000,
    keepBlocks: null,
    snapshotEvery: null,
    onFault: (error) => faults.push(error),
    onMisbehaviour: () => undefined,
  });
  if (!node.ok) throw new Error(node.failure.detail);
  const client = await AbciClient.open(node.value.address);
  const finalize = (height: number, txs: Uint8Array[]) => client.ask({ finalizeBlock: { height: BigInt(height), time: { seconds: BigInt(now + height), nanos: 0 }, txs } });
  const height = async () => Number((await client.ask({ info: {} })).info?.lastBlockHeight);

  disk?.fill();
  // Room may be left in the file that is written ahead: it is used up before the disk refuses.
  let [at, refused] = [1, false];
  let txs: Uint8Array[] = [];
  for (; at < 100; at++) {
    txs = await Promise.all(Array.from({ length: 8 }, (_, i) => register(residentOf(`${at}/${i}`))));
    const answers = await Promise.all([finalize(at, txs), client.ask({ commit: {} })]);
    refused = answers.some(({ exception }) => exception !== undefined);
    if (refused) break;
  }
  expect(refused).toBe(true);
  expect(faults.length).toBeGreaterThan(0);
  expect(await height()).toBe(at - 1);
  expect(await client.ask({ commit: {} })).toHaveProperty('exception.error', 'Commit without FinalizeBlock');

  disk?.makeRoom();
  const [first, second] = [await finalize(at, txs), await finalize(at, txs)];
  expect(first.finalizeBlock?.txResults.every(({ code }) => code === 0)).toBe(true);
  expect(second).toEqual(first);
  expect(await client.ask({ commit: {} })).toMatchObject({ commit: {} });
  expect(await height()).toBe(at);
  client.close();
  await node.value.close();
});
