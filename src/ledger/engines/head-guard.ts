import { closeSync, existsSync, fdatasyncSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { concatBytes, equalBytes, u64 } from '../verify/bytes.ts';
import type { Crypto } from '../verify/crypto.ts';

/** The last head that a validator signed and somebody may have seen. */
export interface SignedMark {
  height: number;
  hash: Uint8Array;
}

const slotBytes = 512;
const markBytes = 8 + 32;

/** Makes the file, without a mark, where there is none. Throws what the file system throws. */
export function beginHeadGuard(path: string): void {
  if (existsSync(path)) return;
  const file = openSync(path, 'wx', 0o600);
  writeSync(file, new Uint8Array(2 * slotBytes));
  fsyncSync(file);
  closeSync(file);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/**
 * A second file, beside the ledger's own, that a restored backup does not set back: the engine refuses to go on from a history that is
 * smaller than it or another one. Two slots are written in turn and in place, so it needs no room on a full disk and a torn write loses nothing.
 */
export class HeadGuard {
  readonly #file: number;
  readonly #crypto: Crypto;
  #newest: SignedMark | null;
  #next: 0 | 1;

  /** Of a file that is there. Throws what the file system throws. */
  constructor(path: string, crypto: Crypto) {
    this.#crypto = crypto;
    this.#file = openSync(path, 'r+');
    const [first, second] = [this.#read(0), this.#read(1)];
    const firstIsNewer = (first?.height ?? -1) > (second?.height ?? -1);
    this.#newest = firstIsNewer ? first : second;
    this.#next = firstIsNewer ? 1 : 0;
  }

  get newest(): SignedMark | null {
    return this.#newest;
  }

  /** Returns when it is on the disk: in place, so that nothing but its bytes has to be. */
  write(mark: SignedMark): void {
    const content = concatBytes(u64(mark.height), mark.hash);
    const slot = concatBytes(content, this.#crypto.sha256(content));
    writeSync(this.#file, slot, 0, slot.length, this.#next * slotBytes);
    fdatasyncSync(this.#file);
    this.#next = this.#next === 0 ? 1 : 0;
    this.#newest = mark;
  }

  close(): void {
    closeSync(this.#file);
  }

  #read(slot: 0 | 1): SignedMark | null {
    const bytes = new Uint8Array(markBytes + 32);
    readSync(this.#file, bytes, 0, bytes.length, slot * slotBytes);
    const content = bytes.subarray(0, markBytes);
    if (!equalBytes(this.#crypto.sha256(content), bytes.subarray(markBytes))) return null;
    return { height: Number(new DataView(bytes.buffer).getBigUint64(0)), hash: bytes.slice(8, markBytes) };
  }
}
