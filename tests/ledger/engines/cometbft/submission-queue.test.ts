import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SubmissionQueue } from '../../../../src/ledger/engines/cometbft/submission-queue.ts';

const root = new Uint8Array(32).fill(1);
const place = { next: 9, logSize: 4, block: new Uint8Array(200).fill(2) };
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'queue-'));
  path = join(folder, 'queue.sqlite');
  const queue = new SubmissionQueue(path);
  queue.keepPlace(root, place);
  queue.close();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('the place is kept over a restart, under its own trust root only', () => {
  const queue = new SubmissionQueue(path);
  expect(queue.place(root)).toEqual(place);
  expect(queue.place(new Uint8Array(32))).toBeUndefined();
  queue.close();
});

test.each(['block', 'place', 'sum'])('a flipped bit in its %s makes it none at all', (name) => {
  const database = new DatabaseSync(path);
  const { value } = database.prepare('SELECT value FROM about WHERE name = ?').get(name) as { value: Uint8Array };
  const damaged = value.slice();
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  database.prepare('UPDATE about SET value = ? WHERE name = ?').run(damaged, name);
  database.close();
  const queue = new SubmissionQueue(path);
  expect(queue.place(root)).toBeUndefined();
  queue.close();
});
