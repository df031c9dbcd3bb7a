import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PrinterStatus, Slip } from '../../../src/contract/device-host.ts';
import { EscposPrinter, escposTimes } from '../../../src/drivers/printer/escpos-printer.ts';
import { openPrinterFile } from '../../../src/drivers/printer/printer-file.ts';
import { EscposPaper } from '../../../tools/virtual-devices/escpos-paper.ts';
import type { PrinterTrouble } from '../../../tools/virtual-devices/escpos-paper.ts';
import { plugSerialWire } from '../../../tools/virtual-devices/serial-wire.ts';
import type { SerialWire } from '../../../tools/virtual-devices/serial-wire.ts';

const missing = existsSync('/usr/bin/python3') ? null : '/usr/bin/python3 is missing';
const slip: Slip = { widthDots: 384, heightDots: 600, dots: Uint8Array.from({ length: 48 * 600 }, (_, i) => (i * 7) & 0xff) };

/** Through a file that is a terminal's end, as /dev/usb/lp0 is a printer's. */
describe.skipIf(missing !== null)(`a receipt printer${missing === null ? '' : ` (${missing})`}`, () => {
  let dir: string;
  let path: string;
  let wire: SerialWire;
  let paper: EscposPaper;
  let printer: EscposPrinter;
  let heard: (status: PrinterStatus) => void;

  const plug = async (): Promise<void> => {
    paper = new EscposPaper((answer) => wire.send(answer));
    wire = await plugSerialWire(path, (bytes) => paper.hear(bytes));
  };
  const state = (wanted: string): Promise<PrinterStatus> =>
    new Promise((resolve) => {
      heard = (status) => {
        if ((status.state === 'unusable' ? status.failure.code : status.state) === wanted) resolve(status);
      };
      heard(printer.status);
    });

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'printer-'));
    path = join(dir, 'lp0');
    heard = () => undefined;
    await plug();
    printer = new EscposPrinter(openPrinterFile(path), 384, (status) => heard(status), { ...escposTimes, lookEveryMs: 50, askEveryMs: 50, answerMs: 1_000, confirmMs: 4_000, watchEveryMs: 20 });
    await state('ready');
  });
  afterEach(async () => {
    await printer.stop();
    await wire.unplug();
    rmSync(dir, { recursive: true, force: true });
  });

  test('prints a slip, and says so when the printer has', async () => {
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(paper.slips).toHaveLength(1);
    expect(paper.slips[0]).toMatchObject({ width: 384, height: 600 });
    expect(await state('ready')).toEqual({ state: 'ready', product: path });
  });

  test('a slip that makes the printing throw is the last that does', async () => {
    const broken: Slip = {
      ...slip,
      get widthDots(): number {
        throw new Error('broken');
      },
    };
    await expect(printer.print(broken)).rejects.toThrow('broken');
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
  });

  test('prints with little paper left, and says that it is little', async () => {
    paper.trouble = 'paper-low';
    await state('paper-low');
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
  });

  test.each<{ trouble: PrinterTrouble; code: string }>([
    { trouble: 'paper-out', code: 'printer-paper-out' },
    { trouble: 'cover-open', code: 'printer-cover-open' },
    { trouble: 'jammed', code: 'printer-jammed' },
    { trouble: 'mute', code: 'printer-missing' },
  ])('$trouble is known before anything is printed, and over by itself (lesson 18)', async ({ trouble, code }) => {
    paper.trouble = trouble;
    await state(code);
    expect(await printer.print(slip)).toMatchObject({ failure: { code } });
    paper.trouble = 'none';
    await state('ready');
    expect(paper.slips).toEqual([]);
  });

  test.each<{ trouble: PrinterTrouble; code: string }>([
    { trouble: 'paper-out', code: 'printer-paper-out' },
    { trouble: 'cover-open', code: 'printer-cover-open' },
    { trouble: 'jammed', code: 'printer-jammed' },
    { trouble: 'mute', code: 'printer-unconfirmed' },
  ])('$trouble in the middle: $code, and the rest never comes out', async ({ trouble, code }) => {
    let bands = 0;
    paper.onBand = () => {
      if (++bands === 3) paper.trouble = trouble;
    };
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code } });
    paper.trouble = 'none';
    await state('ready');
    if (trouble !== 'mute') expect(paper.unfinished).toBe(0);
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(paper.slips.at(-1)).toMatchObject({ height: 600 });
  });

  test('never says "printed" for a printer that did not', async () => {
    paper.isSilentAboutPrinting = true;
    expect(await printer.print(slip)).toEqual({ ok: false, failure: { code: 'printer-unconfirmed', detail: 'no answer' } });
  });

  test('unplugged in the middle: it is not known what is on paper; missing, and ready when it is back', async () => {
    let bands = 0;
    paper.onBand = () => {
      if (++bands === 2) void wire.unplug();
    };
    expect(await printer.print(slip)).toMatchObject({ failure: { code: 'printer-unconfirmed' } });
    await state('printer-missing');
    await plug();
    await state('ready');
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
  });

  test.each([
    { name: 'wider than the paper', slip: { widthDots: 392, heightDots: 1, dots: new Uint8Array(49) } },
    { name: 'with dots left over', slip: { widthDots: 384, heightDots: 1, dots: new Uint8Array(49) } },
    { name: 'metres long', slip: { widthDots: 8, heightDots: 24_001, dots: new Uint8Array(24_001) } },
  ])('prints nothing that is $name', async ({ slip: wrong }) => {
    expect(await printer.print(wrong)).toMatchObject({ failure: { code: 'message-invalid' } });
  });
});
