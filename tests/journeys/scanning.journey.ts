import { scanWith } from '../../tools/virtual-devices/hid-devices.ts';
import { expect } from './journey.ts';
import { test, whyNoScanner } from './scanner-hall.ts';
import { PensionOffice } from './pension-office.ts';
import { answers, leave, signIn } from './steps.ts';

test.skip(whyNoScanner !== null, `no scanner can be shown: ${whyNoScanner ?? ''}`);

test('Lin holds an agency’s code under the scanner, and answers what it asks', async ({ kiosk, hall, scanner }) => {
  const office = new PensionOffice(hall);
  const ask = await office.asks();
  await signIn(kiosk, 'lin');
  scanWith(scanner, { text: ask.walletUri, symbology: 'qr' });
  await kiosk.sees('ask');
  await kiosk.reads('to see that you still live in the district');
  await kiosk.agreeToAsk();
  await kiosk.sees('ask-done', 'answered');
  expect(await office.answerTo(ask)).toMatchObject({ answer: 'yes', ledgerKey: 'active', claims: ['name'] });

  // It is settled: scanned once more it leads nowhere.
  await kiosk.home();
  scanWith(scanner, { text: ask.walletUri, symbology: 'qr' });
  await kiosk.sees('ask-code');
  await kiosk.reads('Nothing is waiting here behind that code');
  await kiosk.reads('Or hold the QR code under the scanner');
  await leave(kiosk);
});

test('Lin holds the water bill of her new home under the scanner: the form is open, and has its number', async ({ kiosk, scanner }) => {
  await signIn(kiosk, 'lin');
  await kiosk.reads('You can also hold a bill under the scanner');
  scanWith(scanner, { text: 'WB40718825202611', symbology: 'code-128' });
  await kiosk.allow();
  expect(await kiosk.answerAll(answers)).not.toContain('meter_number');
  await kiosk.reads('40718825');
  await leave(kiosk);
});
