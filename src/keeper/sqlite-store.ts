import type { DatabaseSync } from 'node:sqlite';
import { ok, type Result } from '../contract/result.ts';
import { sqlStore } from './sql-store.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import type { KeeperStore } from './store.ts';

/** The embedded store. `database`: the connection that writes. Fails as `openSqliteDatabase` does. */
export function openKeeperStore(path: string): Result<KeeperStore & { readonly database: DatabaseSync }> {
  const opened = openSqliteDatabase(path);
  return opened.ok ? ok({ ...sqlStore(opened.value), database: opened.value.connection }) : opened;
}
