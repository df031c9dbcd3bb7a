import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { savedHeadIn } from '../../src/main/saved-head.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'saved-head-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('what was kept is there after a restart; of a folder that is not there nothing is', () => {
  const kept = savedHeadIn(folder);
  expect([kept.trust(), kept.split()]).toEqual([undefined, undefined]);
  kept.keepTrust(Uint8Array.of(1, 2));
  kept.keepSplit(Uint8Array.of(3));
  expect([savedHeadIn(folder).trust(), savedHeadIn(folder).split()]).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  expect(readdirSync(folder).toSorted()).toEqual(['head.cbor', 'split.cbor']);
  const gone = savedHeadIn(join(folder, 'gone'));
  gone.keepTrust(Uint8Array.of(1));
  expect(gone.trust()).toBeUndefined();
});

test('a disk that takes only the first part of a head leaves the one before', () => {
  const before = new Uint8Array(100).fill(1);
  savedHeadIn(folder).keepTrust(before);
  // Files of this process end at 4096 bytes: a write beyond is first cut short, then refused.
  const script = `
    process.on('SIGXFSZ', () => undefined);
    const { savedHeadIn } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/main/saved-head.ts'))});
    savedHeadIn(${JSON.stringify(folder)}).keepTrust(new Uint8Array(6000));
  `;
  const { status, stderr } = spawnSync('bash', ['-c', 'ulimit -f 4; exec "$0" --input-type=module -e "$1"', process.execPath, script], { encoding: 'utf8', timeout: 20_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(savedHeadIn(folder).trust()).toEqual(before);
});
