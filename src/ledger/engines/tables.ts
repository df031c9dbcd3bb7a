import { DatabaseSync } from 'node:sqlite';
import { LedgerDamage } from '../damage.ts';

/**
 * A table whose own definition is damaged answers questions that nobody asked: each that the file has is held against those that `create` makes
 * in an empty file. One that is missing is left to whoever misses its content. Throws `LedgerDamage`.
 */
export function checkTables(database: DatabaseSync, create: (empty: DatabaseSync) => void): void {
  const empty = new DatabaseSync(':memory:');
  try {
    create(empty);
    const expected = new Set(definitions(empty));
    for (const definition of definitions(database)) {
      if (!expected.has(definition)) throw new LedgerDamage('the definition of a table is damaged');
    }
  } finally {
    empty.close();
  }
}

const definitions = (database: DatabaseSync): string[] =>
  database
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema')
    .all()
    .map((row) => JSON.stringify(row));
