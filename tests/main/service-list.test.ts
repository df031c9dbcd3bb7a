import { beforeEach, expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import type { Clock } from '../../src/main/clock.ts';
import type { District } from '../../src/main/district.ts';
import type { Journal } from '../../src/main/journal.ts';
import { createServiceList, type ServiceList } from '../../src/main/service-list.ts';
import type { Offered } from '../../src/main/visit/draft.ts';
import { pensionOffer, taxOffer } from './visit/visit-stand.ts';

type Answer = Awaited<ReturnType<District['services']>>;
const catalogue = (mark: string, offers: Offered['offers']): Answer => ok({ offers, bundles: [], refused: 0, mark });

let time: SimulatedClock;
let answers: Answer[];
let asked: number;
let changes: string[][];
let written: number;

beforeEach(() => {
  time = new SimulatedClock();
  answers = [];
  asked = 0;
  changes = [];
  written = 0;
});

function listed(): ServiceList {
  const clock: Clock = { now: () => 0, setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };
  const journal = { write: () => (written += 1) } as unknown as Journal;
  const services = (): Promise<Answer> => {
    asked += 1;
    return Promise.resolve(answers.shift() ?? fail('hub-unreachable'));
  };
  return createServiceList({ district: { services }, journal, clock, onChange: ({ offers }) => changes.push(offers.map(({ service }) => service.id)), everyMs: 5000 });
}

const idsOf = (result: Result<Offered>): string[] => (result.ok ? result.value.offers.map(({ service }) => service.id) : [result.failure.code]);

/** Until the answer that is under way has been taken. */
async function settle(ms = 0): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  time.increment(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

test('looks again by itself, and says when a service came or went', async () => {
  answers = [catalogue('a', [taxOffer]), catalogue('a', [taxOffer]), catalogue('ab', [taxOffer, pensionOffer]), catalogue('b', [pensionOffer])];
  const list = listed();
  expect(idsOf(await list.offers())).toEqual([taxOffer.service.id]);
  await settle(4999);
  expect(asked).toBe(1);
  await settle(1);
  expect([asked, changes]).toEqual([2, []]);
  await settle(5000);
  expect(changes).toEqual([[taxOffer.service.id, pensionOffer.service.id]]);
  await settle(5000);
  expect(changes.at(-1)).toEqual([pensionOffer.service.id]);
  expect(idsOf(await list.offers())).toEqual([pensionOffer.service.id]);
  expect(written).toBe(3);
});

test('keeps what was proved while the hub is away, and goes on looking', async () => {
  answers = [catalogue('a', [taxOffer]), fail('hub-unreachable'), catalogue('b', [pensionOffer])];
  const list = listed();
  await list.offers();
  await settle(5000);
  expect(idsOf(await list.offers())).toEqual([taxOffer.service.id]);
  await settle();
  await settle(5000);
  expect(changes).toEqual([[pensionOffer.service.id]]);
});

test('hands out the same objects as long as nothing changed', async () => {
  answers = [catalogue('a', [taxOffer]), catalogue('a', [{ ...taxOffer }])];
  const list = listed();
  const first = await list.offers();
  await settle(5000);
  const second = await list.offers();
  expect(first.ok && second.ok && first.value.offers[0] === second.value.offers[0]).toBe(true);
});

test('asks no more once it is stopped', async () => {
  answers = [catalogue('a', [taxOffer])];
  const list = listed();
  await list.offers();
  list.stop();
  await settle(60_000);
  expect(asked).toBe(1);
});
