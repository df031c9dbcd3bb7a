import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedClock } from 'xstate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import type { Clock } from '../../src/main/clock.ts';
import { createDelivery, type Delivery } from '../../src/main/delivery.ts';
import type { JournalEvent } from '../../src/main/journal.ts';
import { openOutbox, type Outbox } from '../../src/main/outbox.ts';
import type { Settlement } from '../../src/main/visit/work.ts';

let dataDir: string;
let outbox: Outbox;
let delivery: Delivery;
let answers: Result<Settlement | null>[];
let attempts: number;
let settled: Settlement['state'][];
let written: JournalEvent[];
const transaction = new Uint8Array(32).fill(7);
const recorded: Settlement = { state: 'recorded', receipt: new Uint8Array(1), at: '2026-11-22T10:00:00.000Z' };
let time: SimulatedClock;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-delivery-'));
  time = new SimulatedClock();
  const clock: Clock = { now: () => 1_800_000_000_000, setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };
  const opened = openOutbox({ dataDir, clock });
  if (!opened.ok) throw new Error(opened.failure.detail);
  outbox = opened.value;
  outbox.put({ transaction, submission: { envelope: new Uint8Array(3), payloads: [] }, reference: 'R', resident: new Uint8Array(16), counter: 1, notAfter: 1 });
  answers = [];
  attempts = 0;
  settled = [];
  written = [];
  delivery = createDelivery({
    outbox,
    clock,
    journal: { write: (event) => written.push(event), close: () => undefined },
    district: {
      deliver: () => {
        attempts += 1;
        return Promise.resolve(answers.shift() ?? ok(null));
      },
    },
    onSettled: (_, settlement) => settled.push(settlement.state),
  });
});
afterEach(() => {
  delivery.stop();
  outbox.close();
  rmSync(dataDir, { recursive: true, force: true });
});

test('goes on until the ledger holds it, and then drops it', async () => {
  answers = [fail('hub-unreachable'), ok(null), ok(recorded)];
  delivery.sendAll();
  await expect.poll(() => written).toEqual([{ event: 'outbox', what: 'waiting', code: 'hub-unreachable' }]);
  time.increment(1_000);
  await expect.poll(() => written.at(-1)).toEqual({ event: 'outbox', what: 'delivered' });
  expect(outbox.waiting()).toHaveLength(1);
  time.increment(500);
  await expect.poll(() => settled).toEqual(['recorded']);
  expect(outbox.waiting()).toEqual([]);
  time.increment(600_000);
  expect(attempts).toBe(3);
});

test.each<{ settlement: Settlement; state: string }>([
  { settlement: { state: 'rejected', code: 'grant-not-live' }, state: 'rejected' },
  { settlement: { state: 'expired', code: 'expired' }, state: 'expired' },
])('keeps one that is $state for its resident to be told', async ({ settlement, state }) => {
  answers = [ok(settlement)];
  delivery.send(transaction);
  await expect.poll(() => settled).toEqual([state]);
  expect(outbox.refusedOf(new Uint8Array(16))).toMatchObject([{ state }]);
});

test('waits longer after each failure, tells the journal once, and tries at once when the hub is back', async () => {
  answers = Array.from({ length: 5 }, () => fail('hub-unreachable'));
  delivery.send(transaction);
  for (const [round, waitMs] of [1_000, 2_000, 4_000, 8_000].entries()) {
    await expect.poll(() => attempts).toBe(round + 1);
    await Promise.resolve();
    time.increment(waitMs - 1);
    expect(attempts).toBe(round + 1);
    time.increment(1);
  }
  await expect.poll(() => attempts).toBe(5);
  expect(written).toHaveLength(1);
  delivery.sendAll();
  await expect.poll(() => attempts).toBe(6);
});

test('a disk that does not take the outcome fills no journal', async () => {
  outbox.recorded = () => fail('kiosk-storage');
  answers = [ok(recorded), ok(recorded), ok(recorded)];
  delivery.sendAll();
  for (let round = 1; round <= 3; round += 1) {
    await expect.poll(() => attempts).toBe(round);
    await new Promise((resolve) => setImmediate(resolve));
    time.increment(30_000);
  }
  expect(written.filter((event) => event.event === 'outbox' && event.what === 'recorded')).toEqual([]);
  expect(settled).toEqual([]);
});
