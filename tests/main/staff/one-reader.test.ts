import { describe, expect, test, vi } from 'vitest';
import type { FailureCode } from '../../../src/contract/failures.ts';
import { fail, ok } from '../../../src/contract/result.ts';
import type { DeskWork } from '../../../src/main/desk/work.ts';
import { keptDraftMs } from '../../../src/main/staff/kept-drafts.ts';
import type { ReaderView } from '../../../src/main/visit/reader-view.ts';
import { StaffStand } from './staff-stand.ts';

const clerk = 1;
const blank = 2;
const clerkAgain = 3;
const colleague = 4;

/** Somebody of the staff at a kiosk with one reader, up to where the blank card is wanted. */
async function upToCard(atDesk: Partial<DeskWork> = {}): Promise<StaffStand> {
  const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }), { oneReader: true }, atDesk);
  await stand.signIn(clerk);
  stand.send({ type: 'desk.open', act: 'register' });
  await stand.sees('desk-check');
  stand.send({ type: 'desk.confirm' });
  await stand.sees('desk-sign');
  stand.send({ type: 'pin.submit', pin: '123456' });
  await stand.sees('desk-card');
  return stand;
}

/** The card in the reader is another from now on. */
async function change(stand: StaffStand, insertion: number): Promise<void> {
  stand.pull();
  await stand.sees('desk-card');
  stand.insert(insertion);
}

async function upToSlip(atDesk: Partial<DeskWork> = {}): Promise<StaffStand> {
  const stand = await upToCard(atDesk);
  await change(stand, blank);
  await fromTurnToSlip(stand);
  return stand;
}

async function fromTurnToSlip(stand: StaffStand): Promise<void> {
  await stand.sees('desk-turn');
  stand.send({ type: 'desk.confirm' });
  await stand.sees('desk-pin');
  stand.send({ type: 'pin.choose', pin: '480213' });
  await stand.sees('desk-slip');
}

async function upToStaff(atDesk: Partial<DeskWork> = {}): Promise<StaffStand> {
  const stand = await upToSlip(atDesk);
  await fromSlipToStaff(stand);
  return stand;
}

async function fromSlipToStaff(stand: StaffStand): Promise<void> {
  stand.send({ type: 'desk.confirm' });
  await stand.sees('desk-sign');
  stand.send({ type: 'pin.submit', pin: '480213' });
  await stand.sees('desk-turn');
}

const handOf = (stand: StaffStand): { recoverySecret: Uint8Array; made: { unlockCode: string } } => {
  const hand = stand.state.context.session?.desk?.snapshot.context.hand;
  if (!hand) throw new Error('nothing is in hand');
  return hand;
};
const isWiped = (hand: ReturnType<typeof handOf>): boolean => hand.recoverySecret.every((byte) => byte === 0) && hand.made.unlockCode === '';

describe('the session goes on while the other card has the reader', () => {
  test('and is bound to the card that began: home again with that one, once it has signed', async () => {
    const stand = await upToStaff();
    stand.send({ type: 'desk.confirm' });
    expect(stand.shown).toMatchObject({ page: 'desk-card', card: 'staff', inReader: 'another' });
    await change(stand, clerkAgain);
    await stand.sees('desk-sign');
    expect(stand.state.context.session?.insertion).toBe(clerk);
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('desk-card');
    expect(stand.state.context.session?.insertion).toBe(clerkAgain);
    expect(stand.shown).toMatchObject({ card: 'again', inReader: 'staff' });
    stand.send({ type: 'desk.confirm' });
    expect(stand.shown).toMatchObject({ page: 'desk-done', tried: 'card-removed' });
    stand.send({ type: 'desk.confirm' });
    await stand.sees('staff-home');
  });

  test('pulled at “staff are back” the new card leads straight on: it has signed', async () => {
    const stand = await upToStaff();
    stand.pull();
    expect(stand.shown).toMatchObject({ page: 'desk-card', card: 'staff', inReader: 'nothing' });
  });

  test.each<{ name: string; view: ReaderView }>([
    { name: 'the reader is lost', view: { view: 'fault', code: 'reader-missing', detail: null } },
    { name: 'a card is put in the wrong way round', view: { view: 'mute', insertion: 9 } },
    { name: 'another program has the card', view: { view: 'in-use', insertion: 9 } },
  ])('$name: it waits for the right one', async ({ view }) => {
    const stand = await upToCard();
    stand.pull();
    stand.send({ type: 'reader', view });
    expect(stand.shown).toMatchObject({ page: 'desk-card', card: 'wanted' });
    await change(stand, blank);
    await stand.sees('desk-turn');
  });
});

describe('what ends it', () => {
  test('the staff’s card out where it is wanted', async () => {
    const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }), { oneReader: true });
    await stand.signIn(clerk);
    stand.send({ type: 'desk.open', act: 'register' });
    await stand.sees('desk-check');
    stand.pull();
    expect(stand.shown).toBeNull();
    expect(stand.calls.left).toHaveLength(1);
  });

  test('nobody there, with the other card in: all is dropped, and nobody’s card unlocks it', async () => {
    const stand = await upToStaff();
    const hand = handOf(stand);
    stand.clock.increment(120_000);
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'timeout' });
    expect(stand.state.context.session).toBeNull();
    expect(stand.calls.left).toHaveLength(1);
    expect(isWiped(hand)).toBe(true);
    stand.pull();
    expect(stand.shown).toBeNull();
  });

  /** With the card of whoever is helped in the reader. */
  async function helping(atDesk: Partial<DeskWork> = {}): Promise<StaffStand> {
    const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }), { oneReader: true }, { lookUp: () => Promise.resolve(ok({ verified: true as const, resident: new Uint8Array(16) })), ...atDesk });
    await stand.signIn(clerk);
    stand.send({ type: 'desk.open', act: 'unblock' });
    await stand.sees('desk-check');
    stand.send({ type: 'desk.confirm' });
    await stand.sees('desk-sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('desk-card');
    await change(stand, blank);
    return stand;
  }

  test('nobody there while the resident types: their card is asked for', async () => {
    const stand = await helping();
    await stand.sees('desk-turn');
    stand.send({ type: 'desk.confirm' });
    stand.clock.increment(120_000);
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'timeout' });
    stand.pull();
    expect(stand.shown).toBeNull();
  });

  test('left from the page that tells of the resident’s card, which is still in: it is asked for', async () => {
    const stand = await helping({ lookAtHolder: () => Promise.resolve(fail('card-code-blocked', '0')) });
    expect(await stand.sees('failure')).toMatchObject({ next: 'home' });
    stand.send({ type: 'home' });
    expect(stand.shown).toEqual({ page: 'staff-take-card', ended: 'done' });
    expect(stand.calls.left).toHaveLength(1);
    stand.pull();
    expect(stand.shown).toBeNull();
  });

  test('the same with their own card in locks, as ever', async () => {
    const stand = await upToCard();
    stand.clock.increment(120_000);
    expect(await stand.sees('staff-pin')).toMatchObject({ why: 'locked' });
  });

  test('the session’s own limit', async () => {
    const stand = await upToStaff();
    for (let passed = 0; passed < 7_200_000; passed += 60_000) {
      stand.send({ type: 'activity' });
      stand.clock.increment(60_000);
    }
    expect(stand.state.context.session).toBeNull();
  });
});

describe('a resident is awaited who goes on with what was begun elsewhere', () => {
  /** The staff's card is out, as the page asks. */
  async function awaited(): Promise<StaffStand> {
    const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }), { oneReader: true });
    await stand.signIn(clerk);
    stand.send({ type: 'desk.open', act: 'hand-off' });
    stand.send({ type: 'hand-off.bring', code: '7KQ2M4XD' });
    expect(await stand.sees('desk-hand-off-ready')).toMatchObject({ inReader: 'staff' });
    stand.pull();
    expect(stand.shown).toMatchObject({ page: 'desk-hand-off-ready', inReader: 'nothing' });
    return stand;
  }
  /** A visit takes the screen, and gives it back. */
  const visit = (stand: StaffStand, isThere: boolean): void => stand.send({ type: 'floor', free: !isThere });

  test('the session goes on until they have signed in, and is over then', async () => {
    const stand = await awaited();
    visit(stand, true);
    expect(stand.shown).toBeNull();
    expect(stand.calls.left).toHaveLength(0);
    stand.send({ type: 'hand-off.taken' });
    expect(stand.state.context.session).toBeNull();
    expect(stand.calls.left).toHaveLength(1);
    visit(stand, false);
    expect(stand.shown).toBeNull();
  });

  test('after a card with which nobody signs in the right one is awaited still', async () => {
    const stand = await awaited();
    const before = stand.state.context.session;
    visit(stand, true);
    visit(stand, false);
    expect(stand.shown).toMatchObject({ page: 'desk-hand-off-ready', inReader: 'nothing' });
    expect(stand.state).toMatchObject({ stage: 'serving.inside.awaiting', context: { session: { id: before?.id, handOff: { code: '7KQ2M4XD' } } } });
  });

  test('their own card instead signs in anew', async () => {
    const stand = await awaited();
    visit(stand, true);
    visit(stand, false);
    stand.insert(clerkAgain);
    expect(await stand.sees('staff-pin')).toMatchObject({ why: 'sign-in' });
    expect(stand.calls.left).toHaveLength(1);
  });

  const ends: { name: string; end: (stand: StaffStand) => void }[] = [
    { name: '“Back” with no card in', end: (stand) => stand.send({ type: 'back' }) },
    { name: '“Lock”', end: (stand) => stand.send({ type: 'staff.lock' }) },
    { name: '“End”', end: (stand) => stand.send({ type: 'visit.end' }) },
    { name: 'nobody there', end: (stand) => stand.clock.increment(120_000) },
    {
      name: 'the session’s own limit, while somebody else’s visit is on the screen',
      end(stand) {
        visit(stand, true);
        for (let passed = 0; passed < 7_200_000; passed += 60_000) stand.clock.increment(60_000);
      },
    },
  ];
  test.each(ends)('$name ends it', async ({ end }) => {
    const stand = await awaited();
    end(stand);
    expect(stand.shown).toBeNull();
    expect(stand.state.context.session).toBeNull();
    expect(stand.calls.left).toHaveLength(1);
  });

  test('“Back” with their card still in leads home', async () => {
    const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }), { oneReader: true });
    await stand.signIn(clerk);
    stand.send({ type: 'desk.open', act: 'hand-off' });
    stand.send({ type: 'hand-off.bring', code: '7KQ2M4XD' });
    await stand.sees('desk-hand-off-ready');
    stand.send({ type: 'back' });
    expect((await stand.sees('staff-home')).minutesLeft).toBeNull();
  });
});

describe('nothing half signed is kept for longer than five minutes', () => {
  /** Somebody touches the screen all the while. */
  const busyFor = (stand: StaffStand, ms: number): void => {
    for (let passed = 0; passed < ms; passed += 60_000) {
      stand.send({ type: 'activity' });
      stand.clock.increment(60_000);
    }
  };

  test('the slip on the screen', async () => {
    const stand = await upToSlip();
    const hand = handOf(stand);
    busyFor(stand, keptDraftMs - 60_000);
    expect(stand.shown).toMatchObject({ page: 'desk-slip', minutes: 5 });
    busyFor(stand, 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone', next: 'home' });
    expect(isWiped(hand)).toBe(true);
  });

  test('the slip that is gone back to, and its signature that is waited for, have the minutes that were left', async () => {
    const stand = await upToSlip();
    const hand = handOf(stand);
    busyFor(stand, 2 * 60_000);
    stand.send({ type: 'desk.confirm' });
    await stand.sees('desk-sign');
    busyFor(stand, 60_000);
    stand.send({ type: 'back' });
    expect(await stand.sees('desk-slip')).toMatchObject({ recoveryKey: expect.any(String) as string });
    busyFor(stand, 60_000);
    stand.send({ type: 'desk.confirm' });
    await stand.sees('desk-sign');
    expect(isWiped(hand)).toBe(false);
    busyFor(stand, keptDraftMs - 4 * 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone', next: 'home' });
    expect(isWiped(hand)).toBe(true);
  });

  test('once the resident has signed, the five minutes are those of the signature', async () => {
    const stand = await upToSlip();
    busyFor(stand, keptDraftMs - 60_000);
    await fromSlipToStaff(stand);
    busyFor(stand, keptDraftMs - 60_000);
    expect(stand.shown).toMatchObject({ page: 'desk-turn', to: 'staff' });
    busyFor(stand, 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone' });
  });

  test('a new card that is begun anew has a slip with five minutes of its own', async () => {
    const stand = await upToSlip();
    busyFor(stand, keptDraftMs - 60_000);
    stand.pull();
    expect(await stand.sees('failure')).toMatchObject({ code: 'card-removed', next: 'retry' });
    stand.send({ type: 'retry' });
    await stand.sees('desk-card');
    stand.insert(5);
    await fromTurnToSlip(stand);
    busyFor(stand, keptDraftMs - 60_000);
    expect(stand.shown).toMatchObject({ page: 'desk-slip' });
    busyFor(stand, 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone' });
  });

  test('the slip is wiped as soon as the resident has signed, and the signatures when the staff’s does not come', async () => {
    const stand = await upToStaff();
    expect(isWiped(handOf(stand))).toBe(true);
    busyFor(stand, 120_000);
    stand.send({ type: 'desk.confirm' });
    await change(stand, clerkAgain);
    await stand.sees('desk-sign');
    busyFor(stand, keptDraftMs - 120_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone', next: 'home' });
    expect(stand.state.context.session?.desk?.snapshot.context.hand).toBeNull();
    stand.send({ type: 'home' });
    // Its keys were right, and it has proven nothing.
    expect(stand.shown).toMatchObject({ page: 'staff-take-card' });
    expect(stand.calls.letGo).toContain(clerkAgain);
  });

  test('nor is it for longer because a colleague’s card came in between', async () => {
    const stand = await upToStaff({ lookAtStaff: (_, insertion) => Promise.resolve(insertion === colleague ? fail('staff-card-another') : ok({ triesLeft: 3, pinPad: false })) });
    busyFor(stand, 60_000);
    stand.send({ type: 'desk.confirm' });
    await change(stand, colleague);
    expect(await stand.sees('failure')).toMatchObject({ code: 'staff-card-another', next: 'retry' });
    stand.pull();
    stand.send({ type: 'retry' });
    await change(stand, clerkAgain);
    await stand.sees('desk-sign');
    busyFor(stand, keptDraftMs - 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone', next: 'home' });
    expect(stand.state.context.session?.desk?.snapshot.context.hand).toBeNull();
  });

  test('nor on the page that tells of it', async () => {
    const stand = await upToStaff({ lookAtStaff: () => Promise.resolve(fail('staff-card-another')) });
    stand.send({ type: 'desk.confirm' });
    await change(stand, colleague);
    await stand.sees('failure');
    busyFor(stand, keptDraftMs);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone', next: 'home' });
    expect(stand.state.context.session?.desk?.snapshot.context.hand).toBeNull();
  });

  test.each([0, 60_000])('and the next one has five minutes of its own, where the card was pulled and it was begun anew %i ms later', async (later) => {
    const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }));
    const inResidents = (view: ReaderView): void => stand.send({ type: 'resident.reader', view });
    await stand.signIn(clerk);
    stand.send({ type: 'desk.open', act: 'register' });
    await stand.sees('desk-check');
    stand.send({ type: 'desk.confirm' });
    stand.send({ type: 'pin.submit', pin: '123456' });
    await stand.sees('desk-card');
    inResidents({ view: 'card', insertion: 11 });
    await fromTurnToSlip(stand);
    await fromSlipToStaff(stand);
    busyFor(stand, keptDraftMs - 60_000);
    inResidents({ view: 'empty' });
    expect(await stand.sees('failure')).toMatchObject({ code: 'card-removed', next: 'retry' });
    busyFor(stand, later);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'card-removed' });
    stand.send({ type: 'retry' });
    inResidents({ view: 'card', insertion: 12 });
    await fromTurnToSlip(stand);
    await fromSlipToStaff(stand);
    busyFor(stand, keptDraftMs - 60_000);
    expect(stand.shown).toMatchObject({ page: 'desk-turn', to: 'staff' });
    busyFor(stand, 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'draft-gone' });
  });

  test('what was signed by all is not taken away while it is on its way', async () => {
    const stand = await upToStaff({ submit: () => Promise.resolve(fail('hub-unreachable')) });
    stand.send({ type: 'desk.confirm' });
    await change(stand, clerkAgain);
    await stand.sees('desk-sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    expect(await stand.sees('failure')).toMatchObject({ code: 'hub-unreachable', next: 'retry' });
    busyFor(stand, keptDraftMs + 60_000);
    expect(stand.shown).toMatchObject({ page: 'failure', code: 'hub-unreachable', next: 'retry' });
  });
});

describe('given to the hub with all its signatures', () => {
  async function signed(atDesk: Partial<DeskWork>): Promise<StaffStand> {
    const stand = await upToStaff(atDesk);
    stand.send({ type: 'desk.confirm' });
    await change(stand, clerkAgain);
    await stand.sees('desk-sign');
    stand.send({ type: 'pin.submit', pin: '123456' });
    return stand;
  }

  test.each(['on its way', 'told'])('it may be there: nobody says that nothing was sent, and the staff’s card, pulled while it is %s, is asked for once more', async (when) => {
    const line = Promise.withResolvers<void>();
    const codes: FailureCode[] = ['hub-unreachable', 'card-removed'];
    const stand = await signed({
      async submit() {
        const code = codes.shift();
        if (code === 'hub-unreachable') await line.promise;
        return code === undefined ? ok(null) : fail(code);
      },
    });
    await vi.waitFor(() => expect(codes).toHaveLength(1));
    if (when === 'on its way') stand.pull();
    line.resolve();
    expect(await stand.sees('failure')).toMatchObject({ code: 'hub-unreachable', next: 'retry', sent: 'not-begun' });
    if (when === 'told') stand.pull();
    stand.send({ type: 'retry' });
    await vi.waitFor(() => expect(codes).toHaveLength(0));
    expect(await stand.sees('failure')).toMatchObject({ code: 'card-removed', next: 'retry', sent: 'not-begun' });
    stand.send({ type: 'retry' });
    expect(stand.shown).toMatchObject({ page: 'desk-card', card: 'staff', inReader: 'nothing' });
    stand.insert(5);
    expect(await stand.sees('desk-sign')).toMatchObject({ what: 'register' });
    expect(stand.state.context.session?.insertion).toBe(clerkAgain);
    stand.send({ type: 'pin.submit', pin: '123456' });
    expect(await stand.sees('desk-card')).toMatchObject({ card: 'again', inReader: 'staff' });
    expect(stand.state.context.session?.insertion).toBe(5);
  });

  test('the hub that refuses it has nothing of it', async () => {
    const stand = await signed({ submit: () => Promise.resolve(fail('request-rejected')) });
    expect(await stand.sees('failure')).toMatchObject({ code: 'request-rejected', next: 'home', sent: 'nothing' });
  });

  test('what goes wrong when it is recorded is not told as if it were not', async () => {
    const stand = await signed({ lookAtMade: () => Promise.resolve(fail('card-another')) });
    await stand.sees('desk-card');
    await change(stand, blank);
    expect(await stand.sees('failure')).toMatchObject({ code: 'card-another', next: 'retry', sent: 'not-begun' });
  });
});

test('with a reader each nothing of it is asked', async () => {
  const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }));
  await stand.signIn(clerk);
  stand.send({ type: 'desk.open', act: 'register' });
  await stand.sees('desk-check');
  stand.send({ type: 'desk.confirm' });
  stand.send({ type: 'pin.submit', pin: '123456' });
  expect(await stand.sees('desk-card')).toEqual({ page: 'desk-card', card: 'wanted' });
  stand.pull();
  expect(stand.shown).toBeNull();
});
