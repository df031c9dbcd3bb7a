import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bytesOf, LedgerDamage } from './damage.ts';
import { PageCache } from './page-cache.ts';
import type { Id } from './verify/acts.ts';
import { concatBytes, equalBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { emptyRoot, innerHash, largestPowerOfTwoBelow, leafHash, merkleRoot } from './verify/merkle-log.ts';

export interface LogEntry {
  index: number;
  transaction: Uint8Array;
  envelope: Uint8Array;
  height: number;
}

/** Hashes lie in groups of sixteen: group g of layer k holds those of the subtrees of 16^k leaves from number 16 g on. */
const inGroup = 16;
const levelsOfGroup = 4;
/** About 0.7 KB each. */
const groupsKept = 8192;

/** Sixteen hashes, and the hash of the subtree that they make. */
interface Group {
  hashes: Uint8Array[];
  root: Uint8Array;
}

/** For each layer, its last group, which is not full, from number `first` on. */
type Layers = { first: number; hashes: Uint8Array[] }[];

/** The right edge. It follows from the entries, so it is not stored. */
interface Edge {
  size: number;
  layers: Layers;
}

/** Of no size that a log has. */
const unknownEdge: Edge = { size: -1, layers: [] };

const indexOfLeaves = 'CREATE UNIQUE INDEX IF NOT EXISTS log_leaf_of ON log_leaf (transaction_id)';

/**
 * The append-only log of accepted envelopes (RFC 9162 §2.1) in SQLite: leaves, the groups of hashes that are full, and which entries touch whom.
 * What is read is held against the hashes above it up to the edge, so what the file holds otherwise is never handed out (`LedgerDamage` is thrown);
 * the edge follows from the last entries and groups, and `root()` of the whole is what the caller holds against the newest signed block.
 * The caller holds the transaction; every SQLite failure is thrown and ends in its rollback.
 */
export class TransactionLog {
  readonly #crypto: Crypto;
  readonly #putLeaf: StatementSync;
  readonly #leafAt: StatementSync;
  readonly #leafOf: StatementSync;
  readonly #lastLeaf: StatementSync;
  readonly #putGroup: StatementSync;
  readonly #getGroup: StatementSync;
  readonly #putSubject: StatementSync;
  readonly #ofSubject: StatementSync;
  /** Held against the group above at each use. */
  readonly #groups = new PageCache<Group>(groupsKept);
  #edge = unknownEdge;

  constructor(database: DatabaseSync, crypto: Crypto) {
    this.#crypto = crypto;
    database.exec(`
      CREATE TABLE IF NOT EXISTS log_leaf (position INTEGER PRIMARY KEY, transaction_id BLOB NOT NULL, envelope BLOB NOT NULL, height INTEGER NOT NULL);
      ${indexOfLeaves};
      CREATE TABLE IF NOT EXISTS log_group (id INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS log_subject (subject BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (subject, position)) WITHOUT ROWID;
    `);
    const columns = 'position, transaction_id, envelope, height';
    this.#putLeaf = database.prepare(`INSERT INTO log_leaf (${columns}) VALUES (?, ?, ?, ?)`);
    this.#leafAt = database.prepare(`SELECT ${columns} FROM log_leaf WHERE position = ?`);
    this.#leafOf = database.prepare(`SELECT ${columns} FROM log_leaf WHERE transaction_id = ?`);
    this.#lastLeaf = database.prepare('SELECT max(position) AS position FROM log_leaf');
    this.#putGroup = database.prepare('INSERT INTO log_group (id, hashes) VALUES (?, ?)');
    this.#getGroup = database.prepare('SELECT hashes FROM log_group WHERE id = ?');
    this.#putSubject = database.prepare('INSERT INTO log_subject (subject, position) VALUES (?, ?)');
    this.#ofSubject = database.prepare('SELECT position FROM log_subject WHERE subject = ? AND position < ? ORDER BY position');
  }

  size(): number {
    const row = this.#lastLeaf.get() as { position: number | null } | undefined;
    return (row?.position ?? -1) + 1;
  }

  /** `subjects`: residents that the entry's acts touch, each once. */
  append(entry: LogEntry, subjects: readonly Id[] = []): void {
    this.appendHashed(entry, leafHash(entry.envelope, this.#crypto), subjects);
  }

  /** `leaf`: the hash of its envelope, of whoever has it at hand. */
  appendHashed({ index, transaction, envelope, height }: LogEntry, leaf: Uint8Array, subjects: readonly Id[] = []): void {
    // After a rollback the edge is ahead. Where a statement fails in the middle of this one, it is made anew.
    const edge = this.#edge.size === index ? this.#edge : this.#edgeAt(index);
    this.#edge = unknownEdge;
    this.#putLeaf.run(index, transaction, envelope, height);
    for (const subject of subjects) this.#putSubject.run(subject, index);
    let hash = leaf;
    for (let k = 0; ; k++) {
      const layer = (edge.layers[k] ??= { first: 0, hashes: [] });
      layer.hashes.push(hash);
      if (layer.hashes.length < inGroup) break;
      this.#putGroup.run(groupId(k, layer.first / inGroup), concatBytes(...layer.hashes));
      hash = merkleRoot(layer.hashes, this.#crypto);
      edge.layers[k] = { first: layer.first + inGroup, hashes: [] };
    }
    this.#edge = { size: index + 1, layers: edge.layers };
  }

  at(index: number): LogEntry | undefined {
    return this.#checked(this.#leafAt.get(index));
  }

  find(transaction: Uint8Array): LogEntry | undefined {
    return this.#checked(this.#leafOf.get(transaction));
  }

  /** Indices below `size` of the entries with an act on this resident, ascending. That none is missing, the resident's chain shows (verify/resident-chain.ts). */
  touching(subject: Id, size: number): number[] {
    return (this.#ofSubject.all(subject, size) as unknown as { position: number }[]).map(({ position }) => position);
  }

  leafHashAt(index: number): Uint8Array {
    return this.#hashAt(this.#layers(), 0, index);
  }

  /** Of the complete subtree of 2^level leaves from leaf position · 2^level on. */
  subtreeHash(level: number, position: number): Uint8Array {
    return this.#subtreeHash(this.#layers(), level, position);
  }

  root(size: number): Uint8Array {
    return size === 0 ? emptyRoot(this.#crypto) : this.#range(this.#layers(), 0, size);
  }

  /** RFC 9162 §2.1.3.1. */
  inclusionPath(index: number, size: number): Uint8Array[] {
    return this.#inclusion(this.#layers(), index, 0, size);
  }

  /** RFC 9162 §2.1.4.1; `first` ≥ 1. */
  consistencyPath(first: number, second: number): Uint8Array[] {
    return first === second ? [] : this.#consistency(this.#layers(), first, 0, second, true);
  }

  /** Of the edge as it is now: asked of the file once for all that is read together. */
  #layers(): Layers {
    return this.#edgeAt(this.size()).layers;
  }

  #subtreeHash(layers: Layers, level: number, position: number): Uint8Array {
    const k = Math.floor(level / levelsOfGroup);
    const width = 2 ** (level % levelsOfGroup);
    return merkleRoot(Array.from({ length: width }, (_, i) => this.#hashAt(layers, k, position * width + i)), this.#crypto);
  }

  #inclusion(layers: Layers, index: number, start: number, size: number): Uint8Array[] {
    if (size === 1) return [];
    const half = largestPowerOfTwoBelow(size);
    return index < half
      ? [...this.#inclusion(layers, index, start, half), this.#range(layers, start + half, size - half)]
      : [...this.#inclusion(layers, index - half, start + half, size - half), this.#range(layers, start, half)];
  }

  #consistency(layers: Layers, first: number, start: number, size: number, whole: boolean): Uint8Array[] {
    if (first === size) return whole ? [] : [this.#range(layers, start, size)];
    const half = largestPowerOfTwoBelow(size);
    return first <= half
      ? [...this.#consistency(layers, first, start, half, whole), this.#range(layers, start + half, size - half)]
      : [...this.#consistency(layers, first - half, start + half, size - half, false), this.#range(layers, start, half)];
  }

  /** Root of `size` leaves from `start` on, where `start` is a multiple of the power of two that is at least `size`. */
  #range(layers: Layers, start: number, size: number): Uint8Array {
    const level = Math.log2(size);
    if (Number.isInteger(level)) return this.#subtreeHash(layers, level, start / size);
    const half = largestPowerOfTwoBelow(size);
    return innerHash(this.#range(layers, start, half), this.#range(layers, start + half, size - half), this.#crypto);
  }

  #checked(row: unknown): LogEntry | undefined {
    if (row === undefined) return undefined;
    const { position, transaction_id, envelope, height } = row as { position: number; transaction_id: unknown; envelope: unknown; height: unknown };
    const detail = `log entry ${position} is damaged`;
    const entry = { index: position, transaction: bytesOf(transaction_id, detail), envelope: bytesOf(envelope, detail) };
    if (typeof height !== 'number' || !equalBytes(leafHash(entry.envelope, this.#crypto), this.#hashAt(this.#layers(), 0, position))) throw new LedgerDamage(detail);
    return { ...entry, height };
  }

  /** Of the subtree of 16^k leaves with this number. */
  #hashAt(layers: Layers, k: number, number: number): Uint8Array {
    const hash = this.#hashBelow(layers, k, number);
    if (hash === undefined) throw new LedgerDamage(`log node ${k * levelsOfGroup}/${number} is missing`);
    return hash;
  }

  #hashBelow(layers: Layers, k: number, number: number): Uint8Array | undefined {
    const layer = layers[k];
    if (layer === undefined) return undefined;
    if (number >= layer.first) return layer.hashes[number - layer.first];
    const expected = this.#hashBelow(layers, k + 1, Math.floor(number / inGroup));
    const id = groupId(k, Math.floor(number / inGroup));
    let group = this.#groups.get(id);
    if (group === undefined || expected === undefined || !equalBytes(group.root, expected)) {
      group = this.#readGroup(k, Math.floor(number / inGroup));
      if (expected === undefined || !equalBytes(group.root, expected)) throw new LedgerDamage(`log node ${k * levelsOfGroup}/${number} is damaged`);
      this.#groups.set(id, group);
    }
    return group.hashes[number % inGroup];
  }

  #readGroup(k: number, number: number): Group {
    const detail = `log node ${k * levelsOfGroup}/${number * inGroup} is missing`;
    const content = bytesOf(this.#getGroup.get(groupId(k, number))?.['hashes'], detail);
    if (content.length !== inGroup * 32) throw new LedgerDamage(detail);
    const hashes = Array.from({ length: inGroup }, (_, i) => content.subarray(i * 32, i * 32 + 32));
    return { hashes, root: merkleRoot(hashes, this.#crypto) };
  }

  /** What is known of the edge is kept where it still holds. */
  #edgeAt(size: number): Edge {
    const before = this.#edge;
    if (before.size === size) return before;
    const layers: Layers = [];
    for (let k = 0, count = size; count > 0; k++, count = Math.floor(count / inGroup)) {
      const first = count - (count % inGroup);
      const known = before.layers[k];
      const kept = size > before.size && known?.first === first ? known.hashes : [];
      const more = Array.from({ length: count - first - kept.length }, (_, i) => this.#edgeHash(k, first + kept.length + i));
      layers.push({ first, hashes: [...kept, ...more] });
    }
    this.#edge = { size, layers };
    return this.#edge;
  }

  #edgeHash(k: number, number: number): Uint8Array {
    if (k > 0) return this.#readGroup(k - 1, number).root;
    return leafHash(bytesOf(this.#leafAt.get(number)?.['envelope'], `log entry ${number} is missing`), this.#crypto);
  }
}

/** A log that is filled at once: the index is made when everything is there. `subjects`: ascending by resident, then by position, each once. */
export async function fillLog(
  database: DatabaseSync,
  crypto: Crypto,
  entries: (log: TransactionLog) => Promise<void>,
  subjects: () => Iterable<readonly [subject: Id, position: number]>,
): Promise<TransactionLog> {
  const log = new TransactionLog(database, crypto);
  database.exec('DROP INDEX log_leaf_of');
  await entries(log);
  database.exec(indexOfLeaves);
  const put = database.prepare('INSERT INTO log_subject (subject, position) VALUES (?, ?)');
  for (const [subject, position] of subjects()) put.run(subject, position);
  return log;
}

/** Ascending in the order in which groups become full: they are written one behind the other. */
const groupId = (k: number, number: number): number => (number + 1) * inGroup ** (k + 1) * inGroup + k;
