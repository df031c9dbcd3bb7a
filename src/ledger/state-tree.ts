import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LedgerDamage } from './damage.ts';
import { PageCache } from './page-cache.ts';
import { buildPages } from './state-build.ts';
import { beginOfPath, Branch, Bucket, codesOfDepth, comparePaths, deepestPage, isNone, levelsOfBranch, mostInBucket, noSubtree, openPage, pageId, slotOf, slotsOfBranch, type LeafChange, type Page, type StateLeaf, type Subtree } from './state-page.ts';
import type { StateChange, StateView } from './state.ts';
import { equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { encodeStateProof, pathBit } from './verify/state-proof.ts';

/** So many bytes of pages at least are at hand, twice as many at most: all of a small district's, and of a large one's the branches. */
const bytesKept = 64 * 1024 * 1024;
const newCache = (): PageCache<Page> => new PageCache<Page>(bytesKept, (page) => page.bytes);
/** Down to here branches are at hand for good once they were read, each found from the one above it: some 4 MB at most. */
const deepestLinked = 12;

/**
 * The authenticated map of verify/state-proof.ts, kept in SQLite: pages (state-page.ts) by a number that puts them in the order of their paths.
 * Only the newest version is kept. A page is believed only if it has the hash that the page above it says, so what the file holds otherwise is
 * never handed out; the top page's hash is `root()`, which the caller holds against the newest signed block.
 * The caller holds the transaction; every SQLite failure is thrown and ends in its rollback. Damage is thrown as `LedgerDamage`.
 */
export class StateTree implements StateView {
  readonly #crypto: Crypto;
  readonly #getPage: StatementSync;
  readonly #putPage: StatementSync;
  readonly #dropPage: StatementSync;
  /** Held against the page above at each use, or once where that links it: after a rollback, or another connection's commit, what is old is read again. */
  #pages = newCache();
  #top: { content: Uint8Array; page: Page } | null = null;

  constructor(database: DatabaseSync, crypto: Crypto) {
    this.#crypto = crypto;
    database.exec('CREATE TABLE IF NOT EXISTS state_page (id INTEGER PRIMARY KEY, content BLOB NOT NULL)');
    this.#getPage = database.prepare('SELECT content FROM state_page WHERE id = ?');
    this.#putPage = database.prepare('INSERT INTO state_page (id, content) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content');
    this.#dropPage = database.prepare('DELETE FROM state_page WHERE id = ?');
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#find(this.#openTop(), key);
  }

  /** The map as it is now, for whoever asks for many keys before the next commit: after that it may throw `LedgerDamage`. */
  now(): StateView {
    const top = this.#openTop();
    return { get: (key) => this.#find(top, key) };
  }

  #find(top: Page | null, key: Uint8Array): Uint8Array | undefined {
    const path = this.#crypto.sha256(key);
    let page = top;
    for (let depth = 0; page instanceof Branch; depth += levelsOfBranch) page = this.#openChild(page, slotOf(path, depth), depth + levelsOfBranch, path);
    const leaf = page?.find(path);
    return leaf === undefined ? undefined : page?.value(leaf);
  }

  root(): Uint8Array {
    return (this.#openTop()?.root ?? noSubtree).hash;
  }

  update(changes: readonly StateChange[]): void {
    if (changes.length === 0) return;
    const sorted = changes.map((change) => this.#leafOf(change)).sort(comparePaths);
    const top = this.#openTop();
    // Pages change in place: where a statement fails in between, all of them are read again.
    this.#top = null;
    try {
      this.#change(top, 0, sorted);
    } catch (error) {
      this.#pages = newCache();
      throw error;
    }
  }

  #leafOf({ key, value }: StateChange): LeafChange & { begin: number } {
    const path = this.#crypto.sha256(key);
    return { path, value, begin: beginOfPath(path) };
  }

  /** Of the value that the key has, or of its absence. */
  prove(key: Uint8Array): Uint8Array {
    const path = this.#crypto.sha256(key);
    const siblings: Uint8Array[] = [];
    let page = this.#openTop();
    let depth = 0;
    let index = 1;
    // Down to one leaf alone, to nothing, or to a bucket.
    while (page instanceof Branch && !page.isLeaf(index) && !page.isNone(index)) {
      index = 2 * index + pathBit(path, siblings.length);
      siblings.push(page.node(index ^ 1).hash);
      if (index < slotsOfBranch || page.isLeaf(index)) continue;
      depth += levelsOfBranch;
      page = this.#openChild(page, index - slotsOfBranch, depth, path);
      index = 1;
    }
    let end: LeafHead | undefined;
    if (page instanceof Bucket) {
      const walked = page.walk(path);
      siblings.push(...walked.siblings);
      if (walked.leaf !== undefined) end = headOf(page, walked.leaf);
    } else if (page?.isLeaf(index) === true) {
      end = this.#onlyLeaf(page, index, depth, path);
    }
    const other: [Uint8Array, Uint8Array] | null = end === undefined || equalBytes(end.path, path) ? null : [end.path, end.valueHash];
    return encodeStateProof({ siblings: siblings.map((hash) => (isNone({ hash, isLeaf: false }) ? null : hash)), other });
  }

  /**
   * Fills an empty map in one pass, bottom up, each page written where the one before it ends. `leaves` in the order of their paths, each path once;
   * anything else is thrown as a bug. The root is that of the same values put in one by one.
   */
  build(leaves: Iterable<StateLeaf>): void {
    if (this.#openTop() !== null) throw new Error('only an empty map is built');
    buildPages(0, leaves, this.#crypto, (id, content) => void this.#putPage.run(id, content));
    this.#top = null;
  }

  /** Of an empty map that somebody else builds: a page where it belongs. */
  putPage(id: number, content: Uint8Array): void {
    this.#putPage.run(id, content);
  }

  /** The pages above those that `buildPages` made below each path of `depth` bits, in their order; more than a bucket's leaves are below each page. */
  buildAbove(depth: number, subtrees: readonly Subtree[]): void {
    let below = subtrees;
    for (let own = depth - levelsOfBranch; own >= 0; own -= levelsOfBranch) {
      below = Array.from({ length: 1 << own }, (_, prefix) => {
        const branch = new Branch(this.#crypto);
        branch.set(Array.from({ length: slotsOfBranch }, (_, slot) => [slot, below[prefix * slotsOfBranch + slot] ?? noSubtree] as const));
        this.#putPage.run(pageOfPrefix(prefix, own), branch.encode());
        return branch.root;
      });
    }
    this.#top = null;
  }

  /** All there is, in the order of the paths, everything held against its hash: read to the end, it is a check of the whole map. */
  *leaves(): Generator<StateLeaf> {
    const top = this.#openTop();
    if (top !== null) yield* this.#leavesOf(top, 0, 0);
  }

  *#leavesOf(page: Page, depth: number, id: number): Generator<StateLeaf> {
    if (page instanceof Bucket) {
      for (let leaf = 0; leaf < page.count; leaf++) yield { path: page.path(leaf), value: page.value(leaf) };
      return;
    }
    const below = depth + levelsOfBranch;
    for (let slot = 0; slot < slotsOfBranch; slot++) {
      if (page.isNoSlot(slot)) continue;
      const child = childId(id, depth, slot);
      yield* this.#leavesOf(this.#read(child, below, page, slot), below, child);
    }
  }

  #openTop(): Page | null {
    const row = this.#getPage.get(0) as { content: Uint8Array } | undefined;
    if (row === undefined) return null;
    checkBlob(row.content);
    if (this.#top === null || !equalBytes(this.#top.content, row.content)) this.#top = { content: row.content, page: openPage(row.content, 0, this.#crypto) };
    return this.#top.page;
  }

  /** Of the page in a branch's slot; null: nothing is there, as the branch says. */
  #openChild(branch: Branch, slot: number, depth: number, path: Uint8Array): Page | null {
    const below = branch.below(slot);
    if (below !== undefined) return below;
    if (branch.isNoSlot(slot)) return null;
    const id = pageId(path, depth);
    let page = this.#pages.get(id);
    if (page === undefined || !branch.isSlot(slot, page)) {
      page = this.#read(id, depth, branch, slot);
      this.#pages.set(id, page);
    }
    if (depth <= deepestLinked && page instanceof Branch) branch.link(slot, page);
    return page;
  }

  #read(id: number, depth: number, above: Branch, slot: number): Page {
    const row = this.#getPage.get(id) as { content: Uint8Array } | undefined;
    if (row === undefined) throw new LedgerDamage(`page ${id} of the state is missing`);
    checkBlob(row.content);
    const page = openPage(row.content, depth, this.#crypto);
    if (!above.isSlot(slot, page)) throw new LedgerDamage(`page ${id} of the state is damaged`);
    return page;
  }

  /** Where node `index` of this page is one leaf alone. */
  #onlyLeaf(page: Branch, index: number, depth: number, path: Uint8Array): LeafHead {
    let at = index;
    while (at < slotsOfBranch) at = page.isNone(2 * at) ? 2 * at + 1 : 2 * at;
    const below = depth + levelsOfBranch;
    const slot = at - slotsOfBranch;
    const within = withSlot(path, depth, slot);
    const child = this.#openChild(page, slot, below, within);
    if (child instanceof Branch) return this.#onlyLeaf(child, 1, below, within);
    if (child === null || child.count === 0) throw new LedgerDamage('a leaf of the state is missing');
    return headOf(child, 0);
  }

  /** Writes what becomes of the page (null: none so far) and all below; `changes` in the order of their paths, at least one. */
  #change(page: Page | null, depth: number, changes: readonly LeafChange[]): Subtree {
    const [some] = changes;
    if (some === undefined) throw new Error('a change of nothing');
    if (!(page instanceof Branch)) return this.#replace(depth, some.path, (page ?? Bucket.empty(depth, this.#crypto)).with(changes));
    const slots: [number, Subtree][] = [];
    for (let from = 0, to = 0; from < changes.length; from = to) {
      const first = changes[from] ?? some;
      const slot = slotOf(first.path, depth);
      while (to < changes.length && slotOf((changes[to] ?? first).path, depth) === slot) to += 1;
      const child = this.#openChild(page, slot, depth + levelsOfBranch, first.path);
      slots.push([slot, this.#change(child, depth + levelsOfBranch, changes.slice(from, to))]);
    }
    page.set(slots);
    return this.#write(pageId(some.path, depth), depth, page);
  }

  /** As it is, or as a branch over buckets where it holds too much; `path` is of one below it. */
  #replace(depth: number, path: Uint8Array, bucket: Bucket): Subtree {
    const id = pageId(path, depth);
    if (bucket.count <= mostInBucket || depth >= deepestPage) return this.#write(id, depth, bucket);
    const slots: [number, Subtree][] = [];
    for (let from = 0, to = 0; from < bucket.count; from = to) {
      const first = bucket.path(from);
      const slot = slotOf(first, depth);
      while (to < bucket.count && slotOf(bucket.path(to), depth) === slot) to += 1;
      slots.push([slot, this.#replace(depth + levelsOfBranch, first, bucket.part(from, to, depth + levelsOfBranch))]);
    }
    const branch = new Branch(this.#crypto);
    branch.set(slots);
    return this.#write(id, depth, branch);
  }

  #write(id: number, depth: number, page: Page): Subtree {
    const { root } = page;
    const isEmpty = isNone(root);
    const content = isEmpty ? null : page.encode();
    if (content === null) this.#dropPage.run(id);
    else this.#putPage.run(id, content);
    if (depth === 0) this.#top = content === null ? null : { content, page };
    else if (!isEmpty) this.#pages.set(id, page);
    return root;
  }
}

/** A damaged row has values of other kinds than its table says. */
function checkBlob(content: unknown): void {
  if (!(content instanceof Uint8Array)) throw new LedgerDamage('a page of the state is damaged');
}

/** What a proof of an absence says of the leaf that stands there instead. */
interface LeafHead {
  path: Uint8Array;
  valueHash: Uint8Array;
}

const headOf = (bucket: Bucket, leaf: number): LeafHead => ({ path: bucket.path(leaf), valueHash: bucket.valueHash(leaf) });

/** Of the page below the path that begins with these `depth` bits. */
const pageOfPrefix = (prefix: number, depth: number): number => prefix * 2 ** (deepestPage - depth) * codesOfDepth + depth / levelsOfBranch;

/** Of the page in a slot of the page `id`. */
const childId = (id: number, depth: number, slot: number): number => id + slot * 2 ** (deepestPage - depth - levelsOfBranch) * codesOfDepth + 1;

/** The path with its three bits from `depth` on set to the slot's. */
function withSlot(path: Uint8Array, depth: number, slot: number): Uint8Array {
  const copy = path.slice();
  for (let i = 0; i < levelsOfBranch; i++) {
    const at = depth + i;
    const mask = 0x80 >> (at & 7);
    const isSet = ((slot >> (levelsOfBranch - 1 - i)) & 1) === 1;
    copy[at >> 3] = isSet ? (copy[at >> 3] ?? 0) | mask : (copy[at >> 3] ?? 0) & ~mask;
  }
  return copy;
}
