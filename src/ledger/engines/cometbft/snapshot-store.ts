import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { encodeGenesis, type Genesis } from '../../genesis.ts';
import { concatBytes } from '../../verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../verify/cbor.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { isBytes, isInt, isList, isMap, type Shape } from '../../verify/shape.ts';

/** As ABCI names one: `format` 1 is that of `snapshotChunks`, `metadata` the SHA-256 of each chunk in turn, `hash` the SHA-256 of that. */
export interface StoredSnapshot {
  height: number;
  chunks: number;
  hash: Uint8Array;
  metadata: Uint8Array;
}

export const snapshotFormat = 1;
/** The newest, and the one before it, which somebody may just be fetching. */
const kept = 2;

interface Index {
  height: number;
  hashes: Uint8Array[];
}
const isIndex: Shape<Index> = isMap({ height: isInt(0, Number.MAX_SAFE_INTEGER), hashes: isList(isBytes(32), 1, 100_000) });
const indexFile = 'index.cbor';

/** Snapshots in a folder, each in one of its own named by its height: `index.cbor`, and the chunks by their number. */
export class SnapshotStore {
  readonly #folder: string;
  readonly #ledgerPath: string;
  readonly #genesis: Genesis;
  readonly #crypto: Crypto;
  #worker: Worker | null = null;

  constructor(folder: string, ledgerPath: string, genesis: Genesis, crypto: Crypto) {
    this.#folder = folder;
    this.#ledgerPath = ledgerPath;
    this.#genesis = genesis;
    this.#crypto = crypto;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#sweep();
  }

  /** The newest first. */
  list(): StoredSnapshot[] {
    return this.#heights().flatMap((height) => {
      const index = this.#indexOf(height);
      if (index === undefined) return [];
      const metadata = concatBytes(...index.hashes);
      return [{ height, chunks: index.hashes.length, hash: this.#crypto.sha256(metadata), metadata }];
    });
  }

  chunk(height: number, number: number): Uint8Array | undefined {
    const path = join(this.#folder, String(height), String(number));
    return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
  }

  /** Of what is committed about now, in a thread of its own, since it reads the whole ledger; nothing where one is being made. */
  take(onFault: (error: unknown) => void): void {
    if (this.#worker !== null) return;
    const work: SnapshotWork = { ledgerPath: this.#ledgerPath, folder: this.#folder, genesis: encodeGenesis(this.#genesis) };
    const worker = new Worker(join(import.meta.dirname, 'snapshot-worker.ts'), { workerData: work });
    this.#worker = worker;
    worker.on('error', onFault);
    worker.once('exit', () => {
      this.#worker = null;
      this.#sweep();
      for (const height of this.#heights().slice(kept)) rmSync(join(this.#folder, String(height)), { recursive: true, force: true });
    });
  }

  /** One that is being made is given up. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** What an end in the middle has left: on a full disk it would keep the ledger itself from going on. */
  #sweep(): void {
    for (const name of readdirSync(this.#folder)) if (name.endsWith('.part')) rmSync(join(this.#folder, name), { recursive: true, force: true });
  }

  #heights(): number[] {
    const names = readdirSync(this.#folder).filter((name) => /^\d+$/.test(name));
    return names.map(Number).sort((a, b) => b - a);
  }

  #indexOf(height: number): Index | undefined {
    const path = join(this.#folder, String(height), indexFile);
    const index = existsSync(path) ? decodeCbor(new Uint8Array(readFileSync(path))) : undefined;
    return isIndex(index) && index.height === height ? index : undefined;
  }
}

/** What the thread is handed. */
export interface SnapshotWork {
  ledgerPath: string;
  folder: string;
  /** `encodeGenesis` of it. */
  genesis: Uint8Array;
}

/** Puts the chunks of one snapshot into the store's folder: under its height when all of it is on disk, before that under another name. */
export function writeSnapshot(folder: string, height: number, chunks: Iterable<Uint8Array>, crypto: Crypto): void {
  const whole = join(folder, String(height));
  const part = `${whole}.part`;
  if (existsSync(whole)) return;
  mkdirSync(part, { mode: 0o700 });
  const hashes: Uint8Array[] = [];
  for (const chunk of chunks) {
    writeDurably(join(part, String(hashes.length)), chunk);
    hashes.push(crypto.sha256(chunk));
  }
  writeDurably(join(part, indexFile), encodeCbor({ height, hashes }));
  renameSync(part, whole);
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  writeSync(file, bytes);
  fsyncSync(file);
  closeSync(file);
}
