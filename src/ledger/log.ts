import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Crypto } from './verify/crypto.ts';
import { emptyRoot, innerHash, largestPowerOfTwoBelow, leafHash } from './verify/merkle-log.ts';

export interface LogEntry {
  index: number;
  transaction: Uint8Array;
  envelope: Uint8Array;
  height: number;
}

/**
 * The append-only log of accepted envelopes (RFC 9162 §2.1) in SQLite: leaves, and the hash of every complete subtree.
 * The caller holds the transaction; every SQLite failure is thrown and ends in its rollback.
 */
export class TransactionLog {
  readonly #crypto: Crypto;
  readonly #putLeaf: StatementSync;
  readonly #leafAt: StatementSync;
  readonly #leafOf: StatementSync;
  readonly #lastLeaf: StatementSync;
  readonly #putNode: StatementSync;
  readonly #getNode: StatementSync;

  constructor(database: DatabaseSync, crypto: Crypto) {
    this.#crypto = crypto;
    database.exec(`
      CREATE TABLE IF NOT EXISTS log_leaf (
        position INTEGER PRIMARY KEY, transaction_id BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL, height INTEGER NOT NULL
      );
      CREATE TABLE IF NOT EXISTS log_node (
        level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, position)
      ) WITHOUT ROWID;
    `);
    const columns = 'position, transaction_id, envelope, height';
    this.#putLeaf = database.prepare(`INSERT INTO log_leaf (${columns}) VALUES (?, ?, ?, ?)`);
    this.#leafAt = database.prepare(`SELECT ${columns} FROM log_leaf WHERE position = ?`);
    this.#leafOf = database.prepare(`SELECT ${columns} FROM log_leaf WHERE transaction_id = ?`);
    this.#lastLeaf = database.prepare('SELECT max(position) AS position FROM log_leaf');
    this.#putNode = database.prepare('INSERT INTO log_node (level, position, hash) VALUES (?, ?, ?)');
    this.#getNode = database.prepare('SELECT hash FROM log_node WHERE level = ? AND position = ?');
  }

  size(): number {
    const row = this.#lastLeaf.get() as { position: number | null } | undefined;
    return (row?.position ?? -1) + 1;
  }

  append({ index, transaction, envelope, height }: LogEntry): void {
    this.#putLeaf.run(index, transaction, envelope, height);
    let hash = leafHash(envelope, this.#crypto);
    let position = index;
    this.#putNode.run(0, position, hash);
    for (let level = 0; position % 2 === 1; level++) {
      hash = innerHash(this.#node(level, position - 1), hash, this.#crypto);
      position = (position - 1) / 2;
      this.#putNode.run(level + 1, position, hash);
    }
  }

  at(index: number): LogEntry | undefined {
    return entryOf(this.#leafAt.get(index));
  }

  find(transaction: Uint8Array): LogEntry | undefined {
    return entryOf(this.#leafOf.get(transaction));
  }

  /** The hash that is stored for a leaf. */
  leafHashAt(index: number): Uint8Array {
    return this.#node(0, index);
  }

  /** Of the complete subtree of 2^level leaves from leaf position · 2^level on. */
  subtreeHash(level: number, position: number): Uint8Array {
    return this.#node(level, position);
  }

  root(size: number): Uint8Array {
    return size === 0 ? emptyRoot(this.#crypto) : this.#range(0, size);
  }

  /** RFC 9162 §2.1.3.1. */
  inclusionPath(index: number, size: number): Uint8Array[] {
    return this.#inclusion(index, 0, size);
  }

  /** RFC 9162 §2.1.4.1; `first` ≥ 1. */
  consistencyPath(first: number, second: number): Uint8Array[] {
    return first === second ? [] : this.#consistency(first, 0, second, true);
  }

  #inclusion(index: number, start: number, size: number): Uint8Array[] {
    if (size === 1) return [];
    const half = largestPowerOfTwoBelow(size);
    return index < half
      ? [...this.#inclusion(index, start, half), this.#range(start + half, size - half)]
      : [...this.#inclusion(index - half, start + half, size - half), this.#range(start, half)];
  }

  #consistency(first: number, start: number, size: number, whole: boolean): Uint8Array[] {
    if (first === size) return whole ? [] : [this.#range(start, size)];
    const half = largestPowerOfTwoBelow(size);
    return first <= half
      ? [...this.#consistency(first, start, half, whole), this.#range(start + half, size - half)]
      : [...this.#consistency(first - half, start + half, size - half, false), this.#range(start, half)];
  }

  /** Root of `size` leaves from `start` on, where `start` is a multiple of the power of two that is at least `size`. */
  #range(start: number, size: number): Uint8Array {
    const level = Math.log2(size);
    if (Number.isInteger(level)) return this.#node(level, start / size);
    const half = largestPowerOfTwoBelow(size);
    return innerHash(this.#range(start, half), this.#range(start + half, size - half), this.#crypto);
  }

  #node(level: number, position: number): Uint8Array {
    const row = this.#getNode.get(level, position) as { hash: Uint8Array } | undefined;
    if (row === undefined) throw new Error(`log node ${level}/${position} is missing`);
    return row.hash;
  }
}

function entryOf(row: unknown): LogEntry | undefined {
  if (row === undefined) return undefined;
  const { position, transaction_id, envelope, height } = row as { position: number; transaction_id: Uint8Array; envelope: Uint8Array; height: number };
  return { index: position, transaction: transaction_id, envelope, height };
}
