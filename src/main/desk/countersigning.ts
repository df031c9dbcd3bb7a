import { ok } from '../../contract/result.ts';
import { byStaff, desk, failedStep, known, leavingStep, newDeskContext, pinStep, refusedStep, step, type Does } from './acting.ts';
import { againStep, doneStep, mayLeave, staffBackStep, tryingStep } from './one-reader.ts';
import type { DeskWork } from './work.ts';

/** From its signature on it is this session's: what is left in hand is forgotten with it. */
const sign: Does = (context, pin) => {
  const { work, access, staffCard } = context;
  const waiting = known(context, 'waiting');
  return byStaff(work.countersign(access, staffCard, pin, waiting), ({ envelope }) => ({ envelope, hand: waiting.hand, card: waiting.card, document: waiting.document }));
};
const carryOut: Does = async (context) => {
  const { work, access, staffCard } = context;
  const carried = await work.carryOut(access, staffCard, known(context, 'envelope'), known(context, 'waiting'));
  return carried.ok ? ok({}) : carried;
};

/** The second signature, by a member of staff of another role than the first: it is carried out with it, and a new card is tried before it is handed over. */
export const countersigningMachine = (work: DeskWork) =>
  desk.createMachine({
    id: 'desk',
    context: ({ input }) => ({ ...newDeskContext(work, 'replace', input), waiting: input.draft === null ? null : work.waiting(input.draft), reference: input.draft ?? '' }),
    initial: 'looking',
    on: { 'resident.reader': { actions: 'takeReader' }, 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      looking: { always: [{ guard: ({ context }) => context.waiting !== null, target: 'check' }, { target: 'gone' }] },
      gone: refusedStep('draft-gone', 'home'),
      check: { on: { back: 'over', 'desk.confirm': 'staffSign' } },
      staffSign: pinStep(sign, { back: '#desk.check', then: [{ target: '#desk.submitting' }], next: 'staffSign' }),
      submitting: { ...step(carryOut, [{ target: 'again' }], 'submitting'), entry: 'noteHandedOver', tags: mayLeave },
      staffBack: staffBackStep,
      again: againStep,
      trying: tryingStep,
      done: doneStep,
      leaving: leavingStep,
      failed: failedStep('staffSign', 'submitting', 'staffBack', 'again'),
      over: { type: 'final' },
    },
  });
