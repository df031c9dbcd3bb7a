import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import { encodeExtended, encodeShort, exchange, parseResponse, shortOnly } from '../../../src/drivers/cards/apdu.ts';
import type { ApduLimits, ApduTransport, CommandApdu } from '../../../src/drivers/cards/apdu.ts';
import { bytes, hex, ScriptedCard } from './scripted-card.ts';
import type { Exchange } from './scripted-card.ts';
import { codecInputs } from '../inputs.ts';

const head = { cla: 0x00, ins: 0x88, p1: 0x00, p2: 0x00 };

describe('encoding, ISO 7816-4 §5.1', () => {
  test.each<{ name: string; command: CommandApdu; short: string; extended: string }>([
    { name: 'case 1', command: head, short: '00880000', extended: '00880000' },
    { name: 'case 2, 256 wanted', command: { ...head, le: 0 }, short: '0088000000', extended: '00880000000000' },
    { name: 'case 2, 16 wanted', command: { ...head, le: 16 }, short: '0088000010', extended: '00880000000010' },
    { name: 'case 3', command: { ...head, data: bytes('abcd') }, short: '0088000002abcd', extended: '00880000000002abcd' },
    { name: 'case 4', command: { ...head, data: bytes('abcd'), le: 0 }, short: '0088000002abcd00', extended: '00880000000002abcd0000' },
  ])('$name', ({ command, short, extended }) => {
    expect(hex(encodeShort(command))).toBe(short);
    expect(hex(encodeExtended(command))).toBe(extended);
  });

  test('refuses what does not fit', () => {
    expect(() => encodeShort({ ...head, data: new Uint8Array(256) })).toThrow(RangeError);
    expect(() => encodeShort({ ...head, le: 256 })).toThrow(RangeError);
    expect(() => encodeShort({ ...head, p1: -1 })).toThrow(RangeError);
    expect(() => encodeExtended({ ...head, data: new Uint8Array(65_536) })).toThrow(RangeError);
  });

  test('puts the data where its length says', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 255 }), fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }), (data, le) => {
        const short = encodeShort({ ...head, data, le });
        expect(short[4]).toBe(data.length);
        expect(short.subarray(5, 5 + data.length)).toEqual(data);
        expect(short.length).toBe(5 + data.length + (le === undefined ? 0 : 1));
        const extended = encodeExtended({ ...head, data, le });
        expect(extended.subarray(4, 7)).toEqual(Uint8Array.of(0, 0, data.length));
        expect(extended.subarray(7, 7 + data.length)).toEqual(data);
      }),
    );
  });
});

test('reads any answer of two bytes and more, and none that is shorter', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (answer) => {
      const response = parseResponse(answer);
      if (answer.length < 2) expect(response).toBeNull();
      else expect(hex(Uint8Array.from([...(response?.data ?? []), (response?.sw ?? 0) >> 8, (response?.sw ?? 0) & 0xff]))).toBe(hex(answer));
    }),
    { numRuns: codecInputs },
  );
});

describe('exchange', () => {
  const chaining: ApduLimits = { chaining: true, extended: true, longestCommand: 2048 };
  const extended: ApduLimits = { ...chaining, chaining: false };
  const long = '11'.repeat(255) + '22'.repeat(45);
  const ask: CommandApdu = { ...head, le: 0 };

  test.each<{ name: string; command: CommandApdu; limits: ApduLimits; protocol?: 't0' | 't1'; script: Exchange[]; data?: string; sw?: number; code?: string }>([
    { name: 'a plain answer', command: ask, limits: shortOnly, script: [['0088000000', 'abcd9000']], data: 'abcd', sw: 0x9000 },
    { name: 'a status word alone', command: ask, limits: shortOnly, script: [['0088000000', '6a88']], data: '', sw: 0x6a88 },
    {
      name: 'an answer in pieces',
      command: ask,
      limits: shortOnly,
      script: [['0088000000', 'aa6102'], ['00c0000002', 'bb6100'], ['00c0000000', 'cc9000']],
      data: 'aabbcc',
      sw: 0x9000,
    },
    { name: 'an answer offered without any of it', command: ask, limits: shortOnly, script: [['0088000000', '6102'], ['00c0000002', 'abcd9000']], data: 'abcd', sw: 0x9000 },
    { name: 'a wrong Le', command: ask, limits: shortOnly, script: [['0088000000', '6c02'], ['0088000002', 'abcd9000']], data: 'abcd', sw: 0x9000 },
    { name: 'a wrong Le beside data', command: { ...ask, data: bytes('01') }, limits: shortOnly, script: [['00880000010100', '6c02'], ['00880000010102', 'abcd9000']], data: 'abcd', sw: 0x9000 },
    { name: 'a wrong Le that stays wrong', command: ask, limits: shortOnly, script: [['0088000000', '6c02'], ['0088000002', '6c02']], data: '', sw: 0x6c02 },
    { name: 'no Le beside data over T=0', command: { ...ask, data: bytes('01') }, limits: shortOnly, protocol: 't0', script: [['008800000101', '6102'], ['00c0000002', 'abcd9000']], data: 'abcd', sw: 0x9000 },
    {
      name: 'a chain',
      command: { ...ask, data: bytes(long) },
      limits: chaining,
      script: [[`10880000ff${'11'.repeat(255)}`, '9000'], [`008800002d${'22'.repeat(45)}00`, 'abcd9000']],
      data: 'abcd',
      sw: 0x9000,
    },
    { name: 'a chain that is refused at its first link', command: { ...ask, data: bytes(long) }, limits: chaining, script: [[`10880000ff${'11'.repeat(255)}`, '6884']], data: '', sw: 0x6884 },
    { name: 'extended form where the card does not chain', command: { ...ask, data: bytes(long) }, limits: extended, script: [[`0088000000012c${long}0000`, 'abcd9000']], data: 'abcd', sw: 0x9000 },
    { name: 'more than the card takes', command: { ...ask, data: bytes(long) }, limits: { ...extended, longestCommand: 300 }, script: [], code: 'card-unsupported' },
    { name: 'extended form over T=0', command: { ...ask, data: bytes(long) }, limits: extended, protocol: 't0', script: [], code: 'card-unsupported' },
    { name: 'more than a card takes that does neither', command: { ...ask, data: bytes(long) }, limits: shortOnly, script: [], code: 'card-unsupported' },
    { name: 'a card pulled in the middle', command: ask, limits: shortOnly, script: [['0088000000', '']], code: 'card-removed' },
    { name: 'a card pulled in the middle of its answer', command: ask, limits: shortOnly, script: [['0088000000', 'aa6102'], ['00c0000002', '90']], code: 'card-removed' },
    { name: 'an answer that goes on without content', command: ask, limits: shortOnly, script: [['0088000000', '6102'], ['00c0000002', '6102']], code: 'card-error' },
    { name: 'a failure of the reader', command: ask, limits: shortOnly, script: [['0088000000', { code: 'reader-missing' }]], code: 'reader-missing' },
  ])('$name', async ({ command, limits, protocol, script, data, sw, code }) => {
    const card = new ScriptedCard(script, protocol);
    const answer = await exchange(card, command, limits);
    expect(answer.ok ? { data: hex(answer.value.data), sw: answer.value.sw } : answer.failure.code).toEqual(code ?? { data, sw });
    card.expectDone();
  });

  test('an endless answer ends', async () => {
    const flood: ApduTransport = { protocol: 't1', transmit: () => Promise.resolve(ok(Uint8Array.from([...new Uint8Array(256), 0x61, 0x00]))) };
    const answer = await exchange(flood, ask, shortOnly);
    expect(answer.ok ? null : answer.failure.code).toBe('card-error');
  });

  test('nothing of a command is left in what carried it', async () => {
    const card = new ScriptedCard([['00200081 06 313233343536', '9000']]);
    await exchange(card, { cla: 0, ins: 0x20, p1: 0, p2: 0x81, data: bytes('313233343536') }, shortOnly);
    expect(card.handed.map(hex)).toEqual(['00'.repeat(11)]);
  });
});
