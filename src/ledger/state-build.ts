import { Branch, isCarried } from './state-branch.ts';
import { Bucket, mostInBucket } from './state-bucket.ts';
import type { Page } from './state-page.ts';
import { levelsOfBranch, noSubtree, pageId, slotOf, type StateLeaf, type Subtree } from './state-path.ts';
import { compareBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';

/** What stands above pages that were built. */
export interface BuiltPage {
  subtree: Subtree;
  /** Of a branch that the one above it is to carry; else null: it has a page of its own, or there is none. */
  carried: Uint8Array | null;
}

/**
 * Pages of all leaves that share their path's first `depth` bits, bottom up and in one pass; what lies above stands elsewhere. `put` gets a branch once
 * before its children, so that it lies before them, and again when it is whole. `leaves` in the order of their paths, each path once; anything else is
 * thrown as a bug.
 */
export function buildPages(depth: number, leaves: Iterable<StateLeaf>, crypto: Crypto, put: (id: number, content: Uint8Array) => void): BuiltPage {
  const stream = new LeafStream(leaves);
  const built = buildAt(depth, stream, crypto, put);
  if (stream.peek(0) !== undefined) throw new Error('a leaf that belongs nowhere');
  return { subtree: built?.root ?? noSubtree, carried: built instanceof Branch && isCarried(depth) ? built.encode() : null };
}

/** null: of no leaves. */
function buildAt(depth: number, stream: LeafStream, crypto: Crypto, put: (id: number, content: Uint8Array) => void): Page | null {
  const first = stream.peek(0);
  if (first === undefined) return null;
  const id = pageId(first.path, depth);
  const belongs = (leaf: StateLeaf | undefined): leaf is StateLeaf => leaf !== undefined && pageId(leaf.path, depth) === id;
  let count = 1;
  while (count <= mostInBucket && belongs(stream.peek(count))) count += 1;
  if (count <= mostInBucket) {
    const bucket = Bucket.empty(depth, crypto).with(stream.take(count));
    put(id, bucket.encode());
    return bucket;
  }
  const branch = new Branch(depth, crypto);
  const isOwn = !isCarried(depth);
  if (isOwn) put(id, branch.room());
  const below = depth + levelsOfBranch;
  const slots: [number, Subtree][] = [];
  for (let leaf = stream.peek(0); belongs(leaf); leaf = stream.peek(0)) {
    const slot = slotOf(leaf.path, depth);
    const child = buildAt(below, stream, crypto, put);
    if (child instanceof Branch && isCarried(below)) branch.link(slot, child);
    slots.push([slot, child?.root ?? noSubtree]);
  }
  branch.set(slots);
  if (isOwn) put(id, branch.encode());
  return branch;
}

/** Looks a bucket's worth of leaves ahead. */
class LeafStream {
  readonly #source: Iterator<StateLeaf>;
  #ahead: StateLeaf[] = [];
  #last: Uint8Array | null = null;

  constructor(source: Iterable<StateLeaf>) {
    this.#source = source[Symbol.iterator]();
  }

  peek(index: number): StateLeaf | undefined {
    while (this.#ahead.length <= index) {
      const next = this.#source.next();
      if (next.done === true) return undefined;
      const { path } = next.value;
      if (this.#last !== null && compareBytes(this.#last, path) >= 0) throw new Error('leaves out of order');
      this.#last = path;
      this.#ahead.push(next.value);
    }
    return this.#ahead[index];
  }

  take(count: number): StateLeaf[] {
    return this.#ahead.splice(0, count);
  }
}
