import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../../contract/result.ts';
import { appHashOf, beginApplication, isBegun, layOutApplication, LedgerApplication, openApplication, renewFormat, successorOf, unsignedDetail, type BlockDraft, type ReceiptPlace, type Tip } from '../application.ts';
import { LedgerDamage } from '../damage.ts';
import { gathered } from '../gather.ts';
import type { Genesis } from '../genesis.ts';
import type { CommittedBlock, Ledger, ProvenRead, TransactionState } from '../ledger.ts';
import { nodeCrypto } from '../node-crypto.ts';
import type { MemorySigner } from '../node-signer.ts';
import type { TileLog } from '../tiles.ts';
import { rememberSignatures } from '../signature-memory.ts';
import { StateDraft } from '../state.ts';
import { equalBytes, toHex } from '../verify/bytes.ts';
import { openEnvelope, outlineOf } from '../verify/envelope.ts';
import { encodeHead } from '../verify/head.ts';
import { encodeLightBlock } from '../verify/light-block.ts';
import { encodeBareReceipt } from '../verify/receipt.ts';
import { isUnsignedChain } from '../verify/unsigned-chain.ts';
import { ChainStore, headOf, nextBlock, type ChainBlock, type ChainEnd } from './chain.ts';
import { beginHeadGuard, HeadGuard } from './head-guard.ts';
import { openLedgerFile } from './ledger-file.ts';
import { SignaturesAhead, type Ahead } from './signatures-ahead.ts';
import { storageFailure } from './storage-failure.ts';
import { checkTables } from './tables.ts';
import { inTransaction } from './transaction.ts';

export interface EmbeddedOptions {
  /** The SQLite file; `-wal` and the guard's file stand beside it. */
  path: string;
  /** Of the last head signed; on another disk a restored backup does not set it back. Default: `<path>.signed`. */
  guardPath?: string;
  genesis: Genesis;
  /** Holds the key of the genesis's only validator. */
  validator: MemorySigner;
  /** Unix milliseconds. */
  clock: () => number;
  /** An empty block is made when none was made for so long. */
  heartbeatMs: number;
  /** Whether a chain may begin in this file: for whoever founds one. To everybody else a file without one is a lost ledger. Default: false. */
  begin?: boolean;
  /** Up to this size SQLite's own structures are looked through at start. Default: what takes a quarter of a second. */
  lookedThroughBytes?: number;
  /** Where more is queued, submissions are `hub-busy`. */
  mostQueued?: number;
}

/** A catalogue of the log is asked for piece by piece. */
const mostEntriesAtOnce = 256;
const crypto = nodeCrypto;
/** A block is read again for each receipt out of it. */
const ofBlocks = rememberSignatures(nodeCrypto, 1024);
/** While so many wait, each page of the state is written once for all of them. A block is then some tenths of a second. */
const mostInBlock = 2000;
/** Of those that were recorded last, whose places are at hand. */
const mostRecent = 4096;
/** After a disk refused the mark of a head, how long until it is tried again. */
const retryMs = 1000;

/**
 * The ledger in one process: a chain with one validator, in one SQLite file (WAL, synchronous FULL). Fails with `hub-storage` where the file
 * is missing, cannot be opened or is held by another process, is damaged, or goes back behind the last head that was signed.
 */
export function openEmbeddedLedger(options: EmbeddedOptions): Result<EmbeddedLedger> {
  return isUnsignedChain(options.genesis.chain) ? fail('hub-storage', unsignedDetail) : open(options);
}

/** Of a ledger that `imi ledger seed` filled, to measure it; no other is opened so. What is submitted to it is signed and checked as ever. */
export function openLedgerToMeasure(options: EmbeddedOptions): Result<EmbeddedLedger> {
  return isUnsignedChain(options.genesis.chain) ? open(options) : fail('hub-storage', 'only a chain that was seeded is opened to be measured');
}

function open(options: EmbeddedOptions): Result<EmbeddedLedger> {
  const { genesis, validator, path } = options;
  const [only, ...others] = genesis.validators;
  if (only === undefined || others.length > 0 || !equalBytes(only.key, validator.key[1])) return fail('hub-storage', 'not the genesis validator');
  const mayBegin = options.begin ?? false;
  // SQLite would make the file.
  if (!mayBegin && !existsSync(path)) return fail('hub-storage', 'the ledger’s file is missing');
  const guardPath = options.guardPath ?? `${path}.signed`;
  let database: DatabaseSync | null = null;
  let guard: HeadGuard | null = null;
  const close = (): void => {
    guard?.close();
    database?.close();
  };
  const refuse = (detail: string): Result<never> => {
    close();
    return fail('hub-storage', detail);
  };
  try {
    database = openLedgerFile(path);
    // Before any is asked: one whose own definition is damaged knows no question that is asked of it.
    checkTables(database, (empty) => {
      layOutApplication(empty, genesis, 0);
      makeTables(empty, genesis);
    });
    if (!isBegun(database)) {
      if (!mayBegin) return refuse('no chain was begun in this file');
      beginHeadGuard(guardPath);
      const file = database;
      const begun = inTransaction(file, () => beginApplication(file, genesis, crypto));
      if (!begun.ok) return refuse(begun.failure.detail ?? 'genesis');
    }
    if (!existsSync(guardPath)) return refuse('the record of the last signed head is missing');
    guard = new HeadGuard(guardPath, crypto);
    const application = openApplication(database, genesis, crypto);
    if (!application.ok) return refuse(application.failure.detail ?? 'unreadable');
    if (successorOf(database) !== undefined) return refuse('this ledger was handed on: others sign its next block (imi node)');
    const ledger = new EmbeddedLedger(options, application.value, database, guard);
    const started = ledger.start();
    if (started.ok) return ok(ledger);
    close();
    return started;
  } catch (error) {
    close();
    return storageFailure(error);
  }
}

/** Beside those that an application is laid out with: each part makes its own. */
function makeTables(database: DatabaseSync, genesis: Genesis): void {
  new LedgerApplication(database, { chain: genesis.chain, start: 0 }, crypto);
  new ChainStore(database, genesis, ofBlocks);
  for (const definition of formerTables) database.exec(definition);
}

/** Tables that stand empty in files of before, as they were made. */
const formerTables = [
  'CREATE TABLE queued (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL)',
  'CREATE TABLE refused (id BLOB PRIMARY KEY, code TEXT NOT NULL, not_after INTEGER NOT NULL) WITHOUT ROWID',
];

/** A submission that is not answered yet. */
interface Waiting {
  id: Uint8Array;
  /** Taken apart when it is its turn: thousands in pieces are what the collector of memory bears. */
  envelope: Uint8Array;
  ahead: Ahead;
  /** Whoever submitted it: the same one may come twice. */
  settles: ((result: Result<TransactionState>) => void)[];
}

export class EmbeddedLedger implements Ledger {
  readonly chain: string;
  readonly #options: EmbeddedOptions;
  readonly #mostQueued: number;
  readonly #application: LedgerApplication;
  readonly #database: DatabaseSync;
  readonly #guard: HeadGuard;
  readonly #blocks: ChainStore;
  readonly #ahead: SignaturesAhead;
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  /** By id, as hex (another of the same id by its own hash), in the order in which they came. */
  readonly #waiting = new Map<string, Waiting>();
  /** Where the last ones stand that were recorded here, by id as hex: whoever submitted them asks at once. The oldest first. */
  readonly #recent = new Map<string, { height: number; index: number }>();
  /** Made and on disk, and nobody was told yet. */
  #unannounced: CommittedBlock[] = [];
  #tip: ChainEnd;
  #isFlushDue = false;
  #isAnnouncementDue = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | null = null;

  /** Use `openEmbeddedLedger`. */
  constructor(options: EmbeddedOptions, application: LedgerApplication, database: DatabaseSync, guard: HeadGuard) {
    this.chain = options.genesis.chain;
    this.#options = options;
    this.#mostQueued = options.mostQueued ?? 10_000;
    this.#database = database;
    this.#guard = guard;
    this.#application = application;
    this.#ahead = new SignaturesAhead(crypto, nodeCrypto.verifyLater, (kid) => new StateDraft(application.tree).read('key', kid)?.key);
    this.#blocks = new ChainStore(database, options.genesis, ofBlocks);
    this.#tip = application.tip();
  }

  /** Goes on from the end of the chain; called once, by `openEmbeddedLedger`. Throws what SQLite throws. */
  start(): Result<null> {
    const checks = [() => this.#application.check(this.#options.lookedThroughBytes), () => this.#checkAgainstGuard(), () => this.#checkLastBlock()];
    for (const check of checks) {
      const sound = check();
      if (!sound.ok) return sound;
    }
    renewFormat(this.#database);
    const last = this.#blocks.last();
    if (last !== undefined) {
      this.#tip = last;
      this.#guard.write({ height: last.header.height, hash: last.hash });
    }
    // The first block of all signs the genesis.
    if (last === undefined) this.#make(this.#draft());
    this.#unannounced = [];
    this.#mark();
    this.#timer = setInterval(() => this.#beat(), Math.min(this.#options.heartbeatMs, retryMs));
    this.#timer.unref();
    return ok(null);
  }

  submit(envelope: Uint8Array): Promise<Result<TransactionState>> {
    if (this.#isClosed) return Promise.resolve(fail('hub-storage', 'closed'));
    const outline = outlineOf(envelope, this.chain, crypto);
    if (outline === undefined) return Promise.resolve(ok({ state: 'rejected', code: 'envelope-malformed' }));
    const { id, signers } = outline;
    return this.#guarded(() => {
      const first = this.#waiting.get(toHex(id));
      // Of two with the same body one may be signed well and the other not: each is judged.
      const name = toHex(first === undefined || equalBytes(first.envelope, envelope) ? id : crypto.sha256(envelope));
      const waiting = this.#waiting.get(name);
      if (waiting === undefined && this.#waiting.size >= this.#mostQueued) return Promise.resolve(fail('hub-busy', 'queue full'));
      return new Promise((settle) => {
        if (waiting === undefined) this.#waiting.set(name, { id, envelope, ahead: this.#ahead.begin(signers), settles: [settle] });
        else waiting.settles.push(settle);
        this.#flushSoon();
      });
    });
  }

  state(transaction: Uint8Array): Promise<Result<TransactionState>> {
    return this.#guarded(() => Promise.resolve(ok(this.#stateOf(transaction))));
  }

  receipt(transaction: Uint8Array, waitMs: number): Promise<Result<Uint8Array | null>> {
    return this.#guarded(() => {
      const known = this.#stateOf(transaction);
      if (known.state === 'recorded') return Promise.resolve(ok(this.#receiptOf(transaction)));
      if (waitMs === 0 || !this.#isWaiting(transaction)) return Promise.resolve(ok(null));
      return new Promise((resolve) => {
        const deadline = AbortSignal.timeout(waitMs);
        const settle = (): void => {
          stop();
          deadline.removeEventListener('abort', settle);
          resolve(this.#guarded(() => Promise.resolve(ok(this.#receiptOf(transaction)))));
        };
        const stop = this.onBlock(({ transactions }) => {
          if (transactions.some(({ id }) => equalBytes(id, transaction))) settle();
        });
        deadline.addEventListener('abort', settle);
      });
    });
  }

  /** Also as one of several with the same body. */
  #isWaiting(transaction: Uint8Array): boolean {
    return this.#waiting.has(toHex(transaction)) || [...this.#waiting.values()].some(({ id }) => equalBytes(id, transaction));
  }

  receiptAt(transaction: Uint8Array, height: number): Promise<Result<Uint8Array | null>> {
    return this.#guarded(() => Promise.resolve(ok(this.#blocks.at(height + 1) === undefined ? null : this.#receiptOf(transaction, height))));
  }

  head(): Promise<Result<Uint8Array>> {
    return this.#guarded(() => Promise.resolve(ok(this.#newestHead())));
  }

  block(height: number): Promise<Result<Uint8Array | null>> {
    return this.#guarded(() => {
      const block = this.#blocks.at(height);
      if (block === undefined && height > this.#application.start && height <= this.#application.tip().height) throw new LedgerDamage(`block ${height} is missing`);
      return Promise.resolve(ok(block === undefined ? null : encodeLightBlock({ ...block, validators: this.#options.genesis.validators })));
    });
  }

  consistency(first: number, second: number): Promise<Result<Uint8Array[] | null>> {
    const isThere = first >= 1 && first <= second && second <= this.#tip.logSize;
    return this.#guarded(() => Promise.resolve(ok(isThere ? this.#application.log.consistencyPath(first, second) : null)));
  }

  read(keys: readonly Uint8Array[]): Promise<Result<ProvenRead>> {
    return this.#guarded(() => {
      const tree = this.#signedTree();
      return Promise.resolve(ok({ head: this.#newestHead(), entries: keys.map((key) => ({ value: tree.get(key) ?? null, proof: tree.prove(key) })) }));
    });
  }

  values(keys: readonly Uint8Array[]): Promise<Result<(Uint8Array | null)[]>> {
    return this.#guarded(() => {
      const state = this.#signedTree().now();
      return Promise.resolve(ok(keys.map((key) => state.get(key) ?? null)));
    });
  }

  entries(from: number, count: number): Promise<Result<Uint8Array[]>> {
    return this.#guarded(() => {
      const end = Math.min(from + Math.min(count, mostEntriesAtOnce), this.#tip.logSize);
      const envelopes: Uint8Array[] = [];
      for (let index = from; index < end; index++) {
        const entry = this.#application.log.at(index);
        if (entry === undefined) throw new LedgerDamage(`log entry ${index} is missing`);
        envelopes.push(entry.envelope);
      }
      return Promise.resolve(ok(envelopes));
    });
  }

  /** Everything in it hangs on its root, and that on the newest head. */
  #signedTree(): LedgerApplication['tree'] {
    const { tree } = this.#application;
    if (!equalBytes(tree.root(), this.#tip.stateRoot)) throw new LedgerDamage('the state is not the one that was signed');
    return tree;
  }

  /** Entries and hashes up to the newest head: what is committed, whether somebody was told of it or not. */
  get log(): TileLog {
    return this.#application.log;
  }

  onBlock(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    while (this.#waiting.size > 0) this.#flush(this.#nextGroup());
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    try {
      this.#mark();
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Everything is in the WAL: the next start reads it from there.
    }
    this.#database.close();
    this.#guard.close();
    return Promise.resolve();
  }

  /** Nobody is told of a head before its mark is in the guard's file; whatever the disk refuses is `hub-storage`. */
  #guarded<T>(answer: () => Promise<Result<T>>): Promise<Result<T>> {
    if (this.#isClosed) return Promise.resolve(fail('hub-storage', 'closed'));
    try {
      this.#mark();
      return answer();
    } catch (error) {
      return Promise.resolve(storageFailure(error));
    }
  }

  #mark(): void {
    const tip = this.#tip;
    if ('header' in tip && this.#guard.newest?.height !== tip.header.height) this.#guard.write({ height: tip.header.height, hash: tip.hash });
  }

  /** The end of the file against the last block, which binds it: nothing changes in it (`#make`). */
  #checkLastBlock(): Result<null> {
    const block = this.#blocks.last();
    if (block === undefined) return this.#application.isAtStart() ? ok(null) : fail('hub-storage', 'a log without blocks');
    const tip = this.#application.tip();
    const isEnd = isSameEnd(block, tip) && equalBytes(block.header.appHash, appHashOf(tip, crypto));
    return isEnd ? ok(null) : fail('hub-storage', 'the last block is not where log and state end');
  }

  #checkAgainstGuard(): Result<null> {
    const mark = this.#guard.newest;
    const last = this.#blocks.last();
    // Interrupted between the first block and its mark: nobody was told of that block.
    if (mark === null) return last === undefined || last.header.height === 1 ? ok(null) : fail('hub-storage', 'the record of the last signed head is empty');
    const block = this.#blocks.at(mark.height);
    if (block === undefined) return fail('hub-storage', `the file ends before height ${mark.height}, which was signed`);
    return equalBytes(block.hash, mark.hash) ? ok(null) : fail('hub-storage', `height ${mark.height} was signed with another history`);
  }

  #stateOf(id: Uint8Array): TransactionState {
    const entry = this.#recent.get(toHex(id)) ?? this.#application.entry(id);
    return entry === undefined ? { state: 'unknown' } : { state: 'recorded', height: entry.height, index: entry.index };
  }

  #receiptOf(transaction: Uint8Array, place: ReceiptPlace = 'own'): Uint8Array | null {
    const material = this.#application.receiptMaterial(transaction, place);
    if (material === undefined) {
      if (place === 'own' && this.#application.entry(transaction) !== undefined) throw new LedgerDamage('the end of a block is missing');
      return null;
    }
    const { tip } = material;
    const next = this.#blocks.at(tip.height + 1);
    if (next === undefined || !equalBytes(next.header.appHash, appHashOf(tip, crypto))) throw new LedgerDamage(`height ${tip.height} is not as it was signed`);
    return encodeBareReceipt(material, headOf(tip, next, this.#options.genesis), crypto);
  }

  /** Log and state do not change in the newest block (`#make` sees to it): its header binds them as they are. */
  #newestHead(): Uint8Array {
    const tip = this.#tip;
    if (!('header' in tip)) throw new Error('no block was made yet');
    return encodeHead(headOf(tip, tip, this.#options.genesis));
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    void this.#flushChecked();
  }

  /** What comes in while signatures are being checked waits for the next group, and its own are being checked meanwhile. */
  async #flushChecked(): Promise<void> {
    await gathered(() => this.#waiting.size);
    const group = this.#nextGroup();
    await Promise.all(group.map(([, { ahead }]) => ahead.done));
    this.#isFlushDue = false;
    // Closing has judged them already.
    if (!this.#isClosed) this.#flush(group);
  }

  #nextGroup(): [name: string, waiting: Waiting][] {
    return [...this.#waiting].slice(0, mostInBlock);
  }

  /**
   * A group is judged, once, and is a block: on disk first, then `queued`, and then the block is announced. So whatever was
   * acknowledged is recorded, and a crash leaves a group of submissions either in the log or as if they had never come.
   */
  #flush(group: readonly [name: string, waiting: Waiting][]): void {
    for (const [name] of group) this.#waiting.delete(name);
    for (const { settles, answer } of this.#record(group.map(([, one]) => one))) for (const settle of settles) settle(answer);
    for (const [, { ahead }] of group) this.#ahead.forget(ahead);
    this.#announceSoon();
    if (this.#waiting.size > 0) this.#flushSoon();
  }

  #record(group: readonly Waiting[]): { settles: Waiting['settles']; answer: Result<TransactionState> }[] {
    try {
      this.#mark();
      const draft = this.#draft();
      const answers = group.map(({ id, envelope, settles }) => ({ settles, answer: this.#judge(draft, id, envelope) }));
      if (draft.taken.length > 0) this.#make(draft);
      return answers;
    } catch (error) {
      // Also those that were refused: it may have been for one that is not recorded now.
      const answer = storageFailure(error);
      return group.map(({ settles }) => ({ settles, answer }));
    }
  }

  /** One that meets damage does not take the others with it: the draft is as it was before. */
  #judge(draft: BlockDraft, id: Uint8Array, envelope: Uint8Array): Result<TransactionState> {
    try {
      const opened = openEnvelope(envelope, crypto);
      if (!opened.ok) return ok({ state: 'rejected', code: opened.failure.code });
      // This engine is its only validator; more of them are another engine's.
      if (opened.value.body.acts.some(({ kind }) => kind === 'validator.set')) return ok({ state: 'rejected', code: 'validators-fixed' });
      const outcome = draft.takeOpened(opened.value, envelope);
      if (outcome.taken) return ok({ state: 'queued' });
      const known = this.#stateOf(id);
      if (known.state === 'recorded') return ok(known);
      // Before it in the same block, under other signatures that are good too.
      return ok(outcome.code === 'transaction-known' ? { state: 'queued' } : { state: 'rejected', code: outcome.code });
    } catch (error) {
      return storageFailure(error);
    }
  }

  #announceSoon(): void {
    if (this.#isAnnouncementDue || this.#unannounced.length === 0) return;
    this.#isAnnouncementDue = true;
    setImmediate(() => {
      this.#isAnnouncementDue = false;
      if (!this.#isClosed) this.#announce();
    });
  }

  #announce(): void {
    try {
      this.#mark();
    } catch (error) {
      // The next beat tries again; until then nobody is told of them.
      storageFailure(error);
      return;
    }
    const blocks = this.#unannounced;
    this.#unannounced = [];
    for (const block of blocks) for (const listener of this.#listeners) listener(block);
  }

  #beat(): void {
    try {
      if (this.#options.clock() - this.#tip.timeMs >= this.#options.heartbeatMs) {
        this.#mark();
        this.#make(this.#draft());
      }
    } catch (error) {
      // The next beat tries again.
      storageFailure(error);
    }
    this.#announce();
  }

  #draft(): BlockDraft {
    return this.#application.draft(Math.max(this.#options.clock(), this.#tip.timeMs + 1), this.#ahead.crypto);
  }

  /**
   * A block of what was drafted, and, where it changed log or state, an empty one at once that signs the change: so a receipt is at hand
   * right after. (One more follows where that forgot something.) They and all they change are one SQLite transaction: what the disk
   * refuses is thrown and leaves everything as it was.
   */
  #make(draft: BlockDraft): void {
    const before = this.#tip;
    if (!isSameContent(this.#application.tip(), before)) throw new LedgerDamage('log and state do not end where the last block does');
    const made = inTransaction(this.#database, () => {
      const blocks = [this.#writeBlock(before, draft)];
      for (let end: ChainEnd = before, last = blocks[0]; last !== undefined && !isSameContent(end, last.block); last = blocks.at(-1)) {
        end = last.block;
        blocks.push(this.#writeBlock(end, this.#application.draft(end.timeMs + 1)));
      }
      return blocks;
    });
    this.#tip = made.at(-1)?.block ?? before;
    for (const { committed } of made) {
      this.#unannounced.push(committed);
      for (const { id, index } of committed.transactions) this.#recent.set(toHex(id), { height: committed.height, index });
    }
    for (const id of this.#recent.keys()) {
      if (this.#recent.size <= mostRecent) break;
      this.#recent.delete(id);
    }
  }

  #writeBlock(end: ChainEnd, draft: BlockDraft): { block: ChainBlock; committed: CommittedBlock } {
    const after = this.#application.write(draft);
    const transactions = draft.taken.map(({ envelope }) => envelope);
    const block = nextBlock(end, { transactions, after }, this.#options.genesis, this.#options.validator, crypto);
    this.#blocks.append(block);
    return { block, committed: { height: after.height, timeMs: after.timeMs, transactions: [...draft.taken] } };
  }
}

type Content = Pick<Tip, 'logSize' | 'logRoot' | 'stateRoot'>;

const isSameContent = (a: Content, b: Content): boolean =>
  a.logSize === b.logSize && equalBytes(a.logRoot, b.logRoot) && equalBytes(a.stateRoot, b.stateRoot);

const isSameEnd = (block: ChainBlock, tip: Tip): boolean => block.header.height === tip.height && block.timeMs === tip.timeMs && isSameContent(block, tip);
