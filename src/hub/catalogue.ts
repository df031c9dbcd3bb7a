import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '../contract/result.ts';
import { readCatalogueFile } from '../contract/service.ts';
import { hashOf, sameHash } from '../identity/grant.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';

/** The files of services and bundles as published. The ledger has only their hashes: a file that none of them fits is not offered. */
export class Catalogue {
  readonly #folder: string;
  readonly #ledger: Pick<Ledger, 'values'>;

  /** `folder` is there. */
  constructor(folder: string, ledger: Pick<Ledger, 'values'>) {
    this.#folder = folder;
    this.#ledger = ledger;
  }

  /** Keeps a file's bytes; they are offered from the moment that the ledger has `service.publish` of their hash. */
  put(definition: Uint8Array): Result<null> {
    const path = join(this.#folder, `${toHex(hashOf(definition)[1])}.json`);
    try {
      const file = openSync(`${path}.draft`, 'w', 0o600);
      try {
        // To the last byte: a single write stops short where the room ends.
        writeFileSync(file, definition);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.draft`, path);
      return ok(null);
    } catch (error) {
      return fail('hub-storage', error instanceof Error && 'code' in error ? String(error.code) : 'catalogue');
    }
  }

  /** Published and not withdrawn, by id. */
  async list(): Promise<Result<{ id: string; definition: Uint8Array }[]>> {
    const kept: { id: string; definition: Uint8Array }[] = [];
    try {
      for (const name of readdirSync(this.#folder)) {
        if (!name.endsWith('.json')) continue;
        const definition = new Uint8Array(readFileSync(join(this.#folder, name)));
        const read = readCatalogueFile(definition);
        if (read !== null) kept.push({ id: 'service' in read ? read.service.id : read.bundle.id, definition });
      }
    } catch (error) {
      return fail('hub-storage', error instanceof Error && 'code' in error ? String(error.code) : 'catalogue');
    }
    if (kept.length === 0) return ok([]);
    const values = await this.#ledger.values(kept.map(({ id }) => stateKey.service(id)));
    if (!values.ok) return values;
    const offered = kept.filter(({ definition }, i) => {
      const value = values.value[i];
      if (value === null || value === undefined) return false;
      const record = decodeRecord('service', value);
      return record.state === 'published' && sameHash(record.definition, hashOf(definition));
    });
    return ok(offered.sort((a, b) => (a.id < b.id ? -1 : 1)));
  }
}
