import { expect } from '@playwright/test';
import { whyNoConsortium } from '../../tools/demo/consortium.ts';
import { maxHeadAgeMs, test } from './consortium.ts';
import type { Hall } from './hall.ts';
import { begin, fillIn, leave, pin, services, signIn } from './steps.ts';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';

// One day, in its order.
test.describe.configure({ mode: 'serial' });

const missing = whyNoConsortium();
if (missing === null) theDay();
else test('a ledger of four agencies', () => test.skip(true, missing));

/** A whole visit of one who is in no doubt; gives the reference. */
async function recordsARequest(kiosk: Kiosk, person: string, service: string): Promise<string> {
  await signIn(kiosk, person);
  await fillIn(kiosk, service);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const reference = await kiosk.reference();
  await leave(kiosk);
  await kiosk.nextPerson();
  return reference;
}

/** How many requests the kiosk has taken for recorded so far, on any page or none. */
const recordedByKiosk = (hall: Hall): number => hall.journal().filter(({ event }) => event.event === 'outbox' && event.what === 'recorded').length;

function theDay(): void {
  test('four agencies keep the ledger together: a request is recorded with each of them', async ({ kiosk, agencies }) => {
    const reference = await recordsARequest(kiosk, 'lin', services.tax);
    await agencies.catchesUp(3, 0);
    expect(agencies.requests(3).map((request) => request.reference)).toEqual([reference]);
  });

  test('one agency has a power cut: requests go on being recorded, and it has them all when it is back', async ({ kiosk, agencies }) => {
    agencies.kill(1);
    const reference = await recordsARequest(kiosk, 'chen', services.water);
    await agencies.restart(1);
    await agencies.catchesUp(1, 0);
    expect(agencies.requests(1).map((request) => request.reference)).toContain(reference);
  });

  test('one agency answers nobody any more: nobody notices', async ({ kiosk, agencies }) => {
    agencies.hold(2);
    const reference = await recordsARequest(kiosk, 'dilnur', services.water);
    agencies.letGoOn(2);
    await agencies.catchesUp(2, 0);
    expect(agencies.requests(2).map((request) => request.reference)).toContain(reference);
  });

  test('three agencies lie to the hub, each in its own way: it goes by the fourth', async ({ kiosk, agencies, hall }) => {
    const lies = ['forged-state', 'old-head', 'forged-block'] as const;
    for (const [agency, lie] of lies.entries()) agencies.liar(agency).lie = lie;
    const reference = await recordsARequest(kiosk, 'lin', services.water);
    // Whom the hub asks first changes all the time.
    while (lies.some((_, agency) => agencies.liar(agency).lies === 0)) {
      await signIn(kiosk, 'lin');
      await leave(kiosk);
      await kiosk.nextPerson();
    }
    for (const agency of lies.keys()) agencies.liar(agency).lie = null;
    expect(hall.hubWords).toContain(`${agencies.liar(0).url}: a value without its proof`);
    // Nothing but the signatures is wrong with it.
    expect(hall.hubWords).toContain(`${agencies.liar(2).url}: signature of validator`);
    expect(agencies.requests(3).filter((request) => request.reference === reference)).toHaveLength(1);
  });

  test('two agencies are away: who came in time is told that it waits, who comes later why not, and then it is recorded once', async ({ kiosk, agencies, hall }) => {
    const before = recordedByKiosk(hall);
    agencies.kill(1);
    agencies.hold(2);
    await signIn(kiosk, 'lin');
    await fillIn(kiosk, services.pension);
    await kiosk.enterPin(pin);
    await kiosk.sees('receipt', 'queued');
    const reference = await kiosk.reference();

    // Started again, the hub has not forgotten what it promised, and believes none who says that it is done.
    await hall.killHub();
    agencies.liar(0).lie = 'forged-block';
    await hall.startHub();
    await leave(kiosk);
    await kiosk.nextPerson();
    await expect.poll(() => agencies.headAgeMs(3), { timeout: 2 * maxHeadAgeMs }).toBeGreaterThan(maxHeadAgeMs);
    await begin(kiosk);
    await kiosk.insertCard('lin');
    await kiosk.sees('failure', 'head-too-old');
    expect(hall.hubWords).toContain(`${agencies.liar(0).url}: signature of validator`);
    agencies.liar(0).lie = null;
    expect(agencies.requests(3).map((request) => request.reference)).not.toContain(reference);
    expect(recordedByKiosk(hall)).toBe(before);

    agencies.letGoOn(2);
    await agencies.restart(1);
    await expect.poll(() => agencies.headAgeMs(3), { timeout: maxHeadAgeMs }).toBeLessThan(maxHeadAgeMs);
    await kiosk.retry();
    await kiosk.sees('pin');
    await kiosk.enterPin(pin);
    await kiosk.sees('home');
    await kiosk.openRequests();
    const row = (await kiosk.sees('requests')).locator('[data-state]').filter({ hasText: reference });
    await expect(row).toHaveAttribute('data-state', 'recorded');
    expect(recordedByKiosk(hall)).toBe(before + 1);
    for (const agency of [0, 1, 2]) await agencies.catchesUp(agency, 3);
    for (const agency of [0, 1, 2, 3]) {
      const all = agencies.requests(agency);
      const [request, ...more] = all.filter((one) => one.reference === reference);
      expect(more).toEqual([]);
      // The request and the grant that came with it.
      expect(request?.ids).toHaveLength(2);
      for (const id of request?.ids ?? []) expect(all.flatMap(({ ids }) => ids).filter((one) => one === id)).toHaveLength(1);
    }
  });
}
