import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recoveryKeyText } from '../../src/identity/recovery-key.ts';
import { demoSecret } from '../../tools/demo/demo-keys.ts';
import { RegistrarOffice } from '../cli/registrar-office.ts';
import { agencyOf } from '../gateway/gateway-in-test.ts';
import type { Hall } from './hall.ts';
import { expect, test } from './journey.ts';
import { answers, begin, fillIn, leave, pin, services, signIn } from './steps.ts';

/** Lin's first visit: a request with typed answers, and a letter that the tax bureau writes. */
async function settleIn({ kiosk, gatewayUrl, world }: Hall): Promise<void> {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
  await kiosk.nextPerson();
  const tax = agencyOf(gatewayUrl, 'tax-bureau', world);
  const listed = await tax.requests();
  const request = listed.ok ? listed.value[0] : undefined;
  if (request === undefined) throw new Error('no request at the agency');
  expect((await tax.step(request, { step: 'received', letter: { title: 'We have it', text: 'It takes five days.' } })).ok).toBe(true);
}

/** The registrar's office, in another building. */
async function replaceCard(hall: Hall, slip: string | null): Promise<void> {
  const dir = join(hall.world.dataDir, 'office');
  const office = await RegistrarOffice.open({ dir, world: hall.world, hubPath: hall.hubPath, gateway: hall.gatewayUrl });
  try {
    const file = join(dir, 'slip.txt');
    if (slip !== null) writeFileSync(file, slip);
    const { code, err, out } = await office.replace('lin', 'lin-new', slip === null ? [] : ['--slip', file]);
    expect([err, code]).toEqual(['', 0]);
    expect(out).toMatch(/The new slip: \S+\.pdf/);
  } finally {
    await office.close();
  }
}

async function meetsOldCard({ kiosk }: Hall): Promise<void> {
  await begin(kiosk);
  await kiosk.insertCard('lin');
  await kiosk.sees('failure', 'key-blocked');
  await kiosk.pullCard();
  await kiosk.sees('goodbye');
  await kiosk.nextPerson();
}

async function cannotSign({ kiosk }: Hall): Promise<void> {
  await kiosk.openService(services.tax);
  await kiosk.sees('failure', 'key-read-only');
  await kiosk.reads('This card cannot sign yet');
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.openMyData('grants');
  await kiosk.openGrant();
  await kiosk.touch((await kiosk.sees('grant')).locator('[data-intent="grant.end"]'));
  await kiosk.sees('failure', 'key-read-only');
  await kiosk.home();
}

test('a lost card, with the slip: all is back, the old card is dead, and the new one only looks for a day', async ({ kiosk, hall }) => {
  test.setTimeout(180_000);
  await settleIn(hall);
  await replaceCard(hall, recoveryKeyText(demoSecret('recovery/lin')));
  await meetsOldCard(hall);

  await signIn(kiosk, 'lin-new');
  const home = await kiosk.sees('home');
  await expect(home.locator('[data-notice="card-read-only"]')).toContainText('not sign');
  await cannotSign(hall);

  await kiosk.openMyData('news');
  const news = await kiosk.sees('news');
  await expect(news.locator('[data-news="card-replaced"]')).toContainText('Your card was replaced');
  await expect(news.locator('[data-news="typed-lost"], [data-news="letters-lost"]')).toHaveCount(0);
  await expect(news.locator('[data-news="not-issued-yet"]')).toContainText('Pension Office');
  await kiosk.openLetter();
  await kiosk.reads('It takes five days.');
  await kiosk.back();
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.openMyData('facts');
  await expect((await kiosk.sees('facts')).locator('[data-typed="phone"]')).toContainText(answers.phone.slice(0, 3));
  await kiosk.reads('林悦');
  await leave(kiosk);
});

test('a lost card, without the slip: what was typed is named as lost, and nothing else is missing', async ({ kiosk, hall }) => {
  test.setTimeout(180_000);
  await settleIn(hall);
  await replaceCard(hall, null);
  await hall.goTo('hall-2');

  await signIn(kiosk, 'lin-new');
  const home = await kiosk.sees('home');
  await expect(home.locator('[data-notice="card-read-only"]')).toContainText('not sign');
  await cannotSign(hall);

  await kiosk.openMyData('news');
  const news = await kiosk.sees('news');
  await expect(news.locator('[data-news="typed-lost"]')).toContainText('there was no recovery slip');
  await expect(news.locator('[data-news="letters-lost"]')).toContainText('One letter is lost');
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.openMyData('facts');
  await expect((await kiosk.sees('facts')).locator('[data-typed]')).toHaveCount(0);
  await kiosk.openMyData();
  await kiosk.home();
  // What was asked and granted is the resident's to read, slip or not.
  await kiosk.openRequests();
  await kiosk.openRequest();
  await expect((await kiosk.sees('request')).locator('[data-step]').last()).toHaveAttribute('data-step', 'received');
  await leave(kiosk);
});
