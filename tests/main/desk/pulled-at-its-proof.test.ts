import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import { ok, type Result } from '../../../src/contract/result.ts';
import { registrationMachine } from '../../../src/main/desk/registration.ts';
import type { CardInHand } from '../../../src/main/desk/work.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork, madeCard, standsAt, upToResident } from './desk-stand.ts';

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
  await upToResident(actor);
  actor.send({ type: 'pin.choose', pin: '480213' });
  await standsAt(actor, 'proving');
  // Both were said by the device host in one breath.
  proof.resolve(ok(hand));
  actor.send({ type: 'resident.reader', view: { view: 'empty' } });
  await standsAt(actor, 'failed');
  await new Promise((resolve) => setImmediate(resolve));
  expect(actor.getSnapshot().context.hand).toBeNull();
  expect(hand.recoverySecret.every((byte) => byte === 0)).toBe(true);
  expect(hand.made.unlockCode).toBe('');
});
