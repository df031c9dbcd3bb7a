import { expect, test } from 'vitest';
import { createActor, waitFor } from 'xstate';
import { fail, ok } from '../../../src/contract/result.ts';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { countersigningMachine } from '../../../src/main/desk/countersigning.ts';
import { deskPage } from '../../../src/main/desk/desk-pages.ts';
import type { DeskWork, Waiting } from '../../../src/main/desk/work.ts';
import { auditor } from '../staff/staff-stand.ts';
import { fangDocument, goodDeskWork } from './desk-stand.ts';

const colleague = 1;
const colleagueAgain = 2;

test('the second signature was given and the hub wants to hear from that card, which is out: it is asked for, and nothing is signed twice', async () => {
  const did: string[] = [];
  const good = goodDeskWork({ did, pins: [] });
  const made = await good.prove({ staff: auditor, session: new Uint8Array(16), registrar: 'registrar' }, 0, { info: {} as never, adminPin: new Uint8Array(0), unlockCode: '' });
  if (!made.ok) throw new Error(made.failure.code);
  const waiting: Waiting = { act: 'replace', draft: made.value.draft, role: 'registrar', number: '', document: fangDocument, hand: made.value, card: null };
  const codes: FailureCode[] = ['card-removed'];
  const work: DeskWork = {
    ...good,
    waiting: () => waiting,
    carryOut: () => {
      did.push('carryOut');
      const code = codes.shift();
      return Promise.resolve(code === undefined ? ok(null) : fail(code));
    },
  };
  const actor = createActor(countersigningMachine(work), {
    input: {
      access: { staff: auditor, session: new Uint8Array(16), registrar: 'registrar' },
      staffCard: colleague,
      oneReader: true,
      staffTries: 3,
      staffPad: false,
      pinWrong: false,
      touchWanted: false,
      reader: { view: 'card', insertion: colleague },
      draft: '7KQ2-M4XD-09',
    },
  }).start();
  const sees = async (page: string): Promise<void> => void (await waitFor(actor, (at) => deskPage('countersign', at, { printer: { state: 'starting' }, dots: null }).page === page, { timeout: 2_000 }));
  const shown = () => deskPage('countersign', actor.getSnapshot(), { printer: { state: 'starting' }, dots: null });
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  actor.send({ type: 'resident.reader', view: { view: 'empty' } });
  await sees('failure');
  expect(shown()).toMatchObject({ code: 'card-removed', next: 'retry', sent: 'not-begun' });
  actor.send({ type: 'retry' });
  expect(shown()).toMatchObject({ page: 'desk-card', card: 'staff', inReader: 'nothing' });
  actor.send({ type: 'resident.reader', view: { view: 'card', insertion: colleagueAgain } });
  await sees('desk-sign');
  expect(shown()).toMatchObject({ what: 'second-replace' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  await sees('desk-card');
  expect(shown()).toMatchObject({ card: 'again', inReader: 'staff' });
  expect(actor.getSnapshot().context.staffCard).toBe(colleagueAgain);
  expect(did.filter((one) => one !== 'prove')).toEqual(['countersign', 'carryOut', `lookAtStaff ${colleagueAgain}`, `proveStaff ${colleagueAgain}`, 'carryOut']);
});
