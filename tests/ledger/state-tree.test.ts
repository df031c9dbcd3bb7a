import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LedgerDamage } from '../../src/ledger/damage.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { StateLeaf } from '../../src/ledger/state-path.ts';
import { StateTree } from '../../src/ledger/state-tree.ts';
import type { StateChange } from '../../src/ledger/state.ts';
import { compareBytes, utf8 } from '../../src/ledger/verify/bytes.ts';
import { emptySubtree, innerNode, leafNode, pathBit, verifyState } from '../../src/ledger/verify/state-proof.ts';

const openDatabase = (): DatabaseSync => new DatabaseSync(':memory:');
const openTree = (database = openDatabase()): StateTree => new StateTree(database, nodeCrypto);

/** The definition, over the whole map at once. */
function rootOf(entries: readonly (readonly [Uint8Array, Uint8Array])[], depth = 0): Uint8Array {
  const [only] = entries;
  if (only === undefined) return emptySubtree;
  if (entries.length === 1) return leafNode(only[0], nodeCrypto.sha256(only[1]), nodeCrypto);
  const side = (bit: 0 | 1): Uint8Array => rootOf(entries.filter(([path]) => pathBit(path, depth) === bit), depth + 1);
  return innerNode(side(0), side(1), nodeCrypto);
}

const changesArbitrary = fc.array(
  fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.option(fc.string({ maxLength: 4 }))), { maxLength: 12 }),
  { maxLength: 8 },
);

test('after any changes the root is that of the definition, and every key is proven present or absent', () => {
  fc.assert(
    fc.property(changesArbitrary, (batches) => {
      const tree = openTree();
      const model = new Map<string, string>();
      for (const batch of batches) {
        const last = new Map(batch.map(([key, value]) => [`key/${key}`, value]));
        const changes: StateChange[] = [...last].map(([key, value]) => ({ key: utf8(key), value: value === null ? null : utf8(value) }));
        tree.update(changes);
        for (const [key, value] of last) {
          if (value === null) model.delete(key);
          else model.set(key, value);
        }
        const root = tree.root();
        expect(root).toEqual(rootOf([...model].map(([key, value]) => [nodeCrypto.sha256(utf8(key)), utf8(value)])));
        for (let i = 0; i <= 30; i++) {
          const key = utf8(`key/${i}`);
          const held = model.get(`key/${i}`);
          const value = held === undefined ? null : utf8(held);
          const proof = tree.prove(key);
          expect(verifyState({ root, key, value, proof }, nodeCrypto)).toBe(true);
          expect(verifyState({ root, key, value: value === null ? utf8('made up') : null, proof }, nodeCrypto)).toBe(false);
        }
      }
    }),
    { numRuns: 25 },
  );
});

test('a proof with any bit changed proves nothing', () => {
  const tree = openTree();
  tree.update(Array.from({ length: 9 }, (_, i) => ({ key: utf8(`key/${i}`), value: utf8(`value ${i}`) })));
  const root = tree.root();
  for (const [key, value] of [[utf8('key/3'), utf8('value 3')], [utf8('key/none'), null]] as const) {
    const proof = tree.prove(key);
    expect(verifyState({ root, key, value, proof }, nodeCrypto)).toBe(true);
    for (let bit = 0; bit < proof.length * 8; bit++) {
      const changed = proof.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyState({ root, key, value, proof: changed }, nodeCrypto)).toBe(false);
    }
  }
});

const keyOf = (i: number): Uint8Array => utf8(`key/${i}`);
const valueOf = (i: number, round = 0): Uint8Array => utf8(`value ${i} of round ${round}`.padEnd((i % 7) * 40, '.'));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const filled = (count: number, database = openDatabase()): StateTree => {
  const tree = openTree(database);
  tree.update(numbers(count).map((i) => ({ key: keyOf(i), value: valueOf(i) })));
  return tree;
};
const rootOfNumbers = (held: readonly (readonly [number, Uint8Array])[]): Uint8Array =>
  rootOf(held.map(([i, value]) => [nodeCrypto.sha256(keyOf(i)), value]));

test('many keys come, change and go over many pages: the root stays that of the definition, and proofs hold', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(900), fc.integer({ min: 1, max: 400 }), fc.constantFrom('put', 'drop')), { minLength: 1, maxLength: 6 }), (rounds) => {
      const tree = openTree();
      const model = new Map<number, Uint8Array>();
      for (const [round, [start, count, what]] of rounds.entries()) {
        const keys = numbers(count).map((i) => (start + 3 * i) % 1000);
        const changes = [...new Set(keys)].map((i) => ({ i, value: what === 'put' ? valueOf(i, round) : null }));
        tree.update(changes.map(({ i, value }) => ({ key: keyOf(i), value })));
        for (const { i, value } of changes) {
          if (value === null) model.delete(i);
          else model.set(i, value);
        }
        const root = tree.root();
        expect(root).toEqual(rootOfNumbers([...model]));
        for (const i of [start, start + 1, 1001]) {
          expect(tree.get(keyOf(i))).toEqual(model.get(i));
          expect(verifyState({ root, key: keyOf(i), value: model.get(i) ?? null, proof: tree.prove(keyOf(i)) }, nodeCrypto)).toBe(true);
        }
      }
    }),
    { numRuns: 25 },
  );
});

interface Row {
  id: number;
  content: Uint8Array;
}
const carryingMark = 2;
const rowsOf = (database: DatabaseSync): Row[] => database.prepare('SELECT id, content FROM state_page ORDER BY id').all() as unknown as Row[];

/** As format 1 has it: every branch in a page of its own, 0x01, a bit for each slot that is one leaf alone, eight hashes. */
function writeAsFormat1(database: DatabaseSync): void {
  const put = database.prepare('INSERT OR REPLACE INTO state_page (id, content) VALUES (?, ?)');
  for (const { id, content } of rowsOf(database)) {
    if (content[0] !== carryingMark) continue;
    const [leaves = 0, carried = 0] = content.subarray(1, 3);
    put.run(id, Uint8Array.of(1, leaves, ...content.subarray(3, 259)));
    let at = 259;
    for (let slot = 0; slot < 8; slot++) {
      if (((carried >> slot) & 1) === 0) continue;
      put.run(id + slot * 2 ** (48 - 3 * (id % 32) - 3) * 32 + 1, Uint8Array.of(1, ...content.subarray(at, at + 257)));
      at += 257;
    }
    expect(at).toBe(content.length);
  }
}

/** Two of the same map, the first in format 1. */
function bothFormats(count: number): { old: DatabaseSync; now: DatabaseSync } {
  const [old, now] = [openDatabase(), openDatabase()];
  filled(count, old);
  filled(count, now);
  writeAsFormat1(old);
  expect(rowsOf(old).length).toBeGreaterThan(rowsOf(now).length + 40);
  return { old, now };
}

const everyThird = (count: number, round: number): StateChange[] => numbers(count).filter((i) => i % 3 === round % 3).map((i) => ({ key: keyOf(i), value: round === 2 ? null : valueOf(i, round) }));

test('a map of format 1 is the same map, and takes the form of today where it is changed', () => {
  const { old, now } = bothFormats(3000);
  expect([...openTree(old).leaves()]).toEqual([...openTree(now).leaves()]);
  const [first, second] = [openTree(old), openTree(now)];
  for (const i of [0, 5, 2999, 3001]) {
    expect(first.get(keyOf(i))).toEqual(second.get(keyOf(i)));
    expect(first.prove(keyOf(i))).toEqual(second.prove(keyOf(i)));
  }
  for (const changes of [[{ key: keyOf(7), value: utf8('one alone') }], everyThird(3000, 0), everyThird(3000, 1), everyThird(3000, 2)]) {
    first.update(changes);
    second.update(changes);
    expect(first.root()).toEqual(second.root());
    expect(openTree(old).prove(keyOf(7))).toEqual(second.prove(keyOf(7)));
  }
  expect(rowsOf(old)).toEqual(rowsOf(now));
});

test('a map of format 1 loses all that it holds, and nothing of it stays behind', () => {
  const { old, now } = bothFormats(1500);
  for (const database of [old, now]) openTree(database).update(numbers(1500).map((i) => ({ key: keyOf(i), value: null })));
  expect(rowsOf(old)).toEqual([]);
  expect(rowsOf(now)).toEqual([]);
});

test('what took the form of today and was rolled back is of format 1 again, also to whoever reads beside', () => {
  const { old } = bothFormats(3000);
  const [tree, other] = [openTree(old), openTree(old)];
  const [root, before] = [tree.root(), rowsOf(old)];
  for (const i of numbers(3000)) other.get(keyOf(i));
  old.exec('BEGIN');
  tree.update(everyThird(3000, 1));
  old.exec('ROLLBACK');
  expect(rowsOf(old)).toEqual(before);
  expect(tree.root()).toEqual(root);
  expect([...tree.leaves()]).toEqual([...other.leaves()]);
  // The same values once more: nothing changes, so nothing is written anew that another has at hand.
  tree.update(numbers(40).map((i) => ({ key: keyOf(i), value: valueOf(i) })));
  for (const i of numbers(3000)) expect(other.get(keyOf(i))).toEqual(valueOf(i));
  tree.update(everyThird(3000, 1));
  expect(other.root()).toEqual(tree.root());
  expect(other.get(keyOf(4))).toEqual(valueOf(4, 1));
});

test.each<{ name: string; read: (tree: StateTree, i: number) => unknown; view?: boolean }>([
  { name: 'read', read: (tree, i) => tree.get(keyOf(i)) },
  { name: 'read in a view of before', read: (tree, i) => tree.get(keyOf(i)), view: true },
  { name: 'proved', read: (tree, i) => verifyState({ root: tree.root(), key: keyOf(i), value: valueOf(i), proof: tree.prove(keyOf(i)) }, nodeCrypto) },
])('what took the form of today and came back to the same hashes is no damage to whoever reads beside: $name', ({ read, view = false }) => {
  const { old, now } = bothFormats(3000);
  const [tree, other, fresh] = [openTree(old), openTree(old), openTree(now)];
  // So much is at hand: branches of format 1, and not all that is below them.
  for (const i of numbers(40)) other.get(keyOf(i));
  const seen = other.now();
  const root = tree.root();
  const another = numbers(3000).map((i) => ({ key: keyOf(i + 10_000), value: utf8('for a while') }));
  tree.update(another);
  tree.update(another.map(({ key }) => ({ key, value: null })));
  expect(tree.root()).toEqual(root);
  for (const i of numbers(3000)) {
    if (view) expect(seen.get(keyOf(i))).toEqual(fresh.get(keyOf(i)));
    else expect(read(other, i)).toEqual(read(fresh, i));
  }
});

test('a page of format 1 that is gone is still damage', () => {
  const { old } = bothFormats(3000);
  const other = openTree(old);
  for (const i of numbers(40)) other.get(keyOf(i));
  old.exec('DELETE FROM state_page WHERE id % 32 = 2');
  expect(() => numbers(3000).map((i) => other.get(keyOf(i)))).toThrow(LedgerDamage);
});

// What goes before what comes: a full bucket that one value enters before another leaves it is a branch from then on.
test('a block’s changes at once come to the pages to which they come one by one', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2500), fc.boolean()), { minLength: 1, maxLength: 200 }), (drawn) => {
      const [whole, single] = [openDatabase(), openDatabase()];
      for (const database of [whole, single]) openTree(database).build(sortedLeaves(1200));
      const changes: StateChange[] = [...new Map(drawn)].map(([i, stays]) => ({ key: keyOf(i), value: stays ? valueOf(i, 1) : null }));
      openTree(whole).update(changes);
      const tree = openTree(single);
      for (const change of [...changes.filter(({ value }) => value === null), ...changes.filter(({ value }) => value !== null)]) tree.update([change]);
      expect(rowsOf(single)).toEqual(rowsOf(whole));
    }),
    { numRuns: 15 },
  );
});

const sortedLeaves = (count: number): StateLeaf[] =>
  numbers(count)
    .map((i) => ({ path: nodeCrypto.sha256(keyOf(i)), value: valueOf(i) }))
    .sort((a, b) => compareBytes(a.path, b.path));

test.each([0, 1, 2, 16, 17, 100, 3000])('a map of %i built in one pass is the one of updates, and goes on like it', (count) => {
  const built = openTree();
  built.build(sortedLeaves(count));
  const updated = filled(count);
  expect(built.root()).toEqual(updated.root());
  expect([...built.leaves()]).toEqual([...updated.leaves()]);
  expect([...built.leaves()]).toEqual(sortedLeaves(count));
  const more: StateChange[] = numbers(50).map((i) => ({ key: keyOf(i * 31), value: i % 3 === 0 ? null : utf8('later') }));
  built.update(more);
  updated.update(more);
  expect(built.root()).toEqual(updated.root());
  expect(built.prove(keyOf(5))).toEqual(updated.prove(keyOf(5)));
});

test('only leaves in order, each once, into an empty map, are built', () => {
  const leaves = sortedLeaves(40);
  const [first, second] = leaves;
  if (first === undefined || second === undefined) throw new Error('no leaves');
  expect(() => openTree().build([second, first])).toThrow('out of order');
  expect(() => openTree().build([first, first])).toThrow('out of order');
  expect(() => filled(1).build(leaves)).toThrow('only an empty map');
});

test('what a transaction wrote and rolled back is forgotten, and what another connection commits is seen', () => {
  const database = openDatabase();
  const tree = filled(500, database);
  const other = openTree(database);
  const before = tree.root();
  expect(other.root()).toEqual(before);
  database.exec('BEGIN');
  tree.update([{ key: keyOf(3), value: utf8('never') }, { key: keyOf(4), value: null }, { key: keyOf(777), value: utf8('new') }]);
  expect(tree.get(keyOf(3))).toEqual(utf8('never'));
  database.exec('ROLLBACK');
  expect(tree.root()).toEqual(before);
  expect(tree.get(keyOf(3))).toEqual(valueOf(3));
  expect(tree.get(keyOf(777))).toBeUndefined();
  tree.update([{ key: keyOf(3), value: utf8('now') }]);
  expect(other.get(keyOf(3))).toEqual(utf8('now'));
  expect(other.root()).toEqual(tree.root());
  expect(tree.root()).toEqual(rootOfNumbers(numbers(500).map((i) => [i, i === 3 ? utf8('now') : valueOf(i)])));
});

test('what the disk refuses in the middle of a change leaves nothing behind', () => {
  const database = openDatabase();
  const tree = filled(500, database);
  const before = tree.root();
  database.exec("CREATE TABLE refusing (x); CREATE TRIGGER refuses BEFORE INSERT ON state_page WHEN new.id = 0 AND EXISTS (SELECT 1 FROM refusing) BEGIN SELECT raise(ABORT, 'disk'); END");
  database.exec('INSERT INTO refusing VALUES (1); BEGIN');
  expect(() => tree.update([{ key: keyOf(3), value: utf8('never') }])).toThrow('disk');
  database.exec('ROLLBACK; DELETE FROM refusing');
  expect(tree.root()).toEqual(before);
  expect(tree.get(keyOf(3))).toEqual(valueOf(3));
  tree.update([{ key: keyOf(3), value: utf8('now') }]);
  expect(tree.root()).toEqual(rootOfNumbers(numbers(500).map((i) => [i, i === 3 ? utf8('now') : valueOf(i)])));
});

test('a changed byte anywhere in the file is never handed out', () => {
  const database = openDatabase();
  const root = filled(300, database).root();
  const rows = database.prepare('SELECT id, content FROM state_page ORDER BY id').all() as { id: number; content: Uint8Array }[];
  const put = database.prepare('UPDATE state_page SET content = ? WHERE id = ?');
  expect(rows.length).toBeGreaterThan(40);
  for (const { id, content } of rows) {
    for (let at = 0; at < content.length; at += 13 + (at % 61)) {
      const changed = content.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7));
      put.run(changed, id);
      expect(isNoticed(openTree(database), root), `page ${id}, byte ${at}`).toBe(true);
    }
    put.run(content, id);
  }
  expect(isNoticed(openTree(database), root)).toBe(false);
});

test('a changed byte of branches that lie in the page of the one above is never handed out', () => {
  const database = openDatabase();
  const root = filled(3000, database).root();
  const rows = rowsOf(database).filter(({ content }) => content[0] === carryingMark && content[2] !== 0);
  const put = database.prepare('UPDATE state_page SET content = ? WHERE id = ?');
  expect(rows.length).toBe(8);
  const [first, second] = rows;
  if (first === undefined || second === undefined) throw new Error('no pages');
  for (let at = 0; at < first.content.length; at += at < 260 ? 7 : 61) {
    const changed = first.content.slice();
    changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7));
    put.run(changed, first.id);
    expect(isNoticed(openTree(database), root, 3000), `byte ${at}`).toBe(true);
  }
  for (const content of [first.content.subarray(0, -1), second.content]) {
    put.run(content, first.id);
    expect(isNoticed(openTree(database), root, 3000)).toBe(true);
  }
  put.run(first.content, first.id);
  expect(isNoticed(openTree(database), root, 3000)).toBe(false);
});

/** By another root, which no signed block has, or by damage found below it. */
function isNoticed(tree: StateTree, root: Uint8Array, count = 300): boolean {
  try {
    if (!numbers(root.length).every((i) => tree.root()[i] === root[i])) return true;
    return [...tree.leaves()].length !== count;
  } catch (error) {
    if (error instanceof LedgerDamage) return true;
    throw error;
  }
}

test('a page that is missing, or another’s, is damage to whoever asks for what lies in it', () => {
  const database = openDatabase();
  filled(300, database);
  const ids = (database.prepare('SELECT id FROM state_page WHERE id <> 0').all() as { id: number }[]).map(({ id }) => id);
  for (const id of ids.slice(0, 5)) {
    const copy = openDatabase();
    filled(300, copy);
    copy.prepare('DELETE FROM state_page WHERE id = ?').run(id);
    const tree = openTree(copy);
    const found = numbers(300).map((i) => {
      try {
        return tree.get(keyOf(i)) !== undefined && tree.prove(keyOf(i)).length > 0;
      } catch (error) {
        return error instanceof LedgerDamage ? 'damage' : error;
      }
    });
    expect(new Set(found)).toEqual(new Set([true, 'damage']));
  }
});
