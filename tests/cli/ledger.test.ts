import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/ledger.ts';
import { hubServerFileSchema } from '../../src/contract/hub-file.ts';
import { foundHub } from '../../src/hub/founding.ts';
import { signerOf } from '../ledger/small-district.ts';

let folder: string;
let place: string[];
let said: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-cli-ledger-'));
  const server = join(folder, 'server.json');
  const file = { hub: 'north-hub', ledger: { engine: 'embedded' }, keeper: {}, registrar: {} };
  writeFileSync(server, JSON.stringify(file));
  place = ['--server', server, '--data', join(folder, 'hub')];
  const founded = await foundHub({ chain: 'north', serverFile: hubServerFileSchema.parse(file), dataDir: join(folder, 'hub'), now: Date.now() });
  expect(founded.ok).toBe(true);
  said = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      said += text.toString();
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const lose = (): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `hub/ledger.sqlite${end}`), { force: true });
};

test.each([
  ['backup', 'restore'],
  ['export', 'import'],
])('imi ledger %s and %s say what they hold, and refuse with 1 where something is there', async (away, back) => {
  const copy = join(folder, 'copy');
  expect(await run([away, ...place, '--out', copy])).toBe(0);
  expect(said).toMatch(/copy: height 1, 0 entries, last block of 20/);
  expect(await run([away, ...place, '--out', copy])).toBe(1);
  expect(await run([back, ...place, '--from', copy])).toBe(1);
  expect(said).toMatch(/ledger\.sqlite is there/);
  lose();
  expect(await run([back, ...place, '--from', copy])).toBe(0);
  lose();
  rmSync(join(folder, 'hub/ledger.sqlite.signed'));
  expect(await run([back, ...place, '--from', copy])).toBe(1);
  expect(said).toMatch(/--guard-lost/);
  expect(await run([back, ...place, '--from', copy, '--guard-lost'])).toBe(0);
});

test('imi ledger handover ends the ledger and prints what the trust root needs; adopt takes it on', async () => {
  const list = join(folder, 'validators.json');
  const validators = ['one', 'two'].map((name) => ({ key: Buffer.from(signerOf(name).key[1]).toString('base64'), power: 10 }));
  writeFileSync(list, JSON.stringify(validators));
  expect(await run(['handover', ...place, '--validators', list, '--out', join(folder, 'out')])).toBe(0);
  expect(said).toMatch(/"handover": "[A-Za-z0-9_-]+"/);
  expect(said).toMatch(/ends at height 1.*destroy it/);
  expect(await run(['adopt', '--from', join(folder, 'out'), '--data', join(folder, 'node')])).toBe(0);
  expect(said).toMatch(/goes on at height 2/);
  expect(await run(['adopt', '--from', join(folder, 'out'), '--data', join(folder, 'node')])).toBe(1);
  writeFileSync(list, JSON.stringify([{ key: 'short', power: 1 }]));
  expect(await run(['handover', ...place, '--validators', list, '--out', join(folder, 'other')])).toBe(2);
});

test.each([
  { name: 'no command', args: () => [] },
  { name: 'one that it does not know', args: () => ['look'] },
  { name: 'nowhere to put it', args: () => ['backup', ...place] },
  { name: 'a folder to bring back from where one is made', args: () => ['backup', ...place, '--out', 'x', '--from', 'y'] },
  { name: 'a server file that is none', args: () => ['backup', '--server', folder, '--data', folder, '--out', 'x'] },
  { name: 'a handover to nobody', args: () => ['handover', ...place, '--out', 'x'] },
  { name: 'an adoption of nothing', args: () => ['adopt'] },
])('imi ledger with $name is wrongly called', async ({ args }) => {
  expect(await run(args())).toBe(2);
});
