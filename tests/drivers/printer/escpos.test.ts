import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureCodes } from '../../../src/contract/failures.ts';
import { answerOf, bandsOf, printerState } from '../../../src/drivers/printer/escpos.ts';
import { EscposPaper } from '../../../tools/virtual-devices/escpos-paper.ts';
import { codecInputs } from '../inputs.ts';

const well = 0x12;

describe('what a byte of an answer is', () => {
  test.each([
    { name: 'a state without anything', byte: 0x12, is: { status: 0x12 } },
    { name: 'a state with every flag', byte: 0x7e, is: { status: 0x7e } },
    { name: 'the word that it printed', byte: 0x00, is: { printed: true } },
    { name: 'the same with little paper', byte: 0x03, is: { printed: true } },
    { name: 'an automatic status', byte: 0x10, is: null },
    { name: 'XON', byte: 0x11, is: null },
    { name: 'XOFF', byte: 0x13, is: null },
    { name: 'anything with the highest bit', byte: 0x92, is: null },
  ])('$name', ({ byte, is }) => {
    expect(answerOf(byte)).toEqual(is);
  });
});

describe('how a printer is', () => {
  test.each<{ name: string; bytes: [number, number, number, number]; is: object }>([
    { name: 'ready', bytes: [well, well, well, well], is: { ok: true, value: 'ready' } },
    { name: 'ready, with the drawer open', bytes: [0x16, well, well, well], is: { ok: true, value: 'ready' } },
    { name: 'low on paper', bytes: [well, well, well, 0x1e], is: { ok: true, value: 'paper-low' } },
    { name: 'out of paper', bytes: [0x1a, 0x32, well, 0x7e], is: { failure: { code: 'printer-paper-out' } } },
    { name: 'open, which looks like no paper as well', bytes: [0x1a, 0x36, well, 0x72], is: { failure: { code: 'printer-cover-open' } } },
    { name: 'jammed at the cutter', bytes: [0x1a, 0x52, 0x1a, well], is: { failure: { code: 'printer-jammed', detail: '1a' } } },
    { name: 'broken', bytes: [0x1a, 0x52, 0x32, well], is: { failure: { code: 'device-fault', detail: 'error 32' } } },
    { name: 'off line for no reason that it says', bytes: [0x1a, well, well, well], is: { failure: { code: 'device-fault', detail: 'off line 12' } } },
  ])('$name', ({ bytes, is }) => {
    expect(printerState(bytes)).toMatchObject(is);
  });

  test('no bytes make it throw, and each failure has its page', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
        const state = printerState(bytes);
        if (!state.ok) expect(failureCodes).toContain(state.failure.code);
        else expect(['ready', 'paper-low']).toContain(state.value);
        for (const one of bytes) {
          const answer = answerOf(one);
          if (answer !== null) expect('status' in answer ? answer.status & 0x93 : one & 0x90).toBe('status' in answer ? 0x12 : 0);
        }
      }),
      { numRuns: codecInputs },
    );
  });
});

test('a slip of any height comes out dot by dot', () => {
  const slip = fc.record({ rowBytes: fc.integer({ min: 1, max: 9 }), heightDots: fc.integer({ min: 1, max: 300 }), seed: fc.integer({ min: 1, max: 255 }) });
  fc.assert(
    fc.property(slip, ({ rowBytes, heightDots, seed }) => {
      const dots = Uint8Array.from({ length: rowBytes * heightDots }, (_, i) => (i * seed) & 0xff);
      const bands = bandsOf({ widthDots: 8 * rowBytes, heightDots, dots });
      expect(Uint8Array.from(bands.flatMap((band) => [...band.subarray(8)]))).toEqual(dots);
      expect(bands.every((band) => band.length === 8 + rowBytes * ((band[6] ?? 0) + 256 * (band[7] ?? 0)))).toBe(true);
    }),
    { numRuns: Math.ceil(codecInputs / 20) },
  );
});

test('the stand-in puts the same dots on its paper', () => {
  const paper = new EscposPaper(() => undefined);
  const dots = Uint8Array.of(0b10000001, 0b00111100);
  for (const part of [...bandsOf({ widthDots: 8, heightDots: 2, dots }), Uint8Array.of(0x1d, 0x56, 0x42, 0x00)]) paper.hear(part);
  const [slip] = paper.slips;
  expect(slip).toMatchObject({ width: 8, height: 2 });
  expect(Array.from({ length: 16 }, (_, i) => (slip?.data[4 * i] === 0 ? 1 : 0)).join('')).toBe('1000000100111100');
});
