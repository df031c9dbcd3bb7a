import { createActor, waitFor } from 'xstate';
import { describe, expect, test } from 'vitest';
import type { PackedSlip } from '../../../src/contract/bridge.ts';
import type { PrinterStatus } from '../../../src/contract/device-host.ts';
import { fail, ok, type Result } from '../../../src/contract/result.ts';
import { deskPage } from '../../../src/main/desk/desk-pages.ts';
import { registrationMachine } from '../../../src/main/desk/registration.ts';
import { auditor } from '../staff/staff-stand.ts';
import { goodDeskWork } from './desk-stand.ts';

const slip: PackedSlip = { widthDots: 576, heightDots: 1, dots: '' };
const ready: PrinterStatus = { state: 'ready', product: 'TM' };

/** A registration up to the slip, with a printer that answers when the test says so. */
async function toSlip() {
  const answers: ((result: Result<null>) => void)[] = [];
  const work = { ...goodDeskWork({ did: [], pins: [] }), print: () => new Promise<Result<null>>((resolve) => answers.push(resolve)) };
  const access = { staff: auditor, session: new Uint8Array(16), registrar: 'registrar' };
  const input = { access, staffCard: 1, staffTries: 3, staffPad: false, pinWrong: false, touchWanted: false, oneReader: false, reader: { view: 'empty' as const }, draft: null };
  const actor = createActor(registrationMachine(work, 'register'), { input }).start();
  const page = (printer: PrinterStatus = ready) => deskPage('register', actor.getSnapshot(), { printer, dots: 576 });
  const sees = (name: string) => waitFor(actor, (snapshot) => deskPage('register', snapshot, { printer: ready, dots: 576 }).page === name, { timeout: 1_000 });
  await sees('desk-check');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.submit', pin: '123456' });
  await sees('desk-card');
  actor.send({ type: 'resident.reader', view: { view: 'card', insertion: 2 } });
  await sees('desk-turn');
  actor.send({ type: 'desk.confirm' });
  actor.send({ type: 'pin.choose', pin: '480213' });
  await sees('desk-slip');
  const offers = (state: string) => waitFor(actor, () => (page() as { print?: { state: string } }).print?.state === state, { timeout: 1_000 });
  return { actor, answers, page, offers };
}

describe('the slip on paper', () => {
  test('is printed once the printer has said so, and its holder goes on after it only', async () => {
    const { actor, answers, page, offers } = await toSlip();
    expect(page()).toMatchObject({ print: { state: 'ready', widthDots: 576 } });
    actor.send({ type: 'receipt.print', slip });
    await offers('printing');
    actor.send({ type: 'desk.confirm' });
    expect(page()).toMatchObject({ page: 'desk-slip' });
    answers[0]?.(ok(null));
    await offers('printed');
    actor.send({ type: 'desk.confirm' });
    expect(page()).toMatchObject({ page: 'desk-sign', what: 'resident' });
  });

  test('that did not come is said with its reason, and can be tried again, or copied', async () => {
    const { actor, answers, page, offers } = await toSlip();
    actor.send({ type: 'receipt.print', slip });
    await offers('printing');
    answers[0]?.(fail('printer-jammed'));
    await offers('ready');
    expect(page()).toMatchObject({ print: { code: 'printer-jammed' } });
    actor.send({ type: 'receipt.print', slip });
    await offers('printing');
    answers[1]?.(ok(null));
    await offers('printed');
  });

  test('is not offered where the printer cannot', async () => {
    const { actor, page } = await toSlip();
    expect(page({ state: 'unusable', failure: { code: 'printer-paper-out' } })).toMatchObject({ print: { state: 'unusable', code: 'printer-paper-out' } });
    actor.send({ type: 'desk.confirm' });
    expect(page()).toMatchObject({ page: 'desk-sign' });
  });

  test('the card that is pulled while it prints is begun anew, with another slip', async () => {
    const { actor, page, offers } = await toSlip();
    actor.send({ type: 'receipt.print', slip });
    await offers('printing');
    actor.send({ type: 'resident.reader', view: { view: 'empty' } });
    expect(page()).toMatchObject({ page: 'failure', code: 'card-removed' });
    actor.send({ type: 'retry' });
    expect(actor.getSnapshot().context).toMatchObject({ hand: null, printing: null });
  });
});
