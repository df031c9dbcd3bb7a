import { expect, test } from 'vitest';
import { createActor, waitFor } from 'xstate';
import { ok, type Result } from '../../../src/contract/result.ts';
import { registrationMachine } from '../../../src/main/desk/registration.ts';
import type { CardInHand } from '../../../src/main/desk/work.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork, madeCard } from './desk-stand.ts';

test('a card that is pulled in the moment of its proof leaves nothing of its slip behind', async () => {
  const good = goodDeskWork({ did: [], pins: [] });
  const access = { staff: auditor, session: new Uint8Array(16), registrar: 'registrar' };
  const made = await good.prove(access, 2, { ...madeCard });
  if (!made.ok) throw new Error(made.failure.code);
  const hand = made.value;
  const proof = Promise.withResolvers<Result<CardInHand>>();
  const actor = createActor(registrationMachine({ ...good, prove: () => proof.promise }, 'register'), {
    input: { access, staffCard: 1, oneReader: false, staffTries: 3, staffPad: false, pinWrong: false, touchWanted: false, reader: { view: 'card', insertion: 2 }, draft: null },
  }).start();
  const isAt = async (state: string): Promise<void> => void (await waitFor(actor, ({ value }) => JSON.stringify(value).includes(`"${state}"`)));
  await isAt('check');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  await isAt('toResident');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.choose', pin: '480213' });
  await isAt('proving');
  // Both were said by the device host in one breath.
  proof.resolve(ok(hand));
  actor.send({ type: 'resident.reader', view: { view: 'empty' } });
  await isAt('failed');
  await new Promise((resolve) => setImmediate(resolve));
  expect(actor.getSnapshot().context.hand).toBeNull();
  expect(hand.recoverySecret.every((byte) => byte === 0)).toBe(true);
  expect(hand.made.unlockCode).toBe('');
});
