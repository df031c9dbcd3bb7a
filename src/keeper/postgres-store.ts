import { ok, type Result } from '../contract/result.ts';
import { openPostgresDatabase, type PostgresOptions } from './postgres-database.ts';
import { sqlStore } from './sql-store.ts';
import type { SqlDatabase } from './sql-database.ts';
import type { KeeperStore } from './store.ts';

/** A store that several hubs share. `database`: where it lies. Fails as `openPostgresDatabase` does. */
export async function openSharedStore(url: string, options: Partial<PostgresOptions> = {}): Promise<Result<KeeperStore & { readonly database: SqlDatabase }>> {
  const opened = await openPostgresDatabase(url, options);
  return opened.ok ? ok({ ...sqlStore(opened.value), database: opened.value }) : opened;
}
