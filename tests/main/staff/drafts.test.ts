import { describe, expect, test } from 'vitest';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { newOpenDraft } from '../../../src/ledger/verify/draft.ts';
import type { Card } from '../../../src/main/card.ts';
import { createStaffWork, type StaffWorkParts } from '../../../src/main/staff/staff-work.ts';
import type { ProvenStaff, StaffAccess } from '../../../src/main/staff/work.ts';
import { auditor, StaffStand } from './staff-stand.ts';

/** What waits for a second signature, as a member of staff sees it whose hub was started anew, or is away. */
const colleague = ed25519Signer(new Uint8Array(32).fill(5));
const staff: ProvenStaff = { ...auditor, role: 'staff', aut: colleague.key[1] };
const before: StaffAccess = { staff, session: new Uint8Array(16), registrar: 'registrar' };
const anew = new Uint8Array(16).fill(1);
const draft = newOpenDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16), notAfter: 1, acts: [{ kind: 'resident.retire', subject: new Uint8Array(16) }] }, [colleague.key]);

function workAt(hub: (session: Uint8Array) => Result<never[]>, authenticate: Card['authenticate'] = (data) => Promise.resolve(ok(new Uint8Array(colleague.sign(data))))) {
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
      staffByKey: () => Promise.resolve(fail('hub-unreachable')),
    },
    crypto: nodeCrypto,
    kept: { list: () => [{ draft, signed: [], untilMs: 1_700_000_000_000, wants: ['staff'] }] },
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
    const listed = await work.drafts(before, 1, nobodyLeft);
    expect(listed).toMatchObject({ rows: own, isWhole: true, access: { staff, session: anew } });
    expect(await work.drafts(listed.access, 1, nobodyLeft)).toMatchObject({ rows: own, isWhole: true });
    expect(did).toEqual({ asked: [0, 1, 1], closed: [], answered: 1 });
  });

  test.each<{ name: string; hub: Result<never[]>; card?: Card['authenticate'] }>([
    { name: 'where the hub cannot be reached', hub: fail('hub-unreachable') },
    { name: 'where the card does not answer the hub that was started anew', hub: fail('hub-refused', 'session'), card: () => Promise.resolve(fail('card-error', '6982')) },
  ])('$name: it is said that these are not all', async ({ hub, card }) => {
    const { work } = workAt(() => hub, card);
    expect(await work.drafts(before, 1, nobodyLeft)).toMatchObject({ rows: own, isWhole: false, access: before });
  });

  test('a session that was opened for somebody who has left is closed', async () => {
    const left = new AbortController();
    const { work, did } = workAt((session) => {
      if (session[0] === 1) left.abort();
      return session[0] === 1 ? ok([]) : fail('hub-refused', 'session');
    });
    await work.drafts(before, 1, left.signal);
    expect(did.closed).toEqual([1]);
  });
});

describe('on the page', () => {
  const row = { reference: '7KQ2-M4XD-09', kind: 'resident.retire', by: [], until: '2026-11-22T10:05:00Z', place: 'kiosk' as const, signable: true };

  test('this kiosk’s own can be signed while the hub is away', async () => {
    const stand = new StaffStand(() => ({ drafts: (access) => Promise.resolve({ rows: [row], isWhole: false, access }) }));
    await stand.signIn();
    await Promise.resolve();
    expect(await stand.sees('staff-home')).toMatchObject({ drafts: [row], hubSilent: true });
    stand.send({ type: 'draft.open', reference: row.reference });
    expect(stand.state.stage).toMatch(/^serving\.inside\.countersigning/);
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
