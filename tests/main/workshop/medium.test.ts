import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SetupOption } from '../../../src/contract/workshop.ts';
import { exportPlaces, stickRoots, writeExport, type ExportFile, type ExportTarget } from '../../../src/main/workshop/medium.ts';
import { mayMount, SmallDisk } from '../../fixtures/small-disk.ts';
import { must } from '../../hub/visitor.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'medium-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const place = (folder: string): SetupOption => ({ option: folder, title: folder, detail: folder });
const to = (folder: string): ExportTarget => ({ folder, places: () => [place(folder)] });

const one = (...bytes: number[]): ExportFile[] => [{ name: 'a.imi', bytes: Uint8Array.from(bytes) }];

test('a place is a stick, or the kiosk’s own folder', () => {
  mkdirSync(join(dir, 'media/imi/KINGSTON'), { recursive: true });
  mkdirSync(join(dir, 'media/imi/not-mounted'));
  const places = exportPlaces('/data', [join(dir, 'media'), join(dir, 'none')], (path) => path.endsWith('KINGSTON'));
  expect(places.map(({ option }) => option)).toEqual([join(dir, 'media/imi/KINGSTON'), '/data/exports']);
});

test('sticks can be written to by the kiosk’s unit, and need not be there', () => {
  const writable = readFileSync('kiosk-image/imi-kiosk.service', 'utf8').split('\n').filter((line) => line.startsWith('ReadWritePaths=')).flatMap((line) => line.slice('ReadWritePaths='.length).split(' '));
  expect(writable).toEqual(expect.arrayContaining(stickRoots.map((root) => `-${root}`)));
});

test('a place has a file whole under its name, and nothing else', async () => {
  const written = must(await writeExport(to(join(dir, 'new')), one(1, 2, 3)));
  expect(written).toEqual([{ path: join(dir, 'new/a.imi'), sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81' }]);
  expect(readdirSync(join(dir, 'new'))).toEqual(['a.imi']);
  expect([...readFileSync(join(dir, 'new/a.imi'))]).toEqual([1, 2, 3]);
});

test('a place takes nothing once it is no place any more', async () => {
  mkdirSync(join(dir, 'KINGSTON'));
  expect(await writeExport({ folder: join(dir, 'KINGSTON'), places: () => [place(join(dir, 'exports'))] }, one(0))).toEqual({ ok: false, failure: { code: 'kiosk-storage', detail: 'gone' } });
  expect(readdirSync(join(dir, 'KINGSTON'))).toEqual([]);
});

test('a file lies nowhere for certain where its place went away in between', async () => {
  let asked = 0;
  const places = (): SetupOption[] => ((asked += 1) === 1 ? [place(join(dir, 'KINGSTON'))] : []);
  expect(await writeExport({ folder: join(dir, 'KINGSTON'), places }, one(0))).toEqual({ ok: false, failure: { code: 'kiosk-storage', detail: 'gone' } });
});

test('a medium is given up where it does not take in what was written', async () => {
  const tools = join(dir, 'tools');
  mkdirSync(tools);
  writeFileSync(join(tools, 'sync'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${tools}:${process.env['PATH'] ?? ''}`);
  const written = await writeExport({ ...to(join(dir, 'new')), writeLimitMs: 300 }, one(0));
  vi.unstubAllEnvs();
  expect(written).toEqual({ ok: false, failure: { code: 'kiosk-storage', detail: 'flush' } });
});

test('nothing waits while it is written', async () => {
  let isServed = false;
  setImmediate(() => (isServed = true));
  expect((await writeExport(to(join(dir, 'new')), one(1))).ok).toBe(true);
  expect(isServed).toBe(true);
});

test('what a stick brings along under the name is not written through', async () => {
  const stick = join(dir, 'KINGSTON');
  mkdirSync(stick);
  writeFileSync(join(dir, 'own'), 'the kiosk’s own');
  for (const name of ['a.imi.part', 'a.imi']) symlinkSync(join(dir, 'own'), join(stick, name));
  must(await writeExport(to(stick), one(1, 2, 3)));
  expect(readFileSync(join(dir, 'own'), 'utf8')).toBe('the kiosk’s own');
  expect([...readFileSync(join(stick, 'a.imi'))]).toEqual([1, 2, 3]);
  expect(readdirSync(stick)).toEqual(['a.imi']);
});

test.skipIf(!mayMount)('what a full medium took in part is gone from it', async () => {
  const stick = join(dir, 'KINGSTON');
  const disk = SmallDisk.mount(stick, '64k');
  const written = await writeExport(to(stick), [{ name: 'a.imi', bytes: new Uint8Array(200_000) }]);
  const left = readdirSync(stick);
  disk.unmount();
  expect(written).toEqual({ ok: false, failure: { code: 'kiosk-storage', detail: 'ENOSPC' } });
  expect(left).toEqual([]);
});

test('why a place takes nothing is said', async () => {
  writeFileSync(join(dir, 'a file'), '');
  expect(await writeExport(to(join(dir, 'a file')), one(0))).toMatchObject({ ok: false, failure: { code: 'kiosk-storage', detail: 'EEXIST' } });
});
