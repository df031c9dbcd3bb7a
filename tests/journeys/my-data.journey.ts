import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { verifyActivityReceipt } from '../../src/ledger/verify/activity-receipt.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { agencyOf } from '../gateway/gateway-in-test.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import type { Agency } from '../../src/gateway/agency/agency.ts';
import { noPostgres } from '../keeper/postgres-server.ts';
import type { Hall } from './hall.ts';
import { expect, test } from './journey.ts';
import { answers, fillIn, leave, pin, services, signIn } from './steps.ts';

const purpose = 'tax.property-certificate';

const taxBureau = ({ gatewayUrl, world }: Hall): Agency => agencyOf(gatewayUrl, 'tax-bureau', world);
const officer = (hall: Hall) => cardInMemory(hall.cardFile('officer-mai')).sig;

/** What the officer sees under the newest grant, or the code of the refusal. */
async function read(hall: Hall): Promise<string | Record<string, string>> {
  const tax = taxBureau(hall);
  const requests = await tax.requests();
  if (!requests.ok) return requests.failure.code;
  const request = requests.value.at(-1);
  const outcome = await tax.read({ id: request?.grants[0] ?? '', subject: request?.subject ?? '' }, purpose, officer(hall));
  return outcome.ok ? { ...outcome.value.shown[0]?.claims } : outcome.failure.code;
}

const askForCertificate = async ({ kiosk }: Hall): Promise<void> => {
  await fillIn(kiosk, services.tax);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
};

for (const [kioskId, other, sharedKeeper] of [['hall-1', 'hall-2', false], ['hall-2', 'hall-1', true]] as const) {
  test.describe(`begun at ${kioskId}, gone on with at ${other}${sharedKeeper ? ', the data spaces on PostgreSQL' : ''}`, () => {
    test.use({ plan: { kioskId, sharedKeeper: sharedKeeper && noPostgres === null } });
    test.skip(sharedKeeper && noPostgres !== null, noPostgres ?? '');

    test('Lin lets the tax bureau look, sees that it did, ends it, and proves the list', async ({ kiosk, hall }) => {
      await signIn(kiosk, 'lin');
      await askForCertificate(hall);
      await leave(kiosk);
      await kiosk.nextPerson();

      expect(await read(hall)).toMatchObject({ name: '林悦' });
      await hall.goTo(other);

      // Chen comes next, and sees nothing of it.
      await signIn(kiosk, 'chen');
      await expect((await kiosk.sees('home')).locator('[data-news]')).toHaveCount(0);
      await kiosk.openMyData();
      await kiosk.openMyData('looks');
      await expect((await kiosk.sees('looks')).locator('[data-look]')).toHaveCount(0);
      await kiosk.doesNotRead('林悦');
      await leave(kiosk);
      await kiosk.nextPerson();

      await signIn(kiosk, 'lin');
      await expect((await kiosk.sees('home')).locator('[data-news]')).toHaveAttribute('data-news', '1');
      await kiosk.openMyData('news');
      await kiosk.reads('The Tax Bureau looked at facts of yours.');
      await kiosk.openMyData('looks');
      const looks = await kiosk.sees('looks');
      await expect(looks.locator('[data-look="read"]')).toHaveCount(1);
      await expect(looks.locator('[data-look="read"]')).toContainText('Tax Bureau');
      await expect(looks.locator('[data-look="read"]')).toContainText('Address');

      // While she stands there, it looks once more: the list is fetched anew each time.
      expect(await read(hall)).toMatchObject({ name: '林悦' });
      await kiosk.back();
      await kiosk.openMyData('looks');
      await expect((await kiosk.sees('looks')).locator('[data-look="read"]')).toHaveCount(2);

      await kiosk.back();
      await kiosk.openMyData('grants');
      await kiosk.openGrant();
      await kiosk.reads('2 of 10 looks used');
      await kiosk.endGrant();
      await kiosk.reads('What they have seen stays seen. They have looked 2 times.');
      await kiosk.confirmUndoing();
      await kiosk.enterPin(pin);
      await kiosk.sees('receipt', 'recorded');
      expect(await read(hall)).toBe('grant-ended');

      await kiosk.home();
      await kiosk.openMyData();
      await kiosk.openMyData('grants');
      await expect((await kiosk.sees('grants')).locator('[data-intent="grant.open"]')).toHaveAttribute('data-state', 'ended');
      await kiosk.back();
      await kiosk.openMyData('looks');
      await kiosk.openMyData('proof');
      const entries = Number(await (await kiosk.sees('proof')).getAttribute('data-entries'));
      const proof = verifyActivityReceipt(await kiosk.takeReceipt(), trustOf(hall.world.hubFile.trustRoot), nodeCrypto);
      if (!proof.ok) throw new Error(proof.failure.detail);
      expect(proof.value.entries).toHaveLength(entries);
      expect(proof.value.entries.slice(-5).map(({ act }) => act.kind)).toEqual(['grant.give', 'request.submit', 'access.record', 'access.record', 'grant.end']);
      expect(proof.value.entries.filter(({ part }) => part?.kind === 'access.record')).toHaveLength(2);

      await kiosk.openMyData('looks');
      await kiosk.back();
      await kiosk.openMyData('signed');
      const signed = await kiosk.sees('signed');
      await expect(signed.locator('[data-signed]')).toHaveCount(2);
      await expect(signed.locator('[data-signed="grant.end"]')).toHaveAttribute('data-kiosk', other);
      await expect(signed.locator('[data-signed="request"]')).toHaveAttribute('data-kiosk', kioskId);
      await leave(kiosk);
    });
  });
}

test('Lin follows her request to its letter, and one that goes nowhere she takes back', async ({ kiosk, hall }) => {
  const tax = taxBureau(hall);
  await signIn(kiosk, 'lin');
  await askForCertificate(hall);
  await leave(kiosk);
  await kiosk.nextPerson();
  const listed = await tax.requests();
  const first = listed.ok ? listed.value[0] : undefined;
  if (first === undefined) throw new Error('no request at the agency');
  expect((await tax.step(first, { step: 'received' })).ok).toBe(true);
  expect((await tax.step(first, { step: 'decided', decision: 'approved', letter: { title: 'Your certificate is ready', text: 'Print it at any kiosk.\n\nIt is valid for one year.' } })).ok).toBe(true);

  await signIn(kiosk, 'lin');
  await kiosk.openMyData('news');
  await kiosk.reads('A letter from the Tax Bureau');
  await kiosk.openLetter();
  await kiosk.reads('It is valid for one year.');
  await kiosk.back();
  await kiosk.home();
  await kiosk.openRequests();
  await kiosk.openRequest();
  const request = await kiosk.sees('request');
  await expect(request.locator('[data-step]').last()).toHaveAttribute('data-step', 'decided');
  await kiosk.reads('Approved');
  await expect(request.locator('[data-intent="request.withdraw"]')).toHaveCount(0);
  await kiosk.home();

  await askForCertificate(hall);
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.home();
  await kiosk.openRequests();
  await kiosk.openRequest();
  await kiosk.withdraw();
  await kiosk.confirmUndoing();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  expect(await read(hall)).toBe('grant-ended');
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.home();
  await kiosk.openRequests();
  await expect((await kiosk.sees('requests')).locator('[data-intent="request.open"]').first()).toHaveAttribute('data-step', 'withdrawn');
  await leave(kiosk);
});

test('a typed fact is corrected once, for all, and stays corrected', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await askForCertificate(hall);
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.openMyData('facts');
  await kiosk.correct('phone');
  await kiosk.press('clear');
  await kiosk.answer('phone', '13700000042');
  await kiosk.sees('sign');
  await kiosk.reads('137\u202f0000\u202f0042');
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
  await kiosk.nextPerson();

  await signIn(kiosk, 'lin');
  await kiosk.openMyData();
  await kiosk.openMyData('facts');
  await expect((await kiosk.sees('facts')).locator('[data-typed="phone"]')).toContainText('137\u202f0000\u202f0042');
  await kiosk.openMyData();
  await kiosk.home();
  await kiosk.openService(services.water);
  await kiosk.allow();
  const asked = await kiosk.answerAll(answers);
  expect(asked).not.toContain('phone');
  await kiosk.reads('137\u202f0000\u202f0042');
  await leave(kiosk);
});

test('an agency that Lin has muted stays muted at her next visit', async ({ kiosk }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openMyData();
  await kiosk.openMyData('agencies');
  await kiosk.mute('tax-bureau');
  await expect((await kiosk.sees('agencies')).locator('[data-value="tax-bureau"]')).toHaveAttribute('aria-checked', 'false');
  await leave(kiosk);
  await kiosk.nextPerson();
  await signIn(kiosk, 'lin');
  await kiosk.openMyData();
  await kiosk.reads('One agency may not');
  await kiosk.openMyData('agencies');
  await expect((await kiosk.sees('agencies')).locator('[data-value="tax-bureau"]')).toHaveAttribute('aria-checked', 'false');
  await leave(kiosk);
});

test('with the hub away the grant is ended all the same, and the end is sent when it is back', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await askForCertificate(hall);
  await kiosk.home();
  await kiosk.openMyData();
  await kiosk.openMyData('grants');
  await kiosk.openGrant();
  await kiosk.endGrant();
  await kiosk.confirmUndoing();
  await hall.killHub();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'queued');
  await hall.startHub();
  await kiosk.sees('receipt', 'recorded');
  expect(await read(hall)).toBe('grant-ended');
  await leave(kiosk);
});
