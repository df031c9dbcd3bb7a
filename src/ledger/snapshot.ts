import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { layOutApplication, openApplication, putTip, type LedgerApplication, type Tip } from './application.ts';
import { LedgerDamage } from './damage.ts';
import { encodeGenesis, startOf, type Genesis } from './genesis.ts';
import { TransactionLog } from './log.ts';
import type { StateLeaf } from './state-path.ts';
import { StateTree } from './state-tree.ts';
import { subjectsOf } from './verify/acts.ts';
import { compareBytes, concatBytes, equalBytes } from './verify/bytes.ts';
import { decodeCbor, encodeCbor } from './verify/cbor.ts';
import type { Crypto } from './verify/crypto.ts';
import { openEnvelope } from './verify/envelope.ts';
import { stateKey, type TransactionRecord } from './verify/records.ts';
import { isBytes, isInt, isMap, isOneOf, isTuple, type Shape } from './verify/shape.ts';

/**
 * A ledger after its newest block, as a stream: the same bytes on every node that has applied the same blocks, whatever engine made them. It is cut
 * into chunks of at most 8 MiB, each of whole items; an item is u32 BE length ‖ deterministic CBOR:
 * - `['ledger', { v, genesis, start, tip }]`, once, the first;
 * - `['entry', envelope, height]` for each of the log's, in its order;
 * - `['value', path, value]` for each of the state's, in the order of the paths (SHA-256 of the keys).
 * Which ids are remembered follows from the state, every hash from what it is of.
 */
type Item = ['ledger', SnapshotHeader] | ['entry', Uint8Array, number] | ['value', Uint8Array, Uint8Array];

interface SnapshotHeader {
  v: 1;
  genesis: Uint8Array;
  /** Height of the block before the first. */
  start: number;
  tip: Tip;
}

export const mostInChunk = 8 * 1024 * 1024;

const isHash = isBytes(32);
const isCount = isInt(0, Number.MAX_SAFE_INTEGER);
const isContent = isBytes(1, mostInChunk);
const isTip: Shape<Tip> = isMap({ height: isCount, timeMs: isCount, logSize: isCount, logRoot: isHash, stateRoot: isHash });
const isLedger = isTuple<['ledger', SnapshotHeader]>(isOneOf('ledger'), isMap({ v: isOneOf(1), genesis: isContent, start: isCount, tip: isTip }));
const isEntry = isTuple<['entry', Uint8Array, number]>(isOneOf('entry'), isContent, isCount);
const isValue = isTuple<['value', Uint8Array, Uint8Array]>(isOneOf('value'), isHash, isContent);

/** From a connection that sees one moment (`openLedgerFileToRead`). Throws what SQLite throws, and `LedgerDamage`: all that is read is held against its hashes. */
export function* snapshotChunks(database: DatabaseSync, genesis: Genesis, crypto: Crypto): Generator<Uint8Array> {
  const opened = openApplication(database, genesis, crypto);
  if (!opened.ok) throw new LedgerDamage(opened.failure.detail);
  yield* inChunks(itemsOf(opened.value, genesis));
}

function* itemsOf(application: LedgerApplication, genesis: Genesis): Generator<Item> {
  const tip = application.tip();
  const isSound = equalBytes(application.log.root(tip.logSize), tip.logRoot) && equalBytes(application.tree.root(), tip.stateRoot);
  if (!isSound) throw new LedgerDamage('log and state are not as the newest block left them');
  yield ['ledger', { v: 1, genesis: encodeGenesis(genesis), start: application.start, tip }];
  for (let index = 0; index < tip.logSize; index++) {
    const entry = application.log.at(index);
    if (entry === undefined) throw new LedgerDamage(`log entry ${index} is missing`);
    yield ['entry', entry.envelope, entry.height];
  }
  for (const { path, value } of application.tree.leaves()) yield ['value', path, value];
}

/** Whole items, as many as go into a chunk. */
export function* inChunks(items: Iterable<unknown>, most = mostInChunk): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for (const item of items) {
    const content = encodeCbor(item);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, content.length);
    if (size > 0 && size + 4 + content.length > most) {
      yield concatBytes(...parts);
      parts = [];
      size = 0;
    }
    parts.push(length, content);
    size += 4 + content.length;
  }
  if (size > 0) yield concatBytes(...parts);
}

/** The items of chunks. Throws `SnapshotRefused` where one is cut off or no deterministic CBOR. */
export function* itemsIn(chunks: Iterable<Uint8Array>): Generator<unknown> {
  for (const chunk of chunks) {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < chunk.length; ) {
      const end = at + 4 <= chunk.length ? at + 4 + view.getUint32(at) : Number.POSITIVE_INFINITY;
      const item = end <= chunk.length ? decodeCbor(chunk.subarray(at + 4, end)) : undefined;
      if (item === undefined) throw new SnapshotRefused('an item is cut off, or no CBOR');
      yield item;
      at = end;
    }
  }
}

/** Ends an import from whatever depth; never leaves this file but by `itemsIn`. */
export class SnapshotRefused extends Error {}

/**
 * Puts a snapshot into an empty file, in the caller's transaction: everything is built anew from envelopes and values, and both roots have to come out
 * as the snapshot's tip says. The caller holds the tip's app hash (`appHashOf`) against a header that was signed *before* it commits; until then nothing
 * of it is to be believed. `chunks` are read once, one at a time. Fails with `hub-storage` and what is wrong; then the transaction is to be rolled back.
 */
export function importSnapshot(database: DatabaseSync, chunks: Iterable<Uint8Array>, genesis: Genesis, crypto: Crypto): Result<Tip> {
  try {
    return ok(new SnapshotImport(database, itemsIn(chunks), crypto).run(genesis));
  } catch (error) {
    if (error instanceof SnapshotRefused) return fail('hub-storage', `snapshot: ${error.message}`);
    throw error;
  }
}

class SnapshotImport {
  readonly #database: DatabaseSync;
  readonly #crypto: Crypto;
  readonly #items: Iterator<unknown>;
  #next: unknown;

  constructor(database: DatabaseSync, items: Iterator<unknown>, crypto: Crypto) {
    this.#database = database;
    this.#crypto = crypto;
    this.#items = items;
    this.#advance();
  }

  run(genesis: Genesis): Tip {
    const first = this.#next;
    if (!isLedger(first)) throw new SnapshotRefused('it does not begin with what ledger it is of');
    const [, header] = first;
    if (!equalBytes(header.genesis, encodeGenesis(genesis))) throw new SnapshotRefused('it is of another genesis');
    const { tip, start } = header;
    if (start !== startOf(genesis) || start > tip.height) throw new SnapshotRefused('it begins at another height');
    this.#advance();
    layOutApplication(this.#database, genesis, start);

    const log = new TransactionLog(this.#database, this.#crypto);
    let size = 0;
    let height = 0;
    for (; isEntry(this.#next); this.#advance()) {
      const [, , own] = this.#next;
      if (own < height || own > tip.height) throw new SnapshotRefused(`entry ${size} is of no height that it can have`);
      height = own;
      this.#takeEntry(log, size++, this.#next);
    }
    if (size !== tip.logSize || !equalBytes(log.root(size), tip.logRoot)) throw new SnapshotRefused('its log is not the one that it names');

    const tree = new StateTree(this.#database, this.#crypto);
    tree.build(this.#values(log));
    if (this.#next !== undefined) throw new SnapshotRefused('an item that belongs nowhere');
    if (!equalBytes(tree.root(), tip.stateRoot)) throw new SnapshotRefused('its state is not the one that it names');
    putTip(this.#database, tip);
    return tip;
  }

  #advance(): void {
    const next = this.#items.next();
    this.#next = next.done === true ? undefined : next.value;
  }

  #takeEntry(log: TransactionLog, index: number, [, envelope, height]: ['entry', Uint8Array, number]): void {
    const opened = openEnvelope(envelope, this.#crypto);
    if (!opened.ok) throw new SnapshotRefused(`entry ${index} is no envelope`);
    // Its sender need not be honest: what SQLite would refuse must not end the node.
    if (log.find(opened.value.id) !== undefined) throw new SnapshotRefused(`entry ${index} stands there twice`);
    log.append({ index, transaction: opened.value.id, envelope, height }, subjectsOf(opened.value.body));
  }

  /** Those of transactions say until when their id is remembered. */
  *#values(log: TransactionLog): Generator<StateLeaf> {
    const remember = this.#database.prepare('INSERT INTO remembered (not_after, id) VALUES (?, ?)');
    let last: Uint8Array | null = null;
    for (; isValue(this.#next); this.#advance()) {
      const [, path, value] = this.#next;
      if (last !== null && compareBytes(last, path) >= 0) throw new SnapshotRefused('values out of order');
      last = path;
      const record = transactionRecord(value);
      const entry = record === undefined ? undefined : log.at(record.index);
      if (record !== undefined && entry !== undefined && equalBytes(this.#crypto.sha256(stateKey.tx(entry.transaction)), path)) {
        if (entry.height !== record.height) throw new SnapshotRefused(`entry ${record.index} is of another height`);
        remember.run(record.notAfter, entry.transaction);
      }
      yield { path, value };
    }
  }
}

const isTransactionRecord = isMap({ notAfter: isCount, height: isCount, index: isCount });

function transactionRecord(value: Uint8Array): TransactionRecord | undefined {
  /** A map of three. */
  const marker = 0xa3;
  const record = value[0] === marker ? decodeCbor(value) : undefined;
  return isTransactionRecord(record) ? record : undefined;
}
