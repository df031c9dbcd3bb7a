import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kioskToStart, readArguments } from '../../../src/main/shells/kiosk-arguments.ts';

const needed = ['--hub', 'hub.json', '--kiosk', 'k1', '--data', 'data'];

test.each([
  { name: 'the smallest scale', args: ['--scale', '0.5'], expected: { scale: 0.5 } },
  { name: 'the largest scale', args: ['--scale', '3'], expected: { scale: 3 } },
  { name: 'no scale: the panel as it is', args: [], expected: { scale: 1, position: { x: 0, y: 0 } } },
  { name: 'a place left of the first screen', args: ['--position=-40,12'], expected: { position: { x: -40, y: 12 } } },
])('$name', ({ args, expected }) => {
  expect(readArguments([...needed, ...args])).toMatchObject({ ok: true, value: expected });
});

test.each([
  { name: 'a scale that Chromium does not draw', args: [...needed, '--scale', '0.49'] },
  { name: 'a scale beyond the largest', args: [...needed, '--scale', '3.1'] },
  { name: 'a scale that is no number', args: [...needed, '--scale', 'half'] },
  { name: 'a place with one number', args: [...needed, '--position', '12'] },
  { name: 'an option that nobody knows', args: [...needed, '--fast'] },
  { name: 'a hub without a kiosk', args: ['--hub', 'hub.json', '--data', 'data'] },
  { name: 'no folder', args: ['--hub', 'hub.json', '--kiosk', 'k1'] },
  { name: 'a panel in other words', args: [...needed, '--panel', 'full'] },
])('$name is refused', ({ args }) => {
  expect(readArguments(args)).toMatchObject({ ok: false, failure: { code: 'kiosk-config' } });
});

test('a folder is the kiosk that it was set up as; an empty one is to become one', () => {
  const dir = mkdtempSync(join(tmpdir(), 'home-'));
  const start = (...args: string[]): unknown => {
    const read = readArguments(['--data', dir, ...args]);
    return read.ok ? kioskToStart(read.value) : read;
  };
  expect(start('--panel', '1080x1920', '--hub-from', '/a', '--hub-from', '/b')).toEqual({ ok: true, value: { named: null, dataDir: dir, panel: { widthPx: 1080, heightPx: 1920 }, hubPlaces: ['/a', '/b'] } });
  const hubJson = { kiosks: { 'hall-7': { screen: { widthPx: 800, heightPx: 1280 } } } };
  writeFileSync(join(dir, 'kiosk.json'), '{"hub":"hub.json","kiosk":"hall-7"}');
  expect(start()).toMatchObject({ ok: false, failure: { code: 'kiosk-config', detail: expect.stringContaining('ENOENT') as string } });
  writeFileSync(join(dir, 'hub.json'), JSON.stringify(hubJson));
  expect(start()).toMatchObject({ ok: true, value: { named: { hubJson, kioskId: 'hall-7' }, panel: { widthPx: 800, heightPx: 1280 } } });
  writeFileSync(join(dir, 'kiosk.json'), '{"hub":7}');
  expect(start()).toMatchObject({ ok: false, failure: { code: 'kiosk-config' } });
  rmSync(dir, { recursive: true });
});
