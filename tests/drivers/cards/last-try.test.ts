import { expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { guardLastTry } from '../../../src/drivers/cards/last-try.ts';

test.each<{ name: string; tries: Result<number>; guarded: Result<null> }>([
  { name: 'none left', tries: ok(0), guarded: fail('pin-blocked') },
  { name: 'one left', tries: ok(1), guarded: fail('pin-last-try') },
  { name: 'two left', tries: ok(2), guarded: ok(null) },
  { name: 'a card that does not say', tries: fail('card-removed', 'SCARD_W_REMOVED_CARD'), guarded: fail('card-removed', 'SCARD_W_REMOVED_CARD') },
])('$name', async ({ tries, guarded }) => {
  expect(await guardLastTry(() => Promise.resolve(tries))).toEqual(guarded);
});

test('the card is asked each time', async () => {
  let left = 2;
  const ask = () => Promise.resolve(ok((left -= 1) + 1));
  expect([await guardLastTry(ask), await guardLastTry(ask)]).toEqual([ok(null), fail('pin-last-try')]);
});
