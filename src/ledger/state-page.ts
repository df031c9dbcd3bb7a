import { LedgerDamage } from './damage.ts';
import { concatBytes, equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { nodeHashAt } from './verify/node-hash.ts';
import { emptySubtree, innerNode, pathBit } from './verify/state-proof.ts';

/**
 * How the tree of verify/state-proof.ts lies on the disk: in pages. A branch holds three levels of it, as the hashes of the eight subtrees at their
 * lower end; a bucket holds all leaves below one prefix, with their values, until they are too many. A page's own hash is computed from all of it.
 */
export const levelsOfBranch = 3;
export const slotsOfBranch = 1 << levelsOfBranch;
/** More than so many leaves make a branch of a bucket. */
export const mostInBucket = 16;

/** A page's number holds no more of the path: a bucket as deep as this takes all there is. */
export const deepestPage = 48;

/** SHA-256 of a key, and the key's value. */
export interface StateLeaf {
  path: Uint8Array;
  value: Uint8Array;
}

/** A subtree from outside. One leaf alone stands for its whole subtree, at whatever depth. */
export interface Subtree {
  hash: Uint8Array;
  isLeaf: boolean;
}

export const noSubtree: Subtree = { hash: emptySubtree, isLeaf: false };
export const isNone = ({ hash }: Subtree): boolean => equalBytes(hash, emptySubtree);

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
  /** Branches below it that were held against it, by slot: what changes one of them in place changes this one too. */
  readonly #below: (Branch | undefined)[] = [];

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

  /** The caller's own copy: a branch changes. */
  get root(): Subtree {
    return this.node(1);
  }

  /** `index` as in a heap: the children of i are 2i and 2i + 1. */
  node(index: number): Subtree {
    return { hash: this.#hashes.slice(index * 32, index * 32 + 32), isLeaf: this.isLeaf(index) };
  }

  isNone(index: number): boolean {
    for (let at = index * 32; at < index * 32 + 32; at++) if (this.#hashes[at] !== 0) return false;
    return true;
  }

  isLeaf(index: number): boolean {
    return ((this.#leaves >> index) & 1) === 1;
  }

  slot(index: number): Subtree {
    return this.node(slotsOfBranch + index);
  }

  isNoSlot(index: number): boolean {
    return this.isNone(slotsOfBranch + index);
  }

  /** Whether `page` is what this branch says of what is below that slot. */
  isSlot(index: number, page: Page): boolean {
    const node = slotsOfBranch + index;
    if (page instanceof Branch) return this.isLeaf(node) === page.isLeaf(1) && isSameHash(this.#hashes, node * 32, page.#hashes, 32);
    const { hash, isLeaf } = page.root;
    return this.isLeaf(node) === isLeaf && isSameHash(this.#hashes, node * 32, hash, 0);
  }

  below(index: number): Branch | undefined {
    return this.#below[index];
  }

  /** `isSlot` said so. */
  link(index: number, branch: Branch): void {
    this.#below[index] = branch;
  }

  set(slots: readonly (readonly [index: number, Subtree])[]): void {
    let changed = 0;
    for (const [index, { hash, isLeaf }] of slots) {
      this.#hashes.set(hash, (slotsOfBranch + index) * 32);
      this.#mark(slotsOfBranch + index, isLeaf);
      if (this.isNoSlot(index)) this.#below[index] = undefined;
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
        this.#joinAt(width + i);
      }
      below = level;
    }
  }

  #joinAt(index: number): void {
    const [left, right] = [2 * index, 2 * index + 1];
    const [noLeft, noRight] = [this.isNone(left), this.isNone(right)];
    if (noLeft && (noRight || this.isLeaf(right))) this.#copy(right, index);
    else if (noRight && this.isLeaf(left)) this.#copy(left, index);
    else {
      this.#hashes.set(nodeHashAt(1, this.#hashes, left * 32, this.#crypto), index * 32);
      this.#mark(index, false);
    }
  }

  #copy(from: number, to: number): void {
    this.#hashes.copyWithin(to * 32, from * 32, from * 32 + 32);
    this.#mark(to, this.isLeaf(from));
  }

  #mark(index: number, isLeaf: boolean): void {
    this.#leaves = isLeaf ? this.#leaves | (1 << index) : this.#leaves & ~(1 << index);
  }
}

function isSameHash(one: Uint8Array, oneAt: number, other: Uint8Array, otherAt: number): boolean {
  for (let i = 0; i < 32; i++) if (one[oneAt + i] !== other[otherAt + i]) return false;
  return true;
}

export interface LeafChange {
  path: Uint8Array;
  /** null: the leaf goes. */
  value: Uint8Array | null;
}

const leafHeadBytes = 32 + 32 + 4;

/** All leaves below one prefix, in the bytes in which they lie on the disk. */
export class Bucket {
  readonly #crypto: Crypto;
  readonly #depth: number;
  /** Each leaf is its path, the hash of its value, the value's length (u32 BE) and the value; in the order of their paths. */
  readonly #content: Uint8Array;
  /** Where each leaf begins, and where the last one ends. */
  readonly #begins: readonly number[];
  /** Of each leaf's node. */
  readonly #hashes: readonly Uint8Array[];
  /** Whether each value was held against its hash. */
  readonly #isChecked: boolean[];
  #root: Subtree | null = null;

  private constructor(content: Uint8Array, begins: readonly number[], hashes: readonly Uint8Array[], isChecked: boolean[], depth: number, crypto: Crypto) {
    this.#content = content;
    this.#begins = begins;
    this.#hashes = hashes;
    this.#isChecked = isChecked;
    this.#depth = depth;
    this.#crypto = crypto;
  }

  static open(content: Uint8Array, depth: number, crypto: Crypto): Bucket {
    const begins: number[] = [1];
    const hashes: Uint8Array[] = [];
    let at = 1;
    while (at + leafHeadBytes <= content.length) {
      hashes.push(nodeHashAt(0, content, at, crypto));
      at += leafHeadBytes + lengthAt(content, at + 64);
      begins.push(at);
    }
    if (content[0] !== bucketMark || at !== content.length) throw new LedgerDamage('a bucket of the state is damaged');
    return new Bucket(content, begins, hashes, hashes.map(() => false), depth, crypto);
  }

  static empty(depth: number, crypto: Crypto): Bucket {
    return new Bucket(Uint8Array.of(bucketMark), [1], [], [], depth, crypto);
  }

  get count(): number {
    return this.#hashes.length;
  }

  get root(): Subtree {
    return (this.#root ??= this.#subtree(0, this.count, this.#depth));
  }

  /** Nobody changes them. */
  encode(): Uint8Array {
    return this.#content;
  }

  /** undefined: no leaf has this path. */
  find(path: Uint8Array): number | undefined {
    for (let leaf = 0; leaf < this.count; leaf++) if (isSameHash(path, 0, this.#content, this.#begins[leaf] ?? 0)) return leaf;
    return undefined;
  }

  path(leaf: number): Uint8Array {
    const at = this.#begins[leaf] ?? 0;
    return this.#content.slice(at, at + 32);
  }

  valueHash(leaf: number): Uint8Array {
    const at = this.#begins[leaf] ?? 0;
    return this.#content.slice(at + 32, at + 64);
  }

  /** A copy: a value outlives its page. Throws `LedgerDamage` where it has another hash than its leaf says. */
  value(leaf: number): Uint8Array {
    const at = this.#begins[leaf] ?? 0;
    const value = this.#content.slice(at + leafHeadBytes, this.#begins[leaf + 1]);
    if (this.#isChecked[leaf] !== true) {
      if (!isSameHash(this.#crypto.sha256(value), 0, this.#content, at + 32)) throw new LedgerDamage('a value of the state is damaged');
      this.#isChecked[leaf] = true;
    }
    return value;
  }

  /** Siblings from this page's depth downwards on the way to `path`, and the leaf at its end. */
  walk(path: Uint8Array): { siblings: Uint8Array[]; leaf: number | undefined } {
    const siblings: Uint8Array[] = [];
    let [from, to] = [0, this.count];
    for (let depth = this.#depth; to - from > 1; depth++) {
      const middle = this.#middle(from, to, depth);
      const goesLeft = pathBit(path, depth) === 0;
      siblings.push((goesLeft ? this.#subtree(middle, to, depth + 1) : this.#subtree(from, middle, depth + 1)).hash);
      if (goesLeft) to = middle;
      else from = middle;
    }
    return { siblings, leaf: from < to ? from : undefined };
  }

  /** With these changes, which stand in the order of their paths. It may be larger than a bucket is kept. */
  with(changes: readonly LeafChange[]): Bucket {
    const made = new BucketMaker(this.#crypto, this.#content.length + changes.reduce((sum, { value }) => sum + leafHeadBytes + (value?.length ?? 0), 0));
    let next = 0;
    for (const { path, value } of changes) {
      const from = next;
      while (next < this.count && this.#compare(next, path) < 0) next += 1;
      this.#copyTo(made, from, next);
      if (next < this.count && this.#compare(next, path) === 0) next += 1;
      if (value !== null) made.add(path, value);
    }
    this.#copyTo(made, next, this.count);
    return made.bucket((...parts) => new Bucket(...parts, this.#depth, this.#crypto));
  }

  /** The leaves from `from` to `to` alone, as a bucket of that depth. */
  part(from: number, to: number, depth: number): Bucket {
    const made = new BucketMaker(this.#crypto, 1 + (this.#begins[to] ?? 0) - (this.#begins[from] ?? 0));
    this.#copyTo(made, from, to);
    return made.bucket((...parts) => new Bucket(...parts, depth, this.#crypto));
  }

  #copyTo(made: BucketMaker, from: number, to: number): void {
    if (from < to) made.copy(this.#content, this.#begins, this.#hashes, this.#isChecked, from, to);
  }

  #compare(leaf: number, path: Uint8Array): number {
    const at = this.#begins[leaf] ?? 0;
    for (let i = 0; i < 32; i++) {
      const difference = (this.#content[at + i] ?? 0) - (path[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Of the leaves `from` to `to`, which share `depth` bits. */
  #subtree(from: number, to: number, depth: number): Subtree {
    if (to === from) return noSubtree;
    if (to - from === 1) return { hash: this.#hashes[from] ?? emptySubtree, isLeaf: true };
    return { hash: this.#inner(from, to, depth), isLeaf: false };
  }

  /** Of two leaves at least. */
  #inner(from: number, to: number, depth: number): Uint8Array {
    // Only of two equal paths; damage, then.
    if (depth > 255) throw new LedgerDamage('a bucket of the state holds a path twice');
    const middle = this.#middle(from, to, depth);
    return innerNode(this.#side(from, middle, depth + 1), this.#side(middle, to, depth + 1), this.#crypto);
  }

  #side(from: number, to: number, depth: number): Uint8Array {
    if (to === from) return emptySubtree;
    return to - from === 1 ? (this.#hashes[from] ?? emptySubtree) : this.#inner(from, to, depth);
  }

  /** Where those begin that go right. */
  #middle(from: number, to: number, depth: number): number {
    const [byte, mask] = [depth >> 3, 0x80 >> (depth & 7)];
    let middle = from;
    while (middle < to && ((this.#content[(this.#begins[middle] ?? 0) + byte] ?? 0) & mask) === 0) middle += 1;
    return middle;
  }
}

/** Puts a bucket together, leaf after leaf. */
class BucketMaker {
  readonly #crypto: Crypto;
  readonly #content: Uint8Array;
  readonly #begins: number[] = [1];
  readonly #hashes: Uint8Array[] = [];
  readonly #isChecked: boolean[] = [];
  #at = 1;

  constructor(crypto: Crypto, mostBytes: number) {
    this.#crypto = crypto;
    this.#content = new Uint8Array(mostBytes);
    this.#content[0] = bucketMark;
  }

  add(path: Uint8Array, value: Uint8Array): void {
    const at = this.#at;
    this.#content.set(path, at);
    this.#content.set(this.#crypto.sha256(value), at + 32);
    putLength(this.#content, at + 64, value.length);
    this.#content.set(value, at + leafHeadBytes);
    this.#hashes.push(nodeHashAt(0, this.#content, at, this.#crypto));
    this.#isChecked.push(true);
    this.#at = at + leafHeadBytes + value.length;
    this.#begins.push(this.#at);
  }

  /** Leaves `from` to `to` of another. */
  copy(content: Uint8Array, begins: readonly number[], hashes: readonly Uint8Array[], isChecked: readonly boolean[], from: number, to: number): void {
    const [first, end] = [begins[from] ?? 0, begins[to] ?? 0];
    this.#content.set(content.subarray(first, end), this.#at);
    for (let leaf = from; leaf < to; leaf++) {
      this.#begins.push((begins[leaf + 1] ?? 0) - first + this.#at);
      this.#hashes.push(hashes[leaf] ?? emptySubtree);
      this.#isChecked.push(isChecked[leaf] === true);
    }
    this.#at += end - first;
  }

  bucket(make: (content: Uint8Array, begins: readonly number[], hashes: readonly Uint8Array[], isChecked: boolean[]) => Bucket): Bucket {
    return make(this.#at === this.#content.length ? this.#content : this.#content.slice(0, this.#at), this.#begins, this.#hashes, this.#isChecked);
  }
}

/** u32, big-endian. */
const lengthAt = (bytes: Uint8Array, at: number): number => (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;

function putLength(bytes: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = (length >>> (24 - 8 * i)) & 0xff;
}

/** Which of a branch's eight slots, at `depth`, a path goes through. */
export const slotOf = (path: Uint8Array, depth: number): number => {
  const [first, second] = [path[depth >> 3] ?? 0, path[(depth >> 3) + 1] ?? 0];
  return (((first << 8) | second) >> (16 - levelsOfBranch - (depth & 7))) & (slotsOfBranch - 1);
};

export const codesOfDepth = 32;

/** The path's first `depth` bits, filled up with zeros to 48, then five bits of depth / 3: pages lie in the order of their paths, each before those below it. */
export function pageId(path: Uint8Array, depth: number): number {
  let prefix = 0;
  for (let i = 0; i < deepestPage / 8; i++) prefix = prefix * 256 + (path[i] ?? 0);
  return (prefix - (prefix % 2 ** (deepestPage - depth))) * codesOfDepth + depth / levelsOfBranch;
}
