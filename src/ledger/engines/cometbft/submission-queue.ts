import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { rejectionCodes, type RejectionCode } from '../../../contract/failures.ts';
import type { TransactionState } from '../../ledger.ts';
import { openLedgerFile } from '../ledger-file.ts';

export interface Queued {
  id: Uint8Array;
  envelope: Uint8Array;
  /** Unix seconds. */
  notAfter: number;
}

/** Up to where blocks were handed on. */
export interface Place {
  /** Height of the next one. */
  next: number;
  /** Entries of the log before it. */
  logSize: number;
  /** `encodeLightBlock` of the last one that was verified on the way: of height `next` or the one before. */
  block: Uint8Array;
}

export type Settled = { id: Uint8Array; keptUntil: number } & ({ state: 'recorded'; height: number; index: number } | { state: 'rejected'; code: RejectionCode });

/**
 * What a hub has promised to bring to the ledger, in a file of its own (WAL, synchronous FULL), since a node that says OK to a broadcast has recorded
 * nothing; what became of it; and how far the ledger's blocks were followed. Every method that writes returns after fsync, and throws what SQLite throws.
 */
export class SubmissionQueue {
  readonly #database: DatabaseSync;
  readonly #add: StatementSync;
  readonly #remove: StatementSync;
  readonly #waiting: StatementSync;
  readonly #expired: StatementSync;
  readonly #count: StatementSync;
  readonly #find: StatementSync;
  readonly #holds: StatementSync;
  readonly #settle: StatementSync;
  readonly #settled: StatementSync;
  readonly #refused: StatementSync;
  readonly #forget: StatementSync;
  readonly #about: StatementSync;
  readonly #putAbout: StatementSync;

  constructor(path: string) {
    this.#database = openLedgerFile(path);
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS queued (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL, not_after INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS settled (id BLOB PRIMARY KEY, code TEXT, height INTEGER, position INTEGER, kept_until INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS settled_until ON settled (kept_until);
      CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    `);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#add = prepare('INSERT INTO queued (id, envelope, not_after) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING');
    this.#remove = prepare('DELETE FROM queued WHERE id = ?');
    this.#waiting = prepare('SELECT id, envelope, not_after FROM queued ORDER BY seq LIMIT ?');
    this.#expired = prepare('SELECT id, envelope, not_after FROM queued WHERE not_after < ? ORDER BY seq');
    this.#count = prepare('SELECT count(*) AS count FROM queued');
    this.#find = prepare('SELECT 1 FROM queued WHERE id = ?');
    this.#holds = prepare('SELECT 1 FROM queued WHERE id = ? AND envelope = ?');
    this.#settle = prepare(`
      INSERT INTO settled (id, code, height, position, kept_until) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET code = excluded.code, height = excluded.height, position = excluded.position, kept_until = excluded.kept_until
    `);
    this.#settled = prepare('SELECT code, height, position FROM settled WHERE id = ?');
    this.#refused = prepare('SELECT id, kept_until FROM settled WHERE code IS NOT NULL AND kept_until >= ? ORDER BY kept_until DESC LIMIT ?');
    this.#forget = prepare('DELETE FROM settled WHERE kept_until < ?');
    this.#about = prepare('SELECT value FROM about WHERE name = ?');
    this.#putAbout = prepare('INSERT INTO about (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  }

  add({ id, envelope, notAfter }: Queued): void {
    this.#transaction(() => {
      this.#add.run(id, envelope, notAfter);
    });
  }

  /** Whose own time was over by then, Unix seconds. */
  expired(now: number): Queued[] {
    return queuedOf(this.#expired.all(now));
  }

  count(): number {
    return (this.#count.get() as { count: number }).count;
  }

  /** The oldest first. */
  waiting(most: number): Queued[] {
    return queuedOf(this.#waiting.all(most));
  }

  /** What was rejected and is kept until then, Unix seconds, or longer. */
  refused(now: number, most: number): { id: Uint8Array; keptUntil: number }[] {
    return (this.#refused.all(now, most) as { id: Uint8Array; kept_until: number }[]).map(({ id, kept_until: keptUntil }) => ({ id, keptUntil }));
  }

  state(id: Uint8Array): TransactionState {
    const row = this.#settled.get(id) as { code: string | null; height: number | null; position: number | null } | undefined;
    const code = rejectionCodes.find((one) => one === row?.code);
    if (row !== undefined && code === undefined) return { state: 'recorded', height: row.height ?? 0, index: row.position ?? 0 };
    // One that was rejected may be tried again.
    if (this.#find.get(id) !== undefined) return { state: 'queued' };
    return code === undefined ? { state: 'unknown' } : { state: 'rejected', code };
  }

  /** Whether these very bytes wait: another envelope of the same body has other signatures, and its fate is its own. */
  holds(id: Uint8Array, envelope: Uint8Array): boolean {
    return this.#holds.get(id, envelope) !== undefined;
  }

  /** `now`: Unix seconds; what was kept until before is forgotten. */
  settle(settled: readonly Settled[], now: number): void {
    if (settled.length === 0) return;
    this.#transaction(() => {
      for (const one of settled) {
        this.#remove.run(one.id);
        if (one.state === 'recorded') this.#settle.run(one.id, null, one.height, one.index, one.keptUntil);
        else this.#settle.run(one.id, one.code, null, null, one.keptUntil);
      }
      this.#forget.run(now);
    });
  }

  /** Up to where blocks were handed on under this trust root; undefined: not at all, or damaged. `root`: its hash. */
  place(root: Uint8Array): Place | undefined {
    const block = this.#value('block');
    const at = this.#value('place');
    if (block === undefined || at === undefined || !Buffer.from(root).equals(this.#value('root') ?? new Uint8Array())) return undefined;
    // A block with a damaged bit would stand against the chain's next one, and look like a ledger that told two stories.
    if (!Buffer.from(sumOf(root, at, block)).equals(this.#value('sum') ?? new Uint8Array())) return undefined;
    const numbers = new DataView(at.buffer, at.byteOffset, at.byteLength);
    return { next: Number(numbers.getBigUint64(0)), logSize: Number(numbers.getBigUint64(8)), block };
  }

  keepPlace(root: Uint8Array, { next, logSize, block }: Place): void {
    const at = new Uint8Array(16);
    const numbers = new DataView(at.buffer);
    numbers.setBigUint64(0, BigInt(next));
    numbers.setBigUint64(8, BigInt(logSize));
    this.#transaction(() => {
      this.#putAbout.run('root', root);
      this.#putAbout.run('place', at);
      this.#putAbout.run('block', block);
      this.#putAbout.run('sum', sumOf(root, at, block));
    });
  }

  /** Of a ledger that told two stories, under this trust root. */
  split(root: Uint8Array): Uint8Array | undefined {
    return this.#value(`split ${Buffer.from(root).toString('hex')}`);
  }

  keepSplit(root: Uint8Array, evidence: Uint8Array): void {
    this.#transaction(() => {
      this.#putAbout.run(`split ${Buffer.from(root).toString('hex')}`, evidence);
    });
  }

  close(): void {
    this.#database.close();
  }

  #value(name: string): Uint8Array | undefined {
    return (this.#about.get(name) as { value: Uint8Array } | undefined)?.value;
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself where the disk was full.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

const sumOf = (root: Uint8Array, at: Uint8Array, block: Uint8Array): Uint8Array => hash('sha256', Buffer.concat([root, at, block]), 'buffer');

const queuedOf = (rows: unknown): Queued[] =>
  (rows as { id: Uint8Array; envelope: Uint8Array; not_after: number }[]).map(({ id, envelope, not_after: notAfter }) => ({ id, envelope, notAfter }));
