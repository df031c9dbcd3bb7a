import { encode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../src/ledger/verify/cbor.ts';
import { haveVectors, readVector, vectorsReason } from '../vectors.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();

interface AppendixA {
  hex: string;
  roundtrip: boolean;
  decoded?: unknown;
  diagnostic?: string;
}

describe.skipIf(!haveVectors)(`RFC 8949 appendix A${vectorsReason}`, () => {
  const vectors = haveVectors ? readVector<AppendixA[]>('cbor-appendix-a.json') : [];
  // JSON cannot hold these precisely; the bytes alone are held against what is written again.
  const beyondJson = ['1bffffffffffffffff', '3bffffffffffffffff', '1b000000e8d4a51000'];
  const isOurs = ({ hex, roundtrip, decoded }: AppendixA): boolean => {
    const isFloat = /^f[9ab]/.test(hex);
    const isTagged = /^(c|d[0-9a-b])/.test(hex);
    const isSimple = /^(f7|f0|f8)/.test(hex);
    const isMixedMap = /^a2.*(f[9ab])/.test(hex);
    return roundtrip && !isFloat && !isTagged && !isSimple && !isMixedMap && (decoded !== undefined || /^[4a]/.test(hex));
  };

  test.each(vectors.filter(isOurs))('$hex is read and written again', ({ hex, decoded }) => {
    const value = decodeCbor(bytes(hex));
    expect(value).not.toBeUndefined();
    expect(encodeCbor(value)).toEqual(bytes(hex));
    if (decoded !== undefined && !beyondJson.includes(hex)) expect(value).toEqual(decoded);
  });

  test.each(vectors.filter((vector) => !isOurs(vector)))('$hex is refused', ({ hex }) => {
    expect(decodeCbor(bytes(hex))).toBeUndefined();
  });

  test('both sorts are there', () => {
    expect(vectors.filter(isOurs).length).toBeGreaterThan(35);
  });
});

describe('what is not deterministic is refused', () => {
  test.each([
    { name: 'an integer longer than needed', hex: '1817' },
    { name: 'a length longer than needed', hex: '580141' },
    { name: 'keys out of order', hex: 'a2616202616101' },
    { name: 'a key twice', hex: 'a2616101616102' },
    { name: 'an indefinite array', hex: '9f01ff' },
    { name: 'bytes after the end', hex: '0000' },
    { name: 'an end too early', hex: '4202' },
    { name: 'ill-formed UTF-8', hex: '61ff' },
    { name: 'an encoded surrogate', hex: '63eda080' },
    { name: 'a float', hex: 'f93c00' },
    { name: 'undefined', hex: 'f7' },
    { name: 'a tag', hex: 'c001' },
    { name: 'a key that is neither text nor integer', hex: 'a1410100' },
    { name: 'a key that would set the prototype', hex: 'a1695f5f70726f746f5f5f80' },
    { name: 'keys of both sorts', hex: 'a20102616103' },
    { name: 'nothing', hex: '' },
    { name: 'nesting without end', hex: '81'.repeat(100_000) },
    { name: 'a promised length beyond the input', hex: '9bffffffffffffffff' },
  ])('$name', ({ hex }) => {
    expect(decodeCbor(bytes(hex))).toBeUndefined();
  });
});

test.each([1.5, Number.NaN, 2 ** 60, '\ud800', undefined, new Map([['a', 1]]), () => 0])('a caller that hands in %s has a bug', (value) => {
  expect(() => encodeCbor(value)).toThrow();
});

const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt(2n ** 53n, 2n ** 64n - 1n),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__'), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

test('what is written is read as it was', () => {
  fc.assert(fc.property(anyValue, (value) => {
    expect(decodeCbor(encodeCbor(value))).toEqual(value);
  }));
});

/** Of another implementation. */
const reference = (value: unknown): Uint8Array => new Uint8Array(encode(value, rfc8949EncodeOptions));

test('what is written is what another encoder writes under the same rules', () => {
  const asMaps = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(asMaps);
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    return new Map(Object.entries(value).map(([key, item]) => [key, asMaps(item)]));
  };
  fc.assert(fc.property(anyValue, (value) => {
    expect(encodeCbor(value)).toEqual(reference(asMaps(value)));
  }));
});

test.each([0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER, -1, -24, -25, Number.MIN_SAFE_INTEGER, -0, 2n ** 64n - 1n, -(2n ** 64n), 5n])(
  'integer %s is written in the shortest form',
  (value) => {
    expect(encodeCbor(value)).toEqual(reference(Object.is(value, -0) ? 0 : value));
  },
);

test('text of every length is written as another encoder does, and a long array too', () => {
  for (const unit of ['a', 'é', '票', '𠀀']) {
    for (const length of [0, 1, 23, 24, 62, 63, 64, 65, 255, 256, 600]) {
      expect(encodeCbor(unit.repeat(length))).toEqual(reference(unit.repeat(length)));
      expect(encodeCbor(`${'a'.repeat(length)}${unit}`)).toEqual(reference(`${'a'.repeat(length)}${unit}`));
    }
  }
  const long = Array.from({ length: 5000 }, (_, i) => new Uint8Array(i % 40));
  expect(encodeCbor(long)).toEqual(reference(long));
});

test('text may begin with a byte order mark, and maps may have integer keys', () => {
  for (const value of ['\ufeffa', new Map([[1, 'a'], [258, 'b'], [-1, 'c']]), { a: new Map([[4, Uint8Array.of(1)]]) }]) {
    expect(decodeCbor(encodeCbor(value))).toEqual(value);
  }
});

test('of any bytes, those that are read are written the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
      const value = decodeCbor(input);
      expect(value === undefined ? input : encodeCbor(value)).toEqual(input);
    }),
    { numRuns: 2000 },
  );
});

test('nesting ends for both at the same depth', () => {
  for (const end of ['a0', '80', 'f6', 'a100f6']) {
    for (let around = 12; around < 20; around++) {
      const encoded = bytes('81'.repeat(around) + end);
      const value = decodeCbor(encoded);
      const nested = Array.from({ length: around }).reduce((inner: unknown) => [inner], end === 'a0' ? {} : end === '80' ? [] : end === 'f6' ? null : new Map([[0, null]]));
      if (value === undefined) expect(() => encodeCbor(nested), `${around} around ${end}`).toThrow(RangeError);
      else expect(encodeCbor(nested)).toEqual(encoded);
    }
  }
});
