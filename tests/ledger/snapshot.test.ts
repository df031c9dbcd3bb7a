import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginApplication, openApplication, type LedgerApplication, type Tip } from '../../src/ledger/application.ts';
import { openEmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { openLedgerFileToRead } from '../../src/ledger/engines/ledger-file.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { importSnapshot, inChunks, itemsIn, snapshotChunks } from '../../src/ledger/snapshot.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { numbered } from './crash/load.ts';
import { envelopeOf, genesis, keys, lin, now, register, requestBody, residentOf } from './small-district.ts';

let folder: string;
/** Of an embedded ledger that goes on meanwhile. */
let chunks: Uint8Array[];
let tip: Tip;

const idIn = (envelope: Uint8Array): Uint8Array => {
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value.id;
};

function applicationIn(database: DatabaseSync): LedgerApplication {
  const opened = openApplication(database, genesis, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-snapshot-'));
  const path = join(folder, 'ledger.sqlite');
  const opened = openEmbeddedLedger({ path, genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  for (let number = 0; number < 60; number++) {
    const envelope = await numbered('snapshot', number);
    await opened.value.submit(envelope);
    if (number % 7 === 0) await opened.value.receipt(idIn(envelope), 5000);
  }
  const last = await register(lin);
  await opened.value.submit(last);
  await opened.value.receipt(idIn(last), 5000);
  const reader = openLedgerFileToRead(path);
  tip = applicationIn(reader).tip();
  const stream = snapshotChunks(reader, genesis, nodeCrypto);
  const first = stream.next();
  // The engine goes on between the first chunk and the rest: the reader sees its own moment.
  const later = await register(residentOf('later'));
  await opened.value.submit(later);
  await opened.value.receipt(idIn(later), 5000);
  chunks = first.done === true ? [] : [first.value, ...stream];
  reader.close();
  await opened.value.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const restored = (from: Iterable<Uint8Array>, into = new DatabaseSync(':memory:')): ReturnType<typeof importSnapshot> => importSnapshot(into, from, genesis, nodeCrypto);

test('an empty file that took a snapshot goes on as the ledger that gave it: same roots, same proofs, same next block', async () => {
  const database = new DatabaseSync(':memory:');
  expect(restored(chunks, database)).toEqual({ ok: true, value: tip });
  const [original, copy] = [replayed(), applicationIn(database)];
  expect(copy.tip()).toEqual(original.tip());
  const known = idIn(await numbered('snapshot', 13));
  expect(copy.entry(known)).toEqual(original.entry(known));
  expect(copy.receiptMaterial(known, 'newest')).toEqual(original.receiptMaterial(known, 'newest'));
  const next = [await envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk]), await numbered('snapshot', 20), await numbered('snapshot', 61)];
  // Long after: whatever is remembered of transactions is forgotten in the same blocks.
  for (const timeMs of [tip.timeMs + 1000, tip.timeMs + 90_000, tip.timeMs + 4 * 3600_000]) {
    const block = { height: copy.tip().height + 1, timeMs, transactions: timeMs === tip.timeMs + 1000 ? next : [] };
    expect(copy.applyBlock(block)).toEqual(original.applyBlock(block));
  }
});

/** The same blocks without that engine: what a node of the other one holds. */
function replayed(): LedgerApplication {
  const database = new DatabaseSync(':memory:');
  beginApplication(database, genesis, nodeCrypto);
  const application = applicationIn(database);
  const source = openLedgerFileToRead(join(folder, 'ledger.sqlite'));
  const before = applicationIn(source);
  for (let height = 1; height <= tip.height; height++) {
    const transactions = source.prepare('SELECT envelope FROM log_leaf WHERE height = ? ORDER BY position').all(height) as unknown as { envelope: Uint8Array }[];
    application.applyBlock({ height, timeMs: before.tipAt(height)?.timeMs ?? 0, transactions: transactions.map(({ envelope }) => envelope) });
  }
  source.close();
  databases.set(application, database);
  return application;
}
const databases = new Map<LedgerApplication, DatabaseSync>();

test('a node that applied the same blocks gives the same bytes, and so does one that was restored', () => {
  const other = databases.get(replayed());
  if (other === undefined) throw new Error('no file');
  const again = new DatabaseSync(':memory:');
  restored(chunks, again);
  for (const database of [other, again]) expect([...snapshotChunks(database, genesis, nodeCrypto)].map(toHex)).toEqual(chunks.map(toHex));
});

test('chunks are of whole items, none larger than asked for, and what they hold does not hang on where they are cut', () => {
  const items = [...itemsIn(chunks)];
  const small = [...inChunks(items, 4000)];
  expect(small.length).toBeGreaterThan(5);
  expect(Math.max(...small.map((chunk) => chunk.length))).toBeLessThanOrEqual(4000);
  expect([...itemsIn(small)]).toEqual(items);
  expect(restored(small)).toEqual({ ok: true, value: tip });
});

type Items = unknown[][];
const changes: { name: string; change: (items: Items) => unknown[]; detail: RegExp }[] = [
  { name: 'nothing at all', change: () => [], detail: /does not begin/ },
  { name: 'another genesis', change: (items) => [['ledger', { ...(items[0]?.[1] as object), genesis: new Uint8Array(3) }], ...items.slice(1)], detail: /another genesis/ },
  { name: 'an entry less', change: (items) => items.filter((item, i) => i !== 5), detail: /its log/ },
  { name: 'two entries in another order', change: (items) => items.map((item, i) => (i === 3 || i === 4 ? ['entry', items[7 - i]?.[1], item[2]] : item)), detail: /its log/ },
  { name: 'an entry twice', change: (items) => items.flatMap((item, i) => (i === 5 ? [item, item] : [item])), detail: /stands there twice/ },
  { name: 'an entry of a later height than the last', change: (items) => items.map((item, i) => (i === 5 ? [...item.slice(0, 2), tip.height + 1] : item)), detail: /no height that it can have/ },
  { name: 'an entry of an earlier height than the one before', change: (items) => items.map((item, i) => (i === 30 ? [...item.slice(0, 2), 0] : item)), detail: /no height that it can have/ },
  { name: 'entries of other heights than the state says', change: (items) => items.map((item) => (item[0] === 'entry' ? [...item.slice(0, 2), tip.height] : item)), detail: /another height/ },
  { name: 'another beginning', change: (items) => [['ledger', { ...(items[0]?.[1] as object), start: tip.height }], ...items.slice(1)], detail: /begins at another height/ },
  { name: 'an entry that is no envelope', change: (items) => items.map((item, i) => (i === 5 ? ['entry', new Uint8Array(9), item[2]] : item)), detail: /no envelope/ },
  { name: 'a value less', change: (items) => items.slice(0, -1), detail: /its state/ },
  { name: 'another value', change: (items) => [...items.slice(0, -1), ['value', items.at(-1)?.[1], new Uint8Array(3)]], detail: /its state/ },
  { name: 'values out of order', change: (items) => [...items.slice(0, -2), items.at(-1), items.at(-2)], detail: /out of order/ },
  { name: 'an entry after the values', change: (items) => [...items, items[5]], detail: /belongs nowhere/ },
  { name: 'another state root in its own header', change: (items) => [['ledger', { ...(items[0]?.[1] as object), tip: { ...tip, stateRoot: new Uint8Array(32) } }], ...items.slice(1)], detail: /its state/ },
];

test.each(changes)('$name is refused', ({ change, detail }) => {
  const changed = inChunks(change([...itemsIn(chunks)] as Items));
  expect(restored(changed)).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(detail) as unknown } });
});

test('a chunk that is cut off is refused', () => {
  const [only = new Uint8Array()] = chunks;
  for (const length of [1, 3, 100, only.length - 1]) expect(restored([only.subarray(0, length)])).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
});
