import { expect, test } from './journey.ts';
import { fillIn, leave, pin, services, signIn } from './steps.ts';

test.use({ plan: { kioskId: 'hall-2' } });

test('at the kiosk that lies, a request goes the whole way', async ({ kiosk, hall }) => {
  await signIn(kiosk, 'huang', 'zh-Hans');
  expect(await (await hall.page()).page.evaluate('[innerWidth, innerHeight]')).toEqual([1920, 1080]);
  await fillIn(kiosk, services.water);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  expect(hall.requestsInLedger()).toEqual([await kiosk.reference()]);
  await leave(kiosk);
});
