import { describe, expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Page, Snapshot } from '../../src/contract/bridge.ts';
import type { Clock } from '../../src/main/clock.ts';
import { isFree, shareScreen, type Floor } from '../../src/main/floor.ts';
import { kiosk } from './visit/visit-stand.ts';

const snapshot = (page: Page): Snapshot => ({ seq: 0, language: 'en', languages: ['en'], kiosk, cardIn: false, staffWaits: false, overlay: null, page });
const pin: Page = { page: 'pin', triesLeft: 3, pinPad: false, wrong: false, minLength: 6, maxLength: 8 };
const attract: Page = { page: 'attract' };
const staffPage: Page = { page: 'staff-take-card', ended: 'done' };

const waiting: Page = { page: 'working', doing: 'proving-key' };
const time = new SimulatedClock();
const clock: Clock = { now: () => time.now(), setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };

function stand(): { floor: Floor; shown: Snapshot[]; pages: () => string[]; visits: boolean[]; wiped: () => number } {
  const shown: Snapshot[] = [];
  const visits: boolean[] = [];
  let wiped = 0;
  const floor = shareScreen({ show: (one) => shown.push(one), wipe: () => (wiped += 1) }, clock, (is) => visits.push(is));
  return { floor, shown, pages: () => shown.map(({ page }) => page.page), visits, wiped: () => wiped };
}

test('each number is new, whoever shows', () => {
  const { floor, shown } = stand();
  floor.visits.show(snapshot(attract));
  floor.staff.show(snapshot(staffPage));
  floor.staff.show(null);
  expect(shown.map(({ seq, page }) => [seq, page.page])).toEqual([
    [1, 'attract'],
    [2, 'staff-take-card'],
    [3, 'attract'],
  ]);
});

test('a staff card has the screen while nobody is served', () => {
  const { floor } = stand();
  floor.visits.show(snapshot(attract));
  floor.staff.show(snapshot(staffPage));
  expect(floor.holder).toBe('staff');
  floor.visits.show(snapshot({ page: 'language' }));
  expect(floor.holder).toBe('staff');
});

test('a visit takes the screen, says that a staff card waits, and gives it back', () => {
  const { floor, shown, visits } = stand();
  floor.visits.show(snapshot(attract));
  floor.staff.show(snapshot(staffPage));
  floor.visits.show(snapshot(pin));
  floor.staff.show('waiting');
  expect(floor.holder).toBe('visits');
  expect(shown.at(-1)).toMatchObject({ page: { page: 'pin' }, staffWaits: true });
  floor.visits.show(snapshot({ page: 'goodbye', ended: 'done', receipts: [], unsent: false }));
  expect(visits).toEqual([true]);
  floor.visits.show(snapshot(attract));
  expect(visits).toEqual([true, false]);
  expect(shown.at(-1)).toMatchObject({ page: { page: 'attract' }, staffWaits: false });
});

test('the end of a session does not wipe a visit that is on the screen', () => {
  const { floor, wiped } = stand();
  floor.visits.show(snapshot(pin));
  floor.staff.show('waiting');
  floor.staff.show(null);
  floor.staff.wipe();
  expect(wiped()).toBe(0);
  floor.visits.wipe();
  expect(wiped()).toBe(1);
  floor.visits.show(snapshot(attract));
  floor.staff.wipe();
  expect(wiped()).toBe(2);
});

describe('a page of waiting', () => {
  test.each(['visits', 'staff'] as const)('does not flash by before what is done at once: %s', (side) => {
    const { floor, pages } = stand();
    floor.visits.show(snapshot(attract));
    floor[side].show(snapshot(side === 'visits' ? pin : staffPage));
    floor[side].show(snapshot(waiting));
    time.increment(99);
    floor[side].show(snapshot({ page: 'take-card', references: [] }));
    time.increment(1000);
    expect(pages()).toEqual(['attract', side === 'visits' ? 'pin' : 'staff-take-card', 'take-card']);
  });

  test('comes a moment later, with what is done by then, and then at once', () => {
    const { floor, shown, pages } = stand();
    floor.visits.show(snapshot(pin));
    floor.visits.show(snapshot(waiting));
    floor.visits.show(snapshot({ page: 'working', doing: 'opening-space' }));
    time.increment(99);
    expect(pages()).toEqual(['pin']);
    time.increment(1);
    expect(shown.at(-1)?.page).toMatchObject({ doing: 'opening-space' });
    floor.visits.show(snapshot(waiting));
    expect(shown.at(-1)?.page).toEqual(waiting);
  });

  test('of a visit that takes the screen from staff is there at once', () => {
    const { floor, pages, visits } = stand();
    floor.visits.show(snapshot(attract));
    floor.staff.show(snapshot(staffPage));
    floor.visits.show(snapshot(waiting));
    expect(visits).toEqual([true]);
    expect(pages()).toEqual(['attract', 'staff-take-card', 'working']);
  });

  test('that was not shown yet does not come after the end', () => {
    const { floor, pages } = stand();
    floor.visits.show(snapshot(pin));
    floor.visits.show(snapshot(waiting));
    floor.visits.show(snapshot({ page: 'take-card', references: [] }));
    time.increment(1000);
    expect(pages()).toEqual(['pin', 'take-card']);
    floor.visits.show(snapshot(waiting));
    floor.stop();
    time.increment(1000);
    expect(pages()).toEqual(['pin', 'take-card']);
  });

  test('is shown before the document goes: the fresh one does not get the page before', () => {
    const { floor, pages, wiped } = stand();
    floor.visits.show(snapshot(pin));
    floor.visits.show(snapshot(waiting));
    floor.visits.wipe();
    expect([wiped(), ...pages()]).toEqual([1, 'pin', 'working']);
    time.increment(1000);
    expect(pages()).toHaveLength(2);
  });
});

describe('nobody is served', () => {
  const cases: { page: Page; free: boolean }[] = [
    { page: attract, free: true },
    { page: { page: 'insert-card' }, free: true },
    { page: { page: 'failure', code: 'reader-missing', detail: null, next: 'none', sent: 'not-begun' }, free: true },
    { page: { page: 'failure', code: 'hub-busy', detail: null, next: 'retry', sent: 'not-begun' }, free: false },
    { page: pin, free: false },
    { page: { page: 'take-card', references: [] }, free: false },
  ];
  test.each(cases)('$page.page: $free', ({ page, free }) => {
    expect(isFree(snapshot(page))).toBe(free);
  });
});
