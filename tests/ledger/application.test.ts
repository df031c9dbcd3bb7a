import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { appHashOf, beginApplication, isBegun, openApplication, type LedgerApplication } from '../../src/ledger/application.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { encodeCbor } from '../../src/ledger/verify/cbor.ts';
import { verifyInclusion, leafHash } from '../../src/ledger/verify/merkle-log.ts';
import { transactionId, encodeBody } from '../../src/ledger/verify/envelope.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { body, envelopeOf, genesis, keys, lin, now, register, registerAct, requestBody, residentOf } from './small-district.ts';

let folder: string;
let open: DatabaseSync[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'application-'));
  open = [];
});
afterEach(() => {
  for (const database of open) database.close();
  rmSync(folder, { recursive: true });
});

function connect(readOnly = false, path = join(folder, 'ledger.sqlite')): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly });
  if (!readOnly) database.exec('PRAGMA journal_mode = WAL');
  open.push(database);
  return database;
}

function applicationIn(database: DatabaseSync): LedgerApplication {
  if (!isBegun(database)) expect(beginApplication(database, genesis, nodeCrypto)).toEqual({ ok: true, value: null });
  const application = openApplication(database, genesis, nodeCrypto);
  if (!application.ok) throw new Error(application.failure.detail);
  return application.value;
}

test('a block is judged in its order: what is refused has its code and changes nothing', async () => {
  const application = applicationIn(connect());
  const [registering, request] = [await register(lin), await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk])];
  const start = application.tip();
  expect(start).toMatchObject({ height: 0, timeMs: genesis.time * 1000, logSize: 0 });
  const { outcomes, tip } = application.applyBlock({ height: 1, timeMs: now * 1000, transactions: [request, registering, request, registering, Uint8Array.of(1)] });
  expect(outcomes).toMatchObject([
    { taken: false, code: 'signer-unknown' },
    { taken: true, transaction: { index: 0 } },
    { taken: true, transaction: { index: 1 } },
    { taken: false, code: 'transaction-known' },
    { taken: false, code: 'envelope-malformed' },
  ]);
  expect(tip).toMatchObject({ height: 1, timeMs: now * 1000, logSize: 2 });
  expect(appHashOf(tip, nodeCrypto)).not.toEqual(appHashOf(start, nodeCrypto));
  expect(application.applyBlock({ height: 2, timeMs: now * 1000 + 1, transactions: [request] }).tip).toEqual({ ...tip, height: 2, timeMs: now * 1000 + 1 });
});

test('an empty block leaves the app hash as it was, until an id is forgotten', async () => {
  const application = applicationIn(connect());
  const act = body([registerAct(lin)]);
  const { tip: first } = application.applyBlock({ height: 1, timeMs: now * 1000, transactions: [await envelopeOf(act, [keys.staff, lin.sig])] });
  const id = transactionId(encodeBody(act), nodeCrypto);
  const { tip: second } = application.applyBlock({ height: 2, timeMs: act.notAfter * 1000 + 999, transactions: [] });
  expect(appHashOf(second, nodeCrypto)).toEqual(appHashOf(first, nodeCrypto));
  expect(application.tree.get(stateKey.tx(id))).toBeDefined();
  const { tip: third } = application.applyBlock({ height: 3, timeMs: (act.notAfter + 1) * 1000, transactions: [] });
  expect(appHashOf(third, nodeCrypto)).not.toEqual(appHashOf(first, nodeCrypto));
  expect(application.tree.get(stateKey.tx(id))).toBeUndefined();
});

test('the end is where it was after a restart, and a block goes on from there only', async () => {
  const database = connect();
  const { tip } = applicationIn(database).applyBlock({ height: 1, timeMs: now * 1000, transactions: [await register(lin)] });
  const again = applicationIn(connect());
  expect(again.tip()).toEqual(tip);
  expect(again.tipAt(0)).toMatchObject({ logSize: 0 });
  expect(() => again.applyBlock({ height: 3, timeMs: now * 1000, transactions: [] })).toThrow('block 3 where 2 is due');
});

test('a second, read-only connection sees no block before it is committed', async () => {
  const database = connect();
  const writing = applicationIn(database);
  const before = writing.tip();
  const reading = applicationIn(connect(true));
  database.exec('BEGIN IMMEDIATE');
  const { tip } = writing.applyBlock({ height: 1, timeMs: now * 1000, transactions: [await register(lin)] });
  expect(reading.tip()).toEqual(before);
  expect(reading.tree.root()).toEqual(before.stateRoot);
  expect(reading.tree.get(stateKey.resident(lin.id))).toBeUndefined();
  database.exec('COMMIT');
  expect(reading.tip()).toEqual(tip);
  expect(reading.tree.root()).toEqual(tip.stateRoot);
  expect(reading.tree.get(stateKey.resident(lin.id))).toBeDefined();
});

test('what is rolled back was never there', async () => {
  const database = connect();
  const application = applicationIn(database);
  const [first, second] = [await register(lin), await register(residentOf('chen'))];
  const before = application.tip();
  database.exec('BEGIN IMMEDIATE');
  application.applyBlock({ height: 1, timeMs: now * 1000, transactions: [first, second] });
  database.exec('ROLLBACK');
  expect(application.tip()).toEqual(before);
  expect(application.tree.root()).toEqual(before.stateRoot);
  const { tip } = application.applyBlock({ height: 1, timeMs: now * 1000, transactions: [second] });
  const untouched = applicationIn(connect(false, join(folder, 'other.sqlite')));
  expect(untouched.applyBlock({ height: 1, timeMs: now * 1000, transactions: [second] }).tip).toEqual(tip);
});

test('what a receipt needs is there for every height from its own on', async () => {
  const application = applicationIn(connect());
  const envelope = await register(lin);
  application.applyBlock({ height: 1, timeMs: now * 1000, transactions: [] });
  const { outcomes, tip } = application.applyBlock({ height: 2, timeMs: now * 1000 + 1, transactions: [envelope] });
  const [taken] = outcomes;
  if (taken?.taken !== true) throw new Error('refused');
  const { id } = taken.transaction;
  application.applyBlock({ height: 3, timeMs: now * 1000 + 2, transactions: [await register(residentOf('chen')), await register(residentOf('wu'))] });
  expect(application.receiptMaterial(id, 'own')).toMatchObject({ envelope, keys: [keys.staff.key, lin.sig.key], acts: 1, index: 0, tip });
  expect(application.receiptMaterial(id, 1)).toBeUndefined();
  expect(application.receiptMaterial(id, 4)).toBeUndefined();
  for (const place of ['own', 'newest', 2, 3] as const) {
    const material = application.receiptMaterial(id, place);
    if (material === undefined) throw new Error('no material');
    const { index, path, tip: { logSize: size, logRoot: root } } = material;
    expect(verifyInclusion({ leaf: leafHash(envelope, nodeCrypto), index, size, path, root }, nodeCrypto)).toBe(true);
  }
});

test('another genesis, or a file without a chain, is refused', () => {
  const database = connect();
  expect(openApplication(database, genesis, nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: 'no chain was begun in this file' } });
  applicationIn(database);
  expect(openApplication(database, { ...genesis, time: genesis.time + 1 }, nodeCrypto)).toMatchObject({ ok: false, failure: { detail: 'the file has another genesis' } });
});

test('a file that says it begins elsewhere than its genesis is damaged', () => {
  const database = connect();
  applicationIn(database);
  database.prepare("UPDATE about SET value = ? WHERE name = 'start'").run(encodeCbor(7));
  expect(openApplication(database, genesis, nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: 'the file is damaged' } });
});
