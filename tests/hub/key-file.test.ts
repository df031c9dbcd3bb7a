import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeyFile, writeKeyFile } from '../../src/hub/key-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-key-'));
  path = join(folder, 'keeper.key.json');
});
afterEach(() => rmSync(folder, { recursive: true }));
const keys = { sign: new Uint8Array(32).fill(1), seal: new Uint8Array(32).fill(2) };

describe('a key file', () => {
  it('is read as it was written, by its owner alone', () => {
    writeKeyFile(path, keys);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readKeyFile(path)).toEqual({ ok: true, value: keys });
  });

  it('is never written over', () => {
    writeKeyFile(path, keys);
    expect(() => writeKeyFile(path, keys)).toThrow(/EEXIST/);
  });

  it.each([
    { name: 'missing', make: () => undefined, code: 'key-missing' },
    {
      name: 'open to its group',
      make: () => {
        writeKeyFile(path, keys);
        chmodSync(path, 0o640);
      },
      code: 'key-exposed',
    },
    { name: 'no JSON', make: () => writeFileSync(path, 'key', { mode: 0o600 }), code: 'key-unreadable' },
    { name: 'of 31 bytes', make: () => writeFileSync(path, JSON.stringify({ v: 1, sign: Buffer.alloc(31).toString('base64url') }), { mode: 0o600 }), code: 'key-unreadable' },
  ])('is refused when it is $name', ({ make, code }) => {
    make();
    const read = readKeyFile(path);
    expect(!read.ok && read.failure).toEqual({ code, detail: path });
  });
});
