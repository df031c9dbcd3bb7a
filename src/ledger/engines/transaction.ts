import type { DatabaseSync } from 'node:sqlite';

/** Throws what the work and SQLite throw; by then it is rolled back. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself where the disk was full.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
