import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CheckTxType, MisbehaviorType, ResponseProcessProposal_ProposalStatus, type Response } from 'cosmjs-types/tendermint/abci/types';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appHashOf, beginApplication, openApplication, type LedgerApplication } from '../../../../src/ledger/application.ts';
import { appState, type Misbehaviour } from '../../../../src/ledger/engines/cometbft/abci-application.ts';
import { tipSigner } from '../../../../src/ledger/engines/cometbft/node-checkpoint.ts';
import { openNode, type LedgerNode, type NodeOptions } from '../../../../src/ledger/engines/cometbft/node.ts';
import { decodeAnswer, encodeAsk, type Queries, type QueryPath } from '../../../../src/ledger/engines/cometbft/queries.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { resultsHash } from '../../../../src/ledger/verify/block.ts';
import { utf8 } from '../../../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../../../src/ledger/verify/envelope.ts';
import { stateKey } from '../../../../src/ledger/verify/records.ts';
import { order } from '../../court.ts';
import { setValidator } from '../../rules/party-cases.ts';
import { chain, envelopeOf, genesis, keys, lin, now, register, requestBody, residentOf, signerOf } from '../../small-district.ts';
import { AbciClient } from './abci-client.ts';

let folder: string;
let node: LedgerNode;
let client: AbciClient;
let faults: unknown[];
let misbehaviours: Misbehaviour[];

const options = (change: Partial<NodeOptions> = {}): NodeOptions => ({
  path: join(folder, 'ledger.sqlite'),
  genesis,
  address: { path: join(folder, 'app.sock') },
  clock: () => now * 1000,
  keepBlocks: null,
  snapshotEvery: null,
  onFault: (error) => faults.push(error),
  onMisbehaviour: (found) => misbehaviours.push(found),
  ...change,
});

async function start(change: Partial<NodeOptions> = {}): Promise<void> {
  const opened = await openNode(options(change));
  if (!opened.ok) throw new Error(`${opened.failure.code} ${opened.failure.detail}`);
  node = opened.value;
  client = await AbciClient.open(node.address);
}
async function stop(): Promise<void> {
  client.close();
  await node.close();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'abci-app-'));
  faults = [];
  misbehaviours = [];
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

const at = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });
const finalize = (height: number, txs: Uint8Array[]): Promise<Response> => client.ask({ finalizeBlock: { height: BigInt(height), time: at(now + height), txs } });
async function block(height: number, txs: Uint8Array[]): Promise<Response> {
  const answer = await finalize(height, txs);
  expect((await client.ask({ commit: {} })).commit).toBeDefined();
  return answer;
}
async function query<P extends QueryPath>(path: P, ask: Queries[P]['ask']): Promise<Queries[P]['answer'] | undefined> {
  const { query: answer } = await client.ask({ query: { path, data: encodeAsk(path, ask) } });
  return answer?.code === 0 ? decodeAnswer(path, answer.value) : undefined;
}
const check = async (tx: Uint8Array, type = CheckTxType.NEW) => (await client.ask({ checkTx: { tx, type } })).checkTx;
const idIn = (envelope: Uint8Array): Uint8Array => {
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value.id;
};
const refused = (code: string) => ({ code: 1, data: utf8(code) });

/** The same rules in this process. */
function bench(): LedgerApplication {
  const database = new DatabaseSync(':memory:');
  beginApplication(database, genesis, nodeCrypto);
  const application = openApplication(database, genesis, nodeCrypto);
  if (!application.ok) throw new Error(application.failure.detail);
  return application.value;
}

describe('InitChain', () => {
  const initChain = {
    chainId: chain,
    time: at(genesis.time),
    appStateBytes: utf8(JSON.stringify(appState(genesis))),
    initialHeight: 1n,
    validators: [{ pubKey: { ed25519: keys.validator.key[1] }, power: 10n }],
  };

  test('takes the genesis that it was set up with', async () => {
    expect((await client.ask({ info: {} })).info).toMatchObject({ lastBlockHeight: 0n, appVersion: 1n });
    expect((await client.ask({ initChain })).initChain).toMatchObject({ validators: [], appHash: appHashOf(bench().tip(), nodeCrypto) });
  });

  test.each([
    { name: 'another chain', change: { chainId: 'imi-other' }, said: /chain/ },
    { name: 'another genesis', change: { appStateBytes: utf8(JSON.stringify(appState({ ...genesis, time: genesis.time + 1 }))) }, said: /app_state/ },
    { name: 'no genesis', change: { appStateBytes: utf8('{}') }, said: /app_state/ },
    { name: 'a genesis that is no JSON', change: { appStateBytes: utf8('imi') }, said: /app_state/ },
    { name: 'another power', change: { validators: [{ pubKey: { ed25519: keys.validator.key[1] }, power: 11n }] }, said: /validators/ },
    { name: 'one validator more', change: { validators: [...initChain.validators, { pubKey: { ed25519: keys.hub.key[1] }, power: 1n }] }, said: /validators/ },
    { name: 'another time', change: { time: at(genesis.time + 1) }, said: /genesis_time/ },
    { name: 'another height', change: { initialHeight: 2n }, said: /height 1/ },
  ])('refuses $name', async ({ change, said }) => {
    expect(await client.ask({ initChain: { ...initChain, ...change } })).toMatchObject({ exception: { error: expect.stringMatching(said) as unknown } });
  });
});

test('a block has the app hash and the results that the rules give, and is seen when it is committed', async () => {
  const [first, second] = [await register(lin), await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk])];
  const { outcomes, tip } = bench().applyBlock({ height: 1, timeMs: (now + 1) * 1000, transactions: [second, first, second] });
  const { finalizeBlock: answer } = await finalize(1, [second, first, second]);
  expect(answer?.appHash).toEqual(appHashOf(tip, nodeCrypto));
  expect(answer?.txResults).toMatchObject([refused('signer-unknown'), { code: 0, data: new Uint8Array() }, { code: 0 }]);
  expect(outcomes.map(({ taken }) => taken)).toEqual([false, true, true]);
  expect(resultsHash(answer?.txResults.slice(1) ?? [], nodeCrypto)).toEqual(resultsHash([{ code: 0, data: new Uint8Array(), gasWanted: 0n, gasUsed: 0n }, { code: 0, data: new Uint8Array(), gasWanted: 0n, gasUsed: 0n }], nodeCrypto));

  const other = await AbciClient.open(node.address);
  expect((await other.ask({ info: {} })).info?.lastBlockHeight).toBe(0n);
  expect(await query('/transaction', idIn(first))).toEqual({ state: 'unknown' });
  expect((await query('/state', [stateKey.resident(lin.id)]))?.entries[0]?.value).toBeNull();
  expect((await client.ask({ commit: {} })).commit?.retainHeight).toBe(0n);
  expect((await other.ask({ info: {} })).info).toMatchObject({ lastBlockHeight: 1n, lastBlockAppHash: answer?.appHash });
  expect(await query('/transaction', idIn(first))).toEqual({ state: 'recorded', height: 1, index: 0 });
  expect(await query('/tip', 'newest')).toEqual(tip);
  other.close();
});

test('what was not committed is sent again, and comes to the same', async () => {
  const txs = [await register(lin)];
  const once = await finalize(1, txs);
  await stop();
  await start();
  expect((await client.ask({ info: {} })).info?.lastBlockHeight).toBe(0n);
  expect((await finalize(1, [])).finalizeBlock?.appHash).not.toEqual(once.finalizeBlock?.appHash);
  // A round that was given up on the node's side: the next FinalizeBlock of this height stands alone.
  expect(await block(1, txs)).toEqual(once);
  await stop();
  await start();
  expect((await client.ask({ info: {} })).info).toMatchObject({ lastBlockHeight: 1n, lastBlockAppHash: once.finalizeBlock?.appHash });
});

describe('what waits', () => {
  test('is judged on top of what waits already, and again after each block', async () => {
    const [first, second, third] = [await register(lin), await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk]), await envelopeOf(requestBody(lin, 4).body, [lin.sig, keys.kiosk])];
    expect(await check(second)).toMatchObject({ ...refused('signer-unknown'), log: 'signer-unknown' });
    expect(await check(first)).toMatchObject({ code: 0 });
    expect(await check(second)).toMatchObject({ code: 0 });
    expect(await check(first)).toMatchObject(refused('transaction-known'));
    await block(1, []);
    expect(await check(third)).toMatchObject(refused('signer-unknown'));
    expect(await check(first, CheckTxType.RECHECK)).toMatchObject({ code: 0 });
    expect(await check(second, CheckTxType.RECHECK)).toMatchObject({ code: 0 });
  });

  test('and is refused when its turn comes again is remembered with its code', async () => {
    const second = await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk]);
    await check(second, CheckTxType.RECHECK);
    expect(await query('/transaction', idIn(second))).toEqual({ state: 'rejected', code: 'signer-unknown' });
    await block(1, [await register(lin), second]);
    expect(await query('/transaction', idIn(second))).toMatchObject({ state: 'recorded' });
  });
});

describe('a proposal', () => {
  const { ACCEPT, REJECT } = ResponseProcessProposal_ProposalStatus;
  const process = async (txs: Uint8Array[]) => (await client.ask({ processProposal: { txs, time: at(now), height: 1n } })).processProposal?.status;

  test('holds what the rules take, in its order, as far as there is room', async () => {
    const [first, second, third] = [await register(lin), await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk]), await register(residentOf('chen'))];
    const prepare = async (txs: Uint8Array[], maxTxBytes: number) =>
      (await client.ask({ prepareProposal: { txs, maxTxBytes: BigInt(maxTxBytes), time: at(now), height: 1n } })).prepareProposal?.txs;
    expect(await prepare([second, first, Uint8Array.of(1), first, second, third], 100_000)).toEqual([first, second, third]);
    const size = (tx: Uint8Array): number => tx.length + (tx.length < 128 ? 2 : 3);
    expect(await prepare([first, second, third], size(first) + size(third))).toEqual(size(second) > size(third) ? [first, third] : [first, second]);
    expect(await prepare([first], size(first) - 1)).toEqual([]);
    expect(await prepare([first], size(first))).toEqual([first]);
  });

  test('holds no more than the others can judge before they vote, and one that does is voted against', async () => {
    const names = Array.from({ length: 70 }, (_, i) => `new ${i}`);
    const txs = await Promise.all(names.map((name) => register(residentOf(name))));
    const { prepareProposal } = await client.ask({ prepareProposal: { txs, maxTxBytes: 1_000_000n, time: at(now), height: 1n } });
    const taken = prepareProposal?.txs ?? [];
    expect(taken).toEqual(txs.slice(0, taken.length));
    expect(taken.length).toBeGreaterThan(50);
    expect(taken.length).toBeLessThan(70);
    expect(await process(taken)).toBe(ACCEPT);
    expect(await process(txs.slice(0, taken.length + 1))).toBe(REJECT);
    // What two thirds decide all the same is applied.
    expect((await finalize(1, txs)).finalizeBlock?.txResults.map(({ code }) => code)).toEqual(txs.map(() => 0));
  });

  test('stops where its time is over, however much waits', async () => {
    await stop();
    let ticks = 0;
    // Each look at the clock takes 30 ms: the first sets the end, three more are before it.
    await start({ clock: () => now * 1000 + 30 * ticks++ });
    const names = ['lin', 'chen', 'wu', 'zhao', 'he', 'ma'];
    const txs = await Promise.all(names.map((name) => register(residentOf(name))));
    ticks = 0;
    const { prepareProposal } = await client.ask({ prepareProposal: { txs, maxTxBytes: 1_000_000n, time: at(now), height: 1n } });
    expect(prepareProposal?.txs).toEqual(txs.slice(0, 3));
  });

  test('is accepted only where all of it is taken', async () => {
    const first = await register(lin);
    expect(await process([])).toBe(ACCEPT);
    expect(await process([first])).toBe(ACCEPT);
    expect(await process([first, first])).toBe(REJECT);
    expect(await process([Uint8Array.of(1)])).toBe(REJECT);
  });

  test('that was accepted is not what is applied where another is decided', async () => {
    const [first, second] = [await register(lin), await register(residentOf('chen'))];
    const expected = bench().applyBlock({ height: 1, timeMs: (now + 1) * 1000, transactions: [second] }).tip;
    const proposed = { height: 1n, time: at(now + 1) };
    for (const txs of [[first], [first, second], []]) {
      await client.ask({ processProposal: { ...proposed, txs } });
      expect((await finalize(1, [second])).finalizeBlock?.appHash).toEqual(appHashOf(expected, nodeCrypto));
    }
    await client.ask({ processProposal: { height: 1n, time: at(now), txs: [second] } });
    expect((await finalize(1, [second])).finalizeBlock?.appHash).toEqual(appHashOf(expected, nodeCrypto));
  });

  test('that was accepted, applied, given up and applied again comes to the same each time', async () => {
    const txs = [await register(lin), await register(residentOf('chen'))];
    const expected = bench().applyBlock({ height: 1, timeMs: (now + 1) * 1000, transactions: txs }).tip;
    expect((await client.ask({ prepareProposal: { txs, maxTxBytes: 100_000n, time: at(now + 1), height: 1n } })).prepareProposal?.txs).toEqual(txs);
    expect((await client.ask({ processProposal: { txs, time: at(now + 1), height: 1n } })).processProposal?.status).toBe(ACCEPT);
    for (let round = 0; round < 2; round++) expect((await finalize(1, txs)).finalizeBlock).toMatchObject({ appHash: appHashOf(expected, nodeCrypto), txResults: [{ code: 0 }, { code: 0 }] });
    await client.ask({ commit: {} });
    // The same bytes at the same time are another thing one block later.
    expect((await client.ask({ processProposal: { txs, time: at(now + 1), height: 2n } })).processProposal?.status).toBe(REJECT);
    expect(await query('/tip', 'newest')).toEqual(expected);
  });

  test('leaves nothing behind', async () => {
    const first = await register(lin);
    await process([first]);
    expect(await process([first])).toBe(ACCEPT);
    expect(await check(first)).toMatchObject({ code: 0 });
  });
});

test('what a validator did against the protocol is told once, and kept beside the ledger', async () => {
  const validator = { address: Uint8Array.of(0xab, 0x01), power: 10n };
  const misbehavior = [{ type: MisbehaviorType.DUPLICATE_VOTE, validator, height: 7n, time: at(now), totalVotingPower: 40n }];
  const told: Misbehaviour = { kind: 'duplicate-vote', address: 'AB01', power: 10, height: 7, timeMs: now * 1000 };
  for (let round = 0; round < 2; round++) await client.ask({ finalizeBlock: { height: 1n, time: at(now + 1), txs: [], misbehavior } });
  await client.ask({ commit: {} });
  expect(misbehaviours).toEqual([told]);
  await stop();
  await start();
  await client.ask({ finalizeBlock: { height: 2n, time: at(now + 2), txs: [], misbehavior } });
  expect(misbehaviours).toEqual([told]);
  expect(readFileSync(join(folder, 'ledger.sqlite.misbehaviour.jsonl'), 'utf8')).toBe(`${JSON.stringify(told)}\n`);
  expect(faults).toEqual([]);
});

test('changes of the validators are told once, as differences', async () => {
  const update = (name: string, power: bigint) => ({ pubKey: { ed25519: signerOf(name).key[1] }, power });
  const updates = async (height: number, txs: Uint8Array[]) => (await block(height, txs)).finalizeBlock?.validatorUpdates;
  expect(await updates(1, [await order([setValidator('second', 20)])])).toMatchObject([update('second', 20n)]);
  expect(await updates(2, [])).toEqual([]);
  expect(await updates(3, [await order([setValidator('third', 5), setValidator('validator', 0)]), await order([setValidator('third', 6)])])).toMatchObject([update('validator', 0n), update('third', 6n)]);
  // Added and removed within one block: CometBFT never hears of it.
  expect(await updates(4, [await order([setValidator('fourth', 1)]), await order([setValidator('fourth', 0)])])).toEqual([]);
});

test('a node that is to keep few blocks is told which', async () => {
  await stop();
  await start({ keepBlocks: 2 });
  const retained = [];
  for (let height = 1; height <= 4; height++) {
    await finalize(height, []);
    retained.push((await client.ask({ commit: {} })).commit?.retainHeight);
  }
  expect(retained).toEqual([0n, 1n, 2n, 3n]);
});

test('a query of another form, and what no sound node sends, is told so', async () => {
  expect((await client.ask({ query: { path: '/other' } })).query).toMatchObject({ code: 1 });
  expect(await client.ask({ commit: {} })).toMatchObject({ exception: { error: 'Commit without FinalizeBlock' } });
  expect(await finalize(7, [])).toMatchObject({ exception: { error: 'block 7 where 1 is due' } });
  expect(await block(1, [])).toMatchObject({ finalizeBlock: { txResults: [] } });
  expect(faults).toHaveLength(2);
});

describe('the file', () => {
  test('is one application’s only', async () => {
    expect(await openNode(options({ address: { path: join(folder, 'other.sock') } }))).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  });

  test('that is damaged is not served', async () => {
    await block(1, [await register(lin)]);
    await stop();
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    database.exec("UPDATE log_leaf SET envelope = x'00' WHERE position = 0");
    database.close();
    const opened = await openNode(options());
    expect(opened).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    rmSync(join(folder, 'ledger.sqlite'));
    await start();
    // Without a file it begins again: the node gives it every block.
    expect((await client.ask({ info: {} })).info?.lastBlockHeight).toBe(0n);
  });

  test('in which the definition of a table is damaged is not opened', async () => {
    await stop();
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'), { defensive: false });
    database.exec("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'time_ms INTEGER NOT NULL', 'time_ms INTEGER DEFAULT 7') WHERE name = 'tip'");
    database.close();
    expect(await openNode(options())).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: 'the definition of a table is damaged' } });
    rmSync(join(folder, 'ledger.sqlite'));
    await start();
  });

  test('where it is damaged below what is asked for, is not served, and the node votes on', async () => {
    const envelope = await register(lin);
    await block(1, [envelope]);
    await block(2, []);
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    database.exec('UPDATE tip SET log_root = zeroblob(32) WHERE height = 1');
    database.close();
    const data = encodeAsk('/receipt', { transaction: idIn(envelope), place: 'own' });
    expect((await client.ask({ query: { path: '/receipt', data } })).query).toMatchObject({ code: 1, log: 'damaged', value: new Uint8Array() });
    expect(faults).toMatchObject([{ name: 'LedgerDamage', message: expect.stringMatching(/height 1 is damaged/) as unknown }]);
    expect((await block(3, [])).finalizeBlock?.appHash).toHaveLength(32);
  });

  test('is no reason to sign what was never committed', async () => {
    await stop();
    const signTip = tipSigner('district.example/ledger', signerOf('checkpoints'), nodeCrypto);
    await start({ signTip });
    await block(1, [await register(lin)]);
    const first = await query('/tip', 'newest');
    await block(2, []);
    const signed = first === null || first === undefined ? null : signTip(first);
    expect(await query('/checkpoint', 1)).toEqual(signed);
    const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
    database.exec("UPDATE tip SET state_root = zeroblob(32) WHERE height = 1");
    database.close();
    expect(await query('/checkpoint', 1)).toEqual(signed);
    await stop();
    await start({ signTip });
    // The newest was held against log and state; nothing says what the file says of the others is so.
    expect([await query('/checkpoint', 2), await query('/checkpoint', 1)]).toMatchObject([{ origin: 'district.example/ledger' }, null]);
  });
});
