import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureCodes } from '../../../src/contract/failures.ts';
import { encodeSdtCommand, fitsCommand, sdtCommands, sdtFailure, sdtFrame, sdtStatuses, SdtStream, textOfRead } from '../../../src/drivers/hid/sdt.ts';
import type { SdtCommand, SdtEvent } from '../../../src/drivers/hid/sdt.ts';
import { codecInputs } from '../inputs.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const answer = (sw3: number, data: Uint8Array = new Uint8Array(0)): Uint8Array => sdtFrame(Uint8Array.of(0, 0, sw3, ...data));

const found = bytes('AAAAAA9669 0008 00009F 00000000 97');
const selected = bytes('AAAAAA9669 000C 000090 0000000000000000 9C');
const notFound = bytes('AAAAAA9669 0004 000080 84');

describe('commands, as in GA 467', () => {
  test.each<[SdtCommand, string]>([
    ['status', 'AAAAAA9669000311FFED'],
    ['find', 'AAAAAA96690003200122'],
    ['select', 'AAAAAA96690003200221'],
    ['read', 'AAAAAA96690003300132'],
  ])('%s', (command, frame) => {
    expect(hex(encodeSdtCommand(command))).toBe(frame);
  });
});

describe('answers', () => {
  test.each([
    { name: 'found', frame: found, sw3: 0x9f, data: 4 },
    { name: 'selected', frame: selected, sw3: 0x90, data: 8 },
    { name: 'not found', frame: notFound, sw3: 0x80, data: 0 },
  ])('$name', ({ frame, sw3, data }) => {
    expect(new SdtStream().push(frame)).toEqual([{ answer: { sw: [0, 0, sw3], data: new Uint8Array(data) } }]);
  });

  test('in one piece, byte by byte, and several in one piece', () => {
    const all = Uint8Array.of(...found, ...selected, ...notFound);
    const whole = new SdtStream().push(all);
    const stream = new SdtStream();
    expect([...all].flatMap((byte) => stream.push(Uint8Array.of(byte)))).toEqual(whole);
    expect(whole).toHaveLength(3);
  });

  test('with noise before, between and behind', () => {
    const noise = bytes('00 AA AA 69 FF');
    expect(new SdtStream().push(Uint8Array.of(...noise, ...found, ...noise, ...selected, ...noise))).toEqual(new SdtStream().push(Uint8Array.of(...found, ...selected)));
  });

  test('with an AA more before the head', () => {
    expect(new SdtStream().push(Uint8Array.of(0xaa, ...found))).toHaveLength(1);
  });

  test('a wrong checksum is said, and the next answer is heard', () => {
    const wrong = Uint8Array.from(found);
    wrong[wrong.length - 1] = 0x96;
    expect(new SdtStream().push(Uint8Array.of(...wrong, ...selected))).toEqual([{ broken: 'checksum' }, ...new SdtStream().push(selected)]);
  });

  test.each(['0000', '0003', '1001', 'FFFF'])('a length of %s is said, and the next answer is heard', (length) => {
    expect(new SdtStream().push(Uint8Array.of(...bytes(`AAAAAA9669 ${length}`), ...selected))).toEqual([{ broken: 'length' }, ...new SdtStream().push(selected)]);
  });

  test('a frame cut off by the next one costs only itself', () => {
    const stream = new SdtStream();
    const heard = stream.push(Uint8Array.of(...selected.subarray(0, 9), ...found, ...notFound));
    expect(heard).toEqual([{ broken: 'checksum' }, ...new SdtStream().push(Uint8Array.of(...found, ...notFound))]);
  });

  test('what came before a new command is forgotten', () => {
    const stream = new SdtStream();
    stream.push(selected.subarray(0, 9));
    expect(stream.isInside).toBe(true);
    stream.clear();
    expect(stream.push(found)).toHaveLength(1);
    expect(stream.isInside).toBe(false);
  });
});

describe('which command an answer is for', () => {
  const heard = (frame: Uint8Array): SdtEvent => new SdtStream().push(frame)[0] as SdtEvent;
  const fitting = (frame: Uint8Array): string[] => {
    const event = heard(frame);
    return Object.keys(sdtCommands).filter((command) => 'answer' in event && fitsCommand(command as SdtCommand, event.answer));
  };
  test.each([
    { name: 'a card found', frame: found, commands: ['find'] },
    { name: 'a card selected', frame: selected, commands: ['select'] },
    { name: 'no card', frame: notFound, commands: ['find'] },
    { name: 'a card that lets nobody select it', frame: answer(0x81), commands: ['select'] },
    { name: 'a module that is well', frame: answer(0x90), commands: ['reset', 'status'] },
    { name: 'the text of a card', frame: answer(0x90, new Uint8Array(1284)), commands: ['read'] },
    { name: 'what may go wrong with any', frame: answer(0x10), commands: Object.keys(sdtCommands) },
  ])('$name', ({ frame, commands }) => {
    expect(fitting(frame)).toEqual(commands);
  });
});

describe('every status of the table', () => {
  test.each(Object.entries(sdtStatuses))('%s is %s, which has its page', (sw3, code) => {
    expect(sdtFailure({ sw: [0, 0, Number(sw3)], data: new Uint8Array(0) })).toEqual({ code, detail: Number(sw3).toString(16) });
    expect(failureCodes).toContain(code);
  });

  test.each([0x90, 0x9f])('%s is none', (sw3) => {
    expect(sdtFailure({ sw: [0, 0, sw3], data: new Uint8Array(0) })).toBeNull();
  });

  test('one that is not in it is a fault of the device, by its number', () => {
    expect(sdtFailure({ sw: [0, 0, 0x07], data: new Uint8Array(0) })).toEqual({ code: 'device-fault', detail: '07' });
  });
});

describe('the text in an answer to read', () => {
  const text = new Uint8Array(256).fill(7);
  const read = (lengths: string, photo: number, fingers = 0): Uint8Array => Uint8Array.of(...bytes(lengths), ...text, ...new Uint8Array(photo + fingers));
  test.each([
    { name: 'with a photo', data: read('0100 0400', 1024), isThere: true },
    { name: 'without one', data: read('0100 0000', 0), isThere: true },
    { name: 'with photo and fingerprints', data: read('0100 0400 0400', 1024, 1024), isThere: true },
    { name: 'that is shorter than it says', data: read('0100 0400', 1023), isThere: false },
    { name: 'that is longer than it says', data: read('0100 0400', 1026), isThere: false },
    { name: 'of another length', data: read('00FF 0401', 1024), isThere: false },
    { name: 'that is nothing', data: new Uint8Array(3), isThere: false },
  ])('$name', ({ data, isThere }) => {
    expect(textOfRead(data)).toEqual(isThere ? text : null);
  });
});

test('no stream of bytes, however cut, makes it throw, or tells another story than the stream in one piece', () => {
  const frame = fc.oneof(fc.constantFrom(found, selected, notFound), fc.uint8Array({ maxLength: 40 }).map((content) => sdtFrame(Uint8Array.of(0, 0, 0x90, ...content))));
  const piece = fc.oneof(frame, fc.uint8Array({ maxLength: 30 }), fc.constantFrom(bytes('AAAAAA9669'), bytes('AAAAAA96690004'), bytes('AAAAAA9669FFFF')));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.integer({ min: 1, max: 70 }), (pieces, size) => {
      const all = Uint8Array.from(pieces.flatMap((part) => [...part]));
      const stream = new SdtStream();
      const heard: SdtEvent[] = [];
      for (let at = 0; at < all.length; at += size) heard.push(...stream.push(all.subarray(at, at + size)));
      expect(heard).toEqual(new SdtStream().push(all));
      for (const event of heard) {
        if (!('answer' in event)) continue;
        expect(textOfRead(event.answer.data)?.length ?? 256).toBe(256);
        sdtFailure(event.answer);
      }
    }),
    { numRuns: codecInputs },
  );
});
