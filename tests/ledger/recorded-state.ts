import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** expected.json of `tests/fixtures/state/<version>`. Bytes in hex. */
export interface RecordedState {
  /** Of the one-validator chain in `ledger.sqlite.gz`. */
  validatorSeed: string;
  /** When the last transaction of that chain was recorded, Unix milliseconds. */
  lastTimeMs: number;
  /** Its newest head. */
  head: string;
  /** What the blocks of `blocks.cbor` came to: `taken` or the rejection's code, in the order of their transactions. */
  applied: { height: number; appHash: string; outcomes: string[] }[];
}

const folder = join(import.meta.dirname, '../fixtures/state');

/** Of every release so far. */
export const recordedVersions = (): string[] => readdirSync(folder).sort();

export const recordedFile = (version: string, name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, version, name)));
