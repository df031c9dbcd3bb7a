import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Clock } from '../../src/main/clock.ts';
import { backAt, openStanding, type Standing } from '../../src/main/standing.ts';

/** 14:02 in the district. */
const began = Date.parse('2026-11-22T06:02:00Z');
const hourMs = 3600_000;
let dataDir: string;
let time: SimulatedClock;
let clock: Clock;
let changes: number;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-standing-'));
  time = new SimulatedClock();
  clock = { now: () => began + time.now(), setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };
  changes = 0;
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const open = (): Standing => openStanding({ dataDir, clock, onChange: () => (changes += 1) });

describe('when it is back, as it is said at 14:02', () => {
  test.each([
    { choice: 'unknown', said: null },
    { choice: 'half-hour', said: '2026-11-22T06:35:00.000Z' },
    { choice: 'hour', said: '2026-11-22T07:05:00.000Z' },
    { choice: 'two-hours', said: '2026-11-22T08:05:00.000Z' },
    { choice: 'tomorrow', said: '2026-11-23' },
  ] as const)('$choice: $said', ({ choice, said }) => {
    expect(backAt(choice, began)).toBe(said);
  });

  test('tomorrow is the district’s: at half past midnight there it is still yesterday in Greenwich', () => {
    expect(backAt('tomorrow', Date.parse('2026-11-22T16:30:00Z'))).toBe('2026-11-24');
  });
});

test('closed, it is closed after a restart, and so is it open', () => {
  const first = open();
  expect(first.closure).toBeNull();
  expect(first.close('defect', 'tomorrow')).toEqual({ ok: true, value: null });
  expect(first.closure).toEqual({ reason: 'defect', back: '2026-11-23' });
  first.stop();
  const second = open();
  expect(second.closure).toEqual({ reason: 'defect', back: '2026-11-23' });
  expect(second.open().ok).toBe(true);
  second.stop();
  expect(open().closure).toBeNull();
  expect(changes).toBe(2);
  expect(readdirSync(dataDir)).toEqual([]);
});

test('a time that has passed is not said any more; it stays closed', () => {
  const standing = open();
  standing.close('cleaning', 'half-hour');
  time.increment(33 * 60_000 - 1);
  expect(standing.closure?.back).toBe('2026-11-22T06:35:00.000Z');
  time.increment(1);
  expect(standing.closure).toEqual({ reason: 'cleaning', back: null });
  expect(changes).toBe(2);
});

test('a day is over at its midnight in the district, also for a kiosk that was switched on later', () => {
  const standing = open();
  standing.close('closed', 'tomorrow');
  standing.stop();
  // Midnight after the 23rd is 33 h 58 min away.
  time.increment(33 * hourMs + 57 * 60_000);
  const later = open();
  expect(later.closure?.back).toBe('2026-11-23');
  time.increment(60_000);
  expect(later.closure?.back).toBeNull();
  later.stop();
  expect(open().closure).toEqual({ reason: 'closed', back: null });
});

test('a disk that does not take it: told, and as it was', () => {
  const standing = open();
  standing.close('closed', 'unknown');
  rmSync(dataDir, { recursive: true });
  expect(standing.close('defect', 'unknown')).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
  expect(standing.open()).toMatchObject({ ok: false, failure: { code: 'kiosk-storage' } });
  expect(standing.closure).toEqual({ reason: 'closed', back: null });
  dataDir = mkdtempSync(join(tmpdir(), 'imi-standing-'));
});

test('a file that says nothing readable closes the kiosk: it was written to do so', () => {
  writeFileSync(join(dataDir, 'closure.json'), 'torn');
  expect(open().closure).toEqual({ reason: 'maintenance', back: null });
});
