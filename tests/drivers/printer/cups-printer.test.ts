import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { PrinterStatus, Slip } from '../../../src/contract/device-host.ts';
import { CupsPrinter, cupsTimes, type CupsTimes } from '../../../src/drivers/printer/cups-printer.ts';
import { ippOperations } from '../../../src/drivers/printer/ipp.ts';
import { slipPdf } from '../../../src/drivers/printer/slip-pdf.ts';
import { IppPaper, type IppTrouble } from '../../../tools/virtual-devices/ipp-paper.ts';
import { PrivateCups, whyNoCups } from './private-cups.ts';
import { SlowCups } from './slow-cups.ts';

const missing = whyNoCups();
const slip: Slip = { widthDots: 576, heightDots: 1200, dots: Uint8Array.from({ length: 72 * 1200 }, (_, i) => (i * 7) & 0xff) };

/** Through Debian's CUPS and its own IPP backend to a printer that speaks IPP. */
describe.skipIf(missing !== null)(`a queue of CUPS${missing === null ? '' : ` (${missing} is missing)`}`, () => {
  let cups: PrivateCups;
  let paper: IppPaper;
  let printer: CupsPrinter;
  let heard: (status: PrinterStatus) => void;

  const open = (more: { queue?: string; server?: string } & Partial<CupsTimes> = {}): CupsPrinter => {
    const { queue = 'slips', server = cups.socket, ...times } = more;
    return new CupsPrinter({ queue, server, sheet: 'a4', widthDots: 576 }, (status) => heard(status), { ...cupsTimes, lookEveryMs: 50, jobLookEveryMs: 50, jobMs: 15_000, ...times });
  };
  const state = (wanted: string): Promise<PrinterStatus> =>
    new Promise((resolve) => {
      heard = (status) => {
        if ((status.state === 'unusable' ? status.failure.code : status.state) === wanted) resolve(status);
      };
      heard(printer.status);
    });

  /** What CUPS has of jobs, over ones too, and of documents. */
  const kept = async (): Promise<{ jobs: string; files: string[] }> => ({ jobs: await cups.command('/usr/bin/lpstat', '-W', 'all', '-o'), files: cups.keptFiles });
  const nothing = { jobs: '', files: [] };
  /** Anew, through a CUPS that is slow. */
  const openSlow = async (times: Partial<CupsTimes> = {}): Promise<SlowCups> => {
    await printer.stop();
    const slow = await SlowCups.start(cups.socket);
    onTestFinished(() => slow.stop());
    printer = open({ server: slow.socket, ...times });
    await state('ready');
    return slow;
  };
  /** A slip that an earlier kiosk left in the queue. */
  const leaveSlip = (...options: string[]): Promise<string> => cups.command('/usr/bin/lp', '-d', 'slips', '-o', 'raw', ...options, import.meta.filename);

  beforeAll(async () => {
    cups = await PrivateCups.start();
  });
  afterAll(() => cups.stop());
  beforeEach(async () => {
    heard = () => undefined;
    paper = await IppPaper.start();
    await cups.addQueue('slips', paper.uri);
    printer = open();
    await state('ready');
  });
  afterEach(async () => {
    await printer.stop();
    await paper.stop();
  });

  test('prints a slip as a PDF, says so when CUPS calls it completed, and leaves nothing of it there', async () => {
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(paper.printed.map((document) => document.equals(slipPdf(slip, 'a4')))).toEqual([true]);
    expect(await kept()).toEqual(nothing);
  });

  test.each<[IppTrouble, string]>([
    ['media-empty-error', 'printer-paper-out'],
    ['cover-open-error', 'printer-cover-open'],
    ['media-jam-error', 'printer-jammed'],
  ])('says %s before anything is offered, takes no slip then, and is well again by itself', async (trouble, code) => {
    paper.trouble = trouble;
    await state(code);
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code } });
    paper.trouble = 'none';
    await state('ready');
    expect(paper.printed).toEqual([]);
  });

  test('prints with little paper left, and says that it is little', async () => {
    paper.trouble = 'media-low-warning';
    await state('paper-low');
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
  });

  test('cancels a slip during which the paper runs out, and says why: it is not printed when there is paper again', async () => {
    paper.trouble = 'silent';
    const printed = printer.print(slip);
    await expect.poll(() => paper.waiting, { timeout: 10_000 }).toBe(1);
    paper.trouble = 'media-empty-error';
    expect(await printed).toMatchObject({ ok: false, failure: { code: 'printer-paper-out' } });
    await expect.poll(() => paper.waiting, { timeout: 10_000 }).toBe(0);
    paper.trouble = 'none';
    await state('ready');
    expect(paper.printed).toEqual([]);
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(paper.printed).toHaveLength(1);
  });

  test('cancels a slip that is not completed in time', async () => {
    await printer.stop();
    printer = open({ jobMs: 600 });
    await state('ready');
    paper.trouble = 'silent';
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-unconfirmed' } });
    expect(await kept()).toEqual(nothing);
  });

  test('a slip that CUPS takes only when the kiosk has given it up is not printed, then or with the next one', async () => {
    const slow = await openSlow();
    slow.holds = ({ rest }) => rest.length > 0;
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-unconfirmed' } });
    expect(await slow.letGo()).toEqual([0x0406]);
    expect(await printer.print({ ...slip, heightDots: 8, dots: new Uint8Array(72 * 8) })).toEqual({ ok: true, value: null });
    expect(paper.printed.map((document) => document.equals(slipPdf(slip, 'a4')))).toEqual([false]);
    expect(await kept()).toEqual(nothing);
  });

  test('a slip that CUPS took and did not say so is taken back', async () => {
    const slow = await openSlow();
    paper.trouble = 'silent';
    slow.loses = ({ rest }) => rest.length > 0;
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-unconfirmed' } });
    await state('ready');
    expect(await kept()).toEqual(nothing);
    expect(paper.waiting).toBe(0);
    paper.trouble = 'none';
    expect(paper.printed).toEqual([]);
  });

  test('nothing of a slip is sent before CUPS has told the number of its job', async () => {
    const slow = await openSlow();
    const documents: number[] = [];
    slow.holds = ({ code, rest }) => {
      if (rest.length > 0) documents.push(code);
      return code === ippOperations.createJob || code === ippOperations.printJob;
    };
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-missing' } });
    await slow.letGo();
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(documents).toEqual([]);
    expect(paper.printed).toHaveLength(1);
    expect(await kept()).toEqual(nothing);
  });

  test('no queue is ready while CUPS does not say that a slip is gone', async () => {
    const slow = await openSlow({ jobMs: 500 });
    paper.trouble = 'silent';
    slow.holds = ({ code }) => code === ippOperations.cancelJob;
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-unconfirmed' } });
    expect(printer.status).toMatchObject({ state: 'unusable', failure: { code: 'printer-missing' } });
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-missing' } });
    slow.holds = () => false;
    await state('ready');
    expect(await kept()).toEqual(nothing);
    expect(paper.waiting).toBe(0);
    paper.trouble = 'none';
    expect(paper.printed).toEqual([]);
  });

  test('what an earlier kiosk left in the queue is gone before it is ready: printed, waiting, or taken up again by a CUPS that was started anew', async () => {
    await printer.stop();
    await leaveSlip();
    await expect.poll(() => paper.printed.length, { timeout: 10_000 }).toBe(1);
    await cups.command('/usr/sbin/cupsdisable', 'slips');
    await leaveSlip();
    await leaveSlip();
    await cups.pause();
    await cups.resume();
    paper.trouble = 'silent';
    await cups.command('/usr/sbin/cupsenable', 'slips');
    await expect.poll(() => paper.waiting, { timeout: 10_000 }).toBe(1);
    expect(cups.keptFiles).not.toEqual([]);
    printer = open();
    await state('ready');
    expect(await kept()).toEqual(nothing);
    expect(paper.waiting).toBe(0);
    paper.trouble = 'none';
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(paper.printed).toHaveLength(2);
  });

  test("somebody else's jobs are left alone", async () => {
    await printer.stop();
    const shared = await PrivateCups.start();
    onTestFinished(() => shared.stop());
    await shared.addQueue('slips', paper.uri);
    // Whom the machine knows: CUPS 2.4.2-3+deb12u10 breaks off with a job of somebody whom it does not.
    await shared.command('/usr/bin/lp', '-d', 'slips', '-o', 'raw', '-U', 'daemon', '-H', 'indefinite', import.meta.filename);
    printer = open({ server: shared.socket });
    await state('ready');
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
    expect(shared.keptFiles).toHaveLength(1);
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

  test('a job that somebody else cancels was not printed', async () => {
    paper.trouble = 'silent';
    const printed = printer.print(slip);
    await expect.poll(() => paper.waiting, { timeout: 10_000 }).toBe(1);
    await cups.command('/usr/bin/cancel', '-a');
    expect(await printed).toMatchObject({ ok: false, failure: { code: 'printer-unconfirmed' } });
  });

  test.each([
    ['no queue of that name', { queue: 'nobody' }],
    ['no CUPS at that socket', { server: '/nowhere/cups.sock' }],
  ])('%s is a printer that is missing', async (_, more) => {
    await printer.stop();
    printer = open(more);
    await state('printer-missing');
    expect(await printer.print(slip)).toMatchObject({ ok: false, failure: { code: 'printer-missing' } });
  });

  test('a printer behind its queue that does not answer is missing, and is there again', async () => {
    const { uri } = paper;
    await paper.stop();
    await state('printer-missing');
    paper = await IppPaper.start();
    expect(paper.uri).not.toBe(uri);
    await cups.addQueue('slips', paper.uri);
    await state('ready');
    expect(await printer.print(slip)).toEqual({ ok: true, value: null });
  });

  test('a queue that was stopped says so', async () => {
    await cups.command('/usr/sbin/cupsdisable', 'slips');
    expect(await state('device-fault')).toMatchObject({ failure: { detail: expect.stringContaining('paused') as string } });
    await cups.command('/usr/sbin/cupsenable', 'slips');
    await state('ready');
  });

  test('goes on after CUPS was started anew', async () => {
    await cups.pause();
    await state('printer-missing');
    await cups.resume();
    expect(await state('ready')).toEqual({ state: 'ready', product: expect.stringContaining('Raw') as string });
  });

  test('what is no slip of this paper is refused', async () => {
    expect(await printer.print({ ...slip, heightDots: 5 })).toMatchObject({ ok: false, failure: { code: 'message-invalid' } });
    expect(paper.waiting).toBe(0);
  });

  test('its queues are listed, and none where there is no CUPS', async () => {
    expect((await cups.queues()).map(({ queue }) => queue)).toEqual(['slips']);
  });
});
