import { DatabaseSync } from 'node:sqlite';

/**
 * Throws what SQLite throws. Exclusive: a second process that signed from the same file would be a fork of the chain.
 * Synchronous is set after WAL is entered: some builds lower it there.
 */
export function openLedgerFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
