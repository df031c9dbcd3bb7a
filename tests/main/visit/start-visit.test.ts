import { SimulatedClock } from 'xstate';
import { beforeEach, expect, test } from 'vitest';
import { ok } from '../../../src/contract/result.ts';
import type { Clock } from '../../../src/main/clock.ts';
import { journalEventSchema, type JournalEvent } from '../../../src/main/journal.ts';
import { startVisits, type Visits } from '../../../src/main/visit/start-visit.ts';
import type { KioskFacts } from '../../../src/main/visit/snapshot.ts';
import type { VisitWork } from '../../../src/main/visit/work.ts';
import { PaperScreen } from '../kiosk-stand.ts';
import { canary, goodWork, kiosk, newAccess, settings, taxOffer, type Calls } from './visit-stand.ts';

let screen: PaperScreen;
let written: JournalEvent[];
let calls: Calls;
let takenUp: number;
const time = new SimulatedClock();
const clock: Clock = { now: () => time.now(), setTimeout: (run, ms) => time.setTimeout(run, ms), clearTimeout: (timer) => time.clearTimeout(timer as number) };

function start(change: Partial<VisitWork> = {}, facts: KioskFacts = kiosk, code: string | null = null): Visits {
  const work = { ...goodWork(calls, newAccess()), ...change };
  const visits = startVisits({ work, settings, screen, clock, kiosk: facts, closure: () => null, brought: () => code, onTakenUp: () => (takenUp += 1), journal: { write: (event) => written.push(journalEventSchema.parse(event)), close: () => undefined } });
  visits.reader({ view: 'empty' });
  return visits;
}

async function signIn(visits: Visits, insertion = 1): Promise<void> {
  visits.reader({ view: 'card', insertion });
  await screen.sees('pin');
  visits.intent({ intent: 'pin.submit', pin: '123456' });
  await screen.sees('home');
}

beforeEach(() => {
  screen = new PaperScreen();
  [written, takenUp] = [[], 0];
  calls = { left: [], delivered: [], pins: [], signed: 0, signings: [], mutes: [], prints: [], strips: [], dropped: [] };
});

test('an intent that the state does not know is ignored and journalled, and activity is not', async () => {
  const visits = start();
  await signIn(visits);
  const shown = screen.shown.length;
  visits.intent({ intent: 'consent.allow' });
  visits.intent({ intent: 'activity' });
  expect(screen.shown).toHaveLength(shown);
  expect(written.filter(({ event }) => event === 'intent.ignored')).toMatchObject([{ intent: 'consent.allow', state: 'visiting.inside.home' }]);
});

test('the journal tells states and times, and no fact', async () => {
  const visits = start();
  await signIn(visits);
  visits.intent({ intent: 'service.open', service: taxOffer.service.id });
  visits.intent({ intent: 'visit.end' });
  visits.reader({ view: 'empty' });
  expect(written.map(({ event }) => event)).toContain('visit.began');
  expect(written.find(({ event }) => event === 'visit.ended')).toMatchObject({ ended: 'done', requests: 0 });
  expect(written.filter(({ event }) => event === 'visit.state').length).toBeGreaterThan(5);
  expect(JSON.stringify(written)).not.toContain(canary);
  expect(JSON.stringify(written)).not.toContain('123456');
});

test('the end of a visit shows a page without facts, clears the document and shows the page again', async () => {
  const visits = start();
  await signIn(visits);
  visits.reader({ view: 'empty' });
  expect(screen.wiped).toBe(1);
  expect(screen.shown.slice(-2).map(({ snapshot }) => snapshot.page.page)).toEqual(['goodbye', 'goodbye']);
  const numbers = screen.shown.map(({ snapshot }) => snapshot.seq);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
});

test('a code that staff have brought is taken up once somebody has signed in, and not by a card alone', async () => {
  const visits = start({}, kiosk, '7KQ2M4XD');
  visits.reader({ view: 'card', insertion: 1 });
  await screen.sees('pin');
  visits.reader({ view: 'empty' });
  expect(takenUp).toBe(0);
  visits.reader({ view: 'card', insertion: 2 });
  await screen.sees('pin');
  visits.intent({ intent: 'pin.submit', pin: '123456' });
  await expect.poll(() => takenUp).toBe(1);
  visits.reader({ view: 'empty' });
  expect(takenUp).toBe(1);
});

test('a fault is one page, is journalled without what was typed, and the next card is served', async () => {
  const visits = start({
    grantEnd: () => {
      throw new Error(`a bug with ${canary}`);
    },
  });
  await signIn(visits);
  visits.intent({ intent: 'service.open', service: taxOffer.service.id });
  expect(await screen.sees('failure')).toMatchObject({ code: 'kiosk-fault', next: 'none' });
  expect(calls.left.map(({ insertion }) => insertion)).toEqual([1]);
  expect(written.find(({ event }) => event === 'kiosk.fault')).toMatchObject({ name: 'Error' });
  expect(JSON.stringify(written)).not.toContain(canary);
  visits.reader({ view: 'empty' });
  await screen.sees('attract');
  await signIn(visits, 2);
});

test('a screen that was lost after a fault shows the fault again', async () => {
  const visits = start({
    grantEnd: () => {
      throw new Error('a bug');
    },
  });
  await signIn(visits);
  visits.intent({ intent: 'service.open', service: taxOffer.service.id });
  await screen.sees('failure');
  const before = screen.shown.length;
  visits.screenLost();
  expect(screen.shown.slice(before).map(({ snapshot }) => snapshot.page)).toMatchObject([{ page: 'failure', code: 'kiosk-fault' }]);
  const numbers = screen.shown.map(({ snapshot }) => snapshot.seq);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test.each<{ name: string; end: (visits: Visits) => void }>([
  { name: 'a fault', end: (visits) => visits.intent({ intent: 'service.open', service: taxOffer.service.id }) },
  { name: 'the kiosk stopping', end: (visits) => visits.stop() },
])('$name takes the secrets of the visit back', async ({ end }) => {
  const probe = newAccess();
  const visits = start({
    openAccess: () => Promise.resolve(ok(probe.access)),
    grantEnd: () => {
      throw new Error('a bug');
    },
  });
  await signIn(visits);
  end(visits);
  expect(probe.closed).toBe(true);
  expect(probe.access.session.every((byte) => byte === 0)).toBe(true);
  // The keeper's session is closed with what it was.
  expect(calls.left.map(({ session }) => session?.[0])).toEqual([8]);
  expect(visits.idle).toBe(true);
});

test.each([true, false])('every snapshot of a kiosk with stand-ins says so: %s', async (standIns) => {
  const visits = start({}, { ...kiosk, standIns });
  await signIn(visits);
  visits.intent({ intent: 'service.open', service: taxOffer.service.id });
  visits.intent({ intent: 'visit.end' });
  visits.reader({ view: 'empty' });
  visits.reader({ view: 'fault', code: 'reader-missing', detail: null });
  expect(new Set(screen.shown.map(({ snapshot }) => snapshot.page.page)).size).toBeGreaterThan(5);
  expect(screen.shown.every(({ snapshot }) => snapshot.kiosk.standIns === standIns)).toBe(true);
});

test('a screen that was lost gets the page of the ended visit', async () => {
  const visits = start();
  await signIn(visits);
  visits.screenLost();
  expect(screen.page.page).toBe('take-card');
  expect(visits.idle).toBe(true);
});
