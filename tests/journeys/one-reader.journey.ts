import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { IdentityCard } from '../../src/contract/device-host.ts';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { fang } from '../fixtures/fang.ts';
import { testAtDesk as test, type Desk } from './desk-hall.ts';
import type { Hall } from './hall.ts';
import { expect } from './journey.ts';
import { answers, answerTo, begin, leave, pin, services, signIn } from './steps.ts';

/** A small counter: residents' and staff's cards take turns in the only reader. */
test.use({ isShared: true });
test.describe.configure({ mode: 'serial' });

/** What stands on the slip of Fang's card. */
const slip = { key: '', code: '' };

/** Pictures for docs/desk.md, where somebody wants them. */
const album = process.env['DESK_ALBUM'];
if (album !== undefined) mkdirSync(album, { recursive: true });
async function picture(kiosk: Kiosk, name: string): Promise<void> {
  if (album !== undefined) await kiosk.screenshot(join(album, `${name}.png`));
}

/** Resolves when the kiosk has heard of it: no hand is as quick as the next line. */
async function takeOut(hall: Hall): Promise<void> {
  const before = hall.cardOutHeardAt();
  await hall.hand.pull();
  await expect.poll(() => hall.cardOutHeardAt()).not.toBe(before);
}
async function change(hall: Hall, put: () => Promise<void>): Promise<void> {
  await takeOut(hall);
  await put();
}

async function staffSignIn(kiosk: Kiosk, person: 'staff-liang' | 'clerk-tan'): Promise<void> {
  await kiosk.sees('attract');
  await kiosk.insertCard(person);
  await kiosk.sees('staff-pin');
  await kiosk.chooseLanguage('en');
  await kiosk.enterPin(pin);
  await kiosk.sees('staff-home');
}

async function upToCard(kiosk: Kiosk, desk: Desk, act: 'register' | 'replace' | 'unblock', person: IdentityCard, wanted: 'wanted' | 'holder'): Promise<void> {
  await kiosk.openDesk(act);
  desk.lay(null);
  desk.lay(person);
  await kiosk.sees('desk-check');
  await kiosk.goOn();
  await kiosk.enterPin(pin);
  await kiosk.sees('desk-card', wanted);
}

test('Fang is registered: three times the cards change places, each time the wrong one is told first; then her first request', async ({ kiosk, hall, desk }) => {
  await staffSignIn(kiosk, 'staff-liang');
  await upToCard(kiosk, desk, 'register', fang, 'wanted');
  await kiosk.reads('Take your own card out');
  await picture(kiosk, '20-your-card-out');
  await change(hall, () => kiosk.insertCard('chen'));
  await kiosk.sees('failure', 'card-registered');
  await takeOut(hall);
  await kiosk.retry();
  await kiosk.reads('Now put the blank card in');
  await picture(kiosk, '21-blank-card-in');
  await desk.insertBlank();
  await kiosk.sees('desk-turn', 'resident');
  await takeOut(hall);
  await kiosk.sees('failure', 'card-removed');
  await kiosk.retry();
  await desk.insertAgain();
  await kiosk.sees('desk-card', 'used');
  await kiosk.goOn();
  await kiosk.sees('desk-turn', 'resident');
  await kiosk.goOn();
  await kiosk.choosePin('480213');
  const shown = await kiosk.sees('desk-slip');
  slip.code = (await shown.locator('[data-unlock-code]').innerText()).replaceAll(/\s/g, '');
  slip.key = (await shown.locator('[data-recovery-key]').innerText()).replaceAll(/\s/g, '');
  await kiosk.reads('It is shown for 5 minutes');
  await kiosk.goOn();
  await kiosk.sees('desk-sign', 'resident');
  await kiosk.enterPin('480213');
  await kiosk.sees('desk-turn', 'staff');
  await kiosk.goOn();
  await kiosk.sees('desk-card', 'staff');
  await picture(kiosk, '22-new-card-out');

  await change(hall, () => kiosk.insertCard('clerk-tan'));
  await kiosk.sees('failure', 'staff-card-another');
  await picture(kiosk, '23-not-yours');
  await takeOut(hall);
  await kiosk.retry();
  await kiosk.insertCard('staff-liang');
  await kiosk.sees('desk-sign', 'register');
  await takeOut(hall);
  await kiosk.sees('desk-card', 'staff');
  await kiosk.insertCard('staff-liang');
  await kiosk.sees('desk-sign', 'register');
  await kiosk.enterPin(pin);

  await kiosk.sees('desk-card', 'again');
  await picture(kiosk, '24-try-it');
  await change(hall, () => kiosk.insertCard('lin'));
  await kiosk.sees('failure', 'card-another');
  await takeOut(hall);
  await kiosk.retry();
  await kiosk.sees('desk-card', 'again');
  await desk.insertAgain();
  await kiosk.sees('desk-sign', 'try-out');
  await picture(kiosk, '25-try-it-with-pin');
  await kiosk.enterPin('480213');
  await kiosk.sees('desk-done', 'good');
  await takeOut(hall);
  await kiosk.sees('attract');

  await kiosk.begin();
  await kiosk.chooseLanguage('en');
  await desk.insertAgain();
  await kiosk.enterPin('480213');
  await kiosk.sees('home');
  await kiosk.reads('方敏');
  await kiosk.openService('telecom/number-registration');
  await kiosk.allow();
  await kiosk.answerAll({ ...answers, phone_number: '13826400912', number_use: 'own', emergency_phone: '13800138001', bill_delivery: 'sms' });
  await kiosk.confirm();
  await kiosk.sees('sign');
  await kiosk.enterPin('480213');
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
  await kiosk.nextPerson();
});

const fangsCard = (hall: Hall): string => join(hall.world.dataDir, 'cards', 'blank-1.json');

test('she has forgotten her PIN: it is unlocked at the same reader', async ({ kiosk, hall, desk }) => {
  await staffSignIn(kiosk, 'staff-liang');
  await upToCard(kiosk, desk, 'unblock', fang, 'holder');
  await change(hall, () => hall.hand.insert(fangsCard(hall)));
  await kiosk.sees('desk-turn', 'resident');
  await kiosk.goOn();
  await kiosk.typeSlipCode(slip.code);
  await kiosk.choosePin('913746');
  await kiosk.sees('desk-done', 'good');
  await takeOut(hall);

  await begin(kiosk);
  await hall.hand.insert(fangsCard(hall));
  await kiosk.enterPin('913746');
  await kiosk.sees('home');
  await leave(kiosk);
  await kiosk.nextPerson();
});

test('she has lost her card: two colleagues replace it, one after the other at the same reader', async ({ kiosk, hall, desk }) => {
  await staffSignIn(kiosk, 'staff-liang');
  await upToCard(kiosk, desk, 'replace', fang, 'wanted');
  await change(hall, () => desk.insertBlank());
  await kiosk.sees('desk-turn', 'resident');
  await kiosk.goOn();
  await kiosk.choosePin('305817');
  await kiosk.typeOldSlip(slip.key);
  await kiosk.sees('desk-slip');
  await kiosk.goOn();
  await kiosk.sees('desk-sign', 'resident-replace');
  await kiosk.enterPin('305817');
  await kiosk.sees('desk-turn', 'staff');
  await kiosk.goOn();
  await change(hall, () => kiosk.insertCard('staff-liang'));
  await kiosk.sees('desk-sign', 'replace');
  await kiosk.enterPin(pin);
  await kiosk.sees('desk-kept');
  await kiosk.reads('Keep 方敏’s new card at hand');
  await takeOut(hall);

  await staffSignIn(kiosk, 'clerk-tan');
  await kiosk.openDraft();
  await kiosk.sees('desk-second');
  await kiosk.goOn();
  await kiosk.sees('desk-sign', 'second-replace');
  await kiosk.enterPin(pin);
  await kiosk.sees('desk-card', 'again');
  await change(hall, () => desk.insertAgain());
  await kiosk.sees('desk-sign', 'try-out');
  await kiosk.enterPin('305817');
  await kiosk.sees('desk-done', 'good');
  await takeOut(hall);

  await begin(kiosk);
  await desk.insertAgain();
  await kiosk.enterPin('305817');
  const home = await kiosk.sees('home');
  await expect(home.locator('[data-notice="card-read-only"]')).toContainText('not sign');
  await leave(kiosk);
  await kiosk.nextPerson();
  await begin(kiosk);
  await hall.hand.insert(fangsCard(hall));
  await kiosk.sees('failure', 'key-blocked');
  await takeOut(hall);
  await kiosk.nextPerson();
});

test('what Lin began in the hall she finishes at this counter: staff’s card out, hers in', async ({ kiosk, hall, desk }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.allow();
  await kiosk.answer('property_use', answerTo('property_use'));
  await kiosk.sees('question', 'tax_year');
  const code = await kiosk.handOff();
  await leave(kiosk);
  await kiosk.nextPerson();
  const requests = hall.requestsInLedger().length;

  await staffSignIn(kiosk, 'staff-liang');
  await kiosk.openDesk('hand-off');
  await kiosk.bringCode(code);
  await kiosk.sees('desk-hand-off-ready');
  await kiosk.reads('Take your own card out');
  await picture(kiosk, '26-await-here');
  await change(hall, () => desk.insertBlank());
  await kiosk.sees('failure', 'card-unsupported');
  await takeOut(hall);
  await kiosk.begin();
  await kiosk.reads('Your own session is over as soon as they have signed in');
  await hall.hand.insert(hall.cardFile('lin'));
  await kiosk.enterPin(pin);
  await kiosk.sees('question', 'tax_year');
  await kiosk.chooseLanguage('en');
  expect(await kiosk.answerAll(answers)).not.toContain('property_use');
  await kiosk.confirm();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  expect(hall.requestsInLedger()).toHaveLength(requests + 1);
  await leave(kiosk);
  await kiosk.nextPerson();

  await staffSignIn(kiosk, 'staff-liang');
  await takeOut(hall);
  await kiosk.sees('attract');
});
