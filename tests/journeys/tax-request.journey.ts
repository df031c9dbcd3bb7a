import { test, expect } from './journey.ts';
import { loadCardState } from '../../tools/virtual-card/card-state.ts';

const pin = '123456';
const answers = {
  property_use: 'own-home',
  tax_year: '2025',
  certificate_use: 'loan',
  letter_language: 'en',
  phone: '13800138000',
};

test('Lin asks for her tax certificate: card in, receipt out', async ({ kiosk, hall }) => {
  const signedBefore = loadCardState(hall.cardFile('lin')).signatureCount;

  await kiosk.sees('attract');
  await kiosk.begin();
  await kiosk.chooseLanguage('en');
  await kiosk.sees('insert-card');
  await kiosk.insertCard('lin');
  await kiosk.sees('pin');
  await kiosk.enterPin(pin);

  await kiosk.reads('林悦');
  await kiosk.openService('tax/property-tax-certificate');
  await kiosk.allow();
  await kiosk.answerAll(answers);
  await kiosk.confirm();

  await kiosk.sees('sign');
  await kiosk.reads('Tax Bureau');
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const reference = await kiosk.reference();
  expect(reference).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}$/);
  expect(loadCardState(hall.cardFile('lin')).signatureCount).toBe(signedBefore + 1);

  await kiosk.end();
  await kiosk.sees('take-card');
  await kiosk.pullCard();
  await kiosk.sees('goodbye', 'done');
  await kiosk.reads(reference);
  await kiosk.doesNotRead('林悦');
});
