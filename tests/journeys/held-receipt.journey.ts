import { receiptToSymbols } from '../../src/ledger/verify/receipt-symbols.ts';
import { scanWith } from '../../tools/virtual-devices/hid-devices.ts';
import { expect } from './journey.ts';
import { test, whyNoScanner } from './scanner-hall.ts';
import { fillIn, leave, pin, services, signIn } from './steps.ts';

test.skip(whyNoScanner !== null, `no scanner can be shown: ${whyNoScanner ?? ''}`);

test('a receipt under the scanner says what it proves, without a card; one that waited is whole by now', async ({ kiosk, hall, scanner }) => {
  const scan = (text: string): void => scanWith(scanner, { text, symbology: 'qr' });

  // Signed while the hub is away: the receipt that goes along only waits.
  await signIn(kiosk, 'lin');
  await fillIn(kiosk, services.tax);
  await hall.killHub();
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'queued');
  const waiting = receiptToSymbols(await kiosk.takeReceipt());
  await leave(kiosk);
  await kiosk.nextPerson();

  await kiosk.sees('attract');
  for (const text of waiting) scan(text);
  await kiosk.sees('held-receipt', 'waiting');
  await kiosk.chooseLanguage('en');
  await kiosk.reads('The ledger cannot be asked just now');
  await kiosk.back();
  await kiosk.sees('attract');

  await hall.startHub();
  await expect.poll(() => hall.requestsInLedger().length, { timeout: 30_000 }).toBe(1);
  scan('https://elsewhere.example/what');
  await kiosk.sees('held-receipt', 'seen');
  await kiosk.reads('That was no code of a receipt');
  for (const text of waiting.toReversed()) scan(text);
  await kiosk.sees('held-receipt', 'recorded');
  await kiosk.reads('A request to Tax Bureau: Property tax payment certificate');
  await kiosk.reads('It is recorded by now');
  const receipt = await kiosk.takeReceipt();
  const whole = receiptToSymbols(receipt);
  await kiosk.back();

  await kiosk.sees('attract');
  const [first = '', second = ''] = whole;
  scan(first);
  await kiosk.reads(`1 of ${whole.length} codes read`);
  scan(second);
  await kiosk.sees('held-receipt', 'recorded');
  await kiosk.back();
  await kiosk.sees('attract');
  const forged = receipt.map((byte, i) => (i === Math.floor(receipt.length / 2) ? byte ^ 1 : byte));
  for (const text of receiptToSymbols(forged)) scan(text);
  await kiosk.sees('held-receipt', 'refused');
  await kiosk.back();

  await signIn(kiosk, 'huang');
  for (const text of whole) scan(text);
  await kiosk.sees('held-receipt', 'recorded');
  await kiosk.back();
  await kiosk.sees('home');
  scan(first);
  await kiosk.sees('held-receipt', 'seen');
  await kiosk.pullCard();
  await kiosk.sees('goodbye', 'card-removed');
  expect(hall.visitStates().at(-1)?.from).toBe('visiting.inside.held.seen');
  expect(await kiosk.text()).not.toContain('Tax Bureau');
});
