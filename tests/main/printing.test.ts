import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unpackSlip } from '../../src/main/printing.ts';

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
