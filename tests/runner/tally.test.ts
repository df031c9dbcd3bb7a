import { describe, expect, test } from 'vitest';
import { settled, sum, tallyLine } from './tally.ts';

describe('what a runner ended with', () => {
  const clean = { passed: 3, failed: 0, skipped: [] };
  const nothing = { passed: 0, failed: 0, skipped: [] };
  test.each([
    { name: 'ran and ended well', reported: clean, exitCode: 0, failed: 0 },
    { name: 'ended badly though each test passed', reported: clean, exitCode: 1, failed: 1 },
    { name: 'crashed before its report', reported: null, exitCode: 139, failed: 1 },
    { name: 'ended well and wrote no report', reported: null, exitCode: 0, failed: 1 },
    { name: 'found no test', reported: nothing, exitCode: 0, failed: 1 },
    { name: 'has failures of its own', reported: { ...clean, failed: 2 }, exitCode: 1, failed: 2 },
  ])('$name', ({ reported, exitCode, failed }) => {
    expect(settled(reported, exitCode).failed).toBe(failed);
  });
});

test('the last line sums over all runners', () => {
  const total = sum([
    { passed: 40, failed: 0, skipped: [{ name: 'vectors', reason: 'no folder' }] },
    { passed: 2, failed: 1, skipped: [] },
  ]);
  expect(tallyLine(total)).toBe('42 passed, 1 failed, 1 skipped');
  expect(tallyLine({ ...total, skipped: [] })).toBe('42 passed, 1 failed');
});
