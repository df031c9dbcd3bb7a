import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { expect, test as testInOwnHall, testInOpenHall as test } from './journey.ts';
import { answers, pin, services, signIn } from './steps.ts';

/** Pictures for docs/desk.md, where somebody wants them. */
const album = process.env['DESK_ALBUM'];
if (album !== undefined) mkdirSync(album, { recursive: true });
const picture = async (kiosk: Kiosk, name: string): Promise<void> => {
  if (album !== undefined) await kiosk.screenshot(join(album, `${name}.png`));
};

async function staffSignIn(kiosk: Kiosk, person = 'staff-liang'): Promise<void> {
  await kiosk.insertStaffCard(person);
  await kiosk.sees('staff-pin');
  await kiosk.chooseLanguage('en');
  await kiosk.enterPin(pin);
  await kiosk.sees('staff-home');
}

test('staff take the kiosk out of service, a resident is told why, and staff open it again', async ({ kiosk, hall }) => {
  await kiosk.sees('attract');
  await staffSignIn(kiosk);
  await kiosk.openDesk('standing');
  await kiosk.sees('desk-standing', 'open');
  await picture(kiosk, '11-close');
  await kiosk.closeKiosk('cleaning', 'half-hour');
  await hall.hand.pull({ slot: 'staff' });

  await kiosk.sees('closed', 'cleaning');
  await kiosk.reads('This kiosk is being cleaned');
  await kiosk.chooseLanguage('en');
  await kiosk.reads('这台机器正在清洁');
  await kiosk.reads(/Open again: \w+day \d\d:\d[05]/);
  await picture(kiosk, '12-closed');
  await kiosk.insertCard('lin');
  await kiosk.reads('Please take your card with you');
  await kiosk.sees('closed', 'cleaning');
  await kiosk.pullCard();
  await kiosk.doesNotRead('Please take your card with you');

  // In the other reader.
  await staffSignIn(kiosk);
  await kiosk.reads('This kiosk is being cleaned');
  await kiosk.openDesk('standing');
  await kiosk.openKiosk();
  await kiosk.sees('desk-standing', 'open');
  await hall.hand.pull({ slot: 'staff' });
  await kiosk.sees('attract');
  const acts = hall.journal().filter(({ event }) => event.event === 'kiosk.closed' || event.event === 'kiosk.opened');
  expect(acts.map(({ event }) => event.event)).toEqual(['kiosk.closed', 'kiosk.opened']);
});

/** `08:3+1 10:2+0` as the table on the screen says it of itself. */
async function countsOf(kiosk: Kiosk, figure: string): Promise<Map<string, number[]>> {
  const table = (await kiosk.sees('desk-day')).locator(`[data-figure="${figure}"]`);
  const said = (await table.getAttribute('data-counts')) ?? '';
  return new Map(said.split(' ').map((part) => [part.slice(0, part.lastIndexOf(':')), part.slice(part.lastIndexOf(':') + 1).split('+').map(Number)]));
}
const sum = (counts: Iterable<number[]>): number => [...counts].flat().reduce((all, one) => all + one, 0);

// Of a day on which nobody was here before.
testInOwnHall('the figures of the day agree with ledger and journal', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.allow();
  await kiosk.answerAll(answers);
  await kiosk.confirm();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await kiosk.pullCard();
  await kiosk.sees('goodbye');
  await kiosk.begin();
  await kiosk.chooseLanguage('en');
  await kiosk.insertCard('other');
  await kiosk.sees('failure', 'card-unsupported');
  await kiosk.pullCard();
  await kiosk.sees('goodbye');
  await kiosk.begin();

  await staffSignIn(kiosk);
  await kiosk.openDesk('day');
  await kiosk.sees('desk-day');
  await picture(kiosk, '13-day');
  const ended = hall.journal().flatMap(({ event }) => (event.event === 'visit.ended' ? [event] : []));
  const failures = hall.journal().flatMap(({ event }) => (event.event === 'visit.failure' ? [event.code] : []));
  const hours = [...(await countsOf(kiosk, 'hours')).values()];
  expect(sum(hours)).toBe(ended.length);
  expect(hours.reduce((all, [signedIn = 0]) => all + signedIn, 0)).toBe(ended.filter(({ signedIn }) => signedIn).length);
  expect(sum((await countsOf(kiosk, 'minutes')).values())).toBe(ended.filter(({ signedIn }) => signedIn).length);
  const byService = await countsOf(kiosk, 'services');
  expect(byService.get(services.tax)).toEqual([1]);
  expect(sum(byService.values())).toBe(hall.requestsInLedger().length);
  const refusals = await countsOf(kiosk, 'refusals');
  expect(refusals.get('card-unsupported')).toEqual([1]);
  expect(sum(refusals.values())).toBe(failures.length);

  await kiosk.showDay('earlier');
  await kiosk.reads('Nobody was here on this day');
  await kiosk.back();
  await kiosk.sees('staff-home');
  await hall.hand.pull({ slot: 'staff' });
  await kiosk.sees('attract');
});

test('one page says how each part of the kiosk is, and the hub’s other kiosks', async ({ kiosk, hall }) => {
  await kiosk.sees('attract');
  await staffSignIn(kiosk);
  await kiosk.openDesk('health');
  const page = await kiosk.sees('desk-health');
  const is = async (line: string, state: string): Promise<void> => expect(page.locator(`[data-line="${line}"]`)).toHaveAttribute('data-state', state);
  const stands = async (id: string, standing: string): Promise<void> => expect(page.locator(`[data-kiosk="${id}"][data-ledger="enrolled"]`)).toHaveAttribute('data-standing', standing);
  for (const line of ['reader-resident', 'reader-staff', 'hub', 'ledger', 'clock', 'disk']) await is(line, 'good');
  await stands('hall-1', 'open');
  await stands('hall-2', 'unseen');
  await picture(kiosk, '16-health');

  await kiosk.back();
  await kiosk.openDesk('standing');
  await kiosk.closeKiosk('maintenance', 'unknown');
  await kiosk.back();
  await kiosk.openDesk('health');
  await stands('hall-1', 'closed');
  await kiosk.back();
  await kiosk.openDesk('standing');
  await kiosk.openKiosk();
  await kiosk.sees('desk-standing', 'open');
  await kiosk.back();

  // What goes is said, and what comes back too; the hub has forgotten all that it was told, and is told anew.
  await kiosk.openDesk('health');
  await hall.killHub();
  await is('hub', 'bad');
  await kiosk.reads('The hub cannot be asked just now');
  await hall.startHub();
  await is('hub', 'good');
  await stands('hall-1', 'open');
  await hall.hand.pull({ slot: 'staff' });
  await kiosk.sees('attract');
});
