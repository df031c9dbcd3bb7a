import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { StateChange, StateView } from './state.ts';
import type { StateLeaf } from './state-tree.ts';
import { compareBytes } from './verify/bytes.ts';
import type { Crypto } from './verify/crypto.ts';

const bucketCount = 256;
const bufferBytes = 64 * 1024;
const headBytes = 32 + 4;

/**
 * A state too large for memory, on its way to `StateTree.build`: what the rules will ask for again is at hand, what is final lies in files by the first
 * byte of its path. What is final reads as absent: ids are used once, and a path that came twice would be refused when the tree is built.
 */
export class SeedState implements StateView {
  readonly #crypto: Crypto;
  readonly #dir: string;
  readonly #files: number[];
  readonly #buffers: Uint8Array[];
  readonly #filled = new Uint32Array(bucketCount);
  readonly #live = new Map<string, Uint8Array>();
  count = 0;

  /** `dir`: is made, and goes with `close`. Throws what the file system throws. */
  constructor(dir: string, crypto: Crypto) {
    this.#crypto = crypto;
    this.#dir = dir;
    mkdirSync(dir);
    this.#files = Array.from({ length: bucketCount }, (_, i) => openSync(join(dir, String(i)), 'wx', 0o600));
    this.#buffers = Array.from({ length: bucketCount }, () => new Uint8Array(bufferBytes));
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#live.get(nameOf(key));
  }

  /** `isFinal`: nothing will ask for it again. */
  apply(changes: readonly StateChange[], isFinal: (name: string) => boolean): void {
    for (const { key, value } of changes) {
      const name = nameOf(key);
      if (value === null) this.#live.delete(name);
      else if (isFinal(name)) this.#write(key, value);
      else this.#live.set(name, value);
    }
  }

  finish(key: Uint8Array): void {
    const name = nameOf(key);
    const value = this.#live.get(name);
    if (value === undefined) throw new Error(`${name} is not at hand`);
    this.#live.delete(name);
    this.#write(key, value);
  }

  /** Everything, in the order of the paths, once. */
  *leaves(): Generator<StateLeaf> {
    for (const [name, value] of this.#live) this.#write(Buffer.from(name, 'latin1'), value);
    this.#live.clear();
    for (const [bucket, file] of this.#files.entries()) {
      this.#flush(bucket);
      closeSync(file);
    }
    this.#files.length = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const path = join(this.#dir, String(bucket));
      yield* sortedLeaves(new Uint8Array(readFileSync(path)));
      rmSync(path);
    }
  }

  close(): void {
    for (const file of this.#files) closeSync(file);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #write(key: Uint8Array, value: Uint8Array): void {
    const path = this.#crypto.sha256(key);
    const bucket = path[0] ?? 0;
    const length = headBytes + value.length;
    if ((this.#filled[bucket] ?? 0) + length > bufferBytes) this.#flush(bucket);
    const buffer = this.#buffers[bucket];
    if (buffer === undefined || length > bufferBytes) throw new Error('a value too large to seed');
    const at = this.#filled[bucket] ?? 0;
    buffer.set(path, at);
    new DataView(buffer.buffer).setUint32(at + 32, value.length);
    buffer.set(value, at + headBytes);
    this.#filled[bucket] = at + length;
    this.count += 1;
  }

  #flush(bucket: number): void {
    const [file, buffer] = [this.#files[bucket], this.#buffers[bucket]];
    if (file === undefined || buffer === undefined) throw new Error('a state that was handed on already');
    writeSync(file, buffer, 0, this.#filled[bucket]);
    this.#filled[bucket] = 0;
  }
}

function sortedLeaves(content: Uint8Array): StateLeaf[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const leaves: StateLeaf[] = [];
  for (let at = 0; at < content.length; ) {
    const end = at + headBytes + view.getUint32(at + 32);
    leaves.push({ path: content.subarray(at, at + 32), value: content.subarray(at + headBytes, end) });
    at = end;
  }
  return leaves.sort((one, other) => compareBytes(one.path, other.path));
}

// State keys are ASCII.
const nameOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
