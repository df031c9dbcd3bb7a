import { LedgerDamage } from './damage.ts';
import type { Page } from './state-page.ts';
import { isSameHash, levelsOfBranch, slotsOfBranch, type Subtree } from './state-path.ts';
import type { Crypto } from './verify/crypto.ts';
import { putNodeHash } from './verify/node-hash.ts';

/** Whether a branch at this depth lies in the page of the one above it. The top is alone, since it is read again and again. */
export const isCarried = (depth: number): boolean => depth > 0 && depth % (2 * levelsOfBranch) === 0;
const isCarrying = (depth: number): boolean => isCarried(depth + levelsOfBranch);

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

/** Whether these bytes of a page are a branch's (state-page.ts). */
export const isBranch = (content: Uint8Array): boolean => content[0] === branchMark || content[0] === carryingMark;

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
