import { ok } from '../../contract/result.ts';
import { reference } from '../../ledger/verify/reference.ts';
import { byStaff, desk, failedStep, known, lookUpStep, newDeskContext, numberStep, pinStep, refusedStep, step, type Does } from './acting.ts';
import type { DeskWork } from './work.ts';

const sign: Does = (context, pin) =>
  byStaff(context.work.signBlock(context.access, context.staffCard, pin, known(context, 'resident'), known(context, 'reason')), ({ block }) => ({ block }));
const deliver: Does = async (context) => {
  const block = known(context, 'block');
  const delivered = await context.work.deliverBlock(block);
  if (!delivered.ok) return delivered;
  const { already } = delivered.value;
  return ok({ already, reference: already ? '' : reference(block.transaction) });
};

/** A card that is gone is blocked by its holder's number: looked up on record, and signed by the member of staff. From the block on it signs nothing more. */
export const blockingMachine = (work: DeskWork) =>
  desk.createMachine({
    id: 'desk',
    context: ({ input }) => newDeskContext(work, 'block', input),
    initial: 'number',
    on: { 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      number: numberStep,
      lookUp: lookUpStep('#desk.number', '#desk.reason', '#desk.unknown'),
      unknown: refusedStep('resident-unknown', 'number'),
      reason: { on: { back: 'over', 'desk.block': { target: 'staffSign', actions: 'takeReason' } } },
      staffSign: pinStep(sign, { back: '#desk.reason', then: [{ target: '#desk.delivering' }], next: 'staffSign' }),
      /** Signed once: a second body would be refused by what the first has done, and it would read as if nothing had been. */
      delivering: step(deliver, [{ target: 'done' }], 'delivering'),
      done: { on: { 'desk.confirm': 'over' } },
      failed: failedStep('number', 'lookUp', 'staffSign', 'delivering'),
      over: { type: 'final' },
    },
  });
