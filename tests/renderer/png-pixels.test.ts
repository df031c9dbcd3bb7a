import fc from 'fast-check';
import { PNG } from 'pngjs';
import { describe, expect, test } from 'vitest';
import { readPng } from './gallery/png-pixels.ts';

/** RGBA of each pixel, row by row. */
function rgbaOf(png: Buffer): number[] {
  const { width, height, channels, bytes, start, stride } = readPng(png);
  const pixels: number[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = start + y * stride + x * channels;
      pixels.push(...bytes.subarray(at, at + 3), channels === 4 ? (bytes[at + 3] ?? 0) : 255);
    }
  }
  return pixels;
}

describe('a PNG is read as another reader reads it', () => {
  const filters = ['none', 'what is left', 'what is above', 'their mean', 'the nearest of three'];
  const cases = filters.flatMap((filter, filterType) => ([2, 6] as const).map((colorType) => ({ name: `${filter}, ${colorType === 2 ? 'RGB' : 'RGBA'}`, filterType, colorType })));
  test.each(cases)('filtered by $name', ({ filterType, colorType }) => {
    const picture = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([width, height]) => fc.record({ width: fc.constant(width), height: fc.constant(height), data: fc.uint8Array({ minLength: width * height * 4, maxLength: width * height * 4 }) }));
    fc.assert(
      fc.property(picture, ({ width, height, data }) => {
        const png = new PNG({ width, height });
        png.data.set(data);
        const packed = PNG.sync.write(png, { filterType, colorType, inputHasAlpha: true });
        expect(rgbaOf(packed)).toEqual([...PNG.sync.read(packed).data]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is no such PNG is refused', () => {
  const small = PNG.sync.write(new PNG({ width: 2, height: 2 }), { colorType: 2 });
  const cases = [
    { name: 'no PNG at all', png: Buffer.from('GIF89a, it says'), says: 'no PNG' },
    { name: 'grey', png: PNG.sync.write(new PNG({ width: 2, height: 2 }), { colorType: 0 }), says: 'another kind' },
    { name: 'of another size than its rows', png: Buffer.from(small).fill(3, 23, 24), says: 'other rows' },
    { name: 'without a header', png: small.subarray(0, 8), says: 'another kind' },
  ];
  test.each(cases)('$name', ({ png, says }) => {
    expect(() => readPng(png)).toThrow(says);
  });
});
