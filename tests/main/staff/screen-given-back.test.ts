import { beforeEach, describe, expect, test, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Page, Snapshot } from '../../../src/contract/bridge.ts';
import type { Clock } from '../../../src/main/clock.ts';
import { shareScreen, type Floor } from '../../../src/main/floor.ts';
import { startStaff, type ReaderClaim, type StaffSessions } from '../../../src/main/staff/start-staff.ts';
import { goodDeskWork } from '../desk/desk-stand.ts';
import { kiosk } from '../visit/visit-stand.ts';
import { goodStaffWork, settings, type StaffCalls } from './staff-stand.ts';

/** The staff's sessions at a kiosk with one reader, as the kiosk runs them: on the screen that the hall has while they have nothing to show. */
const clerk = 1;
const blank = 2;
const clerkAgain = 3;

let staff: StaffSessions;
let floor: Floor;
let page: Page['page'];
let time: SimulatedClock;
let calls: StaffCalls;
let claimed: ReaderClaim;

const attract: Snapshot = { seq: 0, language: 'en', languages: ['en'], kiosk, cardIn: false, staffWaits: false, overlay: null, page: { page: 'attract' } };

beforeEach(() => {
  time = new SimulatedClock();
  calls = { letGo: [], left: [], pins: [], read: 0 };
  claimed = null;
  const clock: Clock = { now: () => time.now(), setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };
  floor = shareScreen({ show: (shown) => (page = shown.page.page), wipe: () => undefined }, clock, () => undefined);
  floor.visits.show(attract);
  staff = startStaff({
    work: { ...goodStaffWork(calls), deskReadiness: () => 'ready' },
    desk: goodDeskWork({ did: [], pins: [] }),
    workshop: { open: () => ({ take: () => undefined, stop: () => undefined }) },
    settings: { ...settings, oneReader: true },
    screen: floor.staff,
    journal: { write: () => undefined, close: () => undefined },
    clock,
    kiosk,
    onClaim: (claim) => (claimed = claim),
    onAwaited: () => undefined,
  });
  staff.reader({ view: 'empty' });
});

const sees = (wanted: Page['page']): Promise<void> => vi.waitFor(() => expect(page).toBe(wanted), { timeout: 2_000, interval: 5 });
const insert = (insertion: number): void => staff.reader({ view: 'card', insertion });
const pull = (): void => staff.reader({ view: 'empty' });

async function upToCard(): Promise<void> {
  insert(clerk);
  await sees('staff-pin');
  staff.intent({ intent: 'pin.submit', pin: '123456' });
  await sees('staff-home');
  staff.intent({ intent: 'desk.open', act: 'register' });
  await sees('desk-check');
  staff.intent({ intent: 'desk.confirm' });
  await sees('desk-sign');
  staff.intent({ intent: 'pin.submit', pin: '123456' });
  await sees('desk-card');
}

async function upToStaff(): Promise<void> {
  await upToCard();
  pull();
  insert(blank);
  await sees('desk-turn');
  staff.intent({ intent: 'desk.confirm' });
  await sees('desk-pin');
  staff.intent({ intent: 'pin.choose', pin: '480213' });
  await sees('desk-slip');
  staff.intent({ intent: 'desk.confirm' });
  await sees('desk-sign');
  staff.intent({ intent: 'pin.submit', pin: '480213' });
  await sees('desk-turn');
}

/** Without two minutes of nobody being there. */
function passTwoHours(): void {
  for (let passed = 0; passed < settings.limitMs; passed += 60_000) {
    staff.intent({ intent: 'activity' });
    time.increment(60_000);
  }
}

const ends: { name: string; end: () => void }[] = [
  { name: '“End”', end: () => staff.intent({ intent: 'visit.end' }) },
  { name: 'the screen is lost', end: () => staff.screenLost() },
  { name: 'the session’s own limit', end: passTwoHours },
  { name: 'nobody is there', end: () => time.increment(settings.idleLockMs) },
];

describe('a session that ends while nobody’s card is in the one reader gives the hall its screen at once', () => {
  test.each(ends)('$name', async ({ end }) => {
    await upToCard();
    pull();
    expect(page).toBe('desk-card');
    end();
    expect(page).toBe('attract');
    expect(floor.holder).toBe('visits');
    expect(claimed).toBeNull();
    expect(calls.left).toHaveLength(1);
    insert(clerkAgain);
    await sees('staff-pin');
  });

  test('also when the resident has signed, and the staff’s card is awaited', async () => {
    await upToStaff();
    pull();
    expect(page).toBe('desk-card');
    staff.intent({ intent: 'visit.end' });
    expect(page).toBe('attract');
    expect(floor.holder).toBe('visits');
  });

  test('their card that was put back is theirs until it is out, also when nobody is signed in any more', async () => {
    await upToStaff();
    pull();
    insert(clerkAgain);
    await sees('desk-sign');
    expect(staff.insertion).toBe(clerk);
    staff.intent({ intent: 'pin.submit', pin: '123456' });
    await sees('desk-card');
    staff.intent({ intent: 'visit.end' });
    expect(page).toBe('staff-take-card');
    expect(staff.insertion).toBe(clerkAgain);
  });

  test('a kiosk that is switched off lets go of their card that was put back, too', async () => {
    await upToStaff();
    pull();
    insert(clerkAgain);
    await sees('desk-sign');
    staff.stop();
    expect(calls.letGo).toEqual([clerk, clerkAgain]);
  });

  test('with their card still in it the page asks to take it', async () => {
    await upToCard();
    staff.intent({ intent: 'visit.end' });
    expect(page).toBe('staff-take-card');
    pull();
    expect(page).toBe('attract');
  });
});
