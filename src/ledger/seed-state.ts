import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SeedValues } from './seed-values.ts';
import { keyName, type StateDraft, type StateView } from './state.ts';
import { beginOfPath, comparePaths, type StateLeaf } from './state-path.ts';
import type { Crypto } from './verify/crypto.ts';

/** Bits of a path that say in which file a value lies: those above two levels of branches. */
export const bitsOfFile = 6;
export const fileCount = 1 << bitsOfFile;
const bufferBytes = 256 * 1024;
const headBytes = 32 + 4;

/**
 * A state too large for memory, on its way to `buildPages`: what the rules will ask for again is at hand, what is final lies in files by the first bits
 * of its path. What is final reads as absent: ids are used once, and a path that came twice would be refused when the tree is built.
 */
export class SeedState implements StateView {
  readonly #crypto: Crypto;
  readonly #files: number[];
  readonly #buffers: Uint8Array[];
  readonly #filled = new Uint32Array(fileCount);
  readonly #live = new SeedValues();
  /** Of each file. */
  readonly counts = new Array<number>(fileCount).fill(0);

  /** `dir`: is made. Throws what the file system throws. */
  constructor(dir: string, crypto: Crypto) {
    this.#crypto = crypto;
    mkdirSync(dir);
    this.#files = Array.from({ length: fileCount }, (_, i) => openSync(join(dir, String(i)), 'wx', 0o600));
    this.#buffers = Array.from({ length: fileCount }, () => new Uint8Array(bufferBytes));
  }

  get(key: Uint8Array, name = keyName(key)): Uint8Array | undefined {
    return this.#live.get(name);
  }

  put(key: Uint8Array, value: Uint8Array | null): void {
    if (value === null) this.#live.delete(keyName(key));
    else this.#live.set(keyName(key), value);
  }

  /** `isFinal`: nothing will ask for it again. */
  take(draft: StateDraft, isFinal: (name: string) => boolean): void {
    draft.each((name, { key, value }) => {
      if (value === null) this.#live.delete(name);
      else if (isFinal(name)) this.#write(key, value);
      else this.#live.set(name, value);
    });
  }

  finish(key: Uint8Array): void {
    const name = keyName(key);
    const value = this.#live.get(name);
    if (value === undefined) throw new Error(`${name} is not at hand`);
    this.#live.delete(name);
    this.#write(key, value);
  }

  /** What is still at hand goes into the files, but for what another state brings. */
  close(isAnothers: (name: string) => boolean): void {
    for (const name of this.#live.names()) {
      const value = this.#live.get(name);
      if (value !== undefined && !isAnothers(name)) this.#write(Buffer.from(name, 'latin1'), value);
    }
    for (const [number, file] of this.#files.entries()) {
      this.#flush(number);
      closeSync(file);
    }
  }

  #write(key: Uint8Array, value: Uint8Array): void {
    const path = this.#crypto.sha256(key);
    const number = (path[0] ?? 0) >> (8 - bitsOfFile);
    const length = headBytes + value.length;
    if ((this.#filled[number] ?? 0) + length > bufferBytes) this.#flush(number);
    const buffer = this.#buffers[number];
    if (buffer === undefined || length > bufferBytes) throw new Error('a value too large to seed');
    const at = this.#filled[number] ?? 0;
    buffer.set(path, at);
    new DataView(buffer.buffer).setUint32(at + 32, value.length);
    buffer.set(value, at + headBytes);
    this.#filled[number] = at + length;
    this.counts[number] = (this.counts[number] ?? 0) + 1;
  }

  #flush(number: number): void {
    const [file, buffer] = [this.#files[number], this.#buffers[number]];
    if (file === undefined || buffer === undefined) throw new Error('a file that is not there');
    writeSync(file, buffer, 0, this.#filled[number]);
    this.#filled[number] = 0;
  }
}

/** File `number` of several states, in the order of the paths. */
export function sortedLeaves(dirs: readonly string[], number: number): StateLeaf[] {
  const leaves: (StateLeaf & { begin: number })[] = [];
  for (const dir of dirs) {
    const content = new Uint8Array(readFileSync(join(dir, String(number))));
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    for (let at = 0; at < content.length; ) {
      const end = at + headBytes + view.getUint32(at + 32);
      leaves.push({ path: content.subarray(at, at + 32), value: content.subarray(at + headBytes, end), begin: beginOfPath(content, at) });
      at = end;
    }
  }
  return leaves.sort(comparePaths);
}
