import { fail, ok, type Result } from '../contract/result.ts';
import type { Row, Sql, SqlDatabase } from './sql-database.ts';

/** Every table by its key, and what else stands in a row. `tx.seq` is left out: rows are numbered anew, in the same order. */
export const storeTables: Record<string, { key: readonly string[]; others: readonly string[] }> = {
  space: { key: ['resident'], others: ['enc', 'ciphertext', 'recovery_enc', 'recovery_ciphertext', 'last_opened'] },
  tx: { key: ['seq'], others: ['id', 'resident', 'counter', 'envelope', 'state', 'code', 'at', 'log_index', 'receipt', 'concerned', 'kept_until'] },
  payload: { key: ['tx', 'act', 'what', 'addressee'], others: ['subject', 'act_id', 'place', 'sealed', 'kind', 'withheld'] },
  object: { key: ['resident', 'name'], others: ['sealed', 'at', 'counter'] },
  broken_off: { key: ['resident', 'counter'], others: [] },
  once: { key: ['name'], others: ['order_id', 'tx', 'until'] },
  removal: { key: ['tx', 'subject', 'place'], others: [] },
  concern: { key: ['tx', 'act'], others: ['kind', 'agency', 'subject', 'id', 'service', 'step'] },
  change: { key: ['agency', 'seq'], others: ['kind', 'subject', 'id', 'step', 'at', 'tx'] },
  request: { key: ['agency', 'seq'], others: ['id', 'subject', 'service', 'step', 'stepped', 'at', 'tx', 'act'] },
  replacement: { key: ['tx', 'subject'], others: ['number', 'enc', 'ciphertext', 'recovery_enc', 'recovery_ciphertext', 'state'] },
  former_key: { key: ['tx', 'subject', 'number'], others: ['sealed'] },
  grant_of: { key: ['agency', 'seq'], others: ['id', 'subject', 'at', 'tx', 'act'] },
  indexed: { key: ['one'], others: ['next'] },
  activity: { key: ['subject', 'log_index', 'act_index'], others: ['tx', 'act'] },
  mute: { key: ['resident', 'agency'], others: ['name'] },
};

const atOnce = 256;

/** All of a store, of one moment, into an empty one of either kind. `hub-storage`: there is something in it already. */
export async function copyStore(from: SqlDatabase, to: SqlDatabase): Promise<Result<null>> {
  const copied = await from.read((source) =>
    to.write(async (target): Promise<Result<null>> => {
      for (const table of ['space', 'tx']) {
        if ((await target.get(`SELECT 1 AS one FROM ${table} LIMIT 1`)) !== undefined) return fail('hub-storage', 'there are data spaces already: nothing is written over');
      }
      // The one row that every store begins with.
      await target.run('DELETE FROM indexed');
      for (const [table, { key, others }] of Object.entries(storeTables)) {
        const columns = [...(table === 'tx' ? [] : key), ...others];
        const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
        for (let page = await pageAfter(source, table, undefined); page.length > 0; page = await pageAfter(source, table, page.at(-1))) {
          for (const row of page) await target.run(insert, ...columns.map((column) => row[column] ?? null));
        }
      }
      return ok(null);
    }),
  );
  if (!copied.ok) return copied;
  return copied.value.ok ? copied.value.value : copied.value;
}

function pageAfter(sql: Sql, table: string, last: Row | undefined): Promise<Row[]> {
  const { key = [], others = [] } = storeTables[table] ?? {};
  const order = key.join(', ');
  const behind = last === undefined ? '' : `WHERE (${order}) > (${key.map(() => '?').join(', ')})`;
  const values = last === undefined ? [] : key.map((column) => last[column] ?? null);
  return sql.all(`SELECT ${[...key, ...others].join(', ')} FROM ${table} ${behind} ORDER BY ${order} LIMIT ?`, ...values, atOnce);
}
