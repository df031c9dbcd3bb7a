import { SimulatedClock } from 'xstate';
import { beforeEach, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import type { Clock } from '../../src/main/clock.ts';
import type { FoundReceipt } from '../../src/main/district.ts';
import type { Settlement } from '../../src/main/visit/work.ts';
import { createWitnessWatch, type WitnessWatch } from '../../src/main/witness-watch.ts';

const transaction = new Uint8Array(32).fill(7);
const found = (isWitnessed: boolean): Result<FoundReceipt | null> => ok({ receipt: new Uint8Array(3), at: '2026-11-22T10:00:00.000Z', isWitnessed });

let time: SimulatedClock;
let answers: Result<FoundReceipt | null>[];
let asked: number;
let isWanted: boolean;
let witnessed: Settlement[];

beforeEach(() => {
  time = new SimulatedClock();
  answers = [];
  asked = 0;
  isWanted = true;
  witnessed = [];
});

function watch(isExpected = true): WitnessWatch {
  const clock: Clock = { now: () => 0, setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };
  const receipt = () => {
    asked += 1;
    return Promise.resolve(answers.shift() ?? found(false));
  };
  return createWitnessWatch({ district: { receipt }, clock, isExpected, isWanted: () => isWanted, onWitnessed: (_, settlement) => witnessed.push(settlement) });
}

/** Until the answer that is under way has been taken. */
async function settle(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  time.increment(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

test('asks until outsiders have seen it, over a hub that is away, and tells once', async () => {
  answers = [found(false), fail('hub-unreachable'), ok(null), found(true)];
  const following = watch();
  following.follow([transaction]);
  following.follow([transaction]);
  for (const ms of [1000, 2000, 4000]) await settle(ms);
  expect(asked).toBe(4);
  expect(witnessed).toEqual([{ state: 'witnessed', receipt: new Uint8Array(3), at: '2026-11-22T10:00:00.000Z' }]);
  await settle(600_000);
  expect(asked).toBe(4);
});

test('asks no more when nobody is there, when it took too long, or when it is stopped', async () => {
  const following = watch();
  following.follow([transaction]);
  isWanted = false;
  await settle(0);
  await settle(600_000);
  expect(asked).toBe(1);
  isWanted = true;
  following.follow([transaction]);
  for (let ms = 1000; ms <= 256_000; ms *= 2) await settle(ms);
  expect(asked).toBe(9);
  following.follow([transaction]);
  following.stop();
  await settle(600_000);
  expect(asked).toBe(10);
  expect(witnessed).toEqual([]);
});

test('asks nobody where the trust root names no witness', async () => {
  watch(false).follow([transaction]);
  await settle(0);
  expect(asked).toBe(0);
});
