import { describe, expect, test } from 'vitest';
import type { Page, Snapshot } from '../../src/contract/bridge.ts';
import { isFree, shareScreen, type Floor } from '../../src/main/floor.ts';
import { kiosk } from './visit/visit-stand.ts';

const snapshot = (page: Page): Snapshot => ({ seq: 0, language: 'en', languages: ['en'], kiosk, cardIn: false, staffWaits: false, overlay: null, page });
const pin: Page = { page: 'pin', triesLeft: 3, pinPad: false, wrong: false, minLength: 6, maxLength: 8 };
const attract: Page = { page: 'attract' };
const staffPage: Page = { page: 'staff-take-card', ended: 'done' };

function stand(): { floor: Floor; shown: Snapshot[]; visits: boolean[]; wiped: () => number } {
  const shown: Snapshot[] = [];
  const visits: boolean[] = [];
  let wiped = 0;
  const floor = shareScreen({ show: (one) => shown.push(one), wipe: () => (wiped += 1) }, (is) => visits.push(is));
  return { floor, shown, visits, wiped: () => wiped };
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
