import { SimulatedClock } from 'xstate';
import { beforeEach, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import type { Clock } from '../../src/main/clock.ts';
import { watchEnrolment, type Enrolment } from '../../src/main/enrolment.ts';
import { journalEventSchema, type JournalEvent } from '../../src/main/journal.ts';

let answer: Result<null>;
let asked: number;
let changes: (string | null)[];
let written: JournalEvent[];
let time: SimulatedClock;
let enrolment: Enrolment;

beforeEach(() => {
  answer = ok(null);
  asked = 0;
  changes = [];
  written = [];
  time = new SimulatedClock();
  const clock: Clock = { now: () => time.now(), setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };
  enrolment = watchEnrolment({
    district: {
      checkKiosk: () => {
        asked += 1;
        return Promise.resolve(answer);
      },
    },
    key: [-19, new Uint8Array(32)],
    clock,
    journal: { write: (event) => written.push(journalEventSchema.parse(event)), close: () => undefined },
    onChange: () => changes.push(enrolment.failure?.detail ?? null),
  });
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a kiosk that is enrolled goes on, without a word', async () => {
  enrolment.check();
  await settle();
  expect(enrolment.failure).toBeNull();
  expect(changes).toEqual([]);
});

test.each(['unknown', 'retired', 'key'])('a kiosk that is %s goes out of service, once, and comes back when it is enrolled', async (why) => {
  answer = fail('kiosk-not-enrolled', why);
  enrolment.check();
  await settle();
  time.increment(60_000);
  await settle();
  expect(enrolment.failure).toEqual({ code: 'kiosk-not-enrolled', detail: why });
  answer = ok(null);
  time.increment(60_000);
  await settle();
  expect(asked).toBe(3);
  expect(changes).toEqual([why, null]);
  expect(written).toEqual([
    { event: 'kiosk.enrolled', enrolled: false, why },
    { event: 'kiosk.enrolled', enrolled: true },
  ]);
});

test.each(['hub-unreachable', 'head-too-old', 'proof-invalid'] as const)('%s proves nothing: what was found before stays', async (code) => {
  answer = fail(code);
  enrolment.check();
  await settle();
  expect(enrolment.failure).toBeNull();
  answer = fail('kiosk-not-enrolled', 'retired');
  enrolment.check();
  await settle();
  answer = fail(code);
  enrolment.check();
  await settle();
  expect(enrolment.failure).toMatchObject({ detail: 'retired' });
});

test.each(['trust-expired', 'ledger-split'] as const)('%s takes the kiosk out of service, until it is believed again', async (code) => {
  answer = fail(code, 'two blocks of one height');
  enrolment.check();
  await settle();
  expect(enrolment.failure).toEqual({ code, detail: 'two blocks of one height' });
  answer = fail(code, '721 h');
  time.increment(60_000);
  await settle();
  answer = ok(null);
  time.increment(60_000);
  await settle();
  expect(enrolment.failure).toBeNull();
  expect(written).toEqual([
    { event: 'kiosk.enrolled', enrolled: false, why: code },
    { event: 'kiosk.enrolled', enrolled: true },
  ]);
});

test('after its end nothing is asked any more', async () => {
  enrolment.check();
  enrolment.stop();
  await settle();
  time.increment(120_000);
  expect(asked).toBe(1);
});
