import { fail, ok } from '../../contract/result.ts';
import { desk, documentSteps, failedStep, known, leavingStep, lookUpStep, newDeskContext, refusedStep, step, type Does } from './acting.ts';
import { doneStep, mayLeave } from './one-reader.ts';
import type { DeskWork } from './work.ts';

const lookAtHolder: Does = async (context) => {
  const looked = await context.work.lookAtHolder(known(context, 'card'), known(context, 'resident'));
  return looked.ok ? ok({ codeTries: looked.value.codeTries }) : looked;
};
/** The code is typed anew when it was wrong, and only then. */
const unblock: Does = async (context, typed) => {
  const { work } = context;
  const code = known(context, 'code');
  const done = await work.unblock(known(context, 'card'), code.slice(), typed ?? new Uint8Array(0), known(context, 'document'));
  if (!done.ok) return done;
  if ('codeWrong' in done.value || done.value.chosen) code.fill(0);
  if ('codeWrong' in done.value) return done.value.triesLeft <= 1 ? fail('card-code-blocked') : ok({ codeWrong: true, codeTries: done.value.triesLeft, code: null });
  return done.value.chosen ? ok({ weakness: null, code: null }) : ok({ weakness: done.value.weakness });
};

/**
 * A PIN that is blocked or forgotten, of a card that is its holder's: with the code of the slip, which the holder types, and a new PIN of their choice. That
 * somebody helped them they read as a look-up.
 */
export const unblockingMachine = (work: DeskWork) =>
  desk.createMachine({
    id: 'desk',
    context: ({ input }) => newDeskContext(work, 'unblock', input),
    initial: 'document',
    on: { 'resident.reader': { actions: 'takeReader' }, 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      ...documentSteps,
      lookUp: lookUpStep('#desk.check', '#desk.holder', '#desk.unknown'),
      unknown: refusedStep('resident-unknown', 'document'),

      holder: {
        initial: 'wanted',
        entry: ['forget', 'dropCard'],
        states: {
          wanted: {
            tags: mayLeave,
            always: { guard: 'cardIn', target: '#desk.inHand.reading', actions: 'takeCard' },
            on: { back: '#desk.over', 'resident.reader': { actions: 'takeReader' } },
          },
        },
      },
      removed: refusedStep('card-removed', 'holder'),

      inHand: {
        initial: 'reading',
        on: { 'resident.reader': [{ guard: 'cardGone', target: 'removed', actions: 'takeReader' }, { actions: 'takeReader' }] },
        states: {
          reading: step(lookAtHolder, [{ target: 'toResident' }], 'holder'),
          toResident: { on: { 'desk.confirm': 'code' } },
          code: { on: { 'desk.code': { target: 'pin', actions: ['wipeCode', 'takeCode'] } } },
          pin: { on: { back: 'code', 'pin.choose': 'choosing' } },
          choosing: step(unblock, [{ when: ({ codeWrong }) => codeWrong === true, target: 'code' }, { when: ({ weakness }) => weakness !== null, target: 'pin' }, { target: '#desk.done' }], 'holder'),
        },
      },
      done: { ...doneStep, entry: 'forget' },
      leaving: leavingStep,
      failed: failedStep('document', 'lookUp', 'holder'),
      over: { type: 'final' },
    },
  });
