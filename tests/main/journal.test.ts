import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../src/main/clock.ts';
import { checkJournal, journalDetail, journalEventSchema, openJournal, readJournal, type Journal } from '../../src/main/journal.ts';

let dataDir: string;
const clock: Clock = { now: () => 1_800_000_000_000, setTimeout: () => null, clearTimeout: () => undefined };
const file = (): string => join(dataDir, 'journal.jsonl');

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-journal-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

function write(count: number, options: { maxBytes?: number; keep?: number } = {}): void {
  const journal = openJournal({ dataDir, clock, ...options });
  for (let i = 0; i < count; i += 1) journal.write({ event: 'hub', reachable: i % 2 === 0 });
  journal.close();
}

test('holds together over several openings', () => {
  write(3);
  write(2);
  expect(checkJournal(dataDir)).toEqual({ whole: true, entries: 7 });
  const numbers = readFileSync(file(), 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test.each<{ name: string; change: (lines: string[]) => string[]; line: number }>([
  { name: 'a line altered', change: (lines) => lines.with(1, (lines[1] ?? '').replace('"reachable":true', '"reachable":false')), line: 3 },
  { name: 'a line taken out', change: (lines) => lines.toSpliced(1, 1), line: 2 },
  { name: 'two lines changed over', change: (lines) => [lines[0] ?? '', lines[2] ?? '', lines[1] ?? '', ...lines.slice(3)], line: 2 },
  { name: 'a line that is no entry', change: (lines) => lines.with(2, '{"seq":2}'), line: 3 },
])('shows $name', ({ change, line }) => {
  write(4);
  const lines = readFileSync(file(), 'utf8').trimEnd().split('\n');
  writeFileSync(file(), `${change(lines).join('\n')}\n`);
  expect(checkJournal(dataDir)).toEqual({ whole: false, file: file(), line });
});

test('cuts off a line that a power cut tore, and says so', () => {
  write(2);
  appendFileSync(file(), '{"seq":3,"at":"2027-');
  write(1);
  expect(checkJournal(dataDir)).toEqual({ whole: true, entries: 5 });
  expect(readFileSync(file(), 'utf8')).toContain('"torn":true');
});

test('keeps every byte before a torn line, also those that are no text', () => {
  write(2);
  const spoiled = Buffer.concat([readFileSync(file()), Buffer.from([0xff, 0xfe, 0xc3, 0x0a])]);
  writeFileSync(file(), Buffer.concat([spoiled, Buffer.from('{"seq":3,"at":"2027-'), Buffer.from([0xe6, 0x9e])]));
  write(1);
  const kept = readFileSync(file());
  expect(kept.subarray(0, spoiled.length)).toEqual(spoiled);
  expect(kept.subarray(spoiled.length, spoiled.length + 8).toString()).toBe('{"seq":0');
  expect(checkJournal(dataDir)).toEqual({ whole: false, file: file(), line: 4 });
});

test('writes nothing once it is closed, not even into a file that was opened since', () => {
  const journal = openJournal({ dataDir, clock });
  journal.close();
  const path = join(dataDir, 'another');
  const another = openSync(path, 'w');
  journal.write({ event: 'kiosk.stopped' });
  journal.close();
  writeSync(another, 'its own');
  closeSync(another);
  expect(readFileSync(path, 'utf8')).toBe('its own');
  expect(checkJournal(dataDir)).toEqual({ whole: true, entries: 1 });
});

test('is bounded, and the chain goes on from file to file', () => {
  write(400, { maxBytes: 4096, keep: 3 });
  const files = readdirSync(dataDir).toSorted();
  expect(files).toEqual(['journal.1.jsonl', 'journal.2.jsonl', 'journal.3.jsonl', 'journal.jsonl']);
  for (const name of files) expect(statSync(join(dataDir, name)).size).toBeLessThan(4096 + 400);
  expect(checkJournal(dataDir)).toMatchObject({ whole: true });
  write(1, { maxBytes: 4096, keep: 3 });
  expect(checkJournal(dataDir)).toMatchObject({ whole: true });
});

test('has no place for what a person typed', () => {
  const facts: unknown[] = [
    { event: 'visit.began', visit: '林悦' },
    { event: 'intent.ignored', visit: null, intent: 'answer.submit 13800138000 at home', state: 'x' },
    { event: 'visit.failure', visit: null, code: 'card-error', detail: '林悦' },
    { event: 'visit.began', visit: '0000000000000000', name: 'LIN YUE' },
    { event: 'visit.failure', visit: null, code: 'LIN YUE' },
  ];
  expect(facts.map((fact) => journalEventSchema.safeParse(fact).success)).toEqual(facts.map(() => false));
});

test.each([
  { name: 'nothing', text: undefined, fits: undefined },
  { name: 'a status word', text: '6985', fits: '6985' },
  { name: 'a name', text: '林悦 6985', fits: '?? 6985' },
  { name: 'too much', text: 'x'.repeat(500), fits: 'x'.repeat(160) },
])('a detail of $name is made to fit', ({ text, fits }) => {
  expect(journalDetail(text)).toBe(fits);
});

test('an entry that the disk does not take stops nobody and is counted', () => {
  const journal: Journal = openJournal({ dataDir, clock, maxBytes: 1 });
  rmSync(dataDir, { recursive: true });
  journal.write({ event: 'hub', reachable: true });
  journal.write({ event: 'hub', reachable: false });
  mkdirSync(dataDir);
  journal.write({ event: 'hub', reachable: true });
  journal.close();
  const entries = readFileSync(file(), 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { event: unknown }).event);
  expect(entries).toEqual([{ event: 'journal.gap', lost: 2 }, { event: 'hub', reachable: true }]);
});

test('is read by kind and from a moment on, over its files; what cannot be read is left out', async () => {
  let now = Date.parse('2026-11-22T00:00:00Z');
  const moving: Clock = { ...clock, now: () => now };
  const journal = openJournal({ dataDir, clock: moving, maxBytes: 600 });
  for (let hour = 0; hour < 12; hour += 1) {
    now = Date.parse('2026-11-22T00:00:00Z') + hour * 3600_000;
    journal.write({ event: 'hub', reachable: true });
    journal.write({ event: 'services', usable: hour, refused: 0 });
  }
  journal.close();
  expect(readdirSync(dataDir).length).toBeGreaterThan(2);
  appendFileSync(file(), 'half a line that says "event":{"event":"services"\n');
  const read = await readJournal(dataDir, ['services'], Date.parse('2026-11-22T03:00:00Z'));
  expect(read.map(({ event }) => event.event === 'services' && event.usable)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
});
