import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import { fail, ok } from '../../../src/contract/result.ts';
import { unblockingMachine } from '../../../src/main/desk/unblocking.ts';
import type { DeskWork } from '../../../src/main/desk/work.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork, standsAt, upToResident } from './desk-stand.ts';

const staffCard = 1;
const holders = 2;

const answers: { name: string; unblock: DeskWork['unblock']; leadsTo: string }[] = [
  { name: 'once it was right', unblock: () => Promise.resolve(ok({ chosen: true as const })), leadsTo: 'done' },
  { name: 'once it was wrong', unblock: () => Promise.resolve(ok({ codeWrong: true as const, triesLeft: 2 })), leadsTo: 'code' },
];

/** At the desk of somebody whose card is in its reader, up to the code that they typed. */
async function codeTyped(unblock: DeskWork['unblock']) {
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
  await upToResident(actor);
  actor.send({ type: 'desk.code', code: '602914385517' });
  return actor;
}

test.each(answers)('the code that was typed is overwritten $name', async ({ unblock, leadsTo }) => {
  const actor = await codeTyped(unblock);
  const { code } = actor.getSnapshot().context;
  expect(code?.some((byte) => byte !== 0)).toBe(true);
  actor.send({ type: 'pin.choose', pin: '480213' });
  await standsAt(actor, leadsTo);
  expect(actor.getSnapshot().context.code).toBeNull();
  expect(code?.every((byte) => byte === 0)).toBe(true);
});

test('and so is the one before, where the holder goes back and types another', async () => {
  const actor = await codeTyped(() => Promise.resolve(ok({ chosen: true as const })));
  const { code: first } = actor.getSnapshot().context;
  actor.send({ type: 'back' });
  await standsAt(actor, 'code');
  expect(first?.some((byte) => byte !== 0)).toBe(true);
  actor.send({ type: 'desk.code', code: '602914385518' });
  expect(first?.every((byte) => byte === 0)).toBe(true);
  expect(Buffer.from(actor.getSnapshot().context.code ?? []).toString()).toBe('602914385518');
});

const breaks: { name: string; answer: () => ReturnType<DeskWork['unblock']>; leadsTo: string }[] = [
  { name: 'is refused before a card had it', answer: () => Promise.resolve(fail('card-removed')), leadsTo: 'failed' },
  { name: 'breaks off with a bug', answer: () => Promise.reject(new Error('a bug')), leadsTo: 'failed' },
];
test.each(breaks)('a PIN is overwritten though what it was typed for $name', async ({ answer, leadsTo }) => {
  let typed = new Uint8Array(0);
  const actor = await codeTyped((_, __, pin) => {
    typed = pin as typeof typed;
    expect(Buffer.from(pin).toString()).toBe('480213');
    return answer();
  });
  actor.send({ type: 'pin.choose', pin: '480213' });
  await standsAt(actor, leadsTo);
  expect([...typed]).toEqual([0, 0, 0, 0, 0, 0]);
});
