import { createActor, waitFor } from 'xstate';
import { expect, test, vi } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { toHex } from '../../../src/ledger/verify/bytes.ts';
import { blockingMachine } from '../../../src/main/desk/blocking.ts';
import { deskPage } from '../../../src/main/desk/desk-pages.ts';
import { createDeskWork, type DeskWorkParts } from '../../../src/main/desk/desk-work.ts';
import type { Settlement } from '../../../src/main/visit/work.ts';
import { fang } from '../../fixtures/fang.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork } from './desk-stand.ts';

const paper = { printer: { state: 'starting' as const }, dots: null };
const clerk = ed25519Signer(new Uint8Array(32).fill(9));
const staff = { ...auditor, role: 'staff' as const, sig: clerk.key[1], aut: clerk.key[1] };
const recorded: Settlement = { state: 'recorded', receipt: new Uint8Array(1), at: '2026-11-22T10:00:00Z' };

/** Up to where the block is signed; the hub answers one after the other. */
async function signed(answers: Result<Settlement | null>[]) {
  const delivered: string[] = [];
  const sign = vi.fn((input: Uint8Array) => Promise.resolve(ok(clerk.sign(input))));
  const parts = {
    district: {
      chain: 'imi-demo',
      deliver({ transaction }: { transaction: Uint8Array }) {
        delivered.push(toHex(transaction));
        return Promise.resolve(answers.shift() ?? fail('kiosk-fault'));
      },
    },
    crypto: nodeCrypto,
    clock: { now: () => 0 },
    staffCardOf: () => ({ verify: () => Promise.resolve(ok({ verified: true })), sign }),
  };
  const { signBlock, deliverBlock } = createDeskWork(parts as unknown as DeskWorkParts);
  const work = { ...goodDeskWork({ did: [], pins: [] }), signBlock, deliverBlock, lookUp: () => Promise.resolve(ok({ verified: true as const, resident: new Uint8Array(16) })) };
  const access = { staff, session: new Uint8Array(16), registrar: 'registrar' };
  const actor = createActor(blockingMachine(work), {
    input: { access, staffCard: 1, oneReader: false, staffTries: 3, staffPad: false, pinWrong: false, touchWanted: false, reader: { view: 'empty' }, draft: null },
  }).start();
  const shown = () => deskPage('block', actor.getSnapshot(), paper);
  const sees = async (page: string): Promise<void> => void (await waitFor(actor, (at) => deskPage('block', at, paper).page === page, { timeout: 2_000 }));
  actor.send({ type: 'desk.number', number: fang.number });
  actor.send({ type: 'pin.submit', pin: '123456' });
  await sees('desk-block');
  actor.send({ type: 'desk.block', reason: 'lost' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  return { actor, shown, sees, sign, delivered };
}

test.each<{ name: string; first: Result<Settlement | null>; code: string }>([
  { name: 'was not recorded at once', first: ok(null), code: 'hub-busy' },
  { name: 'was given to a line that dropped', first: fail('hub-unreachable'), code: 'hub-unreachable' },
])('a block that $name is delivered again and not signed again: it is the first that is done', async ({ first, code }) => {
  const { actor, shown, sees, sign, delivered } = await signed([first, ok(recorded)]);
  await sees('failure');
  expect(shown()).toMatchObject({ code, next: 'retry', sent: 'not-begun' });
  actor.send({ type: 'retry' });
  await sees('desk-done');
  expect(shown()).toMatchObject({ act: 'block', tried: null, reference: expect.stringMatching(/^.{4}-.{4}-.{2}$/) as string });
  expect(shown()).not.toHaveProperty('already');
  expect(sign).toHaveBeenCalledTimes(1);
  expect(new Set(delivered).size).toBe(1);
});

test('a card that its holder has blocked already is blocked, and the page says so', async () => {
  const { shown, sees } = await signed([ok({ state: 'rejected', code: 'key-inactive' })]);
  await sees('desk-done');
  expect(shown()).toEqual({ page: 'desk-done', act: 'block', name: '', reference: '', tried: null, already: true });
});

test('what is refused for another reason is not done', async () => {
  const { shown, sees } = await signed([ok({ state: 'rejected', code: 'subject-unknown' })]);
  await sees('failure');
  expect(shown()).toMatchObject({ code: 'request-rejected', detail: 'subject-unknown', next: 'home' });
});
