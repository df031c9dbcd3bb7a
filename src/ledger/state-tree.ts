import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bytesOf, LedgerDamage } from './damage.ts';
import { PageCache } from './page-cache.ts';
import { buildPages, type BuiltPage } from './state-build.ts';
import { Branch, isCarried } from './state-branch.ts';
import { Bucket, mostInBucket, type LeafChange } from './state-bucket.ts';
import { openPage, type Page } from './state-page.ts';
import { beginOfPath, codesOfDepth, comparePaths, deepestPage, isNone, levelsOfBranch, noSubtree, pageId, pageIdOf, slotOf, slotsOfBranch, type StateLeaf } from './state-path.ts';
import type { StateChange, StateView } from './state.ts';
import { equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { encodeStateProof, pathBit } from './verify/state-proof.ts';

/** So many bytes of pages at least are at hand, twice as many at most: all of a small district's, and of a large one's the branches. */
const bytesKept = 128 * 1024 * 1024;
const newCache = (): PageCache<Page> => new PageCache<Page>(bytesKept, (page) => page.bytes);
/** Down to here branches are at hand for good once they were read, each found from the one above it: some 7 MB at most. */
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
  /** Held against the page above when the map was found changed by others since (`#stamp`), or once where that links it: after a rollback, or another connection's commit, what is old is read again. */
  #pages = newCache();
  #top: { content: Uint8Array; page: Page } | null = null;
  /** Counts how often the top page was found to be another than this tree left it. While it stays, what was held against the page above is what that says. */
  #stamp = 1;
  /** A branch of format 1 was met. */
  #hasFormat1 = false;

  constructor(database: DatabaseSync, crypto: Crypto) {
    this.#crypto = crypto;
    database.exec('CREATE TABLE IF NOT EXISTS state_page (id INTEGER PRIMARY KEY, content BLOB NOT NULL)');
    this.#getPage = database.prepare('SELECT content FROM state_page WHERE id = ?');
    this.#getPage.setReturnArrays(true);
    this.#putPage = database.prepare('INSERT OR REPLACE INTO state_page (id, content) VALUES (?, ?)');
    this.#dropPage = database.prepare('DELETE FROM state_page WHERE id = ?');
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const top = this.#openTop();
    try {
      return this.#find(top, key, this.#stamp);
    } catch (error) {
      return this.#find(this.#topAgain(top, error), key, this.#stamp);
    }
  }

  /** The map as it is now, for whoever asks for many keys before the next commit: after that it may throw `LedgerDamage`. */
  now(): StateView {
    let top = this.#openTop();
    let stamp = this.#stamp;
    return {
      get: (key) => {
        try {
          return this.#find(top, key, stamp);
        } catch (error) {
          top = this.#topAgain(top, error);
          stamp = this.#stamp;
          return this.#find(top, key, stamp);
        }
      },
    };
  }

  /**
   * Off the disk anew, where what is at hand cannot be all that is there: a branch of format 1 stands for pages below it, which another connection may have taken
   * into one page since, and come back to the very hashes that are known here. Throws `error` where it is no such damage, or the map is another by now.
   */
  #topAgain(top: Page | null, error: unknown): Page | null {
    if (!(error instanceof LedgerDamage && this.#hasFormat1)) throw error;
    this.#pages = newCache();
    this.#top = null;
    const anew = this.#openTop();
    if (!equalBytes((anew?.root ?? noSubtree).hash, (top?.root ?? noSubtree).hash)) throw error;
    return anew;
  }

  #find(top: Page | null, key: Uint8Array, stamp: number): Uint8Array | undefined {
    const path = this.#crypto.sha256(key);
    let page = top;
    for (let depth = 0; page instanceof Branch; depth += levelsOfBranch) page = this.#openChild(page, slotOf(path, depth), depth + levelsOfBranch, path, stamp);
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
      this.#change(top, 0, sorted, 0, sorted.length);
    } catch (error) {
      this.#pages = newCache();
      throw error;
    }
  }

  #leafOf({ key, value }: StateChange): LeafChange {
    const path = this.#crypto.sha256(key);
    return { path, value, begin: beginOfPath(path) };
  }

  /** Of the value that the key has, or of its absence. */
  prove(key: Uint8Array): Uint8Array {
    const top = this.#openTop();
    try {
      return this.#prove(top, key);
    } catch (error) {
      return this.#prove(this.#topAgain(top, error), key);
    }
  }

  #prove(top: Page | null, key: Uint8Array): Uint8Array {
    const path = this.#crypto.sha256(key);
    const siblings: Uint8Array[] = [];
    let page = top;
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
  buildAbove(depth: number, built: readonly BuiltPage[]): void {
    let below = built;
    for (let own = depth - levelsOfBranch; own >= 0; own -= levelsOfBranch) {
      below = Array.from({ length: 1 << own }, (_, prefix) => {
        const branch = new Branch(own, this.#crypto);
        const slots = Array.from({ length: slotsOfBranch }, (__, slot) => below[prefix * slotsOfBranch + slot]);
        for (const [slot, page] of slots.entries()) if (page?.carried instanceof Uint8Array) branch.link(slot, Branch.open(page.carried, own + levelsOfBranch, this.#crypto));
        branch.set(slots.map((page, slot) => [slot, page?.subtree ?? noSubtree] as const));
        const content = branch.encode();
        if (!isCarried(own)) this.#putPage.run(pageOfPrefix(prefix, own), content);
        return { subtree: branch.root, carried: isCarried(own) ? content : null };
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
      yield* this.#leavesOf(page.below(slot) ?? page.carried(slot) ?? this.#read(child, below, page, slot), below, child);
    }
  }

  #openTop(): Page | null {
    const content = this.#contentOf(0);
    if (content === undefined) {
      this.#top = null;
      return null;
    }
    if (this.#top === null || !equalBytes(this.#top.content, content)) {
      this.#top = { content, page: openPage(content, 0, this.#crypto) };
      this.#stamp += 1;
    }
    return this.#top.page;
  }

  /** Of the page in a branch's slot; null: nothing is there, as the branch says. `stamp`: of the map as whoever asks has it. */
  #openChild(branch: Branch, slot: number, depth: number, path: Uint8Array, stamp = this.#stamp): Page | null {
    const below = branch.below(slot);
    if (below !== undefined) return below;
    if (branch.isNoSlot(slot)) return null;
    const carried = branch.carried(slot);
    if (carried !== undefined) {
      branch.link(slot, carried);
      return carried;
    }
    const id = pageId(path, depth);
    let page = this.#pages.get(id);
    const isCurrent = stamp === this.#stamp;
    if (page === undefined || !((isCurrent && page.stamp === stamp) || branch.isSlot(slot, page))) {
      page = this.#read(id, depth, branch, slot);
      this.#pages.set(id, page);
    }
    if (isCurrent) page.stamp = stamp;
    if (depth <= deepestLinked && page instanceof Branch) branch.link(slot, page);
    return page;
  }

  #read(id: number, depth: number, above: Branch, slot: number): Page {
    const content = this.#contentOf(id);
    if (content === undefined) throw new LedgerDamage(`page ${id} of the state is missing`);
    const page = openPage(content, depth, this.#crypto);
    if (!above.isSlot(slot, page)) throw new LedgerDamage(`page ${id} of the state is damaged`);
    this.#hasFormat1 ||= page instanceof Branch && page.isOfFormat1;
    return page;
  }

  /** undefined: there is none. */
  #contentOf(id: number): Uint8Array | undefined {
    // An array: an object for each row costs a quarter of what finding it does.
    const row = this.#getPage.get(id) as unknown as [unknown] | undefined;
    if (row === undefined) return undefined;
    return bytesOf(row[0], 'a page of the state is damaged');
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

  /** What becomes of the page (null: none so far) by the changes from `first` to `end`, at least one, in the order of their paths; it and all below are written. */
  #change(page: Page | null, depth: number, changes: readonly LeafChange[], first: number, end: number): Page {
    const some = changes[first];
    if (some === undefined || first >= end) throw new Error('a change of nothing');
    if (!(page instanceof Branch)) return this.#replace(depth, some.begin, (page ?? Bucket.empty(depth, this.#crypto)).with(changes, first, end));
    const before = page.isOfFormat1 ? page.root : null;
    const below = depth + levelsOfBranch;
    let changed = 0;
    for (let from = first, to = first; from < end; from = to) {
      const { path } = changes[from] ?? some;
      const slot = slotOf(path, depth);
      while (to < end && slotOf((changes[to] ?? some).path, depth) === slot) to += 1;
      page.put(slot, this.#change(this.#openChild(page, slot, below, path), below, changes, from, to));
      changed |= 1 << slot;
    }
    page.join(changed);
    // Of the same hash it lies on the disk as whoever reads beside this one has it at hand.
    if (before === null || !equalBytes(before.hash, page.root.hash)) this.#write(pageIdOf(some.begin, depth), depth, page);
    return page;
  }

  /** As it is, or as a branch over buckets where it holds too much; `begin` is of a path below it. */
  #replace(depth: number, begin: number, bucket: Bucket): Page {
    const id = pageIdOf(begin, depth);
    if (bucket.count <= mostInBucket || depth >= deepestPage) {
      this.#write(id, depth, bucket);
      return bucket;
    }
    const branch = new Branch(depth, this.#crypto);
    const below = depth + levelsOfBranch;
    let changed = 0;
    for (let from = 0, to = 0; from < bucket.count; from = to) {
      const path = bucket.path(from);
      const slot = slotOf(path, depth);
      while (to < bucket.count && slotOf(bucket.path(to), depth) === slot) to += 1;
      branch.put(slot, this.#replace(below, beginOfPath(path), bucket.part(from, to, below)));
      changed |= 1 << slot;
    }
    branch.join(changed);
    if (isCarried(depth)) this.#dropPage.run(id);
    this.#write(id, depth, branch);
    return branch;
  }

  /** A carried branch is written with the one that carries it. */
  #write(id: number, depth: number, page: Page): void {
    if (page instanceof Branch && isCarried(depth)) return;
    if (page instanceof Branch && page.isOfFormat1) this.#carryAll(page, depth, id);
    if (page instanceof Branch ? page.isNone(1) : page.count === 0) {
      this.#dropPage.run(id);
      if (depth === 0) this.#top = null;
      return;
    }
    const content = page.encode();
    this.#putPage.run(id, content);
    const isAtHand = page instanceof Branch && page.stamp === this.#stamp;
    page.stamp = this.#stamp;
    if (depth === 0) this.#top = { content, page };
    else if (!isAtHand) this.#pages.set(id, page);
  }

  /** Takes in the branches below that format 1 left in pages of their own. */
  #carryAll(branch: Branch, depth: number, id: number): void {
    const below = depth + levelsOfBranch;
    for (let slot = 0; slot < slotsOfBranch; slot++) {
      const child = childId(id, depth, slot);
      const page = branch.isNoSlot(slot) ? null : (branch.below(slot) ?? this.#read(child, below, branch, slot));
      if (page instanceof Bucket) continue;
      if (page !== null) branch.link(slot, page);
      this.#dropPage.run(child);
    }
    branch.carryAll();
  }
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
