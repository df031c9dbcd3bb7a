import { loadCardState } from '../../tools/virtual-card/card-state.ts';
import { expect, test } from './journey.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { countHands } from './count-hands.ts';
import { answers, fillIn, leave, pin, services, signIn } from './steps.ts';

test('Lin asks for her tax certificate: card in, receipt out', async ({ kiosk, hall }) => {
  const signatures = (): number => loadCardState(hall.cardFile('lin')).signatureCount;
  const signedBefore = signatures();

  await signIn(kiosk, 'lin');
  await kiosk.reads('林悦');
  await fillIn(kiosk, services.tax);
  await kiosk.reads('Tax Bureau');
  expect(signatures()).toBe(signedBefore);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const reference = await kiosk.reference();
  expect(reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}$/);
  expect(signatures()).toBe(signedBefore + 1);

  await leave(kiosk);
  await kiosk.reads(reference);
  await kiosk.doesNotRead('林悦');
});

test('what was typed once is asked by no other service, in this visit or the next', async ({ kiosk }) => {
  await signIn(kiosk, 'huang', 'zh-Hans');
  const first = await fillIn(kiosk, services.pension);
  expect(first).toEqual(['paid_work', 'months_abroad', 'phone', 'contact_time', 'letter_language']);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await kiosk.home();

  expect(await fillIn(kiosk, services.water)).toEqual(['meter_number', 'meter_reading', 'takeover_date']);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
  await kiosk.nextPerson();

  await signIn(kiosk, 'huang', 'zh-Hans');
  expect(await fillIn(kiosk, services.tax)).toEqual(['property_use', 'tax_year', 'certificate_use']);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await leave(kiosk);
});

test('the second service costs fewer touches and keys than it costs somebody who comes for it first', async ({ kiosk, hall }) => {
  /** From the service's window to the page to sign on, counted in the page. */
  const effort = async (): Promise<{ touches: number; keys: number }> => {
    const { page } = await hall.page();
    await page.evaluate(countHands);
    await fillIn(kiosk, services.water);
    return page.evaluate<{ touches: number; keys: number }>('globalThis.hands');
  };

  await signIn(kiosk, 'chen');
  const first = await effort();
  await leave(kiosk);
  await kiosk.nextPerson();
  await signIn(kiosk, 'huang');
  await fillIn(kiosk, services.pension);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  await kiosk.home();
  const second = await effort();

  // The phone number is eleven keys and a touch to go on, the hour to call is two touches.
  expect(second).toEqual({ touches: first.touches - 3, keys: first.keys - answers.phone.length });
});

for (const [person, service] of Object.entries({ lin: services.tax, huang: services.pension, chen: services.water })) {
  test(`the receipt for ${service} holds, as read off the screen`, async ({ kiosk, hall }) => {
    await signIn(kiosk, person);
    await fillIn(kiosk, service);
    await kiosk.enterPin(pin);
    await kiosk.sees('receipt', 'recorded');
    const reference = await kiosk.reference();
    const proof = verifyReceipt(await kiosk.takeReceipt(), trustOf(hall.world.hubFile.trustRoot), nodeCrypto);
    expect(proof).toMatchObject({ ok: true, value: { reference, acts: [{ kind: 'grant.give' }, { kind: 'request.submit', part: { service } }] } });
    expect(hall.requestsInLedger()).toEqual([reference]);
  });
}

test('a fact that may be kept is given only when it is turned on', async ({ kiosk }) => {
  await signIn(kiosk, 'lin');
  await kiosk.openService(services.tax);
  await kiosk.gives('name_latin', false);
  await kiosk.turn('name_latin');
  await kiosk.gives('name_latin', true);
  await kiosk.turn('name_latin');
  await kiosk.gives('name_latin', false);
  await kiosk.refuse();
  await kiosk.sees('home');
  await leave(kiosk);
});
