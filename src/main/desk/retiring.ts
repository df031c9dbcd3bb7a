import { ok } from '../../contract/result.ts';
import { byStaff, desk, failedStep, known, lookUpStep, newDeskContext, numberStep, pinStep, refusedStep, step, type Does } from './acting.ts';
import type { DeskWork } from './work.ts';

const sign: Does = (context, pin) => {
  const { work, access, staffCard, number } = context;
  return byStaff(work.signRetirement(access, staffCard, pin, known(context, 'resident')), ({ draft }) => ({
    waiting: { act: 'retire', draft, role: access.staff.role, number, document: null, hand: null, card: null },
  }));
};
const keep: Does = (context) => {
  const kept = context.work.keep(known(context, 'waiting'));
  return Promise.resolve(kept.ok ? ok({ reference: kept.value.reference }) : kept);
};

/** Somebody who has died or moved away, by number: looked up on record, told what it means, signed, and kept for the second member of staff. */
export const retiringMachine = (work: DeskWork) =>
  desk.createMachine({
    id: 'desk',
    context: ({ input }) => newDeskContext(work, 'retire', input),
    initial: 'number',
    on: { 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      number: numberStep,
      lookUp: lookUpStep('#desk.number', '#desk.meaning', '#desk.unknown'),
      unknown: refusedStep('resident-unknown', 'number'),
      meaning: { on: { back: 'over', 'desk.confirm': 'staffSign' } },
      staffSign: pinStep(sign, { back: '#desk.meaning', then: [{ target: '#desk.keeping' }], next: 'staffSign' }),
      keeping: step(keep, [{ target: 'kept' }], 'keeping'),
      kept: { on: { 'desk.confirm': 'over' } },
      failed: failedStep('number', 'lookUp', 'staffSign', 'keeping'),
      over: { type: 'final' },
    },
  });
