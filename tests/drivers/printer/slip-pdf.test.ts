import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Slip } from '../../../src/contract/device-host.ts';
import { placeSlip, slipPdf } from '../../../src/drivers/printer/slip-pdf.ts';

/** Black, but for white paper of 3 mm that ends at each of these rows. */
function slipOf(heightDots: number, whiteUntil: readonly number[] = []): Slip {
  const dots = new Uint8Array(72 * heightDots).fill(0xff);
  for (const end of whiteUntil) dots.fill(0, 72 * (end - 24), 72 * end);
  return { widthDots: 576, heightDots, dots };
}

describe('a slip on a sheet', () => {
  test.each([
    { name: 'short: one piece', slip: slipOf(800), expected: [{ page: 0, leftMm: 12, from: 0, rows: 800 }] },
    { name: 'as high as the sheet has room', slip: slipOf(2184), expected: [{ page: 0, leftMm: 12, from: 0, rows: 2184 }] },
    { name: 'longer: parted at the last white paper, into the next column', slip: slipOf(3000, [700, 1900]), expected: [{ page: 0, leftMm: 12, from: 0, rows: 1900 }, { page: 0, leftMm: 92, from: 1900, rows: 1100 }] },
    { name: 'without white paper: where the sheet ends', slip: slipOf(2300), expected: [{ page: 0, leftMm: 12, from: 0, rows: 2184 }, { page: 0, leftMm: 92, from: 2184, rows: 116 }] },
    { name: 'longer than two columns: another page', slip: slipOf(5000), expected: [{ page: 0, leftMm: 12 }, { page: 0, leftMm: 92 }, { page: 1, leftMm: 12, from: 4368, rows: 632 }] },
  ])('$name', ({ slip, expected }) => {
    const placed = placeSlip(slip, 'a4');
    expect(placed).toMatchObject(expected);
    expect(placed).toHaveLength(expected.length);
  });

  test('A5 has one column', () => {
    expect(placeSlip(slipOf(2900), 'a5').map(({ page, leftMm }) => [page, leftMm])).toEqual([[0, 12], [1, 12]]);
  });
});

describe('a slip as PDF', () => {
  const slip = slipOf(3000, [1900]);
  const text = Buffer.from(slipPdf(slip, 'a4')).toString('latin1');

  test('its table names where each object begins', () => {
    const offsets = [...text.matchAll(/^(\d{10}) 00000 n $/gm)].map(([, offset]) => Number(offset));
    expect(offsets.map((offset, at) => text.slice(offset).startsWith(`${at + 1} 0 obj\n`))).toEqual(offsets.map(() => true));
    expect(offsets).toHaveLength(6);
    expect(text.slice(Number(/startxref\n(\d+)/.exec(text)?.[1]))).toMatch(/^xref\n0 7\n/);
  });

  test('its pictures are the slip’s dots, whole and in their order, at their size', () => {
    const pictures = [...text.matchAll(/\/Width 576\/Height (\d+)\/ColorSpace\/DeviceGray\/BitsPerComponent 1\/Decode\[1 0\]\/Filter\/FlateDecode\/Length (\d+)>>stream\n/g)];
    const dots = pictures.map(({ index, 0: head, 2: length }) => inflateSync(Buffer.from(text.slice(index + head.length, index + head.length + Number(length)), 'latin1')));
    expect(Buffer.concat(dots).equals(Buffer.from(slip.dots))).toBe(true);
    // 72 mm are 204.094 points.
    expect([...text.matchAll(/q ([\d.]+) 0 0 ([\d.]+) /g)].map(([, width, height]) => [width, height])).toEqual([['204.094', '673.228'], ['204.094', '389.764']]);
  });
});
