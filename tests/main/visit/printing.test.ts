import { describe, expect, test } from 'vitest';
import type { PackedSlip } from '../../../src/contract/bridge.ts';
import type { PrinterStatus } from '../../../src/contract/device-host.ts';
import { fail, ok } from '../../../src/contract/result.ts';
import { taxOffer, VisitStand } from './visit-stand.ts';

const slip: PackedSlip = { widthDots: 8, heightDots: 1, dots: 'eJz7DwABAQEA' };
const ready: PrinterStatus = { state: 'ready', product: '/dev/usb/lp0' };
const outOfPaper: PrinterStatus = { state: 'unusable', failure: { code: 'printer-paper-out' } };

async function atReceipt(paperDots: number | null = 576): Promise<VisitStand> {
  const stand = new VisitStand(undefined, { paperDots });
  await stand.signIn();
  await stand.sign(taxOffer.service.id);
  stand.settle('recorded');
  return stand;
}
const offer = async (stand: VisitStand) => (await stand.sees('receipt')).print;

describe('a receipt on paper', () => {
  test('is not offered by a kiosk without a printer', async () => {
    const stand = await atReceipt(null);
    expect(await offer(stand)).toBeUndefined();
    expect(stand.can({ type: 'receipt.print', slip })).toBe(false);
  });

  test.each<{ name: string; printer: PrinterStatus; is: object; can: boolean }>([
    { name: 'ready', printer: ready, is: { state: 'ready', code: null }, can: true },
    { name: 'low on paper', printer: { ...ready, state: 'paper-low' }, is: { state: 'ready', code: null }, can: true },
    { name: 'out of paper', printer: outOfPaper, is: { state: 'unusable', code: 'printer-paper-out' }, can: false },
    { name: 'not known yet', printer: { state: 'starting' }, is: { state: 'unusable', code: null }, can: false },
    { name: 'printing something else', printer: { ...ready, state: 'printing' }, is: { state: 'unusable', code: null }, can: false },
  ])('with a printer that is $name (lesson 18)', async ({ printer, is, can }) => {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer });
    expect(await offer(stand)).toEqual({ widthDots: 576, ...is });
    expect(stand.can({ type: 'receipt.print', slip })).toBe(can);
  });

  test('is printed when the printer has said so, and not before', async () => {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer: ready });
    stand.send({ type: 'receipt.print', slip });
    expect(await offer(stand)).toMatchObject({ state: 'printing' });
    stand.send({ type: 'printer', printer: { ...ready, state: 'printing' } });
    stand.send({ type: 'printer', printer: ready });
    expect(await offer(stand)).toMatchObject({ state: 'printing' });
    expect(stand.can({ type: 'receipt.print', slip })).toBe(false);
    const [visit = ''] = stand.calls.prints;
    stand.send({ type: 'slip.done', visit, number: 1, result: ok(null) });
    expect(await offer(stand)).toMatchObject({ state: 'printed', code: null });
    expect(stand.calls.prints).toHaveLength(1);
  });

  test('that failed says why, and can be tried again once the printer is well', async () => {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer: ready });
    stand.send({ type: 'receipt.print', slip });
    stand.send({ type: 'printer', printer: outOfPaper });
    stand.send({ type: 'slip.done', visit: stand.calls.prints[0] ?? '', number: 1, result: fail('printer-paper-out') });
    expect(await offer(stand)).toMatchObject({ state: 'unusable', code: 'printer-paper-out' });
    stand.send({ type: 'printer', printer: ready });
    expect(await offer(stand)).toMatchObject({ state: 'ready', code: 'printer-paper-out' });
    stand.send({ type: 'receipt.print', slip });
    expect(await offer(stand)).toMatchObject({ state: 'printing', code: null });
  });

  test('that is longer than a message comes in strips', async () => {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer: ready });
    stand.send({ type: 'receipt.print', slip, strip: { number: 1, of: 2 } });
    expect(stand.calls.prints).toEqual([]);
    stand.send({ type: 'receipt.print', slip, strip: { number: 2, of: 2 } });
    expect(stand.calls.strips).toEqual([2]);
    expect(await offer(stand)).toMatchObject({ state: 'printing' });
  });

  test('of the visit before is nothing to this one', async () => {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer: ready });
    stand.send({ type: 'receipt.print', slip });
    const [before = ''] = stand.calls.prints;
    stand.pull();
    await stand.signIn(2);
    await stand.sign(taxOffer.service.id);
    stand.settle('recorded');
    stand.send({ type: 'slip.done', visit: before, number: 1, result: fail('printer-jammed') });
    expect(await offer(stand)).toMatchObject({ state: 'ready', code: null });
  });
});

describe('several matters on one slip', () => {
  const strip = (number: number, of = 3) => ({ type: 'receipt.print' as const, slip, strip: { number, of } });

  async function atReceipts(): Promise<VisitStand> {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer: ready });
    stand.send({ type: 'home' });
    await stand.sign(taxOffer.service.id);
    stand.settle('recorded');
    await stand.sees('receipt');
    stand.send({ type: 'receipts.open' });
    return stand;
  }

  test('is offered with all of them, and with who gets each', async () => {
    const stand = await atReceipts();
    const { print, receipts, others } = await stand.sees('receipts');
    expect(print).toEqual({ state: 'ready', widthDots: 576, code: null });
    expect(receipts.map(({ reference, agencies }) => [reference, agencies])).toEqual([
      ['7KQ2-M4XD-02', [taxOffer.agency]],
      ['7KQ2-M4XD-01', [taxOffer.agency]],
    ]);
    expect(others).toEqual([]);
  });

  test('comes in strips, and is printed as one when the last is there', async () => {
    const stand = await atReceipts();
    expect(stand.can(strip(2))).toBe(false);
    expect(stand.can(strip(3))).toBe(false);
    stand.send(strip(1));
    stand.send(strip(1));
    stand.send(strip(2));
    expect(stand.calls.prints).toEqual([]);
    stand.send(strip(3));
    expect(stand.calls.strips).toEqual([3]);
    expect((await stand.sees('receipts')).print).toMatchObject({ state: 'printing' });
    stand.send({ type: 'slip.done', visit: stand.calls.prints[0] ?? '', number: 1, result: ok(null) });
    expect((await stand.sees('receipts')).print).toMatchObject({ state: 'printed' });
  });

  /** At the receipt of a second matter, while the slip of the first is on its way. */
  async function printingTheFirst(): Promise<VisitStand> {
    const stand = await atReceipt();
    stand.send({ type: 'printer', printer: ready });
    stand.send({ type: 'receipt.print', slip });
    stand.send({ type: 'home' });
    await stand.sign(taxOffer.service.id);
    stand.settle('recorded');
    await stand.sees('receipt');
    return stand;
  }

  test('the slip of the first alone says nothing of the sheet', async () => {
    const stand = await printingTheFirst();
    stand.send({ type: 'slip.done', visit: stand.calls.prints[0] ?? '', number: 1, result: ok(null) });
    stand.send({ type: 'receipts.open' });
    expect((await stand.sees('receipts')).print).toMatchObject({ state: 'ready' });
  });

  test('nor does it while the sheet is on its way', async () => {
    const stand = await printingTheFirst();
    stand.send({ type: 'receipts.open' });
    stand.send({ type: 'receipt.print', slip });
    const [visit = ''] = stand.calls.prints;
    stand.send({ type: 'slip.done', visit, number: 1, result: fail('printer-jammed') });
    expect((await stand.sees('receipts')).print).toMatchObject({ state: 'printing' });
    stand.send({ type: 'slip.done', visit, number: 2, result: ok(null) });
    expect((await stand.sees('receipts')).print).toMatchObject({ state: 'printed' });
  });
});
