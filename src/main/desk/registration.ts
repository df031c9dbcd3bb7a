import { ok, type Result } from '../../contract/result.ts';
import { byResident, byStaff, desk, documentSteps, failedStep, known, leavingStep, lookUpStep, newDeskContext, pinStep, refusedStep, step, type Change, type DeskContext, type Does } from './acting.ts';
import type { DeskWork } from './work.ts';

const lookAtCard: Does = async (context) => {
  const looked = await context.work.lookAtCard(known(context, 'card'));
  return looked.ok ? ok({ isUsed: looked.value === 'used' }) : looked;
};
const wipe: Does = async (context) => {
  const wiped = await context.work.wipe(known(context, 'card'));
  return wiped.ok ? ok({}) : wiped;
};
const make: Does = async (context) => {
  const made = await context.work.make(context.access, known(context, 'card'));
  return made.ok ? ok({ made: made.value, residentTries: made.value.info.tries.pw1 }) : made;
};
const choosePin: Does = async (context, typed) => {
  const chosen = await context.work.choosePin(known(context, 'card'), typed ?? new Uint8Array(0), known(context, 'document'));
  return chosen.ok ? ok({ weakness: chosen.value.chosen ? null : chosen.value.weakness }) : chosen;
};
const prove: Does = async (context) => {
  const proved = await context.work.prove(context.access, known(context, 'card'), known(context, 'made'));
  return proved.ok ? ok({ hand: proved.value }) : proved;
};
const signAsResident: Does = (context, pin) => byResident(context.work.signAsResident(known(context, 'card'), pin, known(context, 'hand')), ({ hand }) => ({ hand }));
const signAsStaff: Does = (context, pin) => byStaff(context.work.signAsStaff(context.access, context.staffCard, pin, known(context, 'hand')), ({ hand }) => ({ hand }));
const submit: Does = async (context) => {
  const { work, access, staffCard } = context;
  const submitted = await work.submit(access, staffCard, known(context, 'hand'), known(context, 'document'));
  return submitted.ok ? ok({}) : submitted;
};
/** Whatever comes of it: what was recorded stands. */
async function tryOut(context: DeskContext): Promise<Result<Change>> {
  const tried = await context.work.tryOut(known(context, 'card'), known(context, 'hand'), known(context, 'document'));
  return ok({ untried: tried.ok ? null : tried.failure.code });
}

/**
 * From an identity card to a card that works, in the hands of staff and, in between, of the resident alone. Nothing is registered before `submitting`; the
 * card that is pulled before is begun anew, and whatever was on its way is forgotten.
 */
export const registrationMachine = (work: DeskWork) =>
  desk.createMachine({
    id: 'desk',
    context: ({ input }) => newDeskContext(work, 'register', input),
    initial: 'document',
    on: { 'resident.reader': { actions: 'takeReader' }, 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      ...documentSteps,
      lookUp: lookUpStep('#desk.check', '#desk.known', '#desk.card'),
      known: refusedStep('resident-known', 'home'),

      card: {
        initial: 'wanted',
        entry: ['forget', 'dropCard'],
        states: {
          wanted: {
            always: { guard: 'cardIn', target: 'reading', actions: 'takeCard' },
            on: { back: '#desk.over', 'resident.reader': { actions: 'takeReader' } },
          },
          reading: {
            ...step(lookAtCard, [{ when: ({ isUsed }) => isUsed === true, target: 'used' }, { target: '#desk.inHand' }], 'card'),
            on: { 'resident.reader': [{ guard: 'cardGone', target: '#desk.removed', actions: 'takeReader' }, { actions: 'takeReader' }] },
          },
          /** Everything on it goes, so it is asked first. */
          used: {
            on: {
              'resident.reader': [{ guard: 'cardGone', target: '#desk.card', actions: 'takeReader' }, { actions: 'takeReader' }],
              back: '#desk.over',
              'desk.confirm': '#desk.inHand.wiping',
            },
          },
        },
      },
      removed: refusedStep('card-removed', 'card'),

      /** The card must stay in: whenever it goes before it has signed, it is begun anew. */
      inHand: {
        initial: 'making',
        on: { 'resident.reader': [{ guard: 'cardGone', target: 'removed', actions: 'takeReader' }, { actions: 'takeReader' }] },
        states: {
          wiping: step(wipe, [{ target: 'making' }], 'card'),
          making: step(make, [{ target: 'toResident' }], 'card'),
          toResident: { on: { 'desk.confirm': 'pin' } },
          pin: { on: { 'pin.choose': 'choosing' } },
          choosing: step(choosePin, [{ when: ({ weakness }) => weakness !== null, target: 'pin' }, { target: 'proving' }], 'card'),
          proving: step(prove, [{ target: 'slip' }], 'card'),
          /** Before anything is registered: nobody should have a card without its slip. */
          slip: { on: { 'desk.confirm': 'residentSign' } },
          residentSign: pinStep(signAsResident, { back: '#desk.inHand.slip', then: [{ target: '#desk.inHand.toStaff' }], next: 'card' }),
          toStaff: { on: { 'desk.confirm': '#desk.staffSign' } },
        },
      },

      /** The card has signed: it may go, and is only not tried out then. */
      staffSign: pinStep(signAsStaff, { back: null, then: [{ target: '#desk.submitting' }], next: 'staffSign' }),
      submitting: step(submit, [{ target: 'trying' }], 'submitting'),
      trying: step(tryOut, [{ target: 'done' }], 'home'),
      done: { on: { 'desk.confirm': 'leaving' } },
      leaving: leavingStep,
      failed: failedStep('document', 'lookUp', 'card', 'staffSign', 'submitting'),
      over: { type: 'final' },
    },
  });
