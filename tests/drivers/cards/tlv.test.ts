import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeTlv, parseTlv, tlvAt, withoutOuterTag } from '../../../src/drivers/cards/tlv.ts';
import { bytes, hex } from './scripted-card.ts';
import { codecInputs } from '../inputs.ts';

describe('parseTlv', () => {
  const good: { name: string; input: string; objects: [number, string][] }[] = [
    { name: 'nothing', input: '', objects: [] },
    { name: 'one byte of tag, short length', input: '4f02abcd', objects: [[0x4f, 'abcd']] },
    { name: 'an empty value', input: '5f5000', objects: [[0x5f50, '']] },
    { name: 'two side by side', input: '810103 820108', objects: [[0x81, '03'], [0x82, '08']] },
    { name: 'the longest short form', input: `817f${'aa'.repeat(127)}`, objects: [[0x81, 'aa'.repeat(127)]] },
    { name: 'the shortest long form', input: `818180${'aa'.repeat(128)}`, objects: [[0x81, 'aa'.repeat(128)]] },
    { name: 'two length bytes', input: `73820100${'00'.repeat(256)}`, objects: [[0x73, '00'.repeat(256)]] },
    { name: 'a length in a longer form than it needs', input: '8183000001ff', objects: [[0x81, 'ff']] },
    { name: 'a tag of three bytes', input: '7f810101ff', objects: [[0x7f8101, 'ff']] },
  ];
  test.each(good)('reads $name', ({ input, objects }) => {
    expect(parseTlv(bytes(input))?.map(({ tag, value }) => [tag, hex(value)])).toEqual(objects);
  });

  test.each([
    { name: 'a tag alone', input: '4f' },
    { name: 'half a tag', input: '5f' },
    { name: 'a tag without end', input: '7f81818101ff' },
    { name: 'a value cut off', input: '4f03abcd' },
    { name: 'a length cut off', input: '818201' },
    { name: 'the indefinite length', input: '7380ff0000' },
    { name: 'four length bytes', input: '818400000001ff' },
    { name: 'a stray byte behind', input: '4f0100aa' },
  ])('refuses $name', ({ input }) => {
    expect(parseTlv(bytes(input))).toBeNull();
  });

  test('reads back whatever it wrote', () => {
    const tag = fc.constantFrom(0x4f, 0x6e, 0x73, 0x81, 0x5f52, 0x7f49, 0x7f8101);
    const object = fc.record({ tag, value: fc.uint8Array({ maxLength: 400 }) });
    fc.assert(
      fc.property(fc.array(object, { maxLength: 6 }), (objects) => {
        const written = Uint8Array.from(objects.flatMap(({ tag, value }) => [...encodeTlv(tag, value)]));
        expect(parseTlv(written)).toEqual(objects);
      }),
    );
  });

  test('never throws and never reads past the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
        const objects = parseTlv(input);
        const total = objects?.reduce((sum, { value }) => sum + value.length, 0) ?? 0;
        expect(total).toBeLessThanOrEqual(input.length);
      }),
      { numRuns: codecInputs },
    );
  });
});

test.each([
  { length: 0x7f, head: '817f' },
  { length: 0x80, head: '818180' },
  { length: 0xff, head: '8181ff' },
  { length: 0x100, head: '81820100' },
])('encodes a length of $length in the shortest form', ({ length, head }) => {
  expect(hex(encodeTlv(0x81, new Uint8Array(length)))).toBe(head + '00'.repeat(length));
});

test('finds a value down a path of tags', () => {
  const answer = bytes('7f49 04 86 02 beef');
  expect(tlvAt(answer, 0x7f49, 0x86)).toEqual(bytes('beef'));
  expect(tlvAt(answer, 0x7f49, 0x81)).toBeNull();
  expect(tlvAt(bytes('7f49048600'), 0x7f49)).toBeNull();
});

test('takes an outer tag off where there is one', () => {
  expect(withoutOuterTag(bytes('7a05 9303 000007'), 0x7a)).toEqual(bytes('9303000007'));
  expect(withoutOuterTag(bytes('9303 000007'), 0x7a)).toEqual(bytes('9303000007'));
});
