import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appHashOf } from '../../application.ts';
import type { Genesis } from '../../genesis.ts';
import { importSnapshot } from '../../snapshot.ts';
import { equalBytes } from '../../verify/bytes.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { openLedgerFile } from '../ledger-file.ts';
import { inTransaction } from '../transaction.ts';

/** What the node offers: a snapshot that a peer has, and the app hash that its light client found for that height. */
export interface OfferedSnapshot {
  height: number;
  chunks: number;
  hash: Uint8Array;
  metadata: Uint8Array;
  /** Signed by the chain's validators; nothing else of the offer is. */
  appHash: Uint8Array;
}

/** Chunks of one snapshot as they come in, on disk, and the ledger that they make. */
export class SnapshotRestore {
  readonly #offer: OfferedSnapshot;
  readonly #folder: string;
  readonly #crypto: Crypto;

  private constructor(offer: OfferedSnapshot, folder: string, crypto: Crypto) {
    this.#offer = offer;
    this.#folder = folder;
    this.#crypto = crypto;
  }

  /** undefined: it contradicts itself. `folder` is emptied. */
  static begin(offer: OfferedSnapshot, folder: string, crypto: Crypto): SnapshotRestore | undefined {
    const { chunks, hash, metadata } = offer;
    if (chunks === 0 || metadata.length !== chunks * 32 || !equalBytes(crypto.sha256(metadata), hash)) return undefined;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new SnapshotRestore(offer, folder, crypto);
  }

  /** false: not the chunk of this number. */
  take(number: number, chunk: Uint8Array): boolean {
    const { metadata } = this.#offer;
    if (!equalBytes(this.#crypto.sha256(chunk), metadata.subarray(number * 32, number * 32 + 32))) return false;
    writeFileSync(join(this.#folder, String(number)), chunk, { mode: 0o600 });
    return true;
  }

  isLast(number: number): boolean {
    return number === this.#offer.chunks - 1;
  }

  /** Builds the ledger in a file of its own. null: it does not come to the app hash that was signed. */
  build(genesis: Genesis): string | null {
    const path = join(this.#folder, 'ledger.sqlite');
    const database = openLedgerFile(path);
    try {
      const { height, appHash } = this.#offer;
      inTransaction(database, () => {
        const imported = importSnapshot(database, this.#chunks(), genesis, this.#crypto);
        const isOffered = imported.ok && imported.value.height === height && equalBytes(appHashOf(imported.value, this.#crypto), appHash);
        if (!isOffered) throw new OtherLedger();
      });
      return path;
    } catch (error) {
      if (error instanceof OtherLedger) return null;
      throw error;
    } finally {
      database.close();
      sync(path);
    }
  }

  /** Takes with it what is still in its folder. */
  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  *#chunks(): Generator<Uint8Array> {
    for (let number = 0; number < this.#offer.chunks; number++) yield new Uint8Array(readFileSync(join(this.#folder, String(number))));
  }
}

/** Rolls the import back; never leaves this file. */
class OtherLedger extends Error {}

function sync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
