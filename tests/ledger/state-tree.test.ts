import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { StateTree } from '../../src/ledger/state-tree.ts';
import type { StateChange } from '../../src/ledger/state.ts';
import { utf8 } from '../../src/ledger/verify/bytes.ts';
import { emptySubtree, innerNode, leafNode, pathBit, verifyState } from '../../src/ledger/verify/state-proof.ts';

const openTree = (): StateTree => new StateTree(new DatabaseSync(':memory:'), nodeCrypto);

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
