import { describe, expect, test } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import { keptDraftMs } from '../../../src/main/staff/kept-drafts.ts';
import type { ReaderView } from '../../../src/main/visit/reader-view.ts';
import { StaffStand } from './staff-stand.ts';

const clerk = 1;
const blank = 2;
const clerkAgain = 3;

/** Somebody of the staff at a kiosk with one reader, up to where the blank card is wanted. */
async function upToCard(): Promise<StaffStand> {
  const stand = new StaffStand(() => ({ deskReadiness: () => 'ready' }), { oneReader: true });
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

async function upToSlip(): Promise<StaffStand> {
  const stand = await upToCard();
  await change(stand, blank);
  await stand.sees('desk-turn');
  stand.send({ type: 'desk.confirm' });
  await stand.sees('desk-pin');
  stand.send({ type: 'pin.choose', pin: '480213' });
  await stand.sees('desk-slip');
  return stand;
}

async function upToStaff(): Promise<StaffStand> {
  const stand = await upToSlip();
  stand.send({ type: 'desk.confirm' });
  await stand.sees('desk-sign');
  stand.send({ type: 'pin.submit', pin: '480213' });
  await stand.sees('desk-turn');
  return stand;
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
    expect(stand.shown).toBeNull();
    expect(stand.state.context.session).toBeNull();
    expect(stand.calls.left).toHaveLength(1);
    expect(isWiped(hand)).toBe(true);
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
    expect(stand.shown).toBeNull();
    expect(stand.calls.letGo).toContain(clerkAgain);
  });
});

test('with a reader each nothing of it is asked', async () => {
  const stand = new StaffStand(() => ({ deskReadiness: () => 'ready', drafts: () => Promise.resolve(ok([])) }));
  await stand.signIn(clerk);
  stand.send({ type: 'desk.open', act: 'register' });
  await stand.sees('desk-check');
  stand.send({ type: 'desk.confirm' });
  stand.send({ type: 'pin.submit', pin: '123456' });
  expect(await stand.sees('desk-card')).toEqual({ page: 'desk-card', card: 'wanted' });
  stand.pull();
  expect(stand.shown).toBeNull();
});
