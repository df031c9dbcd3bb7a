import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOfReport, ReportSplitter, reportsOf } from '../../../src/drivers/hid/reports.ts';
import type { ReportForm } from '../../../src/drivers/hid/reports.ts';
import { codecInputs } from '../inputs.ts';

const report = (...bytes: number[]): Uint8Array => Uint8Array.from({ length: 64 }, (_, i) => bytes[i] ?? 0);
const joined = (pieces: Uint8Array[]): Uint8Array => Uint8Array.from(pieces.flatMap((piece) => [...piece]));

describe('what a report carries', () => {
  test.each<{ name: string; form: ReportForm; sent: Uint8Array; carries: number }>([
    { name: 'as many as it counts', form: 'counted', sent: report(3, 1, 2, 3, 4), carries: 3 },
    { name: 'none', form: 'counted', sent: report(0, 1), carries: 0 },
    { name: 'all that it can', form: 'counted', sent: report(63), carries: 63 },
    { name: 'more than it can', form: 'counted', sent: report(64), carries: 0 },
    { name: '“go on”', form: 'counted', sent: report(0xff), carries: 0 },
    { name: 'more than there is', form: 'counted', sent: Uint8Array.of(9, 1, 2), carries: 0 },
    { name: 'itself', form: 'plain', sent: report(3), carries: 64 },
  ])('$name', ({ form, sent, carries }) => {
    expect(bytesOfReport(sent, form)).toHaveLength(carries);
  });
});

test.each(['counted', 'plain'] as const)('bytes of any length come through %s reports', (form) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const reports = reportsOf(bytes, form);
      expect(reports.every(({ length }) => length === 64)).toBe(true);
      expect(joined(reports.map((one) => bytesOfReport(one, form))).subarray(0, bytes.length)).toEqual(bytes);
    }),
    { numRuns: codecInputs },
  );
});

describe('what is cut into reports', () => {
  const [one, two, three] = [report(1, 1), report(1, 2), report(1, 3)];
  const all = joined([one, two, three]);
  test.each([
    { name: 'one by one', pieces: [one, two, three], reports: [one, two, three] },
    { name: 'joined', pieces: [all], reports: [one, two, three] },
    { name: 'split', pieces: [all.subarray(0, 30), all.subarray(30, 70), all.subarray(70)], reports: [one, two, three] },
    { name: 'after one that was cut off', pieces: [one.subarray(0, 30), two, three], reports: [two, three] },
    { name: 'nothing', pieces: [new Uint8Array(0)], reports: [] },
  ])('$name', ({ pieces, reports }) => {
    const splitter = new ReportSplitter();
    expect(pieces.flatMap((piece) => splitter.push(piece))).toEqual(reports);
  });

  test('is whole reports, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (pieces) => {
        const splitter = new ReportSplitter();
        const reports = pieces.flatMap((piece) => splitter.push(piece));
        expect(reports.every(({ length }) => length === 64)).toBe(true);
        for (const one of reports) bytesOfReport(one, 'counted');
      }),
      { numRuns: codecInputs },
    );
  });
});
