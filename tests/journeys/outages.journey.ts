import { expect, test } from './journey.ts';
import { begin, fillIn, leave, pin, services, signIn } from './steps.ts';

test('the card service is killed in the middle of a visit and comes back', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.sees('consent');
  await hall.pcscd.kill();
  await kiosk.sees('failure', 'reader-no-service');
  await kiosk.doesNotRead('林悦');
  await kiosk.pullCard();
  await hall.pcscd.restart();
  await signIn(kiosk, 'lin');
});

test('the hub is killed before a request is signed: it waits, and is recorded when the hub is back', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  await hall.killHub();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'queued');
  const reference = await kiosk.reference();
  await leave(kiosk);
  await kiosk.reads(reference);
  await kiosk.nextPerson();

  await hall.startHub();
  await signIn(kiosk, 'lin');
  await kiosk.openRequests();
  const requests = await kiosk.sees('requests');
  await expect(requests).toContainText(reference);
  await expect(requests.locator('[data-state="recorded"]')).toHaveCount(1);
  expect(hall.requestsInLedger()).toEqual([reference]);
});

test('without a hub nobody is signed in, and with it everybody is', async ({ kiosk, hall }) => {
  await hall.killHub();
  await begin(kiosk);
  await kiosk.insertCard('lin');
  await kiosk.sees('failure', 'hub-unreachable');
  await hall.startHub();
  await kiosk.retry();
  await kiosk.sees('pin');
  await kiosk.enterPin(pin);
  await kiosk.sees('home');
});

test('the hub dies while it is asked to record a request: the request is recorded when it is back, once', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  hall.holdHub();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'queued');
  const reference = await kiosk.reference();
  await hall.killHub();
  expect(hall.requestsInLedger()).toEqual([]);
  await hall.startHub();
  await kiosk.sees('receipt', 'recorded');
  expect(hall.requestsInLedger()).toEqual([reference]);
});

test('the hub is killed after a request was recorded: it is still there, and not there twice', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const reference = await kiosk.reference();
  await hall.killHub();
  await hall.startHub();
  await leave(kiosk);
  await kiosk.nextPerson();
  await signIn(kiosk, 'lin');
  await kiosk.openRequests();
  await expect((await kiosk.sees('requests')).locator('[data-state="recorded"]')).toHaveCount(1);
  expect(hall.requestsInLedger()).toEqual([reference]);
});
