import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RejectionCode } from '../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { bytesOf, LedgerDamage } from './damage.ts';
import { encodeGenesis, genesisState, startOf, type Genesis } from './genesis.ts';
import type { CommittedTransaction } from './ledger.ts';
import { TransactionLog, type LogEntry } from './log.ts';
import { judgeOpened } from './rules.ts';
import { StateDraft, type StateChange, type StateView } from './state.ts';
import { StateTree } from './state-tree.ts';
import { subjectsOf, type PublicKey } from './verify/acts.ts';
import { appHash } from './verify/block.ts';
import { equalBytes } from './verify/bytes.ts';
import { decodeCbor, encodeCbor } from './verify/cbor.ts';
import type { Crypto } from './verify/crypto.ts';
import { openEnvelope, type OpenedEnvelope } from './verify/envelope.ts';
import { isSoundKey } from './verify/key-soundness.ts';
import { leafHash, verifyInclusion } from './verify/merkle-log.ts';
import { stateKey, type ValidatorsRecord } from './verify/records.ts';
import { isUnsignedChain } from './verify/unsigned-chain.ts';

/** Of the tables below and those of log and state. A file of another version is refused, never guessed at. Of 1 are the state's branches each in a page of its own (state-page.ts). */
const schemaVersion = 2;
const oldestSchema = 1;
/** So that a block after a long pause is not all forgetting: the rest follows in the blocks after it. */
const mostForgottenInBlock = 1000;
/** A quarter of a second's worth. */
const mostBytesLookedThrough = 256 * 1024 * 1024;
/** How many of the last leaves are hashed again at start: more than a torn end of the file can hold. */
const tailLeaves = 2000;

/** What log and state are after a block. */
export interface Tip {
  /** Before the first block: one less than the height that it will have. */
  height: number;
  /** The block's own time, Unix milliseconds; before the first block, the genesis's. */
  timeMs: number;
  logSize: number;
  logRoot: Uint8Array;
  stateRoot: Uint8Array;
}

/** What the header after it says of log and state. */
export const appHashOf = ({ logRoot, logSize, stateRoot }: Tip, crypto: Crypto): Uint8Array => appHash(logRoot, logSize, stateRoot, crypto);

/** What the rules made of one transaction of a block. */
export type Outcome = { taken: true; transaction: CommittedTransaction } | { taken: false; code: RejectionCode };

export interface JudgedTransaction {
  transaction: CommittedTransaction;
  draft: StateDraft;
}

/** What a receipt holds of log and state (verify/receipt.ts); the signed header is the engine's. */
export interface ReceiptMaterial {
  envelope: Uint8Array;
  /** Of its signers, in the envelope's order. */
  keys: PublicKey[];
  /** How many: a receipt has a private part, or null, for each. */
  acts: number;
  index: number;
  /** From the leaf to the root at `tip`. */
  path: Uint8Array[];
  tip: Tip;
}

/** After the transaction's own block, after the newest one, or after the block of a height. */
export type ReceiptPlace = 'own' | 'newest' | number;

/**
 * Transactions judged one after the other on top of what was committed, as the next block would: nothing is written. A refused one changes nothing.
 * For a block that is made, for a proposal that is looked at, and for what waits in a queue.
 */
export class BlockDraft {
  readonly height: number;
  readonly timeMs: number;
  readonly #chain: string;
  readonly #before: Tip;
  readonly #draft: StateDraft;
  readonly #crypto: Crypto;
  readonly #taken: CommittedTransaction[] = [];

  constructor(view: StateView, before: Tip, { chain, timeMs }: { chain: string; timeMs: number }, crypto: Crypto) {
    this.height = before.height + 1;
    this.timeMs = timeMs;
    this.#chain = chain;
    this.#before = before;
    this.#draft = new StateDraft(view);
    this.#crypto = crypto;
  }

  get taken(): readonly CommittedTransaction[] {
    return this.#taken;
  }

  /** `timeMs`: where the block's own time is not yet known, what it is expected to be for this one. */
  take(envelope: Uint8Array, timeMs = this.timeMs): Outcome {
    const opened = openEnvelope(envelope, this.#crypto);
    return opened.ok ? this.takeOpened(opened.value, envelope, timeMs) : { taken: false, code: opened.failure.code };
  }

  /** Of one that was taken apart before: `opened` is what `openEnvelope` made of `envelope`. */
  takeOpened(opened: OpenedEnvelope, envelope: Uint8Array, timeMs = this.timeMs): Outcome {
    const judged = this.judge(opened, envelope, timeMs);
    if (!judged.ok) return { taken: false, code: judged.failure.code };
    this.retake(judged.value);
    return { taken: true, transaction: judged.value.transaction };
  }

  /** What would be taken, and what it would change. */
  judge(opened: OpenedEnvelope, envelope: Uint8Array, timeMs = this.timeMs): Result<JudgedTransaction, Failure<RejectionCode>> {
    const index = this.#before.logSize + this.#taken.length;
    const place = { chain: this.#chain, height: this.height, time: Math.floor(timeMs / 1000), logIndex: index };
    const judged = judgeOpened(this.#draft, opened, place, { crypto: this.#crypto, isSoundKey });
    if (!judged.ok) return judged;
    const { id, body, draft } = judged.value;
    return ok({ transaction: { id, envelope, body, index }, draft });
  }

  /** As it was judged, here or, where nothing hangs on it but what is expected, in the draft before this one. */
  retake({ transaction, draft }: JudgedTransaction): void {
    this.#draft.take(draft);
    this.#taken.push(transaction);
  }

  /** Ids that are refused by their own `notAfter`: no rule asks for them any more. */
  forget(transactions: readonly Uint8Array[]): void {
    for (const id of transactions) this.#draft.put(stateKey.tx(id), null);
  }

  /** In no order: whoever writes them has one of their own. */
  changes(): StateChange[] {
    const changes: StateChange[] = [];
    this.#draft.each((_name, change) => changes.push(change));
    return changes;
  }
}

/**
 * What every engine runs: rules, state and log in one SQLite file, block by block. Time is an argument, and the same blocks give the same app
 * hashes everywhere. The caller holds the SQLite transaction; every SQLite failure is thrown and ends in its rollback.
 * Over a read-only connection of its own it shows what is committed, while a block that is not stands open on the first one.
 */
export class LedgerApplication {
  readonly chain: string;
  readonly crypto: Crypto;
  readonly tree: StateTree;
  readonly log: TransactionLog;
  readonly #database: DatabaseSync;
  /** Height of the block before the first. */
  readonly start: number;
  readonly #putTip: StatementSync;
  readonly #tipAt: StatementSync;
  readonly #lastTip: StatementSync;
  readonly #remember: StatementSync;
  readonly #expired: StatementSync;
  readonly #forget: StatementSync;

  /** Use `openApplication`. */
  constructor(database: DatabaseSync, { chain, start }: { chain: string; start: number }, crypto: Crypto) {
    this.chain = chain;
    this.crypto = crypto;
    this.#database = database;
    this.start = start;
    this.tree = new StateTree(database, crypto);
    this.log = new TransactionLog(database, crypto);
    const columns = 'height, time_ms, log_size, log_root, state_root';
    this.#putTip = database.prepare(`INSERT INTO tip (${columns}) VALUES (?, ?, ?, ?, ?)`);
    this.#tipAt = database.prepare(`SELECT ${columns} FROM tip WHERE height = ?`);
    this.#lastTip = database.prepare(`SELECT ${columns} FROM tip ORDER BY height DESC LIMIT 1`);
    this.#remember = database.prepare('INSERT INTO remembered (not_after, id) VALUES (?, ?)');
    this.#expired = database.prepare('SELECT not_after, id FROM remembered WHERE not_after < ? ORDER BY not_after, id LIMIT ?');
    this.#forget = database.prepare('DELETE FROM remembered WHERE not_after = ? AND id = ?');
  }

  /** After the newest block. */
  tip(): Tip {
    const tip = tipOf(this.#lastTip.get());
    if (tip === undefined) throw new Error('a ledger that was never begun');
    return tip;
  }

  tipAt(height: number): Tip | undefined {
    return tipOf(this.#tipAt.get(height));
  }

  /** Whether no block was applied since the chain began in this file. */
  isAtStart(): boolean {
    return this.tip().height === this.start;
  }

  /** The block after the newest, at this time; good until that comes, whoever writes it. */
  draft(timeMs: number, crypto = this.crypto): BlockDraft {
    return new BlockDraft(this.tree.now(), this.tip(), { chain: this.chain, timeMs }, crypto);
  }

  /** Writes the block that was drafted on the newest one, and forgets ids whose own `notAfter` refuses them by now. */
  write(block: BlockDraft): Tip {
    const before = this.tip();
    if (block.height !== before.height + 1) throw new Error(`block ${block.height} after ${before.height}`);
    const isSound = equalBytes(this.tree.root(), before.stateRoot) && equalBytes(this.log.root(before.logSize), before.logRoot);
    if (!isSound) throw new LedgerDamage(`log and state are not as height ${before.height} left them`);
    block.forget(this.#takeExpired(Math.floor(block.timeMs / 1000)));
    for (const { id, envelope, index, body } of block.taken) {
      this.log.append({ index, transaction: id, envelope, height: block.height }, subjectsOf(body));
      this.#remember.run(body.notAfter, id);
    }
    this.tree.update(block.changes());
    const logSize = before.logSize + block.taken.length;
    const tip = { height: block.height, timeMs: block.timeMs, logSize, logRoot: this.log.root(logSize), stateRoot: this.tree.root() };
    this.#putTip.run(tip.height, tip.timeMs, tip.logSize, tip.logRoot, tip.stateRoot);
    return tip;
  }

  /** A block as an engine hands it over; outcomes stand in the order of its transactions. */
  applyBlock({ height, timeMs, transactions }: { height: number; timeMs: number; transactions: readonly Uint8Array[] }): { outcomes: Outcome[]; tip: Tip } {
    const block = this.draft(timeMs);
    if (block.height !== height) throw new Error(`block ${height} where ${block.height} is due`);
    const outcomes = transactions.map((envelope) => block.take(envelope));
    return { outcomes, tip: this.write(block) };
  }

  validators(): ValidatorsRecord {
    const record = new StateDraft(this.tree).read('validators');
    if (record === undefined) throw new Error('a state without validators');
    return record;
  }

  /** undefined: not recorded. Throws `LedgerDamage` where log, state and index do not say the same of it. */
  entry(transaction: Uint8Array): LogEntry | undefined {
    const entry = this.log.find(transaction);
    const remembered = new StateDraft(this.tree).read('tx', transaction);
    if (entry === undefined) {
      if (remembered !== undefined) throw new LedgerDamage('a transaction is missing from the index of the log');
      return undefined;
    }
    const { envelope, height, index } = entry;
    const opened = openEnvelope(envelope, this.crypto);
    if (!opened.ok || !equalBytes(opened.value.id, transaction)) throw new LedgerDamage(`log entry ${index} is another transaction’s`);
    const [before, after] = [this.tipAt(height - 1), this.tipAt(height)];
    const isThere = (after === undefined || index < after.logSize) && (before === undefined || index >= before.logSize);
    if (!isThere || (remembered !== undefined && remembered.height !== height)) throw new LedgerDamage(`log entry ${index} is of another height`);
    return entry;
  }

  /** undefined: not recorded, or not by then. */
  receiptMaterial(transaction: Uint8Array, place: ReceiptPlace): ReceiptMaterial | undefined {
    const entry = this.entry(transaction);
    if (entry === undefined) return undefined;
    const tip = place === 'newest' ? this.tip() : this.tipAt(place === 'own' ? entry.height : place);
    if (tip === undefined || tip.logSize <= entry.index) return undefined;
    const { envelope, index } = entry;
    const path = this.log.inclusionPath(index, tip.logSize);
    const isIncluded = verifyInclusion({ leaf: leafHash(envelope, this.crypto), index, size: tip.logSize, path, root: tip.logRoot }, this.crypto);
    if (!isIncluded) throw new LedgerDamage(`the end of the log at height ${tip.height} is damaged`);
    return { envelope, ...this.#signedBy(entry), index, path, tip };
  }

  /**
   * At start: the file itself, and the end of log and state against what the last block left. `hub-storage` names what is damaged. Looking through
   * a large file would take minutes; what is damaged in one is noticed where it is read, each thing against its hash, and by a backup.
   */
  check(lookedThroughBytes = mostBytesLookedThrough): Result<null> {
    if (fileBytes(this.#database) <= lookedThroughBytes && !isWholeFile(this.#database)) return fail('hub-storage', 'the file is damaged');
    const { logSize, logRoot, stateRoot } = this.tip();
    if (this.log.size() !== logSize) return fail('hub-storage', 'the log is not as long as the last block says');
    for (let index = Math.max(0, logSize - tailLeaves); index < logSize; index++) {
      if (this.log.at(index) === undefined) return fail('hub-storage', `log entry ${index} is missing`);
    }
    if (!equalBytes(this.log.root(logSize), logRoot)) return fail('hub-storage', 'the log is damaged');
    return equalBytes(this.tree.root(), stateRoot) ? ok(null) : fail('hub-storage', 'the state is damaged');
  }

  /** Key records are never removed, so that what they signed stays provable. */
  #signedBy({ envelope, index }: LogEntry): { keys: PublicKey[]; acts: number } {
    const opened = openEnvelope(envelope, this.crypto);
    if (!opened.ok) throw new Error(`log entry ${index} is no envelope`);
    const state = new StateDraft(this.tree);
    const keys = opened.value.signers.map(({ kid }) => {
      const record = state.read('key', kid);
      if (record === undefined) throw new Error(`log entry ${index} is signed by an unknown key`);
      return record.key;
    });
    return { keys, acts: opened.value.body.acts.length };
  }

  #takeExpired(time: number): Uint8Array[] {
    const rows = this.#expired.all(time, mostForgottenInBlock) as { not_after: number; id: unknown }[];
    const state = new StateDraft(this.tree);
    const detail = 'what is remembered of transactions is damaged';
    return rows.map(({ not_after: notAfter, id }) => {
      const transaction = bytesOf(id, detail);
      if (state.read('tx', transaction)?.notAfter !== notAfter) throw new LedgerDamage(detail);
      this.#forget.run(notAfter, transaction);
      return transaction;
    });
  }
}

function tipOf(row: unknown): Tip | undefined {
  if (row === undefined) return undefined;
  const { height, time_ms, log_size, log_root, state_root } = row as {
    height: unknown;
    time_ms: unknown;
    log_size: unknown;
    log_root: unknown;
    state_root: unknown;
  };
  const detail = 'what log and state were after a block is damaged';
  if (typeof height !== 'number' || typeof time_ms !== 'number' || typeof log_size !== 'number') throw new LedgerDamage(detail);
  return { height, timeMs: time_ms, logSize: log_size, logRoot: bytesOf(log_root, detail), stateRoot: bytesOf(state_root, detail) };
}

const fileBytes = (database: DatabaseSync): number => {
  const { bytes } = database.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size').get() as { bytes: number };
  return bytes;
};

/** SQLite's own structures, all of them: about a second for each gigabyte. */
export function isWholeFile(database: DatabaseSync): boolean {
  const quick = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string } | undefined;
  return quick?.quick_check === 'ok';
}

/** Why an engine refuses a chain. */
export const unsignedDetail = 'the chain was filled without signatures, to be measured';

/** Genesis, its state and the first tip are written in one transaction, so a chain was begun here as a whole or not at all. */
export function isBegun(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'about'").get() !== undefined && about(database, 'genesis') !== undefined;
}

/** Writes what a chain begins with, in the caller's transaction. `hub-storage` with the rejection of the genesis's first act that the rules refuse. */
export function beginApplication(database: DatabaseSync, genesis: Genesis, crypto: Crypto): Result<null> {
  if (isUnsignedChain(genesis.chain)) return fail('hub-storage', unsignedDetail);
  if (genesis.handover !== undefined) return fail('hub-storage', 'this chain goes on from another: its snapshot is to be imported first');
  const state = genesisState(genesis, crypto);
  if (!state.ok) return fail('hub-storage', `genesis: ${state.failure.code}`);
  layOutApplication(database, genesis, 0);
  const tree = new StateTree(database, crypto);
  tree.update(state.value);
  putTip(database, { height: 0, timeMs: genesis.time * 1000, logSize: 0, logRoot: new TransactionLog(database, crypto).root(0), stateRoot: tree.root() });
  return ok(null);
}

/** An empty ledger's tables, and whose it is. The caller brings log, state and the tips from `start` on, or the newest alone where those before are not at hand. */
export function layOutApplication(database: DatabaseSync, genesis: Genesis, start: number): void {
  database.exec(`
    CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE tip (height INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, log_size INTEGER NOT NULL, log_root BLOB NOT NULL, state_root BLOB NOT NULL);
    CREATE TABLE remembered (not_after INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (not_after, id)) WITHOUT ROWID;
  `);
  const put = database.prepare('INSERT INTO about (name, value) VALUES (?, ?)');
  put.run('schema', encodeCbor(schemaVersion));
  put.run('genesis', encodeGenesis(genesis));
  put.run('start', encodeCbor(start));
}

export function putTip(database: DatabaseSync, { height, timeMs, logSize, logRoot, stateRoot }: Tip): void {
  database
    .prepare('INSERT INTO tip (height, time_ms, log_size, log_root, state_root) VALUES (?, ?, ?, ?, ?)')
    .run(height, timeMs, logSize, logRoot, stateRoot);
}

/** Of a file in which this genesis's chain was begun; writes nothing. `hub-storage` where it is another chain's, or of another build's format. */
export function openApplication(database: DatabaseSync, genesis: Genesis, crypto: Crypto): Result<LedgerApplication> {
  if (!isBegun(database)) return fail('hub-storage', 'no chain was begun in this file');
  const schema = decodeCbor(about(database, 'schema') ?? encodeCbor(0));
  const isOlder = typeof schema === 'number' && schema < oldestSchema;
  const isKnown = typeof schema === 'number' && !isOlder && schema <= schemaVersion;
  if (!isKnown) return fail('hub-storage', `the file’s format is ${isOlder ? 'older' : 'newer'} than ${isOlder ? oldestSchema : schemaVersion}, which this program reads`);
  if (!equalBytes(about(database, 'genesis') ?? new Uint8Array(), encodeGenesis(genesis))) return fail('hub-storage', 'the file has another genesis');
  const start = decodeCbor(about(database, 'start') ?? new Uint8Array());
  // A seeded chain begins where its seed ended.
  if (typeof start !== 'number' || !(isUnsignedChain(genesis.chain) || start === startOf(genesis))) return fail('hub-storage', 'the file is damaged');
  return ok(new LedgerApplication(database, { chain: genesis.chain, start }, crypto));
}

/** By its writer, before it writes anything else: a file that an older program would read is from now on one that it refuses. Pages take the new form one by one, where they change. */
export function renewFormat(database: DatabaseSync): void {
  database.prepare("UPDATE about SET value = ? WHERE name = 'schema' AND value <> ?").run(encodeCbor(schemaVersion), encodeCbor(schemaVersion));
}

/** Written where its validators handed the ledger on: the genesis of the chain that goes on from here. No engine makes another block of this file. */
export const successorOf = (database: DatabaseSync): Uint8Array | undefined => about(database, 'successor');

/** In the caller's transaction. */
export const putSuccessor = (database: DatabaseSync, genesis: Uint8Array): void =>
  void database.prepare("INSERT INTO about (name, value) VALUES ('successor', ?)").run(genesis);

function about(database: DatabaseSync, name: string): Uint8Array | undefined {
  const row = database.prepare('SELECT value FROM about WHERE name = ?').get(name);
  return row === undefined ? undefined : bytesOf(row['value'], `what the file says of its ${name} is damaged`);
}
