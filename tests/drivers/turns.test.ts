import { expect, test } from 'vitest';
import { Turns } from '../../src/drivers/turns.ts';

test('one after the other; one that throws does so to whoever asked, and those after it have their turn', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<null>();
  const first = turns.take(async () => {
    await gate;
    order.push('first');
    throw new Error('first');
  });
  const second = turns.take(() => Promise.resolve(order.push('second')));
  open(null);
  await expect(first).rejects.toThrow('first');
  expect(await second).toBe(2);
  await turns.over();
  expect(order).toEqual(['first', 'second']);
});
