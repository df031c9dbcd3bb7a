import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Ledger } from './ledger.ts';
import type { Name } from './verify/acts.ts';
import { equalBytes, toHex } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';
import { decodeRecord, stateKey } from './verify/records.ts';

/** The status lists as published, each under its hash: the newest of an issuer is the one that the ledger names. */
export class StatusLists {
  readonly #folder: string;
  readonly #ledger: Pick<Ledger, 'values'>;
  readonly #crypto: Crypto;

  /** `folder` is there. */
  constructor(folder: string, ledger: Pick<Ledger, 'values'>, crypto: Crypto) {
    this.#folder = folder;
    this.#ledger = ledger;
    this.#crypto = crypto;
  }

  /** Before its `status.publish` is given to the ledger. */
  put(list: string): Result<null> {
    const bytes = Buffer.from(list, 'ascii');
    const path = this.#pathOf(this.#crypto.sha256(bytes));
    try {
      const file = openSync(`${path}.draft`, 'w', 0o644);
      try {
        writeFileSync(file, bytes);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.draft`, path);
      return ok(null);
    } catch (error) {
      return fail('hub-storage', error instanceof Error && 'code' in error ? String(error.code) : 'status-lists');
    }
  }

  /** null: nothing was published, or another hub has it. */
  async newest(issuer: Name): Promise<Result<string | null>> {
    const values = await this.#ledger.values([stateKey.status(issuer)]);
    if (!values.ok) return values;
    const [value] = values.value;
    if (value === null || value === undefined) return ok(null);
    const [, hash] = decodeRecord('status', value).list;
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.#pathOf(hash));
    } catch {
      return ok(null);
    }
    return ok(equalBytes(this.#crypto.sha256(bytes), hash) ? bytes.toString('ascii') : null);
  }

  #pathOf(hash: Uint8Array): string {
    return join(this.#folder, `${toHex(hash)}.jwt`);
  }
}
