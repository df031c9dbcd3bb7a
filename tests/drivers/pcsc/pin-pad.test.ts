import { describe, expect, test, vi } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import type { PcscCard, PcscResult } from '../../../src/drivers/pcsc/pcsc.ts';
import { featureCode, findPinPad, verifyStructure } from '../../../src/drivers/pcsc/pin-pad.ts';
import { bytes, hex } from '../cards/scripted-card.ts';

/** No reader with a pad stood here: the bytes are those of PC/SC part 10, by its text. */
const verify = { cla: 0x00, ins: 0x20, p1: 0x00, p2: 0x82, minLength: 6, maxLength: 127 };
const features = '06 04 42330006 07 04 42330007 0a 04 4233000a';

test('PIN_VERIFY_STRUCTURE', () => {
  expect(hex(verifyStructure(verify))).toBe(
    ['1e1e', '82', '00', '00', '7f06', '02', '01', '0408', '00', '000000', '05000000', '0020008200'].join(''),
  );
});

test.each([
  { name: 'the first entry', input: features, feature: 0x06, code: 0x42330006 },
  { name: 'the last entry', input: features, feature: 0x0a, code: 0x4233000a },
  { name: 'not listed', input: '0a 04 4233000a', feature: 0x06, code: null },
  { name: 'nothing', input: '', feature: 0x06, code: null },
  { name: 'cut off', input: '06 04 4233', feature: 0x06, code: null },
  { name: 'a length that is none', input: '06 02 42330006', feature: 0x06, code: null },
  { name: 'a code with its highest bit set', input: '06 04 f2330006', feature: 0x06, code: 0xf2330006 },
])('feature code: $name', ({ input, feature, code }) => {
  expect(featureCode(bytes(input), feature)).toBe(code);
});

function readerThat(...answers: PcscResult<Uint8Array>[]): PcscCard & { control: ReturnType<typeof vi.fn<PcscCard['control']>> } {
  const control = vi.fn<PcscCard['control']>(() => Promise.resolve(answers.shift() ?? { ok: false, failure: { code: 'communication' } }));
  return { protocol: 't1', control, transmit: () => Promise.reject(new Error('not asked for')), disconnect: () => Promise.resolve() };
}

describe('findPinPad', () => {
  test('none in a reader that refuses the question, or has another feature', async () => {
    expect(await findPinPad(readerThat({ ok: false, failure: { code: 'communication' } }))).toBeNull();
    expect(await findPinPad(readerThat(ok(bytes('0a 04 4233000a'))))).toBeNull();
  });

  test.each([
    { sw: '9000', expected: ok(0x9000) },
    { sw: '63c1', expected: ok(0x63c1) },
    { sw: '6401', expected: { ok: false, failure: { code: 'pin-pad-cancelled' } } },
    { sw: '6400', expected: { ok: false, failure: { code: 'pin-pad-cancelled' } } },
    { sw: '6403', expected: { ok: false, failure: { code: 'pin-format' } } },
    { sw: '', expected: { ok: false, failure: { code: 'card-removed' } } },
  ])('the pad’s answer $sw', async ({ sw, expected }) => {
    const card = readerThat(ok(bytes(features)), ok(bytes(sw)));
    const pad = await findPinPad(card);
    expect(await pad?.verify(verify)).toEqual(expected);
    expect(card.control.mock.calls).toEqual([
      [0x42000d48, new Uint8Array()],
      [0x42330006, verifyStructure(verify)],
    ]);
  });
});
