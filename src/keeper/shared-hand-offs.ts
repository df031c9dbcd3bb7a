import { hkdfSync } from 'node:crypto';
import { ok, type Result } from '../contract/result.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { bytesOf, numberOf, type SqlDatabase } from './sql-database.ts';

/**
 * Matters that a resident has begun at one hub and goes on with at any other that shares the keeper, by their code. Each is sealed to the resident's own
 * data space; codes stand there as keyed hashes. All failures are the database's.
 */
export interface SharedHandOffs {
  /** The oldest goes where a resident has more than so many. @param until Unix seconds. */
  put(resident: Id, matter: { code: string; sealed: Uint8Array; until: number }, mostOfOne: number): Promise<Result<null>>;
  /** null: there is none of this code, it is over, or it is somebody else's. */
  get(resident: Id, code: string): Promise<Result<Uint8Array | null>>;
  /** Until when it is good, Unix seconds, and whose it is not at all. */
  until(code: string): Promise<Result<number | null>>;
  drop(resident: Id, code: string): Promise<Result<null>>;
}

/**
 * @param secret 32 bytes known to the keeper alone: the hubs that share it have the same.
 * @param now Unix milliseconds.
 */
export function sharedHandOffsIn(database: SqlDatabase, secret: Uint8Array, now: () => number): SharedHandOffs {
  const tagKey = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), 'imi/hand-offs/1 tags', 32));
  const tagOf = (code: string): Uint8Array => hmacSha256(tagKey, code);
  const seconds = (): number => Math.floor(now() / 1000);
  return {
    put: (resident, { code, sealed, until }, mostOfOne) =>
      database.write(async (sql) => {
        await sql.run('DELETE FROM hand_off WHERE until <= ?', seconds());
        // Before it is there: hubs' clocks differ, and the newest need not end last.
        await sql.run('DELETE FROM hand_off WHERE resident = ?1 AND code NOT IN (SELECT code FROM hand_off WHERE resident = ?1 ORDER BY until DESC, code LIMIT ?2)', resident, mostOfOne - 1);
        await sql.run('INSERT INTO hand_off (code, resident, sealed, until) VALUES (?, ?, ?, ?)', tagOf(code), resident, sealed, until);
        return null;
      }),
    async get(resident, code) {
      const row = await database.read((sql) => sql.get('SELECT sealed FROM hand_off WHERE code = ? AND resident = ? AND until > ?', tagOf(code), resident, seconds()));
      if (!row.ok) return row;
      return ok(row.value === undefined ? null : bytesOf(row.value['sealed']));
    },
    async until(code) {
      const row = await database.read((sql) => sql.get('SELECT until FROM hand_off WHERE code = ? AND until > ?', tagOf(code), seconds()));
      if (!row.ok) return row;
      return ok(row.value === undefined ? null : numberOf(row.value['until']));
    },
    async drop(resident, code) {
      const dropped = await database.write((sql) => sql.run('DELETE FROM hand_off WHERE code = ? AND resident = ?', tagOf(code), resident));
      return dropped.ok ? ok(null) : dropped;
    },
  };
}
