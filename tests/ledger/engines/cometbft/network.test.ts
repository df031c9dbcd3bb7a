import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { appHashOf, beginApplication, openApplication } from '../../../../src/ledger/application.ts';
import { cometbftProgram } from '../../../../src/ledger/engines/cometbft/program.ts';
import { addNode, startTestnet, type Testnet, type TestnetNode, type TestnetOptions } from '../../../../src/ledger/engines/cometbft/testnet.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { toHex } from '../../../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../../../src/ledger/verify/envelope.ts';
import { anchorNow, liveGenesis, orderNow, registerNow } from '../../live-district.ts';
import { setValidator } from '../../rules/party-cases.ts';
import { lin, residentOf } from '../../small-district.ts';
import { NodeRpc } from './node-rpc.ts';

const cometbft = cometbftProgram();
const why = cometbft === null ? ' (skipped: CometBFT was not built, since there is no Go)' : '';
let folder: string | null = null;
let testnet: Testnet | null = null;

afterEach(async () => {
  await testnet?.stop();
  if (folder !== null) rmSync(folder, { recursive: true });
  [testnet, folder] = [null, null];
}, 30_000);

const options = (validators: number): TestnetOptions => ({
  dir: (folder ??= mkdtempSync(join(tmpdir(), 'network-'))),
  validators,
  genesis: liveGenesis(),
  cometbft: cometbft ?? '',
  imi: [process.execPath, join(import.meta.dirname, '../../../../src/cli/imi.ts')],
  heartbeatMs: 60_000,
  snapshotEvery: 5,
});

async function start(validators: number): Promise<Testnet> {
  const started = await startTestnet(options(validators));
  if (!started.ok) throw new Error(started.failure.detail);
  testnet = started.value;
  return testnet;
}

const idIn = (envelope: Uint8Array): Uint8Array => {
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value.id;
};

/** Every block of a node's own store, run through the rules in this process: the app hash of each header, and the one after the last. */
async function replayed({ genesis }: Testnet, rpc: NodeRpc, last: number): Promise<{ recomputed: string[]; signed: string[]; transactions: number }> {
  const database = new DatabaseSync(':memory:');
  beginApplication(database, genesis, nodeCrypto);
  const application = openApplication(database, genesis, nodeCrypto);
  if (!application.ok) throw new Error(application.failure.detail);
  const [recomputed, signed]: string[][] = [[], []];
  let transactions = 0;
  for (let height = 1; height <= last; height++) {
    recomputed?.push(toHex(appHashOf(application.value.tip(), nodeCrypto)));
    const block = await rpc.block(height);
    signed?.push(block.appHash);
    const { outcomes } = application.value.applyBlock({ height, timeMs: block.timeMs, transactions: block.transactions });
    expect(outcomes.every(({ taken }) => taken)).toBe(true);
    transactions += outcomes.length;
  }
  database.close();
  return { recomputed: recomputed ?? [], signed: signed ?? [], transactions };
}

const isSlow = (error: unknown): boolean => error instanceof Error && (error.name === 'TimeoutError' || /timed out/.test(error.message));

/** When the node's application has applied this height; it is asked again as soon as it has answered. */
async function reaches(rpc: NodeRpc, height: number): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while ((await rpc.query('/tip', height)) === null) deadline.throwIfAborted();
}

test.skipIf(cometbft === null)(`one validator: its application is killed again and again, and nothing that was recorded is lost${why}`, { timeout: 120_000 }, async () => {
  const network = await start(1);
  const [node] = network.nodes as [TestnetNode];
  const rpc = new NodeRpc(node.rpc);
  const recorded = [await registerNow(lin)];
  await rpc.record(recorded[0] as Uint8Array);
  const rounds = 6;
  for (let round = 0; round < rounds; round++) {
    // Several at once, so that the kill falls anywhere between CheckTx, FinalizeBlock and Commit.
    let taken = 0;
    let killed = false;
    const lanes = Array.from({ length: 3 }, async (_, lane) => {
      for (let i = 0; !killed; i++) {
        const envelope = await anchorNow(lin, `credential ${round}/${lane}/${i}`);
        try {
          await rpc.record(envelope);
        } catch (error) {
          // Killed meanwhile, or a block that was longer in coming than CometBFT waits with its answer.
          if (killed || isSlow(error)) continue;
          throw error;
        }
        recorded.push(envelope);
        if (lane !== 0 || taken++ < round) continue;
        killed = true;
        node.application?.signal('SIGKILL');
      }
    });
    await Promise.all(lanes);
    await node.application?.exited();
    const restarted = await node.start();
    if (!restarted.ok) throw new Error(restarted.failure.detail);
  }
  const lost = [];
  for (const envelope of recorded) if ((await rpc.query('/transaction', idIn(envelope))).state !== 'recorded') lost.push(envelope);
  expect(lost).toEqual([]);
  expect(recorded.length).toBeGreaterThan(rounds);

  // One more, so that a header signs what the last one left.
  await rpc.record(await anchorNow(lin, 'the last'));
  const tip = await rpc.query('/tip', 'newest');
  const { recomputed, signed, transactions } = await replayed(network, rpc, await rpc.height());
  expect(signed).toEqual(recomputed);
  expect(transactions).toBe(tip?.logSize);
});

test.skipIf(cometbft === null)(`four validators come to the same; one that was killed catches up; a new weight is in force two blocks later${why}`, { timeout: 120_000 }, async () => {
  const network = await start(4);
  const rpcs = network.nodes.map((node) => new NodeRpc(node.rpc));
  const [first, second, , fourth] = rpcs as [NodeRpc, NodeRpc, NodeRpc, NodeRpc];
  const registered = await first.record(await registerNow(lin));
  for (const rpc of rpcs) await reaches(rpc, registered.height);
  expect(await second.send(await registerNow(lin))).toMatchObject({ code: 1, log: 'kiosk-not-attested' });
  for (const [i, rpc] of rpcs.entries()) await rpc.record(await anchorNow(lin, `credential ${i}`));

  const down = network.nodes[3] as TestnetNode;
  down.application?.signal('SIGKILL');
  await down.comet?.exited();
  const key = network.nodes[0]?.key ?? new Uint8Array();
  const { height } = await first.record(await orderNow([{ ...setValidator('', 0), key: [-19, key], power: 13 } as ReturnType<typeof setValidator>]));
  await first.record(await registerNow(residentOf('chen')));
  const back = await down.start();
  if (!back.ok) throw new Error(back.failure.detail);
  const last = await first.record(await anchorNow(lin, 'the last'));
  for (const rpc of rpcs) await reaches(rpc, last.height + 1);

  const powerAt = async (at: number) => (await first.validators(at)).find((one) => one.key === toHex(key))?.power;
  expect([await powerAt(height + 1), await powerAt(height + 2)]).toEqual([10, 13]);
  const histories = await Promise.all(rpcs.map((rpc) => replayed(network, rpc, last.height + 1)));
  expect(histories.map(({ signed }) => signed)).toEqual(histories.map(() => histories[0]?.recomputed));
  expect(histories.map(({ transactions }) => transactions)).toEqual([8, 8, 8, 8]);
  expect(await fourth.query('/tip', last.height)).toEqual(await first.query('/tip', last.height));
});

test.skipIf(cometbft === null)(`what was started ends with it, and a network that was stopped goes on where it was${why}`, { timeout: 60_000 }, async () => {
  const network = await start(1);
  const [node] = network.nodes as [TestnetNode];
  await new NodeRpc(node.rpc).record(await registerNow(lin));
  await network.stop();
  expect([node.application?.isRunning, node.comet?.isRunning]).toEqual([false, false]);
  const again = await start(1);
  expect(again.genesis).toEqual(network.genesis);
  const rpc = new NodeRpc(again.nodes[0]?.rpc ?? '');
  expect((await rpc.query('/tip', 'newest'))?.logSize).toBe(1);
});

test.skipIf(cometbft === null)(`a node that joins by a snapshot has not seen the blocks before it, and goes on like the others${why}`, { timeout: 120_000 }, async () => {
  const network = await start(1);
  const [node] = network.nodes as [TestnetNode];
  const rpc = new NodeRpc(node.rpc);
  await rpc.record(await registerNow(lin));
  const trusted = await rpc.block(1);
  for (let i = 0; i < 12; i++) await rpc.record(await anchorNow(lin, `credential ${i}`));

  const stateSync = { rpc: [node.rpc, node.rpc], height: 1, hash: trusted.hash, trustingPeriodMs: 3_600_000 };
  const joining = await addNode(network, 'late', stateSync, options(1));
  network.nodes.push(joining);
  const joined = await joining.start();
  if (!joined.ok) throw new Error(joined.failure.detail);
  const late = new NodeRpc(joining.rpc);
  const { height } = await rpc.record(await anchorNow(lin, 'the last'));
  await reaches(late, height + 1);
  expect(await late.earliest()).toBeGreaterThan(1);
  expect(await late.query('/tip', 1)).toBeNull();
  expect(await late.query('/tip', height + 1)).toEqual(await rpc.query('/tip', height + 1));
  expect(await late.query('/log/entries', { from: 0, count: 256 })).toEqual(await rpc.query('/log/entries', { from: 0, count: 256 }));
});

test('a program that does not start is said so, and what was started is ended', { timeout: 60_000 }, async () => {
  const refused = await startTestnet({ ...options(1), cometbft: '/bin/false' });
  expect(refused).toMatchObject({ ok: false, failure: { code: 'not-started' } });
  const other = await startTestnet({ ...options(1), imi: ['/nowhere/imi'] });
  expect(other).toMatchObject({ ok: false, failure: { code: 'not-started', detail: expect.stringMatching(/ENOENT/) as unknown } });
  // The folder is whole: with the right programs it starts.
  if (cometbft !== null) expect((await start(1)).nodes).toHaveLength(1);
});
