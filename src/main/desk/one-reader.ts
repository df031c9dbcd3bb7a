import { and } from 'xstate';
import { fail, ok, type Result } from '../../contract/result.ts';
import { byResident, byStaff, desk, known, step, type Change, type DeskContext, type DeskSnapshot, type Does } from './acting.ts';
import { staffCardOf } from './hands.ts';
import type { Signed } from './work.ts';

/*
 * What an act that needs two cards does more where both come into one reader: the cards change places. Where each has a reader of its own the same steps
 * are passed through without a page, so that there is one way through an act and not two.
 */

/** Of the states in which a staff card that leaves the one reader ends nothing: the other card is awaited in it, or what was signed is under way. */
export const mayLeave = 'staff-card-may-leave';

/** Nor where it is told that what was signed could not be given to the hub, or not surely, and it is tried again. */
export const staffCardMayLeave = (snapshot: DeskSnapshot): boolean => {
  const { handedOver, setback } = snapshot.context;
  return snapshot.hasTag(mayLeave) || (snapshot.value === 'failed' && handedOver && setback?.next !== 'home');
};

const lookAtStaff: Does = async ({ work, access, reader }) => {
  if (!('insertion' in reader)) return fail('card-removed');
  const { insertion } = reader;
  const looked = await work.lookAtStaff(access, insertion);
  return looked.ok ? ok({ returned: insertion, staffTries: looked.value.triesLeft, staffPad: looked.value.pinPad, pinWrong: false }) : looked;
};

/** With the staff's PIN; the card that was put back has proven itself by its signature, and is the session's from then on. */
export function byReturned<T>({ staffCard, returned }: DeskContext, asked: Promise<Result<Signed<T>>>, change: (value: T) => Change): Promise<Result<Change>> {
  return byStaff(asked, (value) => ({ staffCard: returned ?? staffCard, returned: null, ...change(value) }));
}

/** The staff's card, of whoever began and of nobody else; then a PIN, and what is done with it. There is no way back from here. @param at the name of this state. @param then where to. */
const staffCardStep = (at: 'staffSign' | 'staffBack', does: Does, then: string) =>
  desk.createStateConfig({
    initial: 'card',
    on: { 'resident.reader': [{ guard: 'staffCardGone', target: `#desk.${at}.card`, actions: 'takeReader' }, { actions: 'takeReader' }] },
    states: {
      card: {
        always: [{ guard: 'staffCardIn', target: 'pin' }, { guard: 'cardToCompare', target: 'reading' }],
        on: { 'resident.reader': { actions: 'takeReader' } },
      },
      reading: { ...step(lookAtStaff, [{ target: 'card' }], at), on: { 'resident.reader': { actions: 'takeReader' } } },
      pin: { on: { 'pin.submit': 'working', 'pin.on-reader': 'working' } },
      working: {
        ...step(does, [{ when: ({ pinWrong }) => pinWrong === true, target: 'pin' }, { target: then }], at),
        // What the card says itself comes first: it may have signed already.
        on: { 'resident.reader': { actions: 'takeReader' } },
      },
    },
  });

export const staffSignStep = (does: Does, then: string) => staffCardStep('staffSign', does, then);

const proveStaff: Does = (context, pin) => byReturned(context, context.work.proveStaff(context.access, staffCardOf(context), pin), () => ({}));

/** All have signed, and the hub wants to hear from the staff's card before it takes it: the card was out, and proves itself once more. */
export const staffBackStep = { ...staffCardStep('staffBack', proveStaff, '#desk.submitting'), tags: mayLeave };

/** Whatever comes of it: what was recorded stands. */
const tryOut: Does = async (context) => {
  const tried = await context.work.tryOut(known(context, 'card'), known(context, 'hand'), known(context, 'document'));
  return ok({ untried: tried.ok ? null : tried.failure.code });
};

const lookAtMade: Does = async (context) => {
  const looked = await context.work.lookAtMade(known(context, 'card'), known(context, 'hand'));
  return looked.ok ? ok({ residentTries: looked.value.triesLeft, residentPad: looked.value.pinPad, pinWrong: false }) : looked;
};
const tryAgain: Does = (context, pin) =>
  byResident(context.work.tryOutAgain(known(context, 'card'), pin, known(context, 'hand'), known(context, 'document')), ({ untried }) => ({ untried }));

/** The card that is still in is tried at once. */
export const tryingStep = step(tryOut, [{ target: '#desk.done' }], 'home');

/** With one reader for all the new card comes in once more to be tried, and its holder types the PIN; or they do without. */
export const againStep = desk.createStateConfig({
  initial: 'wanted',
  states: {
    wanted: {
      tags: mayLeave,
      always: [
        { guard: 'nothingToTry', target: '#desk.done' },
        { guard: 'readerEach', target: '#desk.trying' },
        { guard: 'cardIn', target: 'inHand', actions: 'takeCard' },
      ],
      on: { 'resident.reader': { actions: 'takeReader' }, 'desk.confirm': { target: '#desk.done', actions: 'noteUntried' } },
    },
    inHand: {
      initial: 'reading',
      on: { 'resident.reader': [{ guard: 'cardGone', target: '#desk.again', actions: 'takeReader' }, { actions: 'takeReader' }] },
      states: {
        reading: step(lookAtMade, [{ target: 'pin' }], 'again'),
        pin: { on: { 'pin.submit': 'working', 'pin.on-reader': 'working' } },
        working: step(tryAgain, [{ when: ({ pinWrong }) => pinWrong === true, target: 'pin' }, { target: '#desk.done' }], 'again'),
      },
    },
  },
});

/** With one reader for all the card that is taken out is handed over, and nobody's is in it then. */
export const doneStep = desk.createStateConfig({
  on: { 'desk.confirm': '#desk.leaving', 'resident.reader': [{ guard: and(['oneReader', 'cardGone']), target: '#desk.over', actions: 'takeReader' }, { actions: 'takeReader' }] },
});
