import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { expect, testInOpenHall as test } from './journey.ts';
import { pin } from './steps.ts';

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
