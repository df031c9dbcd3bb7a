import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IDENTITY_TEXT_BYTES, identityFields, parseIdentityText } from '../../../src/drivers/hid/identity-text.ts';
import { identityTextOf } from '../../../tools/virtual-devices/identity-text.ts';
import { codecInputs } from '../inputs.ts';
import { identityCards } from './identity-cards.ts';

const { resident } = identityCards;
const utf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le'));

/** The card's text with other bytes from `start` on. */
function changed(start: number, bytes: Uint8Array): Uint8Array {
  const text = identityTextOf(resident);
  text.set(bytes, start);
  return text;
}

test.each(Object.values(identityCards))('reads a card of layout $layout', (card) => {
  expect(parseIdentityText(identityTextOf(card))).toEqual({ ok: true, value: card });
});

test('the bytes of a resident’s card, where they stand', () => {
  const fields: readonly (readonly [value: string, bytes: number])[] = [
    ['林悦', 30],
    ['2', 2],
    ['01', 4],
    ['19910823', 16],
    ['西关区恩宁路128号3楼302室', 70],
    ['000000199108232260', 36],
    ['西关区公安局', 30],
    ['20160518', 16],
    ['20360518', 16],
    ['', 36],
    ['', 6],
  ];
  const text = utf16(fields.map(([value, bytes]) => value.padEnd(bytes / 2, ' ')).join('').padEnd(IDENTITY_TEXT_BYTES / 2, ' '));
  expect(identityTextOf(resident)).toEqual(text.subarray(0, 256));
  expect(parseIdentityText(text.subarray(0, 256))).toEqual({ ok: true, value: resident });
});

test('a long Latin name goes on in its second field', () => {
  const card = identityCards['foreigner-2023'];
  expect(card.nameLatin).toHaveLength(37);
  expect(parseIdentityText(identityTextOf(card))).toMatchObject({ value: { nameLatin: card.nameLatin, name: card.name } });
});

describe('a text that is none', () => {
  test.each([
    { name: 'cut off', text: identityTextOf(resident).subarray(0, 255), code: 'identity-card-unreadable', detail: 'length' },
    { name: 'of a layout that nobody knows', text: changed(248, utf16('Z')), code: 'identity-card-unknown', detail: 'layout' },
    { name: 'without a name', text: changed(0, utf16(' '.repeat(15))), code: 'identity-card-unreadable', detail: 'name' },
    { name: 'of a sex that is not in the standard', text: changed(30, utf16('3')), code: 'identity-card-unreadable', detail: 'sex' },
    { name: 'without an ethnic group', text: changed(32, utf16('  ')), code: 'identity-card-unreadable', detail: 'ethnicity' },
    { name: 'born on a day that no calendar has', text: changed(36, utf16('19910230')), code: 'identity-card-unreadable', detail: 'birth' },
    { name: 'with a number of another kind', text: changed(122, utf16('00000019910823226?')), code: 'identity-card-unreadable', detail: 'number' },
    { name: 'valid from nothing', text: changed(188, utf16('        ')), code: 'identity-card-unreadable', detail: 'from' },
    { name: 'valid until soon', text: changed(204, utf16('短期      ')), code: 'identity-card-unreadable', detail: 'until' },
  ])('is $name', ({ text, code, detail }) => {
    expect(parseIdentityText(text)).toEqual({ ok: false, failure: { code, detail } });
  });
});

test('no bytes make it throw, and it never says what stands in a card that it refuses', () => {
  const starts = Object.values(identityFields.resident).map(([start]) => start);
  const piece = fc.record({ start: fc.constantFrom(...starts, 248), bytes: fc.uint8Array({ maxLength: 8 }) });
  const text = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.reduce((all, { start, bytes }) => (all.set(bytes, start), all), identityTextOf(resident))));
  fc.assert(
    fc.property(text, (bytes) => {
      const card = parseIdentityText(bytes);
      if (card.ok) expect(card.value.birth).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      else expect(['length', 'layout', 'name', 'sex', 'ethnicity', 'birth', 'number', 'from', 'until', 'count']).toContain(card.failure.detail);
    }),
    { numRuns: codecInputs },
  );
});
