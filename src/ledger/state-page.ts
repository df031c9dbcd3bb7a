import { LedgerDamage } from './damage.ts';
import { compareBytes, concatBytes, equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { emptySubtree, innerNode, leafNode, pathBit } from './verify/state-proof.ts';

/**
 * How the tree of verify/state-proof.ts lies on the disk: in pages. A branch holds three levels of it, as the hashes of the eight subtrees at their
 * lower end; a bucket holds all leaves below one prefix, with their values, until they are too many. A page's own hash is computed from all of it.
 */
export const levelsOfBranch = 3;
export const slotsOfBranch = 1 << levelsOfBranch;
/** More than so many leaves make a branch of a bucket. */
export const mostInBucket = 16;

/** A subtree from outside. One leaf alone stands for its whole subtree, at whatever depth. */
export interface Subtree {
  hash: Uint8Array;
  isLeaf: boolean;
}

export const noSubtree: Subtree = { hash: emptySubtree, isLeaf: false };
export const isNone = ({ hash }: Subtree): boolean => equalBytes(hash, emptySubtree);

function join(left: Subtree, right: Subtree, crypto: Crypto): Subtree {
  const [noLeft, noRight] = [isNone(left), isNone(right)];
  if (noLeft && (noRight || right.isLeaf)) return right;
  if (noRight && left.isLeaf) return left;
  return { hash: innerNode(left.hash, right.hash, crypto), isLeaf: false };
}

const branchMark = 1;
const bucketMark = 0;
const branchBytes = 2 + slotsOfBranch * 32;

/** A page in memory. Nothing of what it says changes but by `Branch.set`, which leaves it whole. */
export type Page = Branch | Bucket;

/** Bytes of a page: 0x01, a bit for each slot (lowest first) that is one leaf alone, eight hashes; or 0x00 and the leaves. */
export function openPage(content: Uint8Array, depth: number, crypto: Crypto): Page {
  return content[0] === branchMark ? Branch.open(content, crypto) : Bucket.open(content, depth, crypto);
}

export class Branch {
  readonly #crypto: Crypto;
  /** Nodes in the order of a heap, 32 bytes each: 1 is the root, 8 to 15 are the slots. */
  readonly #hashes = new Uint8Array(2 * slotsOfBranch * 32);
  /** Bit i: node i is one leaf alone. */
  #leaves = 0;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  static open(content: Uint8Array, crypto: Crypto): Branch {
    if (content.length !== branchBytes) throw new LedgerDamage('a branch of the state is damaged');
    const branch = new Branch(crypto);
    branch.#leaves = (content[1] ?? 0) << slotsOfBranch;
    branch.#hashes.set(content.subarray(2), slotsOfBranch * 32);
    branch.#join((1 << slotsOfBranch) - 1);
    return branch;
  }

  get root(): Subtree {
    return this.node(1);
  }

  /** `index` as in a heap: the children of i are 2i and 2i + 1. */
  node(index: number): Subtree {
    return { hash: this.#hashes.subarray(index * 32, index * 32 + 32), isLeaf: ((this.#leaves >> index) & 1) === 1 };
  }

  slot(index: number): Subtree {
    return this.node(slotsOfBranch + index);
  }

  set(slots: readonly (readonly [index: number, Subtree])[]): void {
    let changed = 0;
    for (const [index, subtree] of slots) {
      this.#put(slotsOfBranch + index, subtree);
      changed |= 1 << index;
    }
    this.#join(changed);
  }

  encode(): Uint8Array {
    return concatBytes(Uint8Array.of(branchMark, this.#leaves >> slotsOfBranch), this.#hashes.subarray(slotsOfBranch * 32));
  }

  /** Every node above the slots of `changed`, a bit each. */
  #join(changed: number): void {
    let below = changed;
    for (let width = slotsOfBranch / 2; width >= 1; width /= 2) {
      let level = 0;
      for (let i = 0; i < width; i++) {
        if (((below >> (2 * i)) & 3) === 0) continue;
        level |= 1 << i;
        const index = width + i;
        this.#put(index, join(this.node(2 * index), this.node(2 * index + 1), this.#crypto));
      }
      below = level;
    }
  }

  #put(index: number, { hash, isLeaf }: Subtree): void {
    this.#hashes.set(hash, index * 32);
    this.#leaves = isLeaf ? this.#leaves | (1 << index) : this.#leaves & ~(1 << index);
  }
}

/** A path with its value; `hash` is that of the node. */
export interface BucketLeaf {
  path: Uint8Array;
  valueHash: Uint8Array;
  value: Uint8Array;
  hash: Uint8Array;
  /** Whether the value was held against its hash. */
  isValueChecked: boolean;
}

export function bucketLeaf(path: Uint8Array, value: Uint8Array, crypto: Crypto): BucketLeaf {
  const valueHash = crypto.sha256(value);
  return { path, valueHash, value, hash: leafNode(path, valueHash, crypto), isValueChecked: true };
}

const leafHeadBytes = 32 + 32 + 4;

export class Bucket {
  readonly #crypto: Crypto;
  /** In the order of their paths. */
  readonly leaves: readonly BucketLeaf[];
  readonly #depth: number;
  readonly root: Subtree;

  constructor(leaves: readonly BucketLeaf[], depth: number, crypto: Crypto) {
    this.#crypto = crypto;
    this.leaves = leaves;
    this.#depth = depth;
    this.root = this.#subtree(0, leaves.length, depth);
  }

  /** Each leaf is its path, the hash of its value, the value's length (u32 BE) and the value. */
  static open(content: Uint8Array, depth: number, crypto: Crypto): Bucket {
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    const leaves: BucketLeaf[] = [];
    let at = 1;
    while (at + leafHeadBytes <= content.length) {
      const path = content.subarray(at, at + 32);
      const valueHash = content.subarray(at + 32, at + 64);
      const end = at + leafHeadBytes + view.getUint32(at + 64);
      leaves.push({ path, valueHash, value: content.subarray(at + leafHeadBytes, end), hash: leafNode(path, valueHash, crypto), isValueChecked: false });
      at = end;
    }
    if (content[0] !== bucketMark || at !== content.length) throw new LedgerDamage('a bucket of the state is damaged');
    return new Bucket(leaves, depth, crypto);
  }

  encode(): Uint8Array {
    const content = new Uint8Array(this.leaves.reduce((length, { value }) => length + leafHeadBytes + value.length, 1));
    const view = new DataView(content.buffer);
    let at = 1;
    for (const { path, valueHash, value } of this.leaves) {
      content.set(path, at);
      content.set(valueHash, at + 32);
      view.setUint32(at + 64, value.length);
      content.set(value, at + leafHeadBytes);
      at += leafHeadBytes + value.length;
    }
    return content;
  }

  find(path: Uint8Array): BucketLeaf | undefined {
    return this.leaves.find((leaf) => equalBytes(leaf.path, path));
  }

  /** Siblings from this page's depth downwards on the way to `path`, and the leaf at its end. */
  walk(path: Uint8Array): { siblings: Uint8Array[]; leaf: BucketLeaf | undefined } {
    const siblings: Uint8Array[] = [];
    let [from, to] = [0, this.leaves.length];
    for (let depth = this.#depth; to - from > 1; depth++) {
      const middle = this.#middle(from, to, depth);
      const goesLeft = pathBit(path, depth) === 0;
      siblings.push((goesLeft ? this.#subtree(middle, to, depth + 1) : this.#subtree(from, middle, depth + 1)).hash);
      if (goesLeft) to = middle;
      else from = middle;
    }
    return { siblings, leaf: from < to ? this.leaves[from] : undefined };
  }

  /** Of the leaves `from` to `to`, which share `depth` bits. */
  #subtree(from: number, to: number, depth: number): Subtree {
    const [first] = this.leaves.slice(from, to);
    if (first === undefined) return noSubtree;
    if (to - from === 1) return { hash: first.hash, isLeaf: true };
    // Only of two equal paths; damage, then.
    if (depth > 255) throw new LedgerDamage('a bucket of the state holds a path twice');
    const middle = this.#middle(from, to, depth);
    return join(this.#subtree(from, middle, depth + 1), this.#subtree(middle, to, depth + 1), this.#crypto);
  }

  /** Where those begin that go right. */
  #middle(from: number, to: number, depth: number): number {
    let middle = from;
    for (let leaf = this.leaves[middle]; middle < to && leaf !== undefined && pathBit(leaf.path, depth) === 0; leaf = this.leaves[middle]) middle += 1;
    return middle;
  }
}

export interface LeafChange {
  path: Uint8Array;
  /** null: the leaf goes. */
  value: Uint8Array | null;
}

/** Both in the order of their paths. */
export function mergeLeaves(leaves: readonly BucketLeaf[], changes: readonly LeafChange[], crypto: Crypto): BucketLeaf[] {
  const merged: BucketLeaf[] = [];
  let next = 0;
  for (const { path, value } of changes) {
    for (let leaf = leaves[next]; leaf !== undefined && compareBytes(leaf.path, path) <= 0; leaf = leaves[next]) {
      if (!equalBytes(leaf.path, path)) merged.push(leaf);
      next += 1;
    }
    if (value !== null) merged.push(bucketLeaf(path, value, crypto));
  }
  return [...merged, ...leaves.slice(next)];
}
