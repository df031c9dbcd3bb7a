import { LedgerDamage } from './damage.ts';
import { compareBytes, equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { putNodeHash } from './verify/node-hash.ts';
import { emptySubtree, pathBit } from './verify/state-proof.ts';

/**
 * How the tree of verify/state-proof.ts lies on the disk: in pages. A branch holds three levels of it, as the hashes of the eight subtrees at their
 * lower end; a bucket holds all leaves below one prefix, with their values, until they are too many. A page's own hash is computed from all of it.
 * Every second branch on a path lies in the page of the one above it (`isCarried`): what is read and written at random is half as much of them.
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

/** A path's first `deepestPage` bits as a number, wherever it begins: nearly all paths differ in so much of them. */
export function beginOfPath(bytes: Uint8Array, at = 0): number {
  let begin = 0;
  for (let i = at; i < at + deepestPage / 8; i++) begin = begin * 256 + (bytes[i] ?? 0);
  return begin;
}

interface BegunPath {
  begin: number;
  path: Uint8Array;
}

export const comparePaths = (one: BegunPath, other: BegunPath): number => one.begin - other.begin || compareBytes(one.path, other.path);

/** A subtree from outside. One leaf alone stands for its whole subtree, at whatever depth. */
export interface Subtree {
  hash: Uint8Array;
  isLeaf: boolean;
}

export const noSubtree: Subtree = { hash: emptySubtree, isLeaf: false };
export const isNone = ({ hash }: Subtree): boolean => equalBytes(hash, emptySubtree);

/** Whether a branch at this depth lies in the page of the one above it. The top is alone, since it is read again and again. */
export const isCarried = (depth: number): boolean => depth > 0 && depth % (2 * levelsOfBranch) === 0;
const isCarrying = (depth: number): boolean => isCarried(depth + levelsOfBranch);

const bucketMark = 0;
const branchMark = 1;
const carryingMark = 2;
const branchHeadBytes = 2;
const carryingHeadBytes = 3;
const slotsBytes = slotsOfBranch * 32;
const carriedBytes = 1 + slotsBytes;
const nothing = new Uint8Array(0);

function countOfBits(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** A page in memory. Nothing of what it says changes but by `Branch.set`, which leaves it whole. */
export type Page = Branch | Bucket;

/**
 * Bytes of a page, of which there are three kinds:
 * - 0x00 and the leaves: a bucket;
 * - 0x01, a bit for each slot (lowest first) that is one leaf alone, eight hashes: a branch. Where it might carry others it is of format 1, and they lie in pages of their own;
 * - 0x02, a bit for each slot that is one leaf alone, a bit for each whose branch is carried, eight hashes, and of each carried branch its bits of lone leaves and its eight hashes.
 */
export function openPage(content: Uint8Array, depth: number, crypto: Crypto): Page {
  return content[0] === branchMark || content[0] === carryingMark ? Branch.open(content, depth, crypto) : Bucket.open(content, depth, crypto);
}

export class Branch {
  /** Of the tree, when it held this page against the one above it last. */
  stamp = 0;
  readonly #crypto: Crypto;
  readonly #depth: number;
  /** Nodes in the order of a heap, 32 bytes each: 1 is the root, 8 to 15 are the slots. */
  readonly #hashes = new Uint8Array(2 * slotsOfBranch * 32);
  /** Bit i: node i is one leaf alone. */
  #leaves = 0;
  /** Branches below it that were held against it, by slot: what changes one of them in place changes this one too. */
  readonly #below: (Branch | undefined)[] = [];
  /** As it was read or written last, with what it carries; empty where it carries nothing. */
  #content: Uint8Array = nothing;
  #isOfFormat1 = false;

  constructor(depth: number, crypto: Crypto) {
    this.#depth = depth;
    this.#crypto = crypto;
  }

  static open(content: Uint8Array, depth: number, crypto: Crypto): Branch {
    const branch = new Branch(depth, crypto);
    const carries = content[0] === carryingMark;
    const length = carries ? carryingHeadBytes + slotsBytes + countOfBits(content[2] ?? 0) * carriedBytes : branchHeadBytes + slotsBytes;
    if (content.length !== length || (carries && !isCarrying(depth))) throw new LedgerDamage('a branch of the state is damaged');
    branch.#isOfFormat1 = !carries && isCarrying(depth);
    if (carries) branch.#content = content;
    branch.#fill(content[1] ?? 0, content, carries ? carryingHeadBytes : branchHeadBytes);
    return branch;
  }

  #fill(leaves: number, content: Uint8Array, at: number): void {
    this.#leaves = leaves << slotsOfBranch;
    this.#hashes.set(content.subarray(at, at + slotsBytes), slotsBytes);
    this.#join((1 << slotsOfBranch) - 1);
  }

  /** What it takes of memory, about. */
  get bytes(): number {
    return this.#hashes.length + 500 + 2 * this.#content.length;
  }

  /** Whether branches that it should carry may lie in pages of their own: until `carry` was called for all slots. */
  get isOfFormat1(): boolean {
    return this.#isOfFormat1;
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
    return page instanceof Branch
      ? this.isLeaf(node) === page.isLeaf(1) && isSameHash(this.#hashes, node * 32, page.#hashes, 32)
      : page.isRoot(this.#hashes, node * 32, this.isLeaf(node));
  }

  below(index: number): Branch | undefined {
    return this.#below[index];
  }

  /** `isSlot` said so. */
  link(index: number, branch: Branch): void {
    this.#below[index] = branch;
  }

  /** Out of this one's own page, held against its slot; undefined: none is carried there. Throws `LedgerDamage`. */
  carried(index: number): Branch | undefined {
    const at = this.#carriedAt(index);
    if (at === undefined) return undefined;
    const branch = new Branch(this.#depth + levelsOfBranch, this.#crypto);
    branch.#fill(this.#content[at] ?? 0, this.#content, at + 1);
    if (!this.isSlot(index, branch)) throw new LedgerDamage('a carried branch of the state is damaged');
    return branch;
  }

  /** Everything that it should carry was linked to it. */
  carryAll(): void {
    this.#isOfFormat1 = false;
  }

  #carriedAt(index: number): number | undefined {
    const carried = this.#content[2] ?? 0;
    if (((carried >> index) & 1) === 0) return undefined;
    return carryingHeadBytes + slotsBytes + countOfBits(carried & ((1 << index) - 1)) * carriedBytes;
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

  /** What is below the slot is this page from now on; the nodes above follow with `join`. */
  put(index: number, page: Page): void {
    const node = slotsOfBranch + index;
    if (page instanceof Branch) {
      this.#hashes.set(page.#hashes.subarray(32, 64), node * 32);
      this.#mark(node, page.isLeaf(1));
      if (isCarried(page.#depth)) this.#below[index] = page;
    } else {
      page.copyRoot(this.#hashes, node * 32);
      this.#mark(node, page.count === 1);
    }
    if (this.isNone(node)) this.#below[index] = undefined;
  }

  /** After `put`: every node above the slots of `changed`, a bit each. */
  join(changed: number): void {
    this.#join(changed);
  }

  /** Its page, until it is changed. */
  encode(): Uint8Array {
    if (!isCarrying(this.#depth)) {
      const content = new Uint8Array(branchHeadBytes + slotsBytes);
      content[0] = branchMark;
      this.#put(content, 1, branchHeadBytes);
      return content;
    }
    if (this.#isOfFormat1) throw new Error('a branch that does not carry what it should');
    const before = this.#content[2] ?? 0;
    let carried = 0;
    for (let slot = 0; slot < slotsOfBranch; slot++) if (!this.isNoSlot(slot) && (this.#below[slot] !== undefined || ((before >> slot) & 1) === 1)) carried |= 1 << slot;
    const isAsLong = this.#content.length > 0 && carried === before;
    const content = isAsLong ? this.#content : new Uint8Array(carryingHeadBytes + slotsBytes + countOfBits(carried) * carriedBytes);
    content[0] = carryingMark;
    content[2] = carried;
    this.#put(content, 1, carryingHeadBytes);
    let at = carryingHeadBytes + slotsBytes;
    for (let slot = 0; slot < slotsOfBranch; slot++) {
      if (((carried >> slot) & 1) === 0) continue;
      const below = this.#below[slot];
      const from = this.#carriedAt(slot);
      if (below !== undefined) below.#put(content, at, at + 1);
      else if (!isAsLong && from !== undefined) content.set(this.#content.subarray(from, from + carriedBytes), at);
      at += carriedBytes;
    }
    this.#content = content;
    return content;
  }

  /** As long as its page can become. */
  room(): Uint8Array {
    return new Uint8Array(isCarrying(this.#depth) ? carryingHeadBytes + slotsBytes + slotsOfBranch * carriedBytes : branchHeadBytes + slotsBytes);
  }

  #put(content: Uint8Array, leavesAt: number, slotsAt: number): void {
    content[leavesAt] = this.#leaves >> slotsOfBranch;
    content.set(this.#hashes.subarray(slotsBytes), slotsAt);
  }

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
      putNodeHash(1, this.#hashes, left * 32, this.#hashes, index * 32, this.#crypto);
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
  /** `beginOfPath` of it. */
  begin: number;
  /** null: the leaf goes. */
  value: Uint8Array | null;
}

const noChange: Omit<LeafChange, 'begin'> = { path: emptySubtree, value: null };

const leafHeadBytes = 32 + 32 + 4;

/** For the two hashes below a node, one pair at each depth. */
const pairs = new Uint8Array(64 * 256);

/** All leaves below one prefix, in the bytes in which they lie on the disk. */
export class Bucket {
  /** Of the tree, when it held this page against the one above it last. */
  stamp = 0;
  readonly #crypto: Crypto;
  readonly #depth: number;
  /** Each leaf is its path, the hash of its value, the value's length (u32 BE) and the value; in the order of their paths. */
  readonly #content: Uint8Array;
  /** Where each leaf begins, and where the last one ends. */
  readonly #begins: readonly number[];
  /** Of each leaf's node, 32 bytes each, and of the root behind them: thousands of buckets are at hand, and two pieces of memory each are what the collector bears. */
  readonly #hashes: Uint8Array;
  /** A bit for each leaf, those beyond 31 left out: whether its value was held against its hash. */
  #checked: number;
  #hasRoot = false;

  private constructor({ content, begins, hashes, checked }: BucketParts, depth: number, crypto: Crypto) {
    this.#content = content;
    this.#begins = begins;
    this.#hashes = hashes;
    this.#checked = checked;
    this.#depth = depth;
    this.#crypto = crypto;
  }

  static open(content: Uint8Array, depth: number, crypto: Crypto): Bucket {
    const begins: number[] = [1];
    let at = 1;
    while (at + leafHeadBytes <= content.length) {
      at += leafHeadBytes + lengthAt(content, at + 64);
      begins.push(at);
    }
    if (content[0] !== bucketMark || at !== content.length) throw new LedgerDamage('a bucket of the state is damaged');
    const hashes = new Uint8Array(32 * begins.length);
    for (let leaf = 0; leaf < begins.length - 1; leaf++) putNodeHash(0, content, begins[leaf] ?? 0, hashes, 32 * leaf, crypto);
    return new Bucket({ content, begins, hashes, checked: 0 }, depth, crypto);
  }

  static empty(depth: number, crypto: Crypto): Bucket {
    return new Bucket({ content: Uint8Array.of(bucketMark), begins: [1], hashes: new Uint8Array(32), checked: 0 }, depth, crypto);
  }

  get count(): number {
    return this.#begins.length - 1;
  }

  /** What it takes of memory, about. */
  get bytes(): number {
    return this.#content.length + this.#hashes.length + 600;
  }

  get root(): Subtree {
    const at = this.#rootAt();
    return { hash: this.#hashes.slice(at, at + 32), isLeaf: this.count === 1 };
  }

  copyRoot(target: Uint8Array, to: number): void {
    const at = this.#rootAt();
    for (let i = 0; i < 32; i++) target[to + i] = this.#hashes[at + i] ?? 0;
  }

  /** Whether this is its root. */
  isRoot(hashes: Uint8Array, at: number, isLeaf: boolean): boolean {
    return isLeaf === (this.count === 1) && isSameHash(hashes, at, this.#hashes, this.#rootAt());
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
    if (!isMarked(this.#checked, leaf)) {
      if (!isSameHash(this.#crypto.sha256(value), 0, this.#content, at + 32)) throw new LedgerDamage('a value of the state is damaged');
      this.#checked |= mark(leaf);
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
      siblings.push(goesLeft ? this.#subtree(middle, to, depth + 1) : this.#subtree(from, middle, depth + 1));
      if (goesLeft) to = middle;
      else from = middle;
    }
    return { siblings, leaf: from < to ? from : undefined };
  }

  /** With those of these changes from `first` to `end`, which stand in the order of their paths. It may be larger than a bucket is kept. */
  with(changes: readonly Omit<LeafChange, 'begin'>[], first = 0, end = changes.length): Bucket {
    let [count, bytes, next] = [this.count, this.#content.length, 0];
    for (let i = first; i < end; i++) {
      const { path, value } = changes[i] ?? noChange;
      next = this.#placeOf(path, next);
      if (this.#isAt(next, path)) {
        count -= 1;
        bytes -= (this.#begins[next + 1] ?? 0) - (this.#begins[next] ?? 0);
      }
      if (value !== null) {
        count += 1;
        bytes += leafHeadBytes + value.length;
      }
    }
    const made = new BucketMaker(this.#crypto, count, bytes);
    next = 0;
    for (let i = first; i < end; i++) {
      const { path, value } = changes[i] ?? noChange;
      const from = next;
      next = this.#placeOf(path, from);
      made.copy(this.#parts(), from, next);
      if (this.#isAt(next, path)) next += 1;
      if (value !== null) made.add(path, value);
    }
    made.copy(this.#parts(), next, this.count);
    return new Bucket(made.parts(), this.#depth, this.#crypto);
  }

  /** The leaves from `from` to `to` alone, as a bucket of that depth. */
  part(from: number, to: number, depth: number): Bucket {
    const made = new BucketMaker(this.#crypto, to - from, 1 + (this.#begins[to] ?? 0) - (this.#begins[from] ?? 0));
    made.copy(this.#parts(), from, to);
    return new Bucket(made.parts(), depth, this.#crypto);
  }

  #parts(): BucketParts {
    return { content: this.#content, begins: this.#begins, hashes: this.#hashes, checked: this.#checked };
  }

  /** The first leaf from `from` on that does not come before this path. */
  #placeOf(path: Uint8Array, from: number): number {
    let leaf = from;
    while (leaf < this.count && this.#compare(leaf, path) < 0) leaf += 1;
    return leaf;
  }

  #isAt(leaf: number, path: Uint8Array): boolean {
    return leaf < this.count && this.#compare(leaf, path) === 0;
  }

  #compare(leaf: number, path: Uint8Array): number {
    const at = this.#begins[leaf] ?? 0;
    for (let i = 0; i < 32; i++) {
      const difference = (this.#content[at + i] ?? 0) - (path[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #rootAt(): number {
    const at = 32 * this.count;
    if (!this.#hasRoot) {
      this.#putSubtree(0, this.count, this.#depth, this.#hashes, at);
      this.#hasRoot = true;
    }
    return at;
  }

  /** Puts the hash of the leaves `from` to `to`, which share `depth` bits, where it is wanted. */
  #putSubtree(from: number, to: number, depth: number, target: Uint8Array, at: number): void {
    if (to === from) target.set(emptySubtree, at);
    else if (to - from === 1) for (let i = 0; i < 32; i++) target[at + i] = this.#hashes[32 * from + i] ?? 0;
    else {
      // Only of two equal paths; damage, then.
      if (depth > 255) throw new LedgerDamage('a bucket of the state holds a path twice');
      const middle = this.#middle(from, to, depth);
      this.#putSubtree(from, middle, depth + 1, pairs, 64 * depth);
      this.#putSubtree(middle, to, depth + 1, pairs, 64 * depth + 32);
      putNodeHash(1, pairs, 64 * depth, target, at, this.#crypto);
    }
  }

  #subtree(from: number, to: number, depth: number): Uint8Array {
    const hash = new Uint8Array(32);
    this.#putSubtree(from, to, depth, hash, 0);
    return hash;
  }

  /** Where those begin that go right. */
  #middle(from: number, to: number, depth: number): number {
    const [byte, bit] = [depth >> 3, 0x80 >> (depth & 7)];
    let middle = from;
    while (middle < to && ((this.#content[(this.#begins[middle] ?? 0) + byte] ?? 0) & bit) === 0) middle += 1;
    return middle;
  }
}

/** What a bucket is made of (`Bucket`). */
interface BucketParts {
  content: Uint8Array;
  begins: readonly number[];
  hashes: Uint8Array;
  checked: number;
}

/** Puts a bucket together, leaf after leaf. */
class BucketMaker {
  readonly #crypto: Crypto;
  readonly #content: Uint8Array;
  readonly #begins: number[] = [1];
  readonly #hashes: Uint8Array;
  #checked = 0;

  /** `bytes`: of the whole content. */
  constructor(crypto: Crypto, count: number, bytes: number) {
    this.#crypto = crypto;
    // One piece of memory for both.
    const whole = new Uint8Array(bytes + 32 * (count + 1));
    this.#content = whole.subarray(0, bytes);
    this.#hashes = whole.subarray(bytes);
    this.#content[0] = bucketMark;
  }

  add(path: Uint8Array, value: Uint8Array): void {
    const leaf = this.#begins.length - 1;
    const at = this.#begins[leaf] ?? 0;
    this.#content.set(path, at);
    this.#content.set(this.#crypto.sha256(value), at + 32);
    putLength(this.#content, at + 64, value.length);
    this.#content.set(value, at + leafHeadBytes);
    putNodeHash(0, this.#content, at, this.#hashes, 32 * leaf, this.#crypto);
    this.#checked |= mark(leaf);
    this.#begins.push(at + leafHeadBytes + value.length);
  }

  /** Leaves `from` to `to` of another. */
  copy({ content, begins, hashes, checked }: BucketParts, from: number, to: number): void {
    if (from === to) return;
    const first = this.#begins.length - 1;
    const moved = (this.#begins[first] ?? 0) - (begins[from] ?? 0);
    this.#content.set(content.subarray(begins[from], begins[to]), this.#begins[first]);
    this.#hashes.set(hashes.subarray(32 * from, 32 * to), 32 * first);
    for (let leaf = from; leaf < to; leaf++) {
      if (isMarked(checked, leaf)) this.#checked |= mark(first + leaf - from);
      this.#begins.push((begins[leaf + 1] ?? 0) + moved);
    }
  }

  parts(): BucketParts {
    if (this.#begins.at(-1) !== this.#content.length || 32 * this.#begins.length !== this.#hashes.length) throw new Error('a bucket that was not filled');
    return { content: this.#content, begins: this.#begins, hashes: this.#hashes, checked: this.#checked };
  }
}

/** Bit of a leaf; the few buckets with more leaves than that check the rest at each use. */
const mark = (leaf: number): number => (leaf < 31 ? 1 << leaf : 0);
const isMarked = (marks: number, leaf: number): boolean => (marks & mark(leaf)) !== 0;

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
export const pageId = (path: Uint8Array, depth: number): number => pageIdOf(beginOfPath(path), depth);

/** The same of a path's `beginOfPath`. */
export function pageIdOf(begin: number, depth: number): number {
  return (begin - (begin % (widths[depth] ?? 1))) * codesOfDepth + depth / levelsOfBranch;
}

/** By a page's depth, how many of the paths' beginnings are below it. */
const widths: readonly number[] = Array.from({ length: deepestPage + 1 }, (_, depth) => 2 ** (deepestPage - depth));
