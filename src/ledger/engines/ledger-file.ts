import { DatabaseSync } from 'node:sqlite';

/**
 * Opens, or makes, a ledger's file for its only writer. Throws what SQLite throws; `database is locked` (BUSY) where another process writes it:
 * two that signed from the same file would fork the chain. Others may read meanwhile (`openLedgerFileToRead`), for a backup or an export.
 */
export function openLedgerFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // A file beside it holds the lock, since an exclusive lock on the ledger's own would keep readers out. The system drops it with the process, however that ends.
    database.prepare('ATTACH ? AS writer').run(`${path}.lock`);
    database.exec('PRAGMA writer.journal_mode = MEMORY; PRAGMA writer.locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
    // Synchronous is set after WAL is entered: some builds lower it there.
    database.exec('PRAGMA main.journal_mode = WAL; PRAGMA main.synchronous = FULL;');
    // 64 MiB: room for the upper levels of the file's trees where there are millions of entries.
    database.exec('PRAGMA main.cache_size = -65536');
    // 128 MiB of log before it is put into the file: a page that many blocks change is put there once.
    database.exec('PRAGMA main.wal_autocheckpoint = 32768');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What is committed at this moment and nothing later, whatever the writer does meanwhile: one read transaction, open until the file is closed. Throws what SQLite throws. */
export function openLedgerFileToRead(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    database.exec('BEGIN; SELECT count(*) FROM sqlite_schema;');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** For what is asked of a writer in the same process: each statement reads what is committed by then. Throws what SQLite throws. */
export const openLedgerFileToFollow = (path: string): DatabaseSync => new DatabaseSync(path, { readOnly: true, timeout: 5000 });
