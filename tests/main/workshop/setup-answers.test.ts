import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hubFileSchema } from '../../../src/contract/hub-file.ts';
import { becomeKiosk, benchOf, keepAnswers, keptAnswers, type SetupAnswers } from '../../../src/main/workshop/setup-answers.ts';
import { worldAt } from '../../../tools/demo/world.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'setup-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const { hubFile } = worldAt('');
const first = hubFile.kiosks['hall-1'];
const answers: SetupAnswers = {
  v: 1,
  step: 'verify',
  language: 'en',
  hubFile,
  kioskId: 'hall-1',
  screen: { widthPx: 1080, heightPx: 1920, pxPerMm: 3.9 },
  residentReader: 'A',
  staffReader: 'B',
  devices: { printer: { path: '/dev/usb/lp0', widthDots: 384 } },
  asked: ['printer'],
};

test('what was answered is there again, whole', () => {
  expect(keptAnswers(join(dir, 'never'))).toBeUndefined();
  keepAnswers(join(dir, 'new'), answers);
  expect(keptAnswers(join(dir, 'new'))).toEqual(answers);
  expect(readdirSync(join(dir, 'new'))).toEqual(['setup.json']);
});

test.each([
  { name: 'torn by a power cut', text: '{"v":1,"step":"hub' },
  { name: 'of another program', text: '{"v":2,"step":"hub","language":"en"}' },
])('a file $name is none', ({ text }) => {
  writeFileSync(join(dir, 'setup.json'), text);
  expect(keptAnswers(dir)).toBeUndefined();
});

test.each(['hubFile', 'kioskId', 'screen', 'residentReader', 'staffReader'] as const)('without %s it is no kiosk yet', (missing) => {
  expect(benchOf(dir, { ...answers, [missing]: undefined })).toBeNull();
});

test('what was measured is the kiosk’s, and what the hub’s file says of it besides is kept', () => {
  expect(benchOf(dir, answers)?.kioskFile).toEqual({ ...first, readers: { resident: 'A', staff: 'B' }, devices: answers.devices, screen: answers.screen });
  expect(benchOf(dir, { ...answers, staffReader: null })?.kioskFile.readers).toEqual({ resident: 'A' });
});

test('becomes a kiosk whose hub file is its own', () => {
  keepAnswers(dir, answers);
  const bench = benchOf(dir, answers);
  if (bench === null) throw new Error('something is open');
  expect(becomeKiosk(bench).ok).toBe(true);
  expect(readdirSync(dir).sort()).toEqual(['hub.json', 'kiosk.json']);
  expect(JSON.parse(readFileSync(join(dir, 'kiosk.json'), 'utf8'))).toEqual({ hub: 'hub.json', kiosk: 'hall-1' });
  expect(Object.keys(hubFileSchema.parse(JSON.parse(readFileSync(join(dir, 'hub.json'), 'utf8'))).kiosks)).toEqual(['hall-1']);
});
