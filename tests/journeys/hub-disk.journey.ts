import { expect, test } from './journey.ts';
import type { Hall } from './hall.ts';
import { mayMount } from '../fixtures/small-disk.ts';
import { begin, fillIn, leave, pin, services, signIn } from './steps.ts';

test.use({ plan: { ownHubDisk: true } });
test.skip(!mayMount, 'a disk of its own for the hub takes root');

const diskOf = ({ hubDisk }: Hall): NonNullable<Hall['hubDisk']> => {
  if (hubDisk === null) throw new Error('the hub has no disk of its own');
  return hubDisk;
};

test('the hub’s disk fills up: what is signed waits at the kiosk, and is recorded once when there is room', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  diskOf(hall).fill();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'queued');
  const reference = await kiosk.reference();
  expect(hall.requestsInLedger()).toEqual([]);
  await leave(kiosk);
  await kiosk.nextPerson();

  // What is kept can be read as before.
  await signIn(kiosk, 'chen');
  await leave(kiosk);
  await kiosk.nextPerson();

  diskOf(hall).makeRoom();
  await expect.poll(() => hall.requestsInLedger(), { timeout: 40_000 }).toEqual([reference]);
  await signIn(kiosk, 'lin');
  await kiosk.openRequests();
  const requests = await kiosk.sees('requests');
  await expect(requests).toContainText(reference);
  await expect(requests.locator('[data-state="recorded"]')).toHaveCount(1);
});

test('the hub’s disk can only be read: the hub does not start, and nothing is lost', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const reference = await kiosk.reference();
  await leave(kiosk);
  await kiosk.nextPerson();

  await hall.killHub();
  diskOf(hall).writable(false);
  await expect(hall.startHub()).rejects.toThrow('hub-storage');
  await begin(kiosk);
  await kiosk.insertCard('lin');
  await kiosk.sees('failure', 'hub-unreachable');
  diskOf(hall).writable(true);
  await hall.startHub();
  await kiosk.retry();
  await kiosk.sees('pin');
  await kiosk.enterPin(pin);
  await kiosk.openRequests();
  await expect(await kiosk.sees('requests')).toContainText(reference);
  expect(hall.requestsInLedger()).toEqual([reference]);
});
