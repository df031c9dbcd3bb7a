import { existsSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';

/** The newest checkpoint of a log that this witness cosigned. */
export interface Seen {
  size: number;
  root: Uint8Array;
  /** Of the cosignature, Unix seconds. */
  time: number;
  /** As it came, with the log's signatures. */
  note: Uint8Array;
}

/** Two checkpoints of one size that a log's own keys signed, and that differ: proof against it. */
export interface Evidence {
  origin: string;
  one: Uint8Array;
  other: Uint8Array;
}

/** Of evidence once is enough; what more comes of it fills no disk. */
const mostEvidence = 100;

/**
 * One SQLite file (WAL, synchronous FULL), of one witness and for one process. It is never to be restored from a backup: a witness that has forgotten
 * what it cosigned would cosign another history.
 */
export class WitnessStore {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #keep: StatementSync;

  /** Use `openWitnessStore`. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#put = database.prepare(
      'INSERT INTO seen (origin, size, root, time, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note',
    );
    this.#get = database.prepare('SELECT size, root, time, note FROM seen WHERE origin = ?');
    this.#keep = database.prepare('INSERT OR IGNORE INTO evidence (origin, one, other) SELECT ?, ?, ? WHERE (SELECT count(*) FROM evidence) < ?');
  }

  seen(origin: string): Seen | undefined {
    return this.#get.get(origin) as unknown as Seen | undefined;
  }

  /** Returns after fsync; throws what SQLite throws. */
  put(origin: string, { size, root, time, note }: Seen): void {
    this.#put.run(origin, size, root, time, note);
  }

  keep({ origin, one, other }: Evidence): void {
    this.#keep.run(origin, one, other, mostEvidence);
  }

  evidence(): Evidence[] {
    return this.#database.prepare('SELECT origin, one, other FROM evidence').all() as unknown as Evidence[];
  }

  /** SQLite's own word for it: 2 is FULL. */
  get synchronous(): unknown {
    return this.#database.prepare('PRAGMA synchronous').get()?.['synchronous'];
  }

  close(): void {
    this.#database.close();
  }
}

/** Fails with the file's own trouble as detail. `begin`: makes the file; otherwise one that is missing is a witness without memory, and refused. */
export function openWitnessStore(path: string, { begin }: { begin: boolean }): Result<WitnessStore> {
  if (begin === existsSync(path)) return fail('hub-storage', begin ? `${path} is there already` : `${path} is missing: what was cosigned is not known any more`);
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    if (begin) {
      database.exec(`
        BEGIN IMMEDIATE;
        CREATE TABLE seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
        CREATE TABLE evidence (origin TEXT NOT NULL, one BLOB NOT NULL, other BLOB NOT NULL, PRIMARY KEY (origin, one, other)) STRICT;
        COMMIT;
      `);
    }
    const quick = database.prepare('PRAGMA quick_check(1)').get();
    if (quick?.['quick_check'] !== 'ok') throw new Error('damaged');
    return ok(new WitnessStore(database));
  } catch (error) {
    database?.close();
    return fail('hub-storage', `${path}: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}
