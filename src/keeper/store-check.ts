import { fail, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed } from '../identity/sealing.ts';
import { decodeOpenedPart } from '../ledger/verify/private-part.ts';
import { bytesOf, numberOf, type SqlDatabase } from './sql-database.ts';

/** What a store holds, once it was looked through. */
export interface StoreFacts {
  spaces: number;
  objects: number;
  /** Private parts that the keeper opened, one by one. */
  parts: number;
  /** Given to the ledger and not settled yet. */
  queued: number;
}

const atOnce = 256;

/** That every private part sealed to the keeper opens with its key: what another keeper has stored does not. */
export async function checkStore(database: SqlDatabase, opener: Opener): Promise<Result<StoreFacts>> {
  let parts = 0;
  for (let [tx, act]: [Uint8Array, number] = [new Uint8Array(0), 0]; ; ) {
    const page = await database.read((sql) =>
      sql.all("SELECT tx, act, subject, sealed FROM payload WHERE (tx, act) > (?, ?) AND what = 'part' AND addressee = 'keeper' ORDER BY tx, act LIMIT ?", tx, act, atOnce),
    );
    if (!page.ok) return page;
    for (const { subject, sealed } of page.value) {
      const opened = await openSealed(bytesOf(sealed), 'part', bytesOf(subject), opener);
      if (!opened.ok || decodeOpenedPart(opened.value) === undefined) return fail('hub-storage', 'a private part does not open with this keeper’s key');
      parts += 1;
    }
    const last = page.value.at(-1);
    if (last === undefined) break;
    [tx, act] = [bytesOf(last['tx']), numberOf(last['act'])];
  }
  const counted = await database.read((sql) =>
    sql.get("SELECT (SELECT count(*) FROM space) AS spaces, (SELECT count(*) FROM object) AS objects, (SELECT count(*) FROM tx WHERE state = 'queued') AS queued"),
  );
  if (!counted.ok) return counted;
  const count = (name: string): number => numberOf(counted.value?.[name]);
  return ok({ spaces: count('spaces'), objects: count('objects'), parts, queued: count('queued') });
}
