import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { StateChange, StateView } from './state.ts';
import { concatBytes, equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { emptySubtree, encodeStateProof, innerNode, leafNode, pathBit } from './verify/state-proof.ts';

interface Leaf {
  path: Uint8Array;
  valueHash: Uint8Array;
}
interface Inner {
  left: Uint8Array;
  right: Uint8Array;
}
/** null: an empty subtree. */
type Node = Leaf | Inner | null;

interface LeafChange {
  path: Uint8Array;
  /** null: the leaf goes. */
  valueHash: Uint8Array | null;
}

/**
 * The authenticated map of verify/state-proof.ts, kept in SQLite beside the values. Only the newest version is kept.
 * The caller holds the transaction; every SQLite failure is thrown and ends in its rollback.
 */
export class StateTree implements StateView {
  readonly #crypto: Crypto;
  readonly #getValue: StatementSync;
  readonly #putValue: StatementSync;
  readonly #dropValue: StatementSync;
  readonly #getNode: StatementSync;
  readonly #putNode: StatementSync;
  readonly #dropNode: StatementSync;

  constructor(database: DatabaseSync, crypto: Crypto) {
    this.#crypto = crypto;
    database.exec(`
      CREATE TABLE IF NOT EXISTS state_value (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS state_node (id BLOB PRIMARY KEY, leaf INTEGER NOT NULL, a BLOB NOT NULL, b BLOB NOT NULL) WITHOUT ROWID;
    `);
    this.#getValue = database.prepare('SELECT value FROM state_value WHERE key = ?');
    this.#putValue = database.prepare('INSERT INTO state_value (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
    this.#dropValue = database.prepare('DELETE FROM state_value WHERE key = ?');
    this.#getNode = database.prepare('SELECT leaf, a, b FROM state_node WHERE id = ?');
    this.#putNode = database.prepare(
      'INSERT INTO state_node (id, leaf, a, b) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf, a = excluded.a, b = excluded.b',
    );
    this.#dropNode = database.prepare('DELETE FROM state_node WHERE id = ?');
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const row = this.#getValue.get(key) as { value: Uint8Array } | undefined;
    return row?.value;
  }

  root(): Uint8Array {
    return this.#hash(this.#load(0, emptySubtree));
  }

  update(changes: readonly StateChange[]): void {
    const leaves: LeafChange[] = [];
    for (const { key, value } of changes) {
      if (value === null) this.#dropValue.run(key);
      else this.#putValue.run(key, value);
      leaves.push({ path: this.#crypto.sha256(key), valueHash: value === null ? null : this.#crypto.sha256(value) });
    }
    if (leaves.length === 0) return;
    this.#store(0, emptySubtree, this.#change(0, this.#load(0, emptySubtree), leaves));
  }

  /** Of the value that the key has, or of its absence. */
  prove(key: Uint8Array): Uint8Array {
    const path = this.#crypto.sha256(key);
    const siblings: (Uint8Array | null)[] = [];
    let node = this.#load(0, path);
    while (node !== null && 'left' in node) {
      const [next, sibling] = pathBit(path, siblings.length) === 0 ? [node.left, node.right] : [node.right, node.left];
      siblings.push(equalBytes(sibling, emptySubtree) ? null : sibling);
      node = equalBytes(next, emptySubtree) ? null : this.#load(siblings.length, path);
    }
    const other: [Uint8Array, Uint8Array] | null = node === null || equalBytes(node.path, path) ? null : [node.path, node.valueHash];
    return encodeStateProof({ siblings, other });
  }

  #change(depth: number, node: Node, changes: readonly LeafChange[]): Node {
    if (node === null || 'path' in node) {
      const kept = node !== null && !changes.some(({ path }) => equalBytes(path, node.path)) ? [node] : [];
      return this.#build(depth, [...kept, ...changes.filter((change): change is Leaf => change.valueHash !== null)]);
    }
    const [leftChanges, rightChanges] = split(depth, changes);
    const left = this.#changeChild(depth, node.left, leftChanges);
    const right = this.#changeChild(depth, node.right, rightChanges);
    const [some] = changes;
    if (some === undefined) throw new Error('a change of nothing');
    if (isEmpty(left) && isEmpty(right)) return null;
    if (isEmpty(left) || isEmpty(right)) {
      // One child is left: if that is a leaf, this subtree is that leaf.
      const path = withBit(some.path, depth, isEmpty(left) ? 1 : 0);
      const only = this.#load(depth + 1, path);
      if (only !== null && 'path' in only) {
        this.#store(depth + 1, path, null);
        return only;
      }
    }
    return { left, right };
  }

  /** The child's new hash. */
  #changeChild(depth: number, hash: Uint8Array, changes: readonly LeafChange[]): Uint8Array {
    const [first] = changes;
    if (first === undefined) return hash;
    const before = isEmpty(hash) ? null : this.#load(depth + 1, first.path);
    const after = this.#change(depth + 1, before, changes);
    this.#store(depth + 1, first.path, after);
    return this.#hash(after);
  }

  #build(depth: number, leaves: readonly Leaf[]): Node {
    const [first] = leaves;
    if (first === undefined) return null;
    if (leaves.length === 1) return first;
    const [left, right] = split(depth, leaves).map((side) => {
      const [one] = side;
      const child = this.#build(depth + 1, side);
      if (one !== undefined) this.#store(depth + 1, one.path, child);
      return this.#hash(child);
    });
    return { left: left ?? emptySubtree, right: right ?? emptySubtree };
  }

  #hash(node: Node): Uint8Array {
    if (node === null) return emptySubtree;
    return 'path' in node ? leafNode(node.path, node.valueHash, this.#crypto) : innerNode(node.left, node.right, this.#crypto);
  }

  #load(depth: number, path: Uint8Array): Node {
    const row = this.#getNode.get(nodeId(depth, path)) as { leaf: number; a: Uint8Array; b: Uint8Array } | undefined;
    if (row === undefined) return null;
    return row.leaf === 1 ? { path: row.a, valueHash: row.b } : { left: row.a, right: row.b };
  }

  #store(depth: number, path: Uint8Array, node: Node): void {
    const id = nodeId(depth, path);
    if (node === null) this.#dropNode.run(id);
    else if ('path' in node) this.#putNode.run(id, 1, node.path, node.valueHash);
    else this.#putNode.run(id, 0, node.left, node.right);
  }
}

const isEmpty = (hash: Uint8Array): boolean => equalBytes(hash, emptySubtree);

function split<T extends { path: Uint8Array }>(depth: number, items: readonly T[]): [T[], T[]] {
  return [items.filter(({ path }) => pathBit(path, depth) === 0), items.filter(({ path }) => pathBit(path, depth) === 1)];
}

function withBit(path: Uint8Array, depth: number, bit: 0 | 1): Uint8Array {
  const copy = path.slice();
  const mask = 0x80 >> (depth & 7);
  copy[depth >> 3] = bit === 1 ? (copy[depth >> 3] ?? 0) | mask : (copy[depth >> 3] ?? 0) & ~mask;
  return copy;
}

/** u16 depth, then the path's first `depth` bits, zero-filled. */
function nodeId(depth: number, path: Uint8Array): Uint8Array {
  const prefix = path.slice(0, Math.ceil(depth / 8));
  if (depth % 8 !== 0) prefix[prefix.length - 1] = (prefix[prefix.length - 1] ?? 0) & (0xff << (8 - (depth % 8)));
  return concatBytes(Uint8Array.of(depth >> 8, depth & 0xff), prefix);
}
