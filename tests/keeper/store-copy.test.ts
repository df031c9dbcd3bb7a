import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { numberOf, textOf } from '../../src/keeper/sql-database.ts';
import { openSqliteDatabase, type SqliteDatabase } from '../../src/keeper/sqlite-database.ts';
import { copyStore, storeTables } from '../../src/keeper/store-copy.ts';
import { must } from '../hub/visitor.ts';

let folder: string;
let source: SqliteDatabase;
let target: SqliteDatabase;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-copy-'));
  writeFileSync(join(folder, 'source'), gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/keeper-1/keeper.sqlite.gz'))));
  source = must(openSqliteDatabase(join(folder, 'source')));
  target = must(openSqliteDatabase(join(folder, 'target')));
});
afterEach(async () => {
  await source.close();
  await target.close();
  rmSync(folder, { recursive: true });
});

const rows = ({ connection }: SqliteDatabase, table: string) => connection.prepare(`SELECT * FROM ${table}`).all();

it('names every table and column that a store has', () => {
  const tables = source.connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all().map(({ name }) => textOf(name as string));
  expect(Object.keys(storeTables).toSorted()).toEqual(tables);
  for (const [table, { key, others }] of Object.entries(storeTables)) {
    const columns = source.connection.prepare('SELECT name, pk FROM pragma_table_info(?)').all(table);
    const named = (of: typeof columns) => of.map(({ name }) => textOf(name as string)).toSorted();
    expect(named(columns.filter(({ pk }) => numberOf(pk as number) > 0)), table).toEqual([...key].toSorted());
    expect(named(columns.filter(({ pk }) => numberOf(pk as number) === 0)), table).toEqual([...others].toSorted());
  }
});

it('copies all of it, page by page, into an empty store and no other', async () => {
  source.connection.exec("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO broken_off (resident, counter) SELECT CAST(printf('%016d', i % 7) AS BLOB), i FROM n");
  must(await copyStore(source, target));
  for (const table of Object.keys(storeTables)) expect(rows(target, table), table).toEqual(rows(source, table));
  expect(rows(target, 'object').length).toBeGreaterThan(10);
  expect(await copyStore(source, target)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'there are data spaces already: nothing is written over' } });
});
