import { expect, test } from 'vitest';
import { createActor, waitFor } from 'xstate';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { countersigningMachine } from '../../../src/main/desk/countersigning.ts';
import { createDeskWork, type DeskWorkParts } from '../../../src/main/desk/desk-work.ts';
import { deskPage } from '../../../src/main/desk/desk-pages.ts';
import { registrationMachine } from '../../../src/main/desk/registration.ts';
import { prepareRegistration } from '../../../src/identity/registration.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { inputFor, newDraft, withSignature } from '../../../src/ledger/verify/draft.ts';
import type { DeskWork, Waiting } from '../../../src/main/desk/work.ts';
import { auditor } from '../staff/staff-stand.ts';
import { fangDocument, goodDeskWork, madeCard } from './desk-stand.ts';

const colleague = 1;
const colleagueAgain = 2;
const paper = { printer: { state: 'starting' as const }, dots: null };

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
  const sees = async (page: string): Promise<void> => void (await waitFor(actor, (at) => deskPage('countersign', at, paper).page === page, { timeout: 2_000 }));
  const shown = () => deskPage('countersign', actor.getSnapshot(), paper);
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

test('the card was put back and let sign at the reader’s own pad, and the hub was started anew: it is asked for its PIN once more, and what was signed is registered', async () => {
  const did: string[] = [];
  const clerk = ed25519Signer(new Uint8Array(32).fill(9));
  const fresh = ed25519Signer(new Uint8Array(32).fill(8));
  const staff = { ...auditor, role: 'staff' as const, sig: clerk.key[1], aut: clerk.key[1] };
  const keys = { sig: fresh.key[1], aut: fresh.key[1], dec: madeCard.info.keys.dec };
  const verified = new Set<string>();
  const card = {
    open: () => Promise.resolve(ok({ keys: { sig: staff.sig, aut: staff.aut }, tries: { pw1: 3 }, pinPad: true })),
    verify(purpose: string, pin: Uint8Array | null) {
      did.push(`${purpose}, ${pin === null ? 'at the pad' : 'typed'}`);
      verified.add(purpose);
      return Promise.resolve(ok({ verified: true }));
    },
    authenticate: (data: Uint8Array): Promise<Result<Uint8Array>> => Promise.resolve(verified.has('user') ? ok(clerk.sign(data)) : fail('card-error', '6982')),
    sign: (data: Uint8Array) => Promise.resolve(ok(clerk.sign(data))),
    release: () => Promise.resolve(),
  };
  const parts = {
    district: {
      chain: 'imi-demo',
      challenge: () => Promise.resolve(ok({ challenge: new Uint8Array(40) })),
      openStaff: () => Promise.resolve(ok({ session: new Uint8Array(16).fill(1), registrar: 'registrar' })),
      closeStaff: () => Promise.resolve(),
      /** It knows no session of before. */
      deskRegister: ({ session }: { session: Uint8Array }) => Promise.resolve(session[0] === 1 ? ok({ state: 'recorded' }) : fail('hub-refused', 'session')),
    },
    crypto: nodeCrypto,
    clock: { now: () => 0 },
    staffCardOf: () => card,
  };
  const { signAsStaff, lookAtStaff, proveStaff, submit } = createDeskWork(parts as unknown as DeskWorkParts);
  const work: DeskWork = {
    ...goodDeskWork({ did: [], pins: [] }),
    signAsStaff,
    lookAtStaff,
    proveStaff,
    submit,
    prove() {
      const prepared = prepareRegistration({ chain: 'imi-demo', kiosk: 'hall-1', ...keys, signatureCount: 1, now: 0 }, nodeCrypto);
      const { resident, recoverySecret, wrapped, recovery } = prepared;
      return Promise.resolve(ok({ resident, recoverySecret, beside: { what: 'registration' as const, wrapped, recovery }, made: { ...madeCard }, draft: newDraft(prepared.finish(new Uint8Array(64)), [fresh.key, clerk.key]) }));
    },
    signAsResident(_, __, hand) {
      const input = inputFor(hand.draft, fresh.key, nodeCrypto);
      const draft = withSignature(hand.draft, fresh.key, fresh.sign(input ?? new Uint8Array(0)), nodeCrypto);
      return Promise.resolve(draft.ok ? ok({ verified: true as const, hand: { ...hand, draft: draft.value } }) : fail('signature-failed'));
    },
  };
  const actor = createActor(registrationMachine(work, 'register'), {
    input: { access: { staff, session: new Uint8Array(16), registrar: 'registrar' }, staffCard: 1, oneReader: true, staffTries: 3, staffPad: true, pinWrong: false, touchWanted: false, reader: { view: 'card', insertion: 1 }, draft: null },
  }).start();
  const shown = () => deskPage('register', actor.getSnapshot(), paper);
  const sees = async (page: string): Promise<void> => void (await waitFor(actor, (at) => deskPage('register', at, paper).page === page, { timeout: 2_000 }));
  const change = (insertion: number): void => {
    actor.send({ type: 'resident.reader', view: { view: 'empty' } });
    actor.send({ type: 'resident.reader', view: { view: 'card', insertion } });
  };
  await sees('desk-check');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.on-reader' });
  await sees('desk-card');
  change(2);
  await sees('desk-turn');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.choose', pin: '480213' });
  await sees('desk-slip');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.on-reader' });
  await sees('desk-turn');
  change(3);
  await sees('desk-sign');
  actor.send({ type: 'pin.on-reader' });
  await sees('failure');
  expect(shown()).toMatchObject({ code: 'card-error', next: 'retry', sent: 'not-begun' });
  actor.send({ type: 'retry' });
  expect(shown()).toMatchObject({ page: 'desk-sign', what: 'register' });
  actor.send({ type: 'pin.on-reader' });
  await sees('desk-card');
  expect(shown()).toMatchObject({ card: 'again', inReader: 'staff' });
  expect(did).toEqual(['sign, at the pad', 'user, at the pad']);
});
