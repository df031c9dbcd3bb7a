import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { concatBytes, equalBytes } from '../ledger/verify/bytes.ts';
import { rowSeal, type RowSeal } from './row-seal.ts';

/**
 * The only place that ties identity numbers to residents. Numbers stand in it as HMAC tags, residents sealed: whoever has the file and not the
 * registrar's key learns how many there are, and nothing of whom. (Identity numbers are guessable: without the key's HMAC a hash would be none.)
 */
export interface ResidentIndex {
  /** `number-taken`: this number is another resident's. Idempotent for the same one. */
  add(identityNumber: string, resident: Id): Result<null, Failure | Failure<'number-taken'>>;
  find(identityNumber: string): Result<Id | null>;
  /** The next free index of the registrar's status list. Never given twice, also when what it was for came to nothing. */
  nextStatus(): Result<number>;
  close(): void;
}
const file: FileKind = {
  name: 'the residents’ index',
  mark: 'imir',
  steps: [
    `
      CREATE TABLE resident (tag BLOB PRIMARY KEY, nonce BLOB NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE status (next INTEGER NOT NULL);
      INSERT INTO status VALUES (0);
    `,
  ],
};

const nonceLength = 12;

/**
 * `hub-storage` with `index-key` where the file was written under another key: every number would look new in it, and a second resident be made of everybody.
 *
 * @param key 32 bytes, the registrar's index key.
 */
export function openResidentIndex(path: string, key: Uint8Array): Result<ResidentIndex> {
  const seal = rowSeal(key, 'index');
  return guardedResult((): Result<ResidentIndex> => {
    const opened = openOwnFile(path, file);
    if (!opened.ok) return opened;
    const database = opened.value;
    const get = database.prepare('SELECT nonce, sealed FROM resident WHERE tag = ?');
    const put = database.prepare('INSERT INTO resident (tag, nonce, sealed) VALUES (?, ?, ?)');
    const takeStatus = database.prepare('UPDATE status SET next = next + 1 RETURNING next - 1 AS status');

    const lookUp = (tag: Uint8Array): Result<Id | null> => {
      const row = guarded(() => get.get(tag));
      if (!row.ok) return row;
      if (row.value === undefined) return ok(null);
      const resident = unseal(tag, row.value, seal);
      return resident === undefined ? fail('hub-storage', 'index-damaged') : ok(resident);
    };

    const some = database.prepare('SELECT tag, nonce, sealed FROM resident LIMIT 1').get();
    if (some !== undefined && unseal(some['tag'], some, seal) === undefined) {
      database.close();
      return fail('hub-storage', 'index-key');
    }

    return ok({
      add(identityNumber, resident) {
        const tag = seal.tag(identityNumber);
        const known = lookUp(tag);
        if (!known.ok) return known;
        if (known.value !== null) return equalBytes(known.value, resident) ? ok(null) : fail('number-taken');
        const sealed = seal.seal(tag, resident);
        return guarded(() => {
          put.run(tag, sealed.subarray(0, nonceLength), sealed.subarray(nonceLength));
          return null;
        });
      },
      find: (identityNumber) => lookUp(seal.tag(identityNumber)),
      nextStatus: () => guarded(() => Number(takeStatus.get()?.['status'])),
      close: () => database.close(),
    });
  });
}

/** undefined: damaged, or sealed under another key. */
const unseal = (tag: unknown, { nonce, sealed }: Record<string, unknown>, seal: RowSeal): Id | undefined =>
  tag instanceof Uint8Array && nonce instanceof Uint8Array && sealed instanceof Uint8Array ? seal.open(tag, concatBytes(nonce, sealed)) : undefined;
