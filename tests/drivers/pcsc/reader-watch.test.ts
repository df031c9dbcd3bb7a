import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DeviceStatus } from '../../../src/contract/device-host.ts';
import { ok } from '../../../src/contract/result.ts';
import type { Pcsc, PcscCard, PcscFailure, PcscResult, SlotReading } from '../../../src/drivers/pcsc/pcsc.ts';
import { ReaderWatch } from '../../../src/drivers/pcsc/reader-watch.ts';

const reader = 'Reader 00 00';
const empty: SlotReading = { reader, present: false, mute: false, inUse: false, cardEvents: 0 };
const present: SlotReading = { ...empty, present: true, cardEvents: 1 };

/** PC/SC that reports what the test says. */
class FakePcsc implements Pcsc {
  watches = 0;
  connects = 0;
  connection: PcscResult<PcscCard> = { ok: false, failure: { code: 'in-use' } };
  say: (slots: SlotReading[]) => void = () => undefined;
  end: (failure: PcscFailure) => void = () => undefined;

  watch(onSlots: (slots: SlotReading[]) => void, onEnd: (failure: PcscFailure) => void) {
    this.watches += 1;
    this.say = onSlots;
    this.end = onEnd;
    return { stop: () => undefined };
  }
  connect(): Promise<PcscResult<PcscCard>> {
    this.connects += 1;
    return Promise.resolve(this.connection);
  }
}

let pcsc: FakePcsc;
let heard: DeviceStatus[];
let watch: ReaderWatch;
const slots = () => heard.map(({ service, readers }) => (service === 'ready' ? readers.map(({ slot, insertion }) => `${slot} ${insertion}`).join() : service));

beforeEach(() => {
  vi.useFakeTimers();
  pcsc = new FakePcsc();
  heard = [];
  watch = new ReaderWatch(pcsc, (status) => heard.push(status));
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

describe('states', () => {
  test.each<{ name: string; readings: SlotReading[]; expected: string[] }>([
    { name: 'in and out', readings: [empty, present, { ...empty, cardEvents: 2 }], expected: ['no-card 0', 'card-present 1', 'no-card 1'] },
    { name: 'there from the start', readings: [present], expected: ['card-present 1'] },
    { name: 'mute', readings: [empty, { ...present, mute: true }], expected: ['no-card 0', 'card-mute 1'] },
    { name: 'in use elsewhere', readings: [empty, { ...present, inUse: true }], expected: ['no-card 0', 'card-in-use 1'] },
    { name: 'swapped between two readings: seen out', readings: [present, { ...present, cardEvents: 3 }], expected: ['card-present 1', 'no-card 1', 'card-present 2'] },
    {
      name: 'an insertion that is seen before it is counted: one card',
      readings: [present, { ...empty, cardEvents: 2 }, { ...present, cardEvents: 2 }, { ...present, cardEvents: 3 }],
      expected: ['card-present 1', 'no-card 1', 'card-present 2'],
    },
    {
      name: 'a removal that is seen before it is counted, and the next insertion too: one card',
      readings: [present, { ...empty, cardEvents: 1 }, { ...present, cardEvents: 2 }, { ...present, cardEvents: 3 }],
      expected: ['card-present 1', 'no-card 1', 'card-present 2'],
    },
    {
      name: 'swapped between two readings, the second insertion not counted yet: seen out once',
      readings: [present, { ...present, cardEvents: 2 }, { ...present, cardEvents: 3 }],
      expected: ['card-present 1', 'no-card 1', 'card-present 2'],
    },
    {
      name: 'an insertion that is never counted excuses no later count: seen out',
      readings: [empty, { ...present, cardEvents: 0 }, { ...present, cardEvents: 0 }, { ...present, cardEvents: 1 }],
      expected: ['no-card 0', 'card-present 1', 'no-card 1', 'card-present 2'],
    },
    { name: 'plugged in anew with another card, counted from 0: seen out', readings: [present, { ...present, cardEvents: 0 }], expected: ['card-present 1', 'no-card 1', 'card-present 2'] },
    {
      name: 'counted past the end of the count: one card',
      readings: [
        { ...empty, cardEvents: 65_534 },
        { ...present, cardEvents: 65_535 },
        { ...empty, cardEvents: 65_535 },
        { ...present, cardEvents: 0 },
        { ...present, cardEvents: 1 },
      ],
      expected: ['no-card 0', 'card-present 1', 'no-card 1', 'card-present 2'],
    },
    { name: 'the same reading twice: told once', readings: [present, present], expected: ['card-present 1'] },
  ])('$name', ({ readings, expected }) => {
    for (const reading of readings) pcsc.say([reading]);
    expect(slots()).toEqual(expected);
  });

  test('counts insertions over all readers, and over a reader that goes and comes', () => {
    const other = { ...present, reader: 'Reader 01 00' };
    pcsc.say([present, other]);
    pcsc.say([other]);
    pcsc.say([present, other]);
    expect(slots()).toEqual(['card-present 1,card-present 2', 'card-present 2', 'card-present 2,card-present 3']);
    expect(watch.readerOf(1)).toBeNull();
    expect(watch.readerOf(3)).toBe(reader);
  });

  test('its own connection is not "in use", from the hold until a reading without it', async () => {
    pcsc.say([empty]);
    pcsc.say([present]);
    await watch.hold(reader);
    pcsc.say([{ ...present, inUse: true }]);
    watch.letGo(reader);
    pcsc.say([{ ...present, inUse: true }]);
    pcsc.say([present]);
    expect(slots()).toEqual(['no-card 0', 'card-present 1']);
    pcsc.say([{ ...present, inUse: true }]);
    expect(slots().at(-1)).toBe('card-in-use 1');
  });
});

describe('whether a card must be reset before use', () => {
  test('one that came while this watched: no', () => {
    pcsc.say([empty]);
    pcsc.say([present]);
    expect(watch.needsReset(reader)).toBe(false);
  });

  test('one that was in before: yes, until it was held and let go', async () => {
    pcsc.say([present]);
    expect(watch.needsReset(reader)).toBe(true);
    await watch.hold(reader);
    watch.letGo(reader);
    expect(watch.needsReset(reader)).toBe(false);
  });

  test('one that another program had: yes', () => {
    pcsc.say([empty]);
    pcsc.say([{ ...present, inUse: true }]);
    pcsc.say([present]);
    expect(watch.needsReset(reader)).toBe(true);
  });
});

test('a card that another program holds is tried until it is free, and then reset', async () => {
  const disconnect = vi.fn(() => Promise.resolve());
  pcsc.say([empty]);
  pcsc.say([present]);
  await watch.hold(reader);
  watch.holdFailed(reader, true);
  expect(slots().at(-1)).toBe('card-in-use 1');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(pcsc.connects).toBe(2);
  pcsc.connection = ok({ protocol: 't1', disconnect, transmit: () => Promise.reject(new Error()), control: () => Promise.reject(new Error()) });
  await vi.advanceTimersByTimeAsync(500);
  expect(slots().at(-1)).toBe('card-present 1');
  expect(disconnect).toHaveBeenCalledOnce();
  expect(watch.needsReset(reader)).toBe(false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(pcsc.connects).toBe(3);
});

describe('a service that goes (lessons 3, 4)', () => {
  test.each([
    { code: 'no-service', service: 'no-service' },
    { code: 'communication', service: 'no-service' },
    { code: 'no-permission', service: 'no-permission' },
  ] as const)('$code is told as $service, with its detail', ({ code, service }) => {
    pcsc.say([present]);
    pcsc.end({ code, detail: 'SCARD_X' });
    expect(heard.at(-1)).toEqual({ service, readers: [], detail: 'SCARD_X' });
  });

  test('is tried again after 0.25, 0.5, 1, 2 and 2 s, each time anew, and at once short again', async () => {
    for (const [index, ms] of [250, 500, 1_000, 2_000, 2_000].entries()) {
      pcsc.end({ code: 'no-service' });
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(pcsc.watches).toBe(index + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(pcsc.watches).toBe(index + 2);
    }
    pcsc.say([empty]);
    pcsc.end({ code: 'no-service' });
    await vi.advanceTimersByTimeAsync(250);
    expect(pcsc.watches).toBe(7);
  });

  test('the card that is still in when it is back is a new insertion', async () => {
    pcsc.say([present]);
    pcsc.end({ code: 'communication' });
    await vi.advanceTimersByTimeAsync(250);
    pcsc.say([present]);
    expect(slots()).toEqual(['card-present 1', 'no-service', 'card-present 2']);
  });
});
