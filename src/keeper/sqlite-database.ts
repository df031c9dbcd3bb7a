import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ok, type Result } from '../contract/result.ts';
import { guardedResult, sqliteFailure } from '../ledger/sqlite-guard.ts';
import { GroupedTransactions } from './grouped-transactions.ts';
import type { Row, Sql, SqlDatabase } from './sql-database.ts';
import { layOutStore } from './sqlite-schema.ts';

export interface SqliteDatabase extends SqlDatabase {
  /** The connection that writes. */
  readonly connection: DatabaseSync;
}

/** Opens or makes the file, or brings an older one to today's form: WAL, synchronous FULL. `hub-storage` where it cannot be opened, is damaged or is another program's. */
export function openSqliteDatabase(path: string): Result<SqliteDatabase> {
  return guardedResult(() => {
    const writer = new DatabaseSync(path);
    try {
      writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 2000');
      const laidOut = layOutStore(writer);
      if (!laidOut.ok) {
        writer.close();
        return laidOut;
      }
      // Of its own, so that nobody reads what is not committed.
      const reader = new DatabaseSync(path, { readOnly: true });
      reader.exec('PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000');
      return ok(databaseOf(writer, reader));
    } catch (error) {
      writer.close();
      throw error;
    }
  });
}

function databaseOf(writer: DatabaseSync, reader: DatabaseSync): SqliteDatabase {
  const [writing, reading] = [sqlOf(writer), sqlOf(reader)];
  const writes = new GroupedTransactions((work) => transact(writer, 'BEGIN IMMEDIATE', () => work(writing)));
  // What is read together is of one moment, which is after everything that was committed when it was asked.
  const reads = new GroupedTransactions((work) => transact(reader, 'BEGIN', () => work(reading)), true);
  return {
    connection: writer,
    read: (work) => reads.run(work),
    write: (work) => writes.run(work),
    async close() {
      await writes.idle();
      await reads.idle();
      reader.close();
      writer.close();
    },
  };
}

/** A small file that one connection reads and writes, in turn. */
export function sqlOnOneConnection(connection: DatabaseSync): SqlDatabase {
  const sql = sqlOf(connection);
  const turns = new GroupedTransactions((work) => transact(connection, 'BEGIN IMMEDIATE', () => work(sql)));
  return {
    read: (work) => turns.run(work),
    write: (work) => turns.run(work),
    async close() {
      await turns.idle();
      connection.close();
    },
  };
}

async function transact<T>(connection: DatabaseSync, begin: string, work: () => Promise<T>): Promise<Result<T>> {
  try {
    connection.exec(begin);
    const value = await work();
    connection.exec('COMMIT');
    return ok(value);
  } catch (error) {
    // A full disk may have rolled back already.
    if (connection.isTransaction) connection.exec('ROLLBACK');
    return sqliteFailure(error);
  }
}

function sqlOf(connection: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    const fresh = connection.prepare(text);
    prepared.set(text, fresh);
    return fresh;
  };
  return {
    all: async (text, ...values) => prepare(text).all(...values) as Row[],
    get: async (text, ...values) => prepare(text).get(...values) as Row | undefined,
    run: async (text, ...values) => Number(prepare(text).run(...values).changes),
  };
}
