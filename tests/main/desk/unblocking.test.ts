import { expect, test } from 'vitest';
import { createActor, waitFor } from 'xstate';
import { ok } from '../../../src/contract/result.ts';
import { unblockingMachine } from '../../../src/main/desk/unblocking.ts';
import type { DeskWork } from '../../../src/main/desk/work.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork } from './desk-stand.ts';

const staffCard = 1;
const holders = 2;

const answers: { name: string; unblock: DeskWork['unblock']; leadsTo: string }[] = [
  { name: 'once it was right', unblock: () => Promise.resolve(ok({ chosen: true as const })), leadsTo: 'done' },
  { name: 'once it was wrong', unblock: () => Promise.resolve(ok({ codeWrong: true as const, triesLeft: 2 })), leadsTo: 'code' },
];

test.each(answers)('the code that was typed is overwritten $name', async ({ unblock, leadsTo }) => {
  const work: DeskWork = { ...goodDeskWork({ did: [], pins: [] }), lookUp: () => Promise.resolve(ok({ verified: true as const, resident: new Uint8Array(16) })), unblock };
  const actor = createActor(unblockingMachine(work), {
    input: {
      access: { staff: auditor, session: new Uint8Array(16), registrar: 'registrar' },
      staffCard,
      oneReader: false,
      staffTries: 3,
      staffPad: false,
      pinWrong: false,
      touchWanted: false,
      reader: { view: 'card', insertion: holders },
      draft: null,
    },
  }).start();
  const isAt = async (state: string): Promise<void> => void (await waitFor(actor, ({ value }) => JSON.stringify(value).includes(`"${state}"`), { timeout: 2_000 }));
  await isAt('check');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  await isAt('toResident');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'desk.code', code: '602914385517' });
  const { code } = actor.getSnapshot().context;
  expect(code?.some((byte) => byte !== 0)).toBe(true);
  actor.send({ type: 'pin.choose', pin: '480213' });
  await isAt(leadsTo);
  expect(actor.getSnapshot().context.code).toBeNull();
  expect(code?.every((byte) => byte === 0)).toBe(true);
});
