import { describe, expect, test } from 'vitest';
import { inOneLine, settled, sum, tallyLine } from './tally.ts';

describe('what a runner ended with', () => {
  const clean = { passed: 3, failed: [], skipped: [] };
  const nothing = { passed: 0, failed: [], skipped: [] };
  const two = [1, 2].map((place) => ({ name: `test ${place}`, reason: 'expected 1 to be 2' }));
  test.each([
    { name: 'ran and ended well', reported: clean, exitCode: 0, failed: 0 },
    { name: 'ended badly though each test passed', reported: clean, exitCode: 1, failed: 1 },
    { name: 'crashed before its report', reported: null, exitCode: 139, failed: 1 },
    { name: 'ended well and wrote no report', reported: null, exitCode: 0, failed: 1 },
    { name: 'found no test', reported: nothing, exitCode: 0, failed: 1 },
    { name: 'has failures of its own', reported: { ...clean, failed: two }, exitCode: 1, failed: 2 },
  ])('$name', ({ reported, exitCode, failed }) => {
    expect(settled('tests', reported, exitCode).failed).toHaveLength(failed);
  });
});

test('the last line sums over all runners', () => {
  const total = sum([
    { passed: 40, failed: [], skipped: [{ name: 'vectors', reason: 'no folder' }] },
    { passed: 2, failed: [{ name: 'sums', reason: 'expected 1 to be 2' }], skipped: [] },
  ]);
  expect(tallyLine(total)).toBe('42 passed, 1 failed, 1 skipped');
  expect(tallyLine({ ...total, skipped: [] })).toBe('42 passed, 1 failed');
});

test.each([
  { message: '\u001b[31mexpected 1\n  to be 2\u001b[39m', line: 'expected 1 to be 2' },
  { message: undefined, line: 'see above' },
])('an error is told in one line: $line', ({ message, line }) => {
  expect(inOneLine(message)).toBe(line);
});
