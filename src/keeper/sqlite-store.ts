import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { SpaceObject } from '../contract/hub-door.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import type { KeeperStore, KeptTransaction, NewSpace } from './store.ts';

/** An id that is not in use by another SQLite file of ours: `PRAGMA application_id`. "imik". */
const applicationId = 0x696d696b;
const schemaVersion = 1;

const schema = `
  CREATE TABLE space (
    resident BLOB PRIMARY KEY, enc BLOB NOT NULL, ciphertext BLOB NOT NULL,
    recovery_enc BLOB NOT NULL, recovery_ciphertext BLOB NOT NULL, last_opened INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE tx (
    seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, resident BLOB, counter INTEGER, envelope BLOB,
    state TEXT NOT NULL CHECK (state IN ('queued', 'recorded', 'rejected')), code TEXT
  );
  CREATE INDEX tx_queued ON tx (seq) WHERE state = 'queued';
  CREATE INDEX tx_open ON tx (resident) WHERE state <> 'recorded';
  CREATE TABLE payload (
    tx BLOB NOT NULL, act INTEGER NOT NULL, what TEXT NOT NULL, addressee TEXT NOT NULL,
    subject BLOB NOT NULL, act_id BLOB NOT NULL, place TEXT, sealed BLOB NOT NULL,
    PRIMARY KEY (tx, act, what, addressee)
  ) WITHOUT ROWID;
  CREATE INDEX payload_of_act ON payload (subject, act_id);
  CREATE TABLE object (
    resident BLOB NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, at INTEGER NOT NULL, counter INTEGER NOT NULL,
    PRIMARY KEY (resident, name)
  ) WITHOUT ROWID;
  CREATE TABLE broken_off (resident BLOB NOT NULL, counter INTEGER NOT NULL, PRIMARY KEY (resident, counter)) WITHOUT ROWID;
`;

type Row = Record<string, unknown>;
const bytesOf = (value: unknown): Uint8Array => {
  if (!(value instanceof Uint8Array)) throw new TypeError('not a BLOB');
  return value;
};
const numberOf = (value: unknown): number => {
  if (typeof value !== 'number') throw new TypeError('not an INTEGER');
  return value;
};

/** Opens or makes the file: WAL, synchronous FULL. `hub-storage` where it cannot be opened, is damaged or is another program's. */
export function openKeeperStore(path: string): Result<KeeperStore & { readonly database: DatabaseSync }> {
  return guarded(() => {
    const database = new DatabaseSync(path);
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000');
      const version = numberOf(database.prepare('PRAGMA user_version').get()?.['user_version']);
      if (version === 0) {
        database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
      } else if (version !== schemaVersion || database.prepare('PRAGMA application_id').get()?.['application_id'] !== applicationId) {
        throw new StoreMismatch(`schema ${version}`);
      }
      return sqliteStore(database);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

class StoreMismatch extends Error {}

/** SQLite's own errors are a disk's doing; anything else is a bug and goes on as one. */
function guarded<T>(work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof StoreMismatch) return fail('hub-storage', error.message);
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR') {
      const errcode = 'errcode' in error ? Number(error.errcode) & 0xff : 0;
      if (storageErrors.has(errcode)) return fail('hub-storage', `sqlite-${errcode}`);
    }
    throw error;
  }
}

/** SQLITE_PERM, BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB. */
const storageErrors = new Set([3, 5, 6, 8, 10, 11, 13, 14, 26]);

function sqliteStore(database: DatabaseSync): KeeperStore & { readonly database: DatabaseSync } {
  const prepared = new Map<string, StatementSync>();
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const fresh = database.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  };
  const settled = <T>(work: () => T): Promise<Result<T>> => Promise.resolve(guarded(work));
  const atomic = <T>(work: () => T): Promise<Result<T>> =>
    settled(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const value = work();
        database.exec('COMMIT');
        return value;
      } catch (error) {
        // A full disk may have rolled back already.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });

  const putTransaction = (transaction: Pick<KeptTransaction, 'id' | 'resident' | 'counter'>, envelope: Uint8Array | null, state: string, code: string | null): boolean =>
    statement('INSERT INTO tx (id, resident, counter, envelope, state, code) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING').run(
      transaction.id,
      transaction.resident,
      transaction.counter,
      envelope,
      state,
      code,
    ).changes === 1;

  return {
    database,
    foundSpace: ({ resident, wrapped, recovery }: NewSpace) =>
      settled(() => {
        statement('INSERT INTO space (resident, enc, ciphertext, recovery_enc, recovery_ciphertext) VALUES (?, ?, ?, ?, ?) ON CONFLICT (resident) DO NOTHING').run(
          resident,
          wrapped.enc,
          wrapped.ciphertext,
          recovery.enc,
          recovery.ciphertext,
        );
        return null;
      }),

    space: (resident) =>
      settled(() => {
        const row = statement('SELECT enc, ciphertext, last_opened FROM space WHERE resident = ?').get(resident);
        if (row === undefined) return null;
        const objects = statement('SELECT name, sealed, at FROM object WHERE resident = ? ORDER BY at, name').all(resident).map(
          (object: Row): SpaceObject => ({ name: String(object['name']), sealed: bytesOf(object['sealed']), at: numberOf(object['at']) }),
        );
        const knownCounters = statement(
          `SELECT counter FROM tx WHERE resident = ?1 AND state <> 'recorded' AND counter IS NOT NULL
           UNION SELECT counter FROM broken_off WHERE resident = ?1 ORDER BY counter`,
        )
          .all(resident)
          .map((counted: Row) => numberOf(counted['counter']));
        return {
          wrapped: { enc: bytesOf(row['enc']), ciphertext: bytesOf(row['ciphertext']) },
          objects,
          knownCounters,
          lastOpened: row['last_opened'] === null ? null : numberOf(row['last_opened']),
        };
      }),

    recovery: (resident) =>
      settled(() => {
        const row = statement('SELECT recovery_enc, recovery_ciphertext FROM space WHERE resident = ?').get(resident);
        return row === undefined ? null : { enc: bytesOf(row['recovery_enc']), ciphertext: bytesOf(row['recovery_ciphertext']) };
      }),

    noteOpened: (resident, at) =>
      settled(() => {
        statement('UPDATE space SET last_opened = ? WHERE resident = ?').run(at, resident);
        return null;
      }),

    noteBrokenOff: (resident, counter) =>
      settled(() => {
        statement('INSERT INTO broken_off (resident, counter) VALUES (?, ?) ON CONFLICT DO NOTHING').run(resident, counter);
        return null;
      }),

    keep: (transaction) =>
      atomic(() => {
        if (!putTransaction(transaction, transaction.envelope, 'queued', null)) return null;
        for (const payload of transaction.payloads) {
          statement('INSERT INTO payload (tx, act, what, addressee, subject, act_id, place, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
            transaction.id,
            payload.act,
            payload.what,
            payload.to,
            payload.subject,
            payload.actId,
            payload.place,
            payload.sealed,
          );
        }
        return null;
      }),

    keepRefused: (transaction, code) =>
      settled(() => {
        putTransaction(transaction, null, 'rejected', code);
        return null;
      }),

    state: (id) =>
      settled(() => {
        const row = statement('SELECT state, code FROM tx WHERE id = ?').get(id);
        if (row === undefined) return null;
        if (row['state'] === 'rejected') return { state: 'rejected', code: String(row['code']) } as const;
        return { state: row['state'] === 'recorded' ? 'recorded' : 'queued' } as const;
      }),

    queued: () =>
      settled(() =>
        statement("SELECT id, envelope FROM tx WHERE state = 'queued' ORDER BY seq")
          .all()
          .map((row: Row) => ({ id: bytesOf(row['id']), envelope: bytesOf(row['envelope']) })),
      ),

    settleRecorded: (id, at) =>
      atomic(() => {
        const row = statement("SELECT counter FROM tx WHERE id = ? AND state = 'queued'").get(id);
        if (row === undefined) return null;
        const { counter } = row;
        // Two requests of one card may be recorded out of order: the later signature's map of typed facts stays.
        statement(
          `INSERT INTO object (resident, name, sealed, at, counter)
           SELECT subject, place, sealed, ?1, ?2 FROM payload WHERE tx = ?3 AND place IS NOT NULL
           ON CONFLICT (resident, name) DO UPDATE SET sealed = excluded.sealed, at = excluded.at, counter = excluded.counter
           WHERE excluded.counter > object.counter`,
        ).run(at, typeof counter === 'number' ? counter : 0, id);
        statement('DELETE FROM payload WHERE tx = ? AND place IS NOT NULL').run(id);
        statement("UPDATE tx SET state = 'recorded', envelope = NULL WHERE id = ?").run(id);
        return null;
      }),

    settleRejected: (id, code) =>
      atomic(() => {
        statement("UPDATE tx SET state = 'rejected', code = ?, envelope = NULL WHERE id = ? AND state = 'queued'").run(code, id);
        statement('DELETE FROM payload WHERE tx = ? AND tx IN (SELECT id FROM tx WHERE state = ?)').run(id, 'rejected');
        return null;
      }),

    payload: (subject, actId, what, to) =>
      settled(() => {
        const row = statement(
          `SELECT payload.sealed FROM payload JOIN tx ON tx.id = payload.tx
           WHERE subject = ? AND act_id = ? AND what = ? AND addressee = ? AND tx.state = 'recorded'`,
        ).get(subject, actId, what, to);
        return row === undefined ? null : bytesOf(row['sealed']);
      }),

    close() {
      database.close();
      return Promise.resolve();
    },
  };
}

