import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIpp, encodeIpp, ippGroup, ippOperations, type IppMessage } from '../../../src/drivers/printer/ipp.ts';
import { jobOfIpp, printerOfIpp } from '../../../src/drivers/printer/ipp-state.ts';
import { codecInputs } from '../inputs.ts';

/** RFC 8010 appendix A.1, without the document. */
const printJob: IppMessage = {
  code: ippOperations.printJob,
  requestId: 1,
  operation: [
    { name: 'attributes-charset', tag: 'charset', values: ['utf-8'] },
    { name: 'attributes-natural-language', tag: 'naturalLanguage', values: ['en-us'] },
    { name: 'printer-uri', tag: 'uri', values: ['ipp://printer.example.com/ipp/print/pinetree'] },
    { name: 'job-name', tag: 'name', values: ['foobar'] },
    { name: 'ipp-attribute-fidelity', tag: 'boolean', values: [true] },
  ],
  groups: [
    {
      of: 'job',
      attributes: [
        { name: 'copies', tag: 'integer', values: [20] },
        { name: 'sides', tag: 'keyword', values: ['two-sided-long-edge'] },
      ],
    },
  ],
};
const printJobBytes = [
  '02 00', '0002', '00000001', '01',
  '47 0012 617474726962757465732d63686172736574 0005 7574662d38',
  '48 001b 617474726962757465732d6e61747572616c2d6c616e6775616765 0005 656e2d7573',
  '45 000b 7072696e7465722d757269 002c 6970703a2f2f7072696e7465722e6578616d706c652e636f6d2f6970702f7072696e742f70696e6574726565',
  '42 0008 6a6f622d6e616d65 0006 666f6f626172',
  '22 0016 6970702d6174747269627574652d666964656c697479 0001 01',
  '02',
  '21 0006 636f70696573 0004 00000014',
  '44 0005 7369646573 0013 74776f2d73696465642d6c6f6e672d65646765',
  '03',
].join('').replaceAll(' ', '');

describe('IPP on the wire', () => {
  test('a request is as RFC 8010 A.1 has it, at version 2.0', () => {
    expect(Buffer.from(encodeIpp(printJob)).toString('hex')).toBe(printJobBytes);
  });

  test('what was written is read again, several values of one name and several groups of one kind too', () => {
    const attributes = (id: number) => [
      { name: 'job-id', tag: 'integer' as const, values: [id] },
      { name: 'reasons', tag: 'keyword' as const, values: ['media-empty', 'cover-open'] },
    ];
    const message: IppMessage = { code: 0, requestId: -7, operation: [], groups: [1, 2].map((id) => ({ of: 'printer', attributes: attributes(id) })) };
    const read = decodeIpp(Uint8Array.from([...encodeIpp(message), 1, 2, 3]));
    expect(read).toMatchObject({ code: 0, requestId: -7, rest: Uint8Array.of(1, 2, 3) });
    expect(read?.groups.filter(({ of }) => of === ippGroup.printer).map((group) => Object.fromEntries(group.attributes))).toEqual([
      { 'job-id': [1], reasons: ['media-empty', 'cover-open'] },
      { 'job-id': [2], reasons: ['media-empty', 'cover-open'] },
    ]);
  });

  test('a value without a name at the head of a group is none of the group before it', () => {
    const group = (of: number, ...attributes: number[][]): number[] => [of, ...attributes.flat()];
    const named = [0x21, 0, 1, 0x61, 0, 4, 0, 0, 0, 1];
    const further = [0x21, 0, 0, 0, 4, 0, 0, 0, 2];
    const read = decodeIpp(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 1, ...group(ippGroup.job, named, further), ...group(ippGroup.job, further, named), 3));
    expect(read?.groups.map(({ attributes }) => Object.fromEntries(attributes))).toEqual([{ a: [1, 2] }, { a: [1] }]);
  });

  test('nothing of it is read where it breaks off, wherever that is', () => {
    const whole = encodeIpp(printJob);
    expect(Array.from(whole, (_, length) => decodeIpp(whole.subarray(0, length))).filter((answer) => answer !== null)).toEqual([]);
    expect(decodeIpp(whole)).not.toBeNull();
  });

  test('no bytes make it throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const answer = decodeIpp(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 1, ...bytes));
      expect(answer === null || answer.groups.length >= 0).toBe(true);
    }), { numRuns: codecInputs });
  });
});

describe('what a job came to', () => {
  test.each([
    { name: 'waiting', state: 3, reasons: ['none'], expected: 'under way' },
    { name: 'held until its document is there', state: 4, reasons: ['job-incoming'], expected: 'under way' },
    { name: 'at work', state: 5, reasons: ['job-printing'], expected: 'under way' },
    { name: 'stopped', state: 6, reasons: ['printer-stopped'], expected: 'under way' },
    { name: 'unknown', state: 0, reasons: [], expected: 'under way' },
    { name: 'cancelled', state: 7, reasons: ['job-canceled-by-user'], expected: 'printer-unconfirmed' },
    { name: 'aborted', state: 8, reasons: ['aborted-by-system'], expected: 'printer-unconfirmed' },
    { name: 'completed', state: 9, reasons: ['job-completed-successfully'], expected: 'printed' },
    { name: 'completed with warnings', state: 9, reasons: ['job-completed-with-warnings'], expected: 'printed' },
    { name: 'completed with errors', state: 9, reasons: ['processing-to-stop-point', 'job-completed-with-errors'], expected: 'printer-unconfirmed' },
  ])('$name: $expected', ({ state, reasons, expected }) => {
    const over = jobOfIpp(state, reasons);
    expect(over === null ? 'under way' : over.ok ? 'printed' : over.failure.code).toBe(expected);
  });
});

describe('how a printer is', () => {
  test.each([
    { name: 'idle', reasons: ['none'], state: 3, expected: 'ready' },
    { name: 'at work', reasons: ['none'], state: 4, expected: 'ready' },
    { name: 'little paper', reasons: ['media-low-warning'], state: 3, expected: 'paper-low' },
    { name: 'no paper', reasons: ['media-empty-error'], state: 5, expected: 'printer-paper-out' },
    { name: 'no paper, without how bad', reasons: ['media-needed'], state: 3, expected: 'printer-paper-out' },
    { name: 'no paper in a tray of several', reasons: ['media-empty-report'], state: 3, expected: 'ready' },
    { name: 'a cover, which also looks like no paper', reasons: ['media-empty-error', 'cover-open-error'], state: 5, expected: 'printer-cover-open' },
    { name: 'a jam', reasons: ['media-jam-error'], state: 5, expected: 'printer-jammed' },
    { name: 'off line, as CUPS reports it', reasons: ['offline-report'], state: 4, expected: 'printer-missing' },
    { name: 'stopped by hand', reasons: ['paused'], state: 5, expected: 'device-fault' },
    { name: 'stopped for what nobody here knows', reasons: ['vendor-trouble'], state: 5, expected: 'device-fault' },
    { name: 'connecting, as before each job', reasons: ['connecting-to-device'], state: 4, expected: 'ready' },
  ])('$name: $expected', ({ reasons, state, expected }) => {
    const is = printerOfIpp({ state, reasons, accepts: true });
    expect(is.ok ? is.value : is.failure.code).toBe(expected);
  });

  test('one that takes no jobs says so', () => {
    expect(printerOfIpp({ state: 3, reasons: ['none'], accepts: false })).toMatchObject({ ok: false, failure: { code: 'device-fault', detail: 'takes no jobs' } });
  });
});
