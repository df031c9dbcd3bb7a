import { describe, expect, test } from 'vitest';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import type { ProvenStaff, StaffWork } from '../../../src/main/staff/work.ts';
import { recordOf } from '../../../src/main/staff/record.ts';
import { cardInfo } from '../visit/visit-stand.ts';
import { auditor, health, StaffStand } from './staff-stand.ts';

const wrongPin = (...triesLeft: number[]): Partial<StaffWork> => ({
  checkPin: () => {
    const left = triesLeft.shift();
    return Promise.resolve(ok(left === undefined ? { verified: true } : { verified: false, triesLeft: left }));
  },
});

describe('signing in', () => {
  test('says who, by role, office and pseudonym', async () => {
    const stand = new StaffStand();
    const home = await stand.signIn();
    expect(home.who).toEqual({ role: 'auditor', party: auditor.partyNames, pseudonym: '0W3G-E1R7', until: '2028-11-29' });
    expect(stand.calls.pins).toEqual(['123456']);
  });

  const refusals: { code: FailureCode; next: 'retry' | 'take-card' }[] = [
    { code: 'staff-card-unknown', next: 'take-card' },
    { code: 'staff-card-role', next: 'take-card' },
    { code: 'staff-card-expired', next: 'take-card' },
    { code: 'staff-card-retired', next: 'take-card' },
    { code: 'staff-card-office', next: 'take-card' },
    { code: 'hub-unreachable', next: 'retry' },
    { code: 'head-too-old', next: 'retry' },
  ];
  test.each(refusals)('$code is told before a PIN is asked for', async ({ code, next }) => {
    const stand = new StaffStand(() => ({ whose: () => Promise.resolve(fail(code)) }));
    stand.insert();
    const page = await stand.sees('failure');
    expect(page).toMatchObject({ code, next });
    expect(stand.calls.pins).toEqual([]);
    stand.send({ type: 'visit.end' });
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'done' });
    expect(stand.calls.letGo).toEqual([1]);
  });

  test('what may go better is tried again from the card on', async () => {
    let asked = 0;
    const stand = new StaffStand((good) => ({ whose: (card) => ((asked += 1) === 1 ? Promise.resolve(fail('hub-busy')) : good.whose(card)) }));
    stand.insert();
    await stand.sees('failure');
    stand.send({ type: 'retry' });
    await stand.sees('staff-pin');
    expect(stand.calls.read).toBe(2);
  });

  test('a wrong PIN makes a pause, and the pause takes no PIN', async () => {
    const stand = new StaffStand(() => wrongPin(2));
    stand.insert();
    await stand.sees('staff-pin');
    stand.send({ type: 'pin.submit', pin: '111111' });
    await stand.sees('working');
    expect(await stand.sees('staff-pin')).toMatchObject({ waitSeconds: 30, wrong: true, triesLeft: 2 });
    stand.send({ type: 'pin.submit', pin: '123456' });
    expect(stand.shown).toMatchObject({ page: 'staff-pin' });
    for (let second = 0; second < 29; second += 1) stand.clock.increment(1000);
    expect(stand.shown).toMatchObject({ waitSeconds: 1 });
    stand.clock.increment(1000);
    expect(stand.shown).toMatchObject({ waitSeconds: 0 });
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('staff-home');
  });

  test('the pause is the card’s: pulling it out and putting it in shortens nothing', async () => {
    const stand = new StaffStand(() => ({ readCard: () => Promise.resolve(ok({ ...cardInfo, tries: { ...cardInfo.tries, pw1: 2 } })) }));
    stand.insert();
    expect(await stand.sees('staff-pin')).toMatchObject({ waitSeconds: 30 });
    stand.clock.increment(1000);
    stand.pull();
    stand.insert(2);
    expect(await stand.sees('staff-pin')).toMatchObject({ waitSeconds: 30 });
  });

  test.each([
    { left: 1, code: 'pin-last-try' },
    { left: 0, code: 'pin-blocked' },
  ])('with $left tries left nothing is asked', async ({ left, code }) => {
    const stand = new StaffStand(() => ({ readCard: () => Promise.resolve(ok({ ...cardInfo, tries: { ...cardInfo.tries, pw1: left } })) }));
    stand.insert();
    expect(await stand.sees('failure')).toMatchObject({ code, next: 'take-card' });
    expect(stand.calls.pins).toEqual([]);
  });
});

describe('a session ends', () => {
  test('with the card, at once', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.pull();
    expect(stand.shown).toBeNull();
    expect(stand.state.context.session).toBeNull();
    expect(stand.calls).toMatchObject({ letGo: [1], left: [new Uint8Array(16).fill(8)] });
  });

  test('by hand, and the card is to be taken', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.send({ type: 'visit.end' });
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'done' });
    stand.pull();
    expect(stand.shown).toBeNull();
  });

  test('with the screen', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.send({ type: 'screen.lost' });
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'timeout' });
  });

  test('at its limit, after five minutes of warning', async () => {
    const stand = new StaffStand(undefined, { idleLockMs: 10_000_000 });
    await stand.signIn();
    stand.clock.increment(7_200_000 - 300_000);
    expect(await stand.sees('staff-home')).toMatchObject({ minutesLeft: 5 });
    for (const minutesLeft of [4, 3, 2, 1]) {
      stand.clock.increment(60_000);
      expect(stand.shown).toMatchObject({ minutesLeft });
    }
    stand.clock.increment(60_000);
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'limit' });
    stand.pull();
    await stand.signIn(2);
    expect(stand.shown).toMatchObject({ page: 'staff-home', minutesLeft: null });
  });
});

describe('locking', () => {
  test('after idling; the card is read anew, and the PIN opens the same session', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.clock.increment(119_999);
    expect(stand.shown).toMatchObject({ page: 'staff-home' });
    stand.clock.increment(1);
    expect(await stand.sees('staff-pin')).toMatchObject({ why: 'locked' });
    expect(stand.calls).toMatchObject({ letGo: [1], left: [], read: 2 });
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('staff-home');
    expect(stand.calls.left).toEqual([]);
  });

  test('not while somebody is there', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.clock.increment(119_000);
    stand.send({ type: 'activity' });
    stand.clock.increment(119_000);
    expect(stand.shown).toMatchObject({ page: 'staff-home' });
  });

  test('by hand', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.send({ type: 'staff.lock' });
    expect(await stand.sees('staff-pin')).toMatchObject({ why: 'locked' });
  });

  test('and left alone for as long again, it ends', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.clock.increment(120_000);
    await stand.sees('staff-pin');
    stand.clock.increment(120_000);
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'timeout' });
    expect(stand.calls.left).toHaveLength(1);
  });
});

describe('a visit has precedence', () => {
  test('a staff card that meets one waits, unread', async () => {
    const stand = new StaffStand();
    stand.send({ type: 'floor', free: false });
    stand.insert();
    expect(stand.shown).toBe('waiting');
    expect(stand.calls.read).toBe(0);
    stand.send({ type: 'floor', free: true });
    await stand.sees('staff-pin');
  });

  test('a session that one meets is locked when it comes back', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.send({ type: 'floor', free: false });
    expect(stand.shown).toBe('waiting');
    expect(stand.calls).toMatchObject({ letGo: [1], left: [] });
    stand.send({ type: 'floor', free: true });
    expect(await stand.sees('staff-pin')).toMatchObject({ why: 'locked' });
  });

  test('and its limit runs on meanwhile', async () => {
    const stand = new StaffStand();
    await stand.signIn();
    stand.send({ type: 'floor', free: false });
    stand.clock.increment(7_200_000 - 300_000);
    for (let minute = 0; minute < 5; minute += 1) stand.clock.increment(60_000);
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'limit' });
    expect(stand.calls.left).toHaveLength(1);
  });
});

test('the journal names who signed in by the name that residents read, and nothing else of the card', async () => {
  const stand = new StaffStand();
  const before = stand.state;
  await stand.signIn();
  const events = recordOf(before, stand.state);
  expect(events).toEqual([
    { event: 'staff.began', session: '0000000000000001' },
    { event: 'staff.signed-in', session: '0000000000000001', who: '0W3G-E1R7', role: 'auditor', party: 'audit-office' },
    { event: 'staff.state', session: '0000000000000001', from: 'away', to: 'serving.inside.home' },
  ]);
});

describe('opening and closing the kiosk', () => {
  const as = (role: ProvenStaff['role'], done: string[] = [], result: Result<null> = ok(null)) =>
    new StaffStand(() => ({
      whose: () => Promise.resolve(ok({ ...auditor, role })),
      health: () => ({ ...health, closure: done.at(-1)?.startsWith('close') === true ? { reason: 'cleaning', back: null } : null }),
      close: ({ staff }, reason, back) => {
        done.push(`close ${staff.party} ${reason} ${back}`);
        return result;
      },
      open: ({ staff }) => {
        done.push(`open ${staff.party}`);
        return result;
      },
    }));

  test.each(['staff', 'technician'] as const)('is for a %s, signed in by card', async (role) => {
    const done: string[] = [];
    const stand = as(role, done);
    expect((await stand.signIn()).tends).toBe(true);
    stand.send({ type: 'desk.open', act: 'standing' });
    expect(await stand.sees('desk-standing')).toEqual({ page: 'desk-standing', closure: null });
    stand.send({ type: 'kiosk.close', reason: 'cleaning', back: 'hour' });
    await expect.poll(() => stand.shown).toEqual({ page: 'desk-standing', closure: { reason: 'cleaning', back: null } });
    stand.send({ type: 'kiosk.open' });
    await expect.poll(() => stand.shown).toEqual({ page: 'desk-standing', closure: null });
    stand.send({ type: 'back' });
    await stand.sees('staff-home');
    expect(done).toEqual(['close audit-office cleaning hour', 'open audit-office']);
  });

  test.each(['auditor', 'officer', 'registrar'] as const)('is not for an %s', async (role) => {
    const stand = as(role);
    expect((await stand.signIn()).tends).toBe(false);
    stand.send({ type: 'desk.open', act: 'standing' });
    expect(stand.shown).toMatchObject({ page: 'staff-home' });
  });

  test('a disk that does not take it is told', async () => {
    const stand = as('staff', [], fail('kiosk-storage'));
    await stand.signIn();
    stand.send({ type: 'desk.open', act: 'standing' });
    stand.send({ type: 'kiosk.close', reason: 'closed', back: 'unknown' });
    expect(await stand.sees('failure')).toMatchObject({ code: 'kiosk-storage' });
  });
});

describe('a matter that a resident goes on with here', () => {
  const at = (readiness: 'ready' | null): StaffStand => new StaffStand(() => ({ deskReadiness: () => readiness }));

  test('its code is good: the resident’s card is awaited', async () => {
    const stand = at('ready');
    await stand.signIn();
    stand.send({ type: 'desk.open', act: 'hand-off' });
    expect(stand.shown).toEqual({ page: 'desk-hand-off', unknown: false });
    stand.send({ type: 'hand-off.bring', code: '22222222' });
    await expect.poll(() => stand.shown).toEqual({ page: 'desk-hand-off', unknown: true });
    stand.send({ type: 'scanned', text: 'https://elsewhere.example' });
    expect(stand.shown).toEqual({ page: 'desk-hand-off', unknown: true });
    stand.send({ type: 'scanned', text: 'IMI-GO 7KQ2M4XD' });
    expect(await stand.sees('desk-hand-off-ready')).toEqual({ page: 'desk-hand-off-ready', until: new Date(1_795_300_000_000).toISOString(), problem: null });
    stand.send({ type: 'resident.reader', view: { view: 'mute', insertion: 5 } });
    expect(stand.shown).toMatchObject({ page: 'desk-hand-off-ready', problem: 'card-mute' });
    stand.send({ type: 'resident.reader', view: { view: 'empty' } });
    stand.send({ type: 'back' });
    await stand.sees('staff-home');
    stand.send({ type: 'desk.open', act: 'hand-off' });
    expect(stand.shown).toEqual({ page: 'desk-hand-off', unknown: false });
  });

  test.each([
    { closure: { reason: 'cleaning', back: null } as const, unfit: null, problem: 'closed' },
    { closure: null, unfit: 'head-too-old' as const, problem: 'head-too-old' },
  ])('where no visit begins ($problem), that is said', async ({ closure, unfit, problem }) => {
    const stand = new StaffStand(() => ({ deskReadiness: () => 'ready', health: () => ({ ...health, closure, unfit }) }));
    await stand.signIn();
    stand.send({ type: 'desk.open', act: 'hand-off' });
    stand.send({ type: 'scanned', text: 'IMI-GO 7KQ2M4XD' });
    expect(await stand.sees('desk-hand-off-ready')).toMatchObject({ problem });
  });

  test('not by somebody who registers nobody', async () => {
    const stand = at(null);
    await stand.signIn();
    stand.send({ type: 'desk.open', act: 'hand-off' });
    expect(stand.shown).toMatchObject({ page: 'staff-home' });
  });
});
