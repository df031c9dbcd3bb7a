import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { guarded } from '../ledger/sqlite-guard.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { normalNumber } from './row-seal.ts';

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

/** "imir". */
const applicationId = 0x696d6972;
const schemaVersion = 1;
const schema = `
  CREATE TABLE resident (tag BLOB PRIMARY KEY, nonce BLOB NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE status (next INTEGER NOT NULL);
  INSERT INTO status VALUES (0);
`;

const derive = (key: Uint8Array, info: string): Uint8Array => new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32));

/**
 * `hub-storage` with `index-key` where the file was written under another key: every number would look new in it, and a second resident be made of everybody.
 *
 * @param key 32 bytes, the registrar's index key.
 */
export function openResidentIndex(path: string, key: Uint8Array): Result<ResidentIndex> {
  const tagKey = derive(key, 'imi/index/tag/1');
  const sealKey = derive(key, 'imi/index/seal/1');
  const tagOf = (identityNumber: string): Uint8Array => new Uint8Array(createHmac('sha256', tagKey).update(normalNumber(identityNumber)).digest());

  const opened = guarded((): Result<ResidentIndex> => {
    const database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000');
    if (database.prepare('PRAGMA user_version').get()?.['user_version'] === 0) {
      database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
    }
    const get = database.prepare('SELECT nonce, sealed FROM resident WHERE tag = ?');
    const put = database.prepare('INSERT INTO resident (tag, nonce, sealed) VALUES (?, ?, ?)');
    const takeStatus = database.prepare('UPDATE status SET next = next + 1 RETURNING next - 1 AS status');

    const lookUp = (tag: Uint8Array): Result<Id | null> => {
      const row = guarded(() => get.get(tag));
      if (!row.ok) return row;
      if (row.value === undefined) return ok(null);
      const resident = unseal(tag, row.value, sealKey);
      return resident === undefined ? fail('hub-storage', 'index-damaged') : ok(resident);
    };

    const some = database.prepare('SELECT tag, nonce, sealed FROM resident LIMIT 1').get();
    if (some !== undefined && unseal(some['tag'], some, sealKey) === undefined) {
      database.close();
      return fail('hub-storage', 'index-key');
    }

    return ok({
      add(identityNumber, resident) {
        const tag = tagOf(identityNumber);
        const known = lookUp(tag);
        if (!known.ok) return known;
        if (known.value !== null) return equalBytes(known.value, resident) ? ok(null) : fail('number-taken');
        const nonce = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', sealKey, nonce);
        cipher.setAAD(tag);
        const sealed = Buffer.concat([cipher.update(resident), cipher.final(), cipher.getAuthTag()]);
        return guarded(() => {
          put.run(tag, nonce, sealed);
          return null;
        });
      },
      find: (identityNumber) => lookUp(tagOf(identityNumber)),
      nextStatus: () => guarded(() => Number(takeStatus.get()?.['status'])),
      close: () => database.close(),
    });
  });
  return opened.ok ? opened.value : opened;
}

/** undefined: damaged, or sealed under another key. */
function unseal(tag: unknown, { nonce, sealed }: Record<string, unknown>, sealKey: Uint8Array): Id | undefined {
  if (!(tag instanceof Uint8Array) || !(nonce instanceof Uint8Array) || !(sealed instanceof Uint8Array)) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealKey, nonce);
    decipher.setAAD(tag);
    decipher.setAuthTag(sealed.subarray(-16));
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]));
  } catch {
    return undefined;
  }
}
