import { LedgerDamage } from './damage.ts';
import { isSameHash, type Subtree } from './state-path.ts';
import type { Crypto } from './verify/crypto.ts';
import { putNodeHash } from './verify/node-hash.ts';
import { emptySubtree, pathBit } from './verify/state-proof.ts';

/** More than so many leaves make a branch of a bucket. */
export const mostInBucket = 16;

const bucketMark = 0;

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
