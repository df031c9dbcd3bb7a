import { createActor, waitFor } from 'xstate';
import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { fail, ok } from '../../../src/contract/result.ts';
import { countersigningMachine } from '../../../src/main/desk/countersigning.ts';
import { deskPage } from '../../../src/main/desk/desk-pages.ts';
import type { DeskWork, Waiting } from '../../../src/main/desk/work.ts';
import { newOpenDraft } from '../../../src/ledger/verify/draft.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork } from './desk-stand.ts';

const draft = newOpenDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16), notAfter: 1, acts: [{ kind: 'resident.retire', subject: new Uint8Array(16) }] }, [[-19, new Uint8Array(32)]]);
const waiting: Waiting = { act: 'retire', draft, role: 'staff', number: '000000199604110318', document: null, hand: null, card: null };

const paper = { printer: { state: 'starting' as const }, dots: null };

function begin(change: Partial<DeskWork>) {
  const calls = { did: [] as string[], pins: [] as string[] };
  const work: DeskWork = { ...goodDeskWork(calls), waiting: () => waiting, ...change };
  const access = { staff: auditor, session: new Uint8Array(16), registrar: 'registrar' };
  const input = { access, staffCard: 1, staffTries: 3, staffPad: false, pinWrong: false, touchWanted: false, oneReader: false, reader: { view: 'empty' as const }, draft: '7KQ2-M4XD-09' };
  const actor = createActor(countersigningMachine(work), { input }).start();
  const sees = async (page: string) => {
    const snapshot = await waitFor(actor, (one) => deskPage('countersign', one, paper).page === page, { timeout: 1_000 });
    return deskPage('countersign', snapshot, paper);
  };
  return { actor, calls, sees };
}

describe('the second signature', () => {
  test('is carried out', async () => {
    const { actor, calls, sees } = begin({});
    expect(await sees('desk-second')).toMatchObject({ act: 'retire', role: 'staff', number: '000000199604110318' });
    actor.send({ type: 'desk.confirm' });
    expect(await sees('desk-sign')).toMatchObject({ what: 'second-retire' });
    actor.send({ type: 'pin.submit', pin: '123456' });
    expect(await sees('desk-done')).toMatchObject({ act: 'retire', reference: '7KQ2-M4XD-09', tried: null });
    expect(calls).toEqual({ did: ['countersign', 'carryOut'], pins: ['123456'] });
  });

  test('comes too late, before it is looked at', async () => {
    const { sees } = begin({ waiting: () => null });
    expect(await sees('failure')).toMatchObject({ code: 'draft-gone', next: 'home' });
  });

  test.each<{ code: FailureCode; next: string }>([
    { code: 'draft-gone', next: 'home' },
    { code: 'card-error', next: 'retry' },
    { code: 'signature-failed', next: 'home' },
  ])('$code at the signature: $next, and nothing is carried out', async ({ code, next }) => {
    const { actor, calls, sees } = begin({ countersign: () => Promise.resolve(fail(code)) });
    await sees('desk-second');
    actor.send({ type: 'desk.confirm' });
    await sees('desk-sign');
    actor.send({ type: 'pin.submit', pin: '123456' });
    expect(await sees('failure')).toMatchObject({ code, next });
    expect(calls.did).toEqual([]);
  });

  test('the hub cannot be reached: asked again, it is not signed again; a rejection ends it with its code', async () => {
    const answers = [fail('hub-unreachable'), fail('request-rejected', 'subject-inactive'), ok(null)];
    const { actor, calls, sees } = begin({ carryOut: () => Promise.resolve(answers.shift() ?? ok(null)) });
    await sees('desk-second');
    actor.send({ type: 'desk.confirm' });
    await sees('desk-sign');
    actor.send({ type: 'pin.submit', pin: '123456' });
    expect(await sees('failure')).toMatchObject({ code: 'hub-unreachable', next: 'retry' });
    actor.send({ type: 'retry' });
    await waitFor(actor, ({ context }) => context.setback?.failure.code === 'request-rejected', { timeout: 1_000 });
    expect(await sees('failure')).toMatchObject({ detail: 'subject-inactive', next: 'home' });
    expect(calls.did).toEqual(['countersign']);
  });
});
