import { describe, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { newOpenDraft } from '../../../src/ledger/verify/draft.ts';
import type { Card } from '../../../src/main/card.ts';
import { createStaffWork, type StaffWorkParts } from '../../../src/main/staff/staff-work.ts';
import type { ListedDrafts, ProvenStaff, ShownHealth, StaffAccess } from '../../../src/main/staff/work.ts';
import { cardInfo } from '../visit/visit-stand.ts';
import { auditor, StaffStand } from './staff-stand.ts';

/** What waits for a second signature, as a member of staff sees it whose hub was started anew, or is away. */
const colleague = ed25519Signer(new Uint8Array(32).fill(5));
const staff: ProvenStaff = { ...auditor, role: 'staff', aut: colleague.key[1] };
const before: StaffAccess = { staff, session: new Uint8Array(16), registrar: 'registrar' };
const anew = new Uint8Array(16).fill(1);
const draft = newOpenDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16), notAfter: 1, acts: [{ kind: 'resident.retire', subject: new Uint8Array(16) }] }, [colleague.key]);

/** @param staffByKey the ledger's word of who has signed. */
function workAt(hub: (session: Uint8Array) => Result<never[]>, authenticate: Card['authenticate'] = (data) => Promise.resolve(ok(new Uint8Array(colleague.sign(data)))), staffByKey: () => Promise<Result<object | null>> = () => Promise.resolve(fail('hub-unreachable'))) {
  const did = { asked: [] as number[], closed: [] as number[], answered: 0 };
  const parts = {
    district: {
      drafts(session: Uint8Array) {
        did.asked.push(session[0] ?? 0);
        return Promise.resolve(hub(session));
      },
      challenge: () => Promise.resolve(ok({ challenge: new Uint8Array(40) })),
      openStaff: () => Promise.resolve(ok({ session: anew, registrar: 'registrar' })),
      closeStaff: (session: Uint8Array) => Promise.resolve(void did.closed.push(session[0] ?? 0)),
      party: () => Promise.resolve(fail('hub-unreachable')),
      kiosksSeen: () => Promise.resolve(fail('hub-refused', 'session')),
      staffByKey,
    },
    crypto: nodeCrypto,
    machineHealth: () => Promise.resolve({ devices: [], own: [], kiosks: null, hubSince: null }),
    kept: { list: () => [{ draft, signed: [colleague.key], untilMs: 1_700_000_000_000, wants: ['staff'] }] },
    cardOf: () => ({
      authenticate(data: Uint8Array) {
        did.answered += 1;
        return authenticate(data);
      },
    }),
  };
  return { work: createStaffWork(parts as unknown as StaffWorkParts), did };
}
const own = [{ kind: 'resident.retire', place: 'kiosk', signable: true }];
const nobodyLeft = new AbortController().signal;

describe('what is kept at this very kiosk is listed', () => {
  test('where the hub was started anew: the card answers once, and the session goes on with that', async () => {
    const { work, did } = workAt((session) => (session[0] === 1 ? ok([]) : fail('hub-refused', 'session')));
    const listed = await work.drafts(before, 1, true, nobodyLeft);
    expect(listed).toMatchObject({ rows: own, isWhole: true, access: { staff, session: anew } });
    expect(await work.drafts(listed.access, 1, true, nobodyLeft)).toMatchObject({ rows: own, isWhole: true });
    expect(did).toEqual({ asked: [0, 1, 1], closed: [], answered: 1 });
  });

  test.each<{ name: string; hub: Result<never[]>; card?: Card['authenticate'] }>([
    { name: 'where the hub cannot be reached', hub: fail('hub-unreachable') },
    { name: 'where the card does not answer the hub that was started anew', hub: fail('hub-refused', 'session'), card: () => Promise.resolve(fail('card-error', '6982')) },
  ])('$name: it is said that these are not all', async ({ hub, card }) => {
    const { work } = workAt(() => hub, card);
    expect(await work.drafts(before, 1, true, nobodyLeft)).toMatchObject({ rows: own, isWhole: false, access: before });
  });

  test('a session that was opened for somebody who has left is closed', async () => {
    const left = new AbortController();
    const { work, did } = workAt((session) => {
      if (session[0] === 1) left.abort();
      return session[0] === 1 ? ok([]) : fail('hub-refused', 'session');
    });
    await work.drafts(before, 1, true, left.signal);
    expect(did.closed).toEqual([1]);
  });

  test('so it is where they have left while it was looked up who has signed', async () => {
    const left = new AbortController();
    const hub = (session: Uint8Array): Result<never[]> => (session[0] === 1 ? ok([]) : fail('hub-refused', 'session'));
    const { work, did } = workAt(hub, undefined, () => {
      left.abort();
      return Promise.resolve(ok(null));
    });
    await work.drafts(before, 1, true, left.signal);
    expect(did.closed).toEqual([1]);
  });

  test('at once, and who has signed once the ledger has said it, which is remembered while the hub is away', async () => {
    let hub: Result<never[]> = fail('hub-unreachable');
    let lookedUp = 0;
    const { work } = workAt(() => hub, undefined, () => {
      lookedUp += 1;
      return Promise.resolve(ok({ id: auditor.id, party: 'xiguan-hub' }));
    });
    expect(work.ownDrafts(before)).toMatchObject([{ ...own[0], by: [] }]);
    await work.drafts(before, 1, true, nobodyLeft);
    expect(lookedUp).toBe(0);
    hub = ok([]);
    expect((await work.drafts(before, 1, true, nobodyLeft)).rows).toMatchObject([{ by: [{ pseudonym: '0W3G-E1R7' }] }]);
    hub = fail('hub-unreachable');
    expect((await work.drafts(before, 1, true, nobodyLeft)).rows).toMatchObject([{ by: [{ pseudonym: '0W3G-E1R7' }] }]);
    expect(work.ownDrafts(before)).toMatchObject([{ by: [{ pseudonym: '0W3G-E1R7' }] }]);
  });

  test('without the card, where its session is not to be opened anew', async () => {
    const { work, did } = workAt(() => fail('hub-refused', 'session'));
    await work.machineHealth(before, 1, false);
    expect(await work.drafts(before, 1, false, nobodyLeft)).toMatchObject({ rows: own, isWhole: false, access: before });
    expect(did.answered).toBe(0);
  });
});

describe('on the page', () => {
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const atHub = { reference: '3F5T-2WQ7-M1', kind: 'case.close', by: [], until: '2026-11-22T11:00:00Z', place: 'hub' as const, signable: false };
  const row = { reference: '7KQ2-M4XD-09', kind: 'resident.retire', by: [], until: '2026-11-22T10:05:00Z', place: 'kiosk' as const, signable: true };

  test('this kiosk’s own can be signed while the hub is away', async () => {
    const stand = new StaffStand(() => ({ drafts: (access) => Promise.resolve({ rows: [row], isWhole: false, access }) }));
    await stand.signIn();
    await Promise.resolve();
    expect(await stand.sees('staff-home')).toMatchObject({ drafts: [row], hubSilent: true });
    stand.send({ type: 'draft.open', reference: row.reference });
    expect(stand.state.stage).toMatch(/^serving\.inside\.countersigning/);
  });

  test('this kiosk’s own is there before the hub has answered, and a hub that takes longer than the page’s turn is waited for', async () => {
    const answers: PromiseWithResolvers<ListedDrafts>[] = [];
    const stand = new StaffStand(() => ({
      ownDrafts: () => [row],
      drafts() {
        const answer = Promise.withResolvers<ListedDrafts>();
        answers.push(answer);
        return answer.promise;
      },
    }));
    const home = await stand.signIn();
    expect(home.drafts).toEqual([row]);
    expect(home).not.toHaveProperty('hubSilent');
    stand.clock.increment(5_000);
    expect(answers).toHaveLength(1);
    const { access } = stand.state.context.session ?? {};
    if (!access) throw new Error('nobody is signed in');
    answers[0]?.resolve({ rows: [row, atHub], isWhole: true, access });
    await settle();
    expect(stand.shown).toMatchObject({ drafts: [row, atHub] });
    stand.clock.increment(2_999);
    expect(answers).toHaveLength(1);
    stand.clock.increment(1);
    expect(answers).toHaveLength(2);
    expect(stand.shown).toMatchObject({ drafts: [row, atHub] });
    stand.send({ type: 'draft.open', reference: row.reference });
    stand.clock.increment(3_000);
    expect(stand.state.stage).toMatch(/^serving\.inside\.countersigning/);
  });

  test.each([
    { name: 'a card whose key wants no touch opens the hub’s session anew', aut: false },
    { name: 'a card whose key wants a touch is not asked by a page that says nothing of it', aut: true },
  ])('$name', async ({ aut }) => {
    const asked: boolean[] = [];
    const stand = new StaffStand((good) => ({
      whose: () => Promise.resolve(ok({ ...auditor, role: 'staff' as const })),
      machineHealth(access, insertion, reopens) {
        asked.push(reopens);
        return good.machineHealth(access, insertion, reopens);
      },
      readCard: () => Promise.resolve(ok({ ...cardInfo, touch: { ...cardInfo.touch, aut } })),
      drafts(access, _, reopens) {
        asked.push(reopens);
        return Promise.resolve({ rows: [], isWhole: true, access });
      },
    }));
    await stand.signIn();
    stand.send({ type: 'desk.open', act: 'health' });
    await stand.sees('desk-health');
    expect(asked).toEqual([!aut, !aut]);
  });

  test('how everything is, too, is waited for where the hub takes longer', async () => {
    const answers: PromiseWithResolvers<ShownHealth>[] = [];
    const stand = new StaffStand(() => ({
      whose: () => Promise.resolve(ok({ ...auditor, role: 'staff' as const })),
      machineHealth() {
        const answer = Promise.withResolvers<ShownHealth>();
        answers.push(answer);
        return answer.promise;
      },
    }));
    await stand.signIn();
    stand.send({ type: 'desk.open', act: 'health' });
    stand.clock.increment(5_000);
    answers[0]?.resolve({ devices: [], own: [], kiosks: null, hubSince: null });
    expect(await stand.sees('desk-health')).toMatchObject({ kiosks: null });
    expect(answers).toHaveLength(1);
    stand.clock.increment(3_000);
    expect(answers).toHaveLength(2);
  });

  test('with none of its own it says only that the hub cannot be asked', async () => {
    const stand = new StaffStand(() => ({ drafts: (access) => Promise.resolve({ rows: [], isWhole: false, access }) }));
    await stand.signIn();
    const home = await stand.sees('staff-home');
    expect(home.drafts).toBeNull();
    expect(home).not.toHaveProperty('hubSilent');
  });

  test('a session that was opened anew is what the desk works with, and what is left', async () => {
    const stand = new StaffStand(() => ({ drafts: (access) => Promise.resolve({ rows: [], isWhole: true, access: { ...access, session: anew } }) }));
    await stand.signIn();
    await Promise.resolve();
    stand.pull();
    expect(stand.calls.left).toEqual([anew]);
  });
});
