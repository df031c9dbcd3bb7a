import { byStaff, desk, failedStep, known, lookUpStep, newDeskContext, numberStep, pinStep, refusedStep, type Does } from './acting.ts';
import type { DeskWork } from './work.ts';

const block: Does = (context, pin) =>
  byStaff(context.work.block(context.access, context.staffCard, pin, known(context, 'resident'), known(context, 'reason')), ({ reference }) => ({ reference }));

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
      staffSign: pinStep(block, { back: '#desk.reason', then: [{ target: '#desk.done' }], next: 'staffSign' }),
      done: { on: { 'desk.confirm': 'over' } },
      failed: failedStep('number', 'lookUp', 'staffSign'),
      over: { type: 'final' },
    },
  });
