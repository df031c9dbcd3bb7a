import { and } from 'xstate';
import type { PackedSlip } from '../../contract/bridge.ts';
import { ok } from '../../contract/result.ts';
import { byResident, changeOf, desk, documentSteps, failedStep, known, leavingStep, lookUpStep, newDeskContext, pinStep, refusedStep, step, type Does } from './acting.ts';
import { staffCardOf } from './hands.ts';
import { againStep, byReturned, doneStep, mayLeave, staffBackStep, staffSignStep, tryingStep } from './one-reader.ts';
import type { DeskWork, Waiting } from './work.ts';

/** While the staff's card is in its reader: with one for all it is out from here to its signature, and a hub that was started anew wants to hear from it. */
const lookUpSpace: Does = async (context) => {
  const { work, access, staffCard } = context;
  const found = await work.lookUpSpace(access, staffCard, known(context, 'resident'));
  return found.ok ? ok({ space: found.value }) : found;
};
const lookAtCard: Does = async (context) => {
  const { work, access, staffCard } = context;
  const looked = await work.lookAtCard(access, staffCard, known(context, 'card'));
  return looked.ok ? ok({ isUsed: looked.value === 'used' }) : looked;
};
const wipe: Does = async (context) => {
  const wiped = await context.work.wipe(known(context, 'card'));
  return wiped.ok ? ok({}) : wiped;
};
const make: Does = async (context) => {
  const made = await context.work.make(context.access, known(context, 'card'));
  return made.ok ? ok({ made: made.value, residentTries: made.value.info.tries.pw1, residentPad: made.value.info.pinPad }) : made;
};
const choosePin: Does = async (context, typed) => {
  const chosen = await context.work.choosePin(known(context, 'card'), typed ?? new Uint8Array(0), known(context, 'document'));
  return chosen.ok ? ok({ weakness: chosen.value.chosen ? null : chosen.value.weakness }) : chosen;
};
const prove: Does = async (context) => {
  const { work, access, why, slip } = context;
  const [card, made] = [known(context, 'card'), known(context, 'made')];
  if (why === 'register') {
    const proved = await work.prove(access, card, made);
    return proved.ok ? ok({ hand: proved.value }) : proved;
  }
  const proved = await work.proveReplacement(access, card, made, { space: known(context, 'space'), slip }, known(context, 'document')).finally(() => slip?.fill(0));
  if (proved.ok) return ok({ hand: proved.value, slip: null });
  return proved.failure.code === 'space-unreadable' && slip !== null ? ok({ slip: null, slipProblem: 'wrong' }) : proved;
};
const signAsResident: Does = (context, pin) => byResident(context.work.signAsResident(known(context, 'card'), pin, known(context, 'hand')), ({ hand }) => ({ hand }));
const signAsStaff: Does = (context, pin) =>
  byReturned(context, context.work.signAsStaff(context.access, staffCardOf(context), pin, known(context, 'hand'), context.returned !== null), ({ hand }) => ({ hand }));
const submit: Does = async (context) => {
  const { work, access, staffCard } = context;
  const submitted = await work.submit(access, staffCard, known(context, 'hand'), known(context, 'document'));
  return submitted.ok ? ok({}) : submitted;
};
/** What does not print can be printed again, or copied. */
const print = (slip: PackedSlip): Does => async ({ work }) => {
  const printed = await work.print(slip);
  return ok({ printing: printed.ok ? { state: 'printed' } : { state: 'failed', failure: printed.failure } });
};
const nothing: Does = () => Promise.resolve(ok({}));

/** The new card stays where it is, and is let go of here: what is kept has it now. With one reader for all it is out already. */
const keep: Does = (context) => {
  const { work, why, access, number, document, card, oneReader } = context;
  const hand = known(context, 'hand');
  const waiting: Waiting = { act: 'replace', draft: hand.draft, role: access.staff.role, number, document, hand, card: oneReader ? null : card };
  if (why !== 'replace') throw new Error('one signature is enough');
  const kept = work.keep(waiting);
  return Promise.resolve(kept.ok ? ok({ waiting, reference: kept.value.reference, hand: null, card: null }) : kept);
};

const cardGoes = [{ guard: 'cardGone', target: '#desk.removed', actions: 'takeReader' }, { actions: 'takeReader' }] as const;

/**
 * From an identity card to a card that works, in the hands of staff and, in between, of the resident alone. Nothing is registered before `submitting`; the
 * card that is pulled before is begun anew, and whatever was on its way is forgotten. In place of a card that is lost it is the same way, with the slip of
 * that card, and a second member of staff: the one that signs first keeps it for them.
 */
export const registrationMachine = (work: DeskWork, why: 'register' | 'replace') =>
  desk.createMachine({
    id: 'desk',
    context: ({ input }) => newDeskContext(work, why, input),
    initial: 'document',
    // Wherever it stands by then: what failed in between does not keep it for longer.
    on: { 'resident.reader': { actions: 'takeReader' }, 'touch.wanted': { actions: 'noteTouch' }, 'draft.over': '.gone' },
    states: {
      ...documentSteps,
      lookUp: why === 'register' ? lookUpStep('#desk.check', '#desk.known', '#desk.card') : lookUpStep('#desk.check', '#desk.space', '#desk.unknown'),
      space: step(lookUpSpace, [{ target: 'card' }], 'space'),
      known: refusedStep('resident-known', 'home'),
      unknown: refusedStep('resident-unknown', 'document'),

      card: {
        initial: 'wanted',
        entry: ['forget', 'dropCard', 'keptNoLonger'],
        states: {
          wanted: {
            tags: mayLeave,
            always: { guard: 'cardIn', target: 'reading', actions: 'takeCard' },
            on: { back: '#desk.over', 'resident.reader': { actions: 'takeReader' } },
          },
          reading: {
            ...step(lookAtCard, [{ when: ({ isUsed }) => isUsed === true, target: 'used' }, { target: '#desk.inHand' }], 'card'),
            on: { 'resident.reader': cardGoes },
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
      removed: { ...refusedStep('card-removed', 'card'), entry: 'keptNoLonger' },

      /** The card must stay in: whenever it goes before it has signed, it is begun anew. */
      inHand: {
        initial: 'making',
        on: { 'resident.reader': cardGoes },
        states: {
          wiping: step(wipe, [{ target: 'making' }], 'card'),
          making: step(make, [{ target: 'toResident' }], 'card'),
          toResident: { on: { 'desk.confirm': 'pin' } },
          pin: { on: { 'pin.choose': 'choosing' } },
          choosing: step(choosePin, [{ when: ({ weakness }) => weakness !== null, target: 'pin' }, { target: why === 'register' ? 'proving' : 'oldSlip' }], 'card'),
          oldSlip: {
            on: {
              'desk.slip': [{ guard: 'isSlip', target: 'proving', actions: 'takeSlip' }, { actions: 'noteSlipMistyped' }],
              'desk.no-slip': { target: 'proving', actions: 'noSlip' },
            },
          },
          proving: step(prove, [{ when: ({ slipProblem }) => slipProblem === 'wrong', target: 'oldSlip' }, { target: 'made' }], 'card'),
          /** What is on the slip is in sight of the hall with no staff card in the reader: its minutes run from here on, whoever goes back to it. */
          made: { always: [{ guard: 'oneReader', target: 'slip', actions: 'keepFiveMinutes' }, { target: 'slip' }] },
          /** Before anything is registered: nobody should have a card without its slip. */
          slip: {
            initial: 'shown',
            states: {
              shown: { on: { 'desk.confirm': '#desk.inHand.residentSign', 'receipt.print': { target: 'printing', actions: 'notePrinting' } } },
              printing: {
                invoke: {
                  src: 'does',
                  input: ({ context, event }) => ({ does: event.type === 'receipt.print' ? print(event.slip) : nothing, context, typed: null }),
                  onDone: { target: 'shown', actions: { type: 'take', params: ({ event }) => ({ change: changeOf(event) }) } },
                  onError: { target: '#desk.failed', actions: { type: 'noteFailure', params: { failure: { code: 'kiosk-fault' }, next: 'home' } } },
                },
              },
            },
          },
          residentSign: pinStep(signAsResident, { back: '#desk.inHand.slip', then: [{ target: '#desk.inHand.toStaff' }], next: 'card' }),
          toStaff: {
            entry: ['wipeSlip', 'keptNoLonger', 'keepFiveMinutes'],
            on: { 'desk.confirm': '#desk.staffSign', 'resident.reader': [{ guard: and(['oneReader', 'cardGone']), target: '#desk.staffSign', actions: 'takeReader' }, ...cardGoes] },
          },
        },
      },

      /** The card has signed: it may go, and is only not tried out then. */
      staffSign: staffSignStep(signAsStaff, why === 'register' ? '#desk.submitting' : '#desk.keeping'),
      gone: { ...refusedStep('draft-gone', 'home'), entry: ['forget', 'dropCard'] },
      keeping: step(keep, [{ target: 'kept' }], 'keeping'),
      kept: { entry: 'keptNoLonger', on: { 'desk.confirm': 'over' } },
      submitting: { ...step(submit, [{ target: 'again' }], 'submitting'), entry: ['keptNoLonger', 'noteHandedOver'], tags: mayLeave },
      staffBack: staffBackStep,
      again: againStep,
      trying: tryingStep,
      done: doneStep,
      leaving: leavingStep,
      failed: failedStep('document', 'lookUp', 'space', 'card', 'staffSign', 'keeping', 'submitting', 'staffBack', 'again'),
      over: { type: 'final' },
    },
  });
