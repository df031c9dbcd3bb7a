import { chmodSync, existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Submission } from '../contract/hub-door.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Name } from '../ledger/verify/acts.ts';
import type { Clock } from './clock.ts';
import { districtDay } from './district-time.ts';

/** A signed request on its way. All that is kept of it is sealed or public; nothing in the clear. */
export interface Waiting {
  /** SHA-256 of the body. */
  transaction: Uint8Array;
  submission: Submission;
  /** As on the receipt page. */
  reference: string;
  /** Random id of the resident, 16 bytes, as in the body. */
  resident: Uint8Array;
  /** Value of the card's signature counter in the body. */
  counter: number;
  /** Unix seconds, as in the body. */
  notAfter: number;
  /** Unix milliseconds. */
  putAt: number;
}

/** A request of this kiosk that never came to be. Kept for 30 days, so that its resident sees it and its counter value stays known. */
export interface Refused {
  transaction: Uint8Array;
  reference: string;
  state: 'rejected' | 'expired';
  code: string;
  /** Unix milliseconds. */
  refusedAt: number;
  /** The private parts by act, sealed to the resident's data space. */
  parts: { act: number; sealed: Uint8Array }[];
}

/** What became of a request when its resident was not there to see it. */
export type Untold = Pick<Refused, 'transaction' | 'reference' | 'state' | 'code'> | { transaction: Uint8Array; reference: string; state: 'recorded' };

/**
 * Signed requests, safe on disk until the ledger holds them. Exactly once by the transaction's id: putting the same one again changes nothing.
 * After `put` and `noteBrokenOff` have answered ok, a power cut loses nothing of it.
 */
export interface Outbox {
  /**
   * Takes the room for a request before anything is signed, so that it can be put on a disk that has become full since. Fails with `kiosk-storage`.
   * It holds on a file system that overwrites in place (ext4, XFS, tmpfs), not on one that copies on write.
   */
  reserve(): Result<null>;
  /** What was noted of its signature as broken off is taken back with it. `services`: that it asks for. */
  put(waiting: Omit<Waiting, 'putAt'>, services?: readonly Name[]): Result<null>;
  /** How many requests were put on this day of the district, by service, the most first: counted with them, and in no way tied to them. */
  requestsOn(day: string): { service: Name; count: number }[];
  /** Oldest first. */
  waiting(): Waiting[];
  find(transaction: Uint8Array): Waiting | null;
  /** The ledger holds it, proved: it is dropped. Its reference stays until `noteTold`, 30 days at most. */
  recorded(transaction: Uint8Array): Result<null>;
  refused(transaction: Uint8Array, state: Refused['state'], code: string): Result<null>;
  /** Newest first. */
  refusedOf(resident: Uint8Array): Refused[];
  /** Of which the resident has not been told, oldest first. */
  untold(resident: Uint8Array): Untold[];
  noteTold(transaction: Uint8Array): Result<null>;
  /** A signature that the card made, or may have made, and that never came to anything. */
  noteBrokenOff(resident: Uint8Array, counter: number): Result<null>;
  brokenOff(resident: Uint8Array): number[];
  /** The hub has been told. */
  forgetBrokenOff(resident: Uint8Array, counter: number): Result<null>;
  /** Counter values of a resident that this kiosk knows of: waiting, refused, broken off. */
  counters(resident: Uint8Array): number[];
  close(): void;
}

/** Of a request with its sealed payloads; the largest seen is a tenth of it. */
const reservedBytes = 256 * 1024;
/** Beside the request's own pages: those of the indexes and lists that a transaction touches, and what small changes may take meanwhile. */
const marginBytes = 64 * 1024;
/** More than any transaction writes to the log. */
const logRoomBytes = 1024 * 1024;
const settledKeptMs = 30 * 24 * 3600_000;

export interface OutboxPlace {
  dataDir: string;
  clock: Clock;
  /** The file's upper bound: a kiosk cut off for weeks stops signing before its disk is full. */
  maxBytes?: number;
}

/** Of the tables below, in the file's own `user_version`. A file of a later program is refused, never guessed at; 0 is a new one, or one from before there were versions, and 1 has all but `request_count`. */
const schemaVersion = 2;

const schema = `
  CREATE TABLE IF NOT EXISTS waiting (
    transaction_id BLOB PRIMARY KEY, envelope BLOB NOT NULL, reference TEXT NOT NULL, resident BLOB NOT NULL,
    counter INTEGER NOT NULL, not_after INTEGER NOT NULL, put_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS payload (
    transaction_id BLOB NOT NULL REFERENCES waiting ON DELETE CASCADE, position INTEGER NOT NULL,
    act INTEGER NOT NULL, what TEXT NOT NULL, addressee TEXT NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (transaction_id, position)) STRICT;
  CREATE TABLE IF NOT EXISTS refused (
    transaction_id BLOB PRIMARY KEY, reference TEXT NOT NULL, resident BLOB NOT NULL, counter INTEGER NOT NULL,
    state TEXT NOT NULL, code TEXT NOT NULL, refused_at INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE IF NOT EXISTS refused_part (
    transaction_id BLOB NOT NULL REFERENCES refused ON DELETE CASCADE, act INTEGER NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (transaction_id, act)) STRICT;
  CREATE TABLE IF NOT EXISTS recorded (
    transaction_id BLOB PRIMARY KEY, reference TEXT NOT NULL, resident BLOB NOT NULL, recorded_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS request_count (day TEXT NOT NULL, service TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, service)) STRICT;
  CREATE TABLE IF NOT EXISTS broken_off (resident BLOB NOT NULL, counter INTEGER NOT NULL, PRIMARY KEY (resident, counter)) STRICT;
  CREATE TABLE IF NOT EXISTS reserve (id INTEGER PRIMARY KEY, room BLOB NOT NULL) STRICT;
`;

/**
 * Opens or makes `outbox.sqlite`. Fails with `kiosk-storage` when the folder cannot be written, or the file is not a whole database or a later program's.
 */
export function openOutbox({ dataDir, clock, maxBytes = 256 * 1024 * 1024 }: OutboxPlace): Result<Outbox> {
  const path = join(dataDir, 'outbox.sqlite');
  return storing(() => {
    const fresh = !existsSync(path);
    const database = new DatabaseSync(path);
    if (fresh) chmodSync(path, 0o600);
    // WAL first: changing the journal mode afterwards would put `synchronous` back to its default on some builds.
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA secure_delete = ON');
    database.exec('PRAGMA foreign_keys = ON');
    const pageSize = Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
    database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageSize)}`);
    if (database.prepare('PRAGMA synchronous').get()?.['synchronous'] !== 2) throw new Error('synchronous is not FULL');
    if (database.prepare('PRAGMA quick_check').get()?.['quick_check'] !== 'ok') throw new Error('not a whole database');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    if (typeof version !== 'number' || version > schemaVersion) throw new Error(`of format ${String(version)}`);
    database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`);
    forgetOldSettled(database, clock);
    return new SqliteOutbox(database, clock, path);
  });
}

function forgetOldSettled(database: DatabaseSync, clock: Clock): void {
  const before = clock.now() - settledKeptMs;
  database.prepare('DELETE FROM refused WHERE refused_at < ?').run(before);
  database.prepare('DELETE FROM recorded WHERE recorded_at < ?').run(before);
  database.prepare('DELETE FROM request_count WHERE day < ?').run(districtDay(before));
}

/** What SQLite throws is what a disk causes, or a bug; either way nothing was stored. */
function storing<T>(run: () => T): Result<T> {
  try {
    return ok(run());
  } catch (error) {
    return fail('kiosk-storage', sqliteCode(error));
  }
}

function sqliteCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if ('errcode' in error && typeof error.errcode === 'number') return `sqlite ${error.errcode}`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

class SqliteOutbox implements Outbox {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;

  readonly #path: string;

  constructor(database: DatabaseSync, clock: Clock, path: string) {
    this.#database = database;
    this.#clock = clock;
    this.#path = path;
  }

  /**
   * Two files take a request: the log first, the database at the next checkpoint. One transaction as large as request and margin together writes
   * both at full length; the log keeps its length and is written over from its start afterwards. The database keeps the request's pages in a row
   * that `put` deletes, the margin's as free pages.
   */
  reserve(): Result<null> {
    const taken = this.#change(() => {
      this.#database.exec('DELETE FROM reserve');
      const insert = this.#database.prepare('INSERT INTO reserve (id, room) VALUES (?, zeroblob(?))');
      insert.run(1, reservedBytes);
      insert.run(2, marginBytes);
    });
    if (!taken.ok) return taken;
    const laidDown = storing(() => {
      if (!this.#beginLogAnew()) throw new Error('log in use');
      if (statSync(`${this.#path}-wal`).size < reservedBytes + marginBytes) throw new Error('log too short');
      return null;
    });
    return laidDown.ok ? this.#change(() => this.#database.exec('DELETE FROM reserve WHERE id = 2')) : laidDown;
  }

  /** What the log holds goes into the database, and the next transaction overwrites the log. false: somebody else is at it. */
  #beginLogAnew(): boolean {
    return this.#database.prepare('PRAGMA wal_checkpoint(RESTART)').get()?.['busy'] === 0;
  }

  put(waiting: Omit<Waiting, 'putAt'>, services: readonly Name[] = []): Result<null> {
    return this.#change(() => {
      this.#database.exec('DELETE FROM reserve');
      this.#database.prepare('DELETE FROM broken_off WHERE resident = ? AND counter = ?').run(waiting.resident, waiting.counter);
      const { changes } = this.#database
        .prepare('INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(
          waiting.transaction,
          waiting.submission.envelope,
          waiting.reference,
          waiting.resident,
          waiting.counter,
          waiting.notAfter,
          this.#clock.now(),
        );
      if (changes === 0) return;
      const insert = this.#database.prepare('INSERT INTO payload VALUES (?, ?, ?, ?, ?, ?)');
      for (const [position, { act, what, to, sealed }] of waiting.submission.payloads.entries()) {
        insert.run(waiting.transaction, position, act, what, to, sealed);
      }
      const count = this.#database.prepare('INSERT INTO request_count VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1');
      for (const service of services) count.run(districtDay(this.#clock.now()), service);
    });
  }

  requestsOn(day: string): { service: Name; count: number }[] {
    return this.#database
      .prepare('SELECT service, count FROM request_count WHERE day = ? ORDER BY count DESC, service')
      .all(day)
      .map((row) => ({ service: row['service'] as Name, count: row['count'] as number }));
  }

  waiting(): Waiting[] {
    return this.#database
      .prepare('SELECT * FROM waiting ORDER BY put_at, rowid')
      .all()
      .map((row) => this.#waitingOf(row));
  }

  find(transaction: Uint8Array): Waiting | null {
    const row = this.#database.prepare('SELECT * FROM waiting WHERE transaction_id = ?').get(transaction);
    return row === undefined ? null : this.#waitingOf(row);
  }

  recorded(transaction: Uint8Array): Result<null> {
    return this.#change(() => {
      forgetOldSettled(this.#database, this.#clock);
      this.#database
        .prepare('INSERT OR IGNORE INTO recorded SELECT transaction_id, reference, resident, ? FROM waiting WHERE transaction_id = ?')
        .run(this.#clock.now(), transaction);
      this.#database.prepare('DELETE FROM waiting WHERE transaction_id = ?').run(transaction);
    });
  }

  refused(transaction: Uint8Array, state: Refused['state'], code: string): Result<null> {
    return this.#change(() => {
      forgetOldSettled(this.#database, this.#clock);
      this.#database
        .prepare(
          `INSERT OR IGNORE INTO refused SELECT transaction_id, reference, resident, counter, ?, ?, ?, 0 FROM waiting WHERE transaction_id = ?`,
        )
        .run(state, code, this.#clock.now(), transaction);
      this.#database
        .prepare(
          `INSERT OR IGNORE INTO refused_part SELECT transaction_id, act, sealed FROM payload
           WHERE transaction_id = ? AND what = 'part' AND addressee = 'space'`,
        )
        .run(transaction);
      this.#database.prepare('DELETE FROM waiting WHERE transaction_id = ?').run(transaction);
    });
  }

  refusedOf(resident: Uint8Array): Refused[] {
    return this.#database
      .prepare('SELECT transaction_id, reference, state, code, refused_at FROM refused WHERE resident = ? ORDER BY refused_at DESC')
      .all(resident)
      .map((row) => ({
        transaction: row['transaction_id'] as Uint8Array,
        reference: row['reference'] as string,
        state: row['state'] as Refused['state'],
        code: row['code'] as string,
        refusedAt: row['refused_at'] as number,
        parts: this.#database
          .prepare('SELECT act, sealed FROM refused_part WHERE transaction_id = ? ORDER BY act')
          .all(row['transaction_id'] as Uint8Array)
          .map((part) => ({ act: part['act'] as number, sealed: part['sealed'] as Uint8Array })),
      }));
  }

  untold(resident: Uint8Array): Untold[] {
    return this.#database
      .prepare(
        `SELECT transaction_id, reference, state, code, refused_at AS at FROM refused WHERE resident = ?1 AND told = 0
         UNION ALL SELECT transaction_id, reference, 'recorded', '', recorded_at FROM recorded WHERE resident = ?1 ORDER BY at`,
      )
      .all(resident)
      .map((row) => {
        const request = { transaction: row['transaction_id'] as Uint8Array, reference: row['reference'] as string };
        const state = row['state'] as Untold['state'];
        return state === 'recorded' ? { ...request, state } : { ...request, state, code: row['code'] as string };
      });
  }

  noteTold(transaction: Uint8Array): Result<null> {
    return this.#change(() => {
      this.#database.prepare('DELETE FROM recorded WHERE transaction_id = ?').run(transaction);
      this.#database.prepare('UPDATE refused SET told = 1 WHERE transaction_id = ?').run(transaction);
    });
  }

  noteBrokenOff(resident: Uint8Array, counter: number): Result<null> {
    return this.#change(() => {
      this.#database.prepare('INSERT OR IGNORE INTO broken_off VALUES (?, ?)').run(resident, counter);
    });
  }

  brokenOff(resident: Uint8Array): number[] {
    return this.#database
      .prepare('SELECT counter FROM broken_off WHERE resident = ? ORDER BY counter')
      .all(resident)
      .map((row) => row['counter'] as number);
  }

  forgetBrokenOff(resident: Uint8Array, counter: number): Result<null> {
    return this.#change(() => {
      this.#database.prepare('DELETE FROM broken_off WHERE resident = ? AND counter = ?').run(resident, counter);
    });
  }

  counters(resident: Uint8Array): number[] {
    return this.#database
      .prepare(
        `SELECT counter FROM waiting WHERE resident = ?1 UNION SELECT counter FROM refused WHERE resident = ?1
         UNION SELECT counter FROM broken_off WHERE resident = ?1 ORDER BY counter`,
      )
      .all(resident)
      .map((row) => row['counter'] as number);
  }

  close(): void {
    this.#database.close();
  }

  /** Where the log's end leaves no room, what was reserved is at its start. */
  #change(run: () => void): Result<null> {
    const changed = this.#transact(run);
    if (changed.ok) return changed;
    const anew = storing(() => this.#beginLogAnew());
    return anew.ok && anew.value ? this.#transact(run) : changed;
  }

  #transact(run: () => void): Result<null> {
    return storing(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        run();
        this.#checkGrowth();
        this.#database.exec('COMMIT');
      } catch (error) {
        // A full disk may have rolled back by itself.
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
      return null;
    });
  }

  /** What the log takes and the database cannot would stand in the log's way until somebody makes room. */
  #checkGrowth(): void {
    const pages = Number(this.#database.prepare('PRAGMA page_count').get()?.['page_count']);
    const pageSize = Number(this.#database.prepare('PRAGMA page_size').get()?.['page_size']);
    const growth = pages * pageSize - statSync(this.#path).size;
    if (growth <= 0) return;
    const { bavail, bsize } = statfsSync(this.#path);
    if (bavail * bsize < growth + logRoomBytes) throw new Error('no room');
  }

  #waitingOf(row: Record<string, unknown>): Waiting {
    const transaction = row['transaction_id'] as Uint8Array;
    return {
      transaction,
      submission: {
        envelope: row['envelope'] as Uint8Array,
        payloads: this.#database
          .prepare('SELECT * FROM payload WHERE transaction_id = ? ORDER BY position')
          .all(transaction)
          .map((payload) => ({
            act: payload['act'] as number,
            what: payload['what'] as Submission['payloads'][number]['what'],
            to: payload['addressee'] as Submission['payloads'][number]['to'],
            sealed: payload['sealed'] as Uint8Array,
          })),
      },
      reference: row['reference'] as string,
      resident: row['resident'] as Uint8Array,
      counter: row['counter'] as number,
      notAfter: row['not_after'] as number,
      putAt: row['put_at'] as number,
    };
  }
}
