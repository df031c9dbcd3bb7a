import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';
import { EscposPaper } from '../../tools/virtual-devices/escpos-paper.ts';
import { plugSerialWire, type SerialWire } from '../../tools/virtual-devices/serial-wire.ts';
import { test, expect } from './journey.ts';
import { codesOn } from '../../tools/virtual-devices/slip-codes.ts';
import { IppPaper } from '../../tools/virtual-devices/ipp-paper.ts';
import { PrivateCups, whyNoCups } from '../drivers/printer/private-cups.ts';
import { slipsInPdf } from '../fixtures/slips-in-pdf.ts';
import type { HallPlan } from './hall.ts';
import { fillIn, pin, services, signIn } from './steps.ts';

const path = join(mkdtempSync(join(tmpdir(), 'imi-lp-')), 'lp0');
let wire: SerialWire;
let paper: EscposPaper;

test.describe('a receipt printer', () => {
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

  test('several matters of one visit stand on one slip: each with its agency, its reference and its codes', async ({ kiosk }, info) => {
    const before = paper.slips.length;
    await signIn(kiosk, 'lin');
    const receipts: Uint8Array[] = [];
    for (const service of [services.tax, services.water]) {
      await fillIn(kiosk, service);
      await kiosk.enterPin(pin);
      await kiosk.sees('receipt', 'recorded');
      receipts.push(await kiosk.takeReceipt());
      if (receipts.length === 1) await kiosk.home();
    }
    await kiosk.openReceipts();
    await kiosk.sees('receipts');
    await kiosk.offersToPrint('ready');
    await kiosk.print();
    await kiosk.offersToPrint('printed');
    expect(paper.slips).toHaveLength(before + 1);
    const slip = paper.slips.at(-1) as PNG;
    await info.attach('sheet', { body: PNG.sync.write(slip), contentType: 'image/png' });
    const texts = codesOn(slip);
    const first = texts.slice(0, Number(/^IMI1:1:(\d+):/.exec(texts[0] ?? '')?.[1]));
    expect([first, texts.slice(first.length)].map((one) => symbolsToReceipt(one))).toEqual(receipts);
  });
});

test.describe('a queue of CUPS', () => {
  const missing = whyNoCups();
  test.skip(missing !== null, `${missing ?? ''} is missing`);

  /** A printer that speaks IPP, and between it and the kiosk Debian's CUPS. */
  const atQueue = test.extend<{ printer: IppPaper; plan: HallPlan }>({
    printer: async ({}, use) => {
      const printer = await IppPaper.start();
      await use(printer);
      await printer.stop();
    },
    plan: async ({ printer }, use) => {
      const cups = await PrivateCups.start();
      await cups.addQueue('counter', printer.uri);
      await use({ devices: { printer: { queue: 'counter', server: cups.socket, sheet: 'a4', widthDots: 576 } } });
      await cups.stop();
    },
  });

  atQueue('a receipt on a sheet is the receipt on the screen; a jam is said before, and printed only after', async ({ kiosk, printer }) => {
    await signIn(kiosk, 'lin');
    await fillIn(kiosk, services.tax);
    await kiosk.enterPin(pin);
    await kiosk.sees('receipt', 'recorded');
    const receipt = await kiosk.takeReceipt();

    printer.trouble = 'media-jam-error';
    await kiosk.offersToPrint('unusable', 'printer-jammed');
    printer.trouble = 'none';
    await kiosk.offersToPrint('ready');

    await kiosk.print();
    await kiosk.offersToPrint('printed');
    expect(printer.printed).toHaveLength(1);
    const [sheet = Buffer.alloc(0)] = printer.printed;
    expect(symbolsToReceipt(codesOn(slipsInPdf(sheet)))).toEqual(receipt);
  });
});
