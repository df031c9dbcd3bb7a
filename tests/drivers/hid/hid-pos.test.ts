import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Scan, Symbology } from '../../../src/contract/device-host.ts';
import { ScanReports } from '../../../src/drivers/hid/hid-pos.ts';
import { scanReportsOf } from '../../../tools/virtual-devices/scan-reports.ts';
import { codecInputs } from '../inputs.ts';

const heard = (reports: Uint8Array[], stepMs = 1): Scan[] => {
  const scans = new ScanReports();
  return reports.map((report, i) => scans.push(report, i * stepMs)).filter((scan) => scan !== null);
};
const report = (...bytes: number[]): Uint8Array => Uint8Array.from({ length: 64 }, (_, i) => bytes[i] ?? 0);
const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')];
const long: Scan = { text: 'openid4vp://authorize?client_id=decentralized_identifier%3Aimi&request_uri=https%3A%2F%2F127.0.0.1%2Fasks%2F1', symbology: 'qr' };

test.each<Symbology>(['qr', 'data-matrix', 'pdf417', 'aztec', 'code-128', 'code-39', 'code-93', 'ean', 'interleaved-2-of-5', 'codabar', 'other'])('a code of symbology %s', (symbology) => {
  expect(heard(scanReportsOf({ text: '690000012345', symbology }))).toEqual([{ text: '690000012345', symbology }]);
});

test('the bytes of one report', () => {
  expect(heard([report(0x02, 4, ...ascii(']C0'), ...ascii('A12\r'))])).toEqual([{ text: 'A12', symbology: 'code-128' }]);
});

test('a code longer than a report', () => {
  const reports = scanReportsOf(long);
  expect(reports.map((one) => one[63])).toEqual([1, 0]);
  expect(heard(reports)).toEqual([long]);
});

test('exactly a report full is one report', () => {
  const text = 'x'.repeat(55);
  expect(scanReportsOf({ text, symbology: 'qr' })).toHaveLength(1);
  expect(heard(scanReportsOf({ text, symbology: 'qr' }))).toEqual([{ text, symbology: 'qr' }]);
});

describe('what scanners do differently', () => {
  test.each([
    { name: 'one byte more before the identifier', sent: report(0x02, 3, 0, ...ascii(']Q1'), ...ascii('ABC')), scan: { text: 'ABC', symbology: 'qr' } },
    { name: 'no identifier, but the maker’s number', sent: ((one) => (one.set([0x73], 61), one))(report(0x02, 3, 0, 0, 0, ...ascii('ABC'))), scan: { text: 'ABC', symbology: 'qr' } },
    { name: 'neither', sent: report(0x02, 3, 0, 0, 0, ...ascii('ABC')), scan: { text: 'ABC', symbology: 'other' } },
    { name: 'both line ends', sent: report(0x02, 5, ...ascii(']Q1'), ...ascii('ABC\r\n')), scan: { text: 'ABC', symbology: 'qr' } },
  ])('$name', ({ sent, scan }) => {
    expect(heard([sent])).toEqual([scan]);
  });
});

test('Chinese in UTF-8 and in GB 18030', () => {
  const text = '水费账单 2026';
  expect(heard(scanReportsOf({ text, symbology: 'qr' }))).toEqual([{ text, symbology: 'qr' }]);
  const gb = Uint8Array.of(0xcb, 0xae, 0xb7, 0xd1, 0xd5, 0xcb, 0xb5, 0xa5, ...ascii(' 2026'));
  expect(heard(scanReportsOf({ text, symbology: 'qr' }, gb))).toEqual([{ text, symbology: 'qr' }]);
});

describe('what is no scan', () => {
  const [first, second] = scanReportsOf(long) as [Uint8Array, Uint8Array];
  const short: Scan = { text: '12', symbology: 'ean' };
  test.each([
    { name: 'a report of another kind', reports: [report(0x0f, 3, 1, 2, 3)], scans: [] },
    { name: 'more bytes than a report holds', reports: [report(0x02, 57, ...ascii(']Q1'))], scans: [] },
    { name: 'a report cut off', reports: [first.subarray(0, 63)], scans: [] },
    { name: 'an empty one', reports: [report(0x02, 1, ...ascii(']Q1'), 0x0d)], scans: [] },
    { name: 'the beginning of one, and then another kind of report', reports: [first, report(0x0f), ...scanReportsOf(short)], scans: [short] },
  ])('$name', ({ reports, scans }) => {
    expect(heard(reports)).toEqual(scans);
  });

  test('a beginning is not joined with what comes much later', () => {
    expect(heard([first, ...scanReportsOf(short)], 501)).toEqual([short]);
    expect(heard([first, second], 500)).toEqual([long]);
  });

  test('a code without an end', () => {
    const endless = ((one) => (one.set([1], 63), one))(Uint8Array.from(first));
    expect(heard(Array.from({ length: 400 }, () => endless))).toEqual([]);
  });
});

test('no reports make it throw, and it holds on to no more than a code has', () => {
  const near = fc.tuple(fc.constantFrom(2, 2, 2, 1), fc.integer({ min: 0, max: 60 }), fc.uint8Array({ minLength: 62, maxLength: 62 })).map(([id, length, rest]) => Uint8Array.of(id, length, ...rest));
  const scanned = fc.record({ text: fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }), symbology: fc.constantFrom<Symbology>('qr', 'code-128') });
  fc.assert(
    fc.property(fc.array(fc.oneof(near, fc.uint8Array({ maxLength: 70 })), { maxLength: 6 }), scanned, (noise, scan) => {
      const scans = new ScanReports();
      for (const one of noise) expect((scans.push(one, 0)?.text.length ?? 0) <= 8_192).toBe(true);
      // What was begun is over by then.
      const last = scanReportsOf(scan).map((one) => scans.push(one, 1_000)).at(-1);
      expect(last ?? null).toEqual(scan.text.replace(/[\r\n\t\0]+$/, '') === '' ? null : { ...scan, text: scan.text.replace(/[\r\n\t\0]+$/, '') });
    }),
    { numRuns: codecInputs },
  );
});
