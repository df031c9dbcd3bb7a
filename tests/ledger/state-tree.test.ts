import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LedgerDamage } from '../../src/ledger/damage.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { StateLeaf } from '../../src/ledger/state-page.ts';
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
  database.exec("CREATE TABLE refusing (x); CREATE TRIGGER refuses BEFORE UPDATE ON state_page WHEN new.id = 0 AND EXISTS (SELECT 1 FROM refusing) BEGIN SELECT raise(ABORT, 'disk'); END");
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

/** By another root, which no signed block has, or by damage found below it. */
function isNoticed(tree: StateTree, root: Uint8Array): boolean {
  try {
    if (!numbers(root.length).every((i) => tree.root()[i] === root[i])) return true;
    return [...tree.leaves()].length !== 300;
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
