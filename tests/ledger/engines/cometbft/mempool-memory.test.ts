import { expect, test } from 'vitest';
import { MempoolMemory, type WaitingTransaction } from '../../../../src/ledger/engines/cometbft/mempool-memory.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';

const tx = (i: number): Uint8Array => Uint8Array.of(i >> 8, i & 0xff);
const what = (i: number): WaitingTransaction => ({ i }) as unknown as WaitingTransaction;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function holding(count: number): MempoolMemory {
  const memory = new MempoolMemory(nodeCrypto);
  for (const i of numbers(count)) memory.keep(tx(i), what(i));
  return memory;
}
/** How many of these are not judged anew. */
const recalled = (memory: MempoolMemory, count: number): number =>
  numbers(count).filter((i) => {
    const found = memory.recalled(tx(i));
    if (found !== undefined) memory.keep(tx(i), found);
    else memory.keep(tx(i), what(i));
    return found !== undefined;
  }).length;

test('few are judged anew after every block', () => {
  const memory = holding(200);
  for (const nowMs of [0, 10, 20]) {
    memory.turn(nowMs);
    expect(recalled(memory, 200)).toBe(0);
  }
});

test('many are judged anew every five seconds, and recalled in between', () => {
  const memory = holding(201);
  const found = [0, 10, 500, 4999, 5000, 5001].map((nowMs) => {
    memory.turn(nowMs);
    return recalled(memory, 201);
  });
  expect(found).toEqual([0, 201, 201, 201, 0, 201]);
});

test('what is not asked for again is forgotten', () => {
  const memory = holding(300);
  memory.turn(0);
  recalled(memory, 300);
  memory.turn(10);
  expect(memory.recalled(tx(7))).toEqual(what(7));
  memory.keep(tx(7), what(7));
  expect(memory.find(tx(299))).toEqual(what(299));
  memory.turn(20);
  expect([memory.find(tx(7)), memory.find(tx(299))]).toEqual([what(7), undefined]);
});

test('one that comes in between is not known', () => {
  const memory = holding(300);
  memory.turn(0);
  recalled(memory, 300);
  memory.turn(10);
  expect(memory.recalled(tx(400))).toBeUndefined();
});
