import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';
import { EscposPaper } from '../../tools/virtual-devices/escpos-paper.ts';
import { plugSerialWire, type SerialWire } from '../../tools/virtual-devices/serial-wire.ts';
import { test, expect } from './journey.ts';
import { codesOn } from '../../tools/virtual-devices/slip-codes.ts';
import { fillIn, pin, services, signIn } from './steps.ts';

const path = join(mkdtempSync(join(tmpdir(), 'imi-lp-')), 'lp0');
let wire: SerialWire;
let paper: EscposPaper;

test.skip(!existsSync('/usr/bin/python3'), '/usr/bin/python3, which holds the printer’s line, is missing');
test.use({ plan: { devices: { printer: { path, widthDots: 576 } } } });
test.beforeAll(async () => {
  paper = new EscposPaper((answer) => wire.send(answer));
  wire = await plugSerialWire(path, (bytes) => paper.hear(bytes));
});
test.afterAll(() => wire.unplug());

test('a receipt on paper is the receipt on the screen; no paper is said before, and printed only after', async ({ kiosk }, info) => {
  await signIn(kiosk, 'lin', 'zh-Hans');
  await fillIn(kiosk, services.tax);
  await kiosk.enterPin(pin);
  await kiosk.sees('receipt', 'recorded');
  const receipt = await kiosk.takeReceipt();

  paper.trouble = 'paper-out';
  await kiosk.offersToPrint('unusable', 'printer-paper-out');
  paper.trouble = 'none';
  await kiosk.offersToPrint('ready');

  await kiosk.print();
  await kiosk.offersToPrint('printed');
  expect(paper.slips).toHaveLength(1);
  const slip = paper.slips[0] as PNG;
  await info.attach('slip', { body: PNG.sync.write(slip), contentType: 'image/png' });
  expect(slip.width).toBe(576);
  expect(symbolsToReceipt(codesOn(slip))).toEqual(receipt);
});
