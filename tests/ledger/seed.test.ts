import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hubServerFileSchema, trustRootSchema } from '../../src/contract/hub-file.ts';
import { foundHub } from '../../src/hub/founding.ts';
import { beginApplication, openApplication, type LedgerApplication } from '../../src/ledger/application.ts';
import { openEmbeddedLedger, openLedgerToMeasure, type EmbeddedOptions } from '../../src/ledger/engines/embedded.ts';
import { openNode } from '../../src/ledger/engines/cometbft/node.ts';
import { decodeGenesis, encodeGenesis, genesisState } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { residentChain } from '../../src/ledger/resident-history.ts';
import { judge, judgeOpened } from '../../src/ledger/rules.ts';
import { seedDistrict, seedResidentId } from '../../src/ledger/seed-district.ts';
import { seededFiles, seedLedger, type SeededLedger } from '../../src/ledger/seed.ts';
import { StateDraft } from '../../src/ledger/state.ts';
import { StateTree } from '../../src/ledger/state-tree.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { verifyResidentChain } from '../../src/ledger/verify/resident-chain.ts';
import { genesis as signedGenesis, genesisTime, keys } from './small-district.ts';

const [residents, requests, seed] = [60, 900, 7];
const district = seedDistrict(seed);
const dir = mkdtempSync(join(tmpdir(), 'imi-seed-'));
const seededDir = join(dir, 'one');
let seeded: SeededLedger;

const seedInto = (name: string, number = seed, threads = 1) => seedLedger({ dir: join(dir, name), residents, requests, seed: number, threads, clock: () => 0, tell: () => undefined });

beforeAll(async () => {
  const result = await seedInto('one');
  if (!result.ok) throw new Error(result.failure.detail);
  seeded = result.value;
});
afterAll(() => rmSync(dir, { recursive: true }));

const openDatabase = (name = 'one'): DatabaseSync => new DatabaseSync(join(dir, name, seededFiles.ledger), { readOnly: true });

function openSeeded(database: DatabaseSync): LedgerApplication {
  const opened = openApplication(database, district.genesis, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}

const measuring = (change: Partial<EmbeddedOptions> = {}): EmbeddedOptions => ({
  path: join(seededDir, seededFiles.ledger),
  genesis: district.genesis,
  validator: district.validator,
  clock: () => (district.genesis.time + 3 * 366 * 86_400) * 1000,
  heartbeatMs: 60_000,
  ...change,
});

test('a seeded ledger is what the rules make of its entries, one after the other', () => {
  const database = openDatabase();
  const application = openSeeded(database);
  const { logSize, logRoot, stateRoot } = application.tip();
  expect(logSize).toBe(residents + requests);
  expect(application.log.root(logSize)).toEqual(logRoot);
  const begin = genesisState(district.genesis, nodeCrypto);
  if (!begin.ok) throw new Error(begin.failure.code);
  const state = new StateDraft({ get: () => undefined });
  state.apply(begin.value);
  const tree = new StateTree(new DatabaseSync(':memory:'), nodeCrypto);
  const known: { id: Uint8Array; notAfter: number }[] = [];
  let lastTime = 0;
  for (let index = 0; index < logSize; index++) {
    const entry = application.log.at(index);
    const opened = openEnvelope(entry?.envelope ?? new Uint8Array(), nodeCrypto);
    if (entry === undefined || !opened.ok) throw new Error(`entry ${index} is no envelope`);
    const { id, body } = opened.value;
    const time = body.notAfter - 7 * 86_400;
    const place = { chain: district.genesis.chain, height: entry.height, time, logIndex: index };
    const judged = judgeOpened(state, opened.value, place, { crypto: { ...nodeCrypto, verify: () => true }, isSoundKey: () => true });
    if (!judged.ok) throw new Error(`entry ${index}: ${judged.failure.code}`);
    // With its signatures looked at, none is taken.
    expect(judge(state, entry.envelope, place, nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'signature-invalid' } });
    state.apply(judged.value.changes);
    known.push({ id, notAfter: body.notAfter });
    lastTime = time;
  }
  for (const { id, notAfter } of known) if (notAfter < lastTime) state.put(stateKey.tx(id), null);
  tree.update(state.changes());
  expect(tree.root()).toEqual(stateRoot);
  expect([...application.tree.leaves()]).toHaveLength(seeded.stateKeys);
  database.close();
});

test('what touched a seeded resident is a complete list', () => {
  const database = openDatabase();
  const application = openSeeded(database);
  let touched = 0;
  for (let index = 0; index < residents; index++) {
    const verified = verifyResidentChain(residentChain(application, seedResidentId(seed, index)), application.tip().stateRoot, nodeCrypto);
    if (!verified.ok) throw new Error(verified.failure.fault);
    touched += verified.value.length;
  }
  expect(touched).toBeGreaterThan(requests);
  database.close();
});

test('the same number makes the same ledger, with any number of threads, another number another', async () => {
  expect([(await seedInto('two', seed, 3)).ok, (await seedInto('three', 8)).ok]).toEqual([true, true]);
  const tipOf = (name: string): unknown => openDatabase(name).prepare('SELECT hex(log_root), hex(state_root), height FROM tip').get();
  expect(tipOf('two')).toEqual(tipOf('one'));
  expect(tipOf('three')).not.toEqual(tipOf('one'));
  expect(await seedInto('one')).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: 'the folder is there already' } });
});

describe('nobody takes a chain without signatures', () => {
  test('its genesis says what it is, and one that hides it is none', () => {
    const bytes = new Uint8Array(readFileSync(join(seededDir, seededFiles.genesis)));
    expect(decodeGenesis(bytes)).toEqual(district.genesis);
    const { unsigned, ...hidden } = district.genesis;
    expect(unsigned).toBe(true);
    expect(decodeGenesis(encodeGenesis(hidden))).toBeUndefined();
    expect(decodeGenesis(encodeGenesis({ ...district.genesis, chain: 'district-1' }))).toBeUndefined();
    expect(decodeGenesis(encodeGenesis({ ...signedGenesis, unsigned: true }))).toBeUndefined();
    expect(decodeGenesis(encodeGenesis({ ...signedGenesis, chain: 'unsigned-1' }))).toBeUndefined();
  });

  test('no engine opens or begins one', async () => {
    expect(openEmbeddedLedger(measuring())).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: /without signatures/ } });
    expect(openEmbeddedLedger(measuring({ path: join(dir, 'new.sqlite'), begin: true }))).toMatchObject({ ok: false });
    const node = { genesis: district.genesis, address: { path: join(dir, 'app.sock') }, clock: () => 0, keepBlocks: null, snapshotEvery: null, onFault: () => undefined, onMisbehaviour: () => undefined };
    for (const path of [join(seededDir, seededFiles.ledger), join(dir, 'new.sqlite')]) {
      expect(await openNode({ ...node, path })).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: /without signatures/ } });
    }
    expect(beginApplication(new DatabaseSync(':memory:'), district.genesis, nodeCrypto)).toMatchObject({ ok: false, failure: { detail: /without signatures/ } });
  });

  test('no hub is founded on one', async () => {
    const serverFile = hubServerFileSchema.parse(JSON.parse(readFileSync('hubs/demo.server.json', 'utf8')));
    const founded = await foundHub({ chain: 'unsigned-1', serverFile, dataDir: join(dir, 'hub'), now: genesisTime * 1000 });
    expect(founded).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
  });

  test('no kiosk, page or light client trusts one', () => {
    const root = { chain: 'unsigned-7', height: 1, trustingPeriodMs: 1000, validators: [{ alg: -19 as const, key: toBase64url(district.validator.key[1]), power: 1 }] };
    expect(trustRootSchema.safeParse(root).success).toBe(false);
    expect(trustRootSchema.safeParse({ ...root, chain: 'district-7' }).success).toBe(true);
    expect(() => trustOf(root)).toThrow('without signatures');
  });

  test('to be measured it is opened, and goes on with signatures that are checked', async () => {
    expect(openLedgerToMeasure(measuring({ genesis: signedGenesis, validator: keys.validator }))).toMatchObject({ ok: false });
    const opened = openLedgerToMeasure(measuring());
    if (!opened.ok) throw new Error(opened.failure.detail);
    const state = await opened.value.read([stateKey.resident(seedResidentId(seed, 3)), stateKey.resident(new Uint8Array(16))]);
    expect(state.ok && state.value.entries.map(({ value }) => value !== null)).toEqual([true, false]);
    await opened.value.close();
  });
});
