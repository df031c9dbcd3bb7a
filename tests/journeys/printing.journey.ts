import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { readQr } from '../../tools/kiosk-driver/qr-reader.ts';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';
import { EscposPaper } from '../../tools/virtual-devices/escpos-paper.ts';
import { plugSerialWire, type SerialWire } from '../../tools/virtual-devices/serial-wire.ts';
import { test, expect } from './journey.ts';
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

/** What stands apart on a slip, as pictures: blocks with white paper of 2 mm and more above and below. */
function blocksOf(slip: PNG): PNG[] {
  const isInked = (y: number): boolean => slip.data.subarray(4 * y * slip.width, 4 * (y + 1) * slip.width).some((byte, i) => i % 4 === 0 && byte === 0);
  const rows = Array.from({ length: slip.height }, (_, y) => y).filter(isInked);
  const starts = rows.filter((y, i) => i === 0 || y - (rows[i - 1] ?? y) > 16);
  return starts.map((from, i) => {
    const last = rows.findLast((y) => y < (starts[i + 1] ?? slip.height)) ?? from;
    const block = new PNG({ width: slip.width, height: last - from + 33, fill: true });
    block.data.fill(255);
    PNG.bitblt(slip, block, 0, from, slip.width, last - from + 1, 0, 16);
    return block;
  });
}

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
  // Lines of text are at most 6 mm high, and a code is larger.
  const codes = blocksOf(slip).filter(({ height }) => height > 33 + 48 * 3);
  expect(symbolsToReceipt(codes.map((code) => readQr(PNG.sync.write(code))))).toEqual(receipt);
});
