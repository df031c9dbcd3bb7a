import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { joinStrips, unpackSlip } from '../../src/main/printing.ts';

const packed = (dots: Uint8Array): string => deflateSync(dots).toString('base64');
const dots = Uint8Array.from({ length: 20 }, (_, i) => i);

test('a slip comes out as it was drawn', () => {
  expect(unpackSlip({ widthDots: 16, heightDots: 10, dots: packed(dots) })).toEqual({ ok: true, value: { widthDots: 16, heightDots: 10, dots } });
});

test.each([
  { name: 'fewer dots than it says', slip: { widthDots: 16, heightDots: 11, dots: packed(dots) } },
  { name: 'more, however many', slip: { widthDots: 16, heightDots: 9, dots: packed(new Uint8Array(10_000_000)) } },
  { name: 'something that nobody packed', slip: { widthDots: 16, heightDots: 10, dots: Buffer.from(dots).toString('base64') } },
  { name: 'nothing', slip: { widthDots: 16, heightDots: 10, dots: '' } },
])('a slip of $name is none', ({ slip }) => {
  expect(unpackSlip(slip)).toEqual({ ok: false, failure: { code: 'message-invalid', detail: 'slip' } });
});

describe('a slip that comes in strips', () => {
  const strip = { widthDots: 16, heightDots: 10, dots: packed(dots) };

  test('is one, from the top down', () => {
    const joined = joinStrips([strip, { widthDots: 16, heightDots: 1, dots: packed(Uint8Array.of(255, 254)) }]);
    expect(joined).toEqual({ ok: true, value: { widthDots: 16, heightDots: 11, dots: Uint8Array.of(...dots, 255, 254) } });
  });

  test.each([
    { name: 'one of them is none', second: { ...strip, heightDots: 9 }, detail: 'slip' },
    { name: 'one is of another width', second: { widthDots: 8, heightDots: 20, dots: packed(dots) }, detail: 'strips' },
  ])('is none where $name', ({ second, detail }) => {
    expect(joinStrips([strip, second])).toEqual({ ok: false, failure: { code: 'message-invalid', detail } });
  });
});
