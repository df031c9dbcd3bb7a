import { assign, fromPromise, setup, type SnapshotFrom } from 'xstate';
import type { FailureCode } from '../../contract/failures.ts';
import type { PinChoice, PinResult, PinWeakness } from '../../contract/device-host.ts';
import type { Failure, Result } from '../../contract/result.ts';
import { afterFailure } from '../visit/failure-policy.ts';
import type { ReaderView } from '../visit/reader-view.ts';
import type { Document } from './document.ts';
import { pinOf, type DeskHands } from './hands.ts';
import type { DeskWork, MadeCard, RegistrationInHand, Signed } from './work.ts';

/** Where a failure page's button leads. */
export type RegistrationNext = 'document' | 'lookUp' | 'card' | 'staffSign' | 'submitting' | 'home';

export interface RegistrationContext extends DeskHands {
  /** The resident's reader, which is the desk's for as long as this lasts. */
  reader: ReaderView;
  document: Document | null;
  /** Insertion of the card in hand. */
  card: number | null;
  /** Of the one that was given up: it has to come out before it counts again. */
  spent: number | null;
  made: MadeCard | null;
  hand: RegistrationInHand | null;
  residentTries: number;
  weakness: PinWeakness | null;
  /** Why the card could not be tried, which changes nothing about its registration. */
  untried: FailureCode | null;
  setback: { failure: Failure; next: RegistrationNext } | null;
}

export interface RegistrationInput extends DeskHands {
  reader: ReaderView;
}

export type RegistrationEvent =
  | { type: 'resident.reader'; view: ReaderView }
  | { type: 'touch.wanted' }
  | { type: 'desk.confirm' }
  | { type: 'pin.submit'; pin: string }
  | { type: 'pin.on-reader' }
  | { type: 'pin.choose'; pin: string }
  | { type: 'back' }
  | { type: 'retry' }
  | { type: 'home' };

export type RegistrationSnapshot = SnapshotFrom<ReturnType<typeof registrationMachine>>;

function documentOf({ document }: RegistrationContext): Document {
  if (document === null) throw new Error('no document was read');
  return document;
}
function cardOf({ card }: RegistrationContext): number {
  if (card === null) throw new Error('no card is in');
  return card;
}
function madeOf({ made }: RegistrationContext): MadeCard {
  if (made === null) throw new Error('no card was made');
  return made;
}
function handOf({ hand }: RegistrationContext): RegistrationInHand {
  if (hand === null) throw new Error('nothing is in hand');
  return hand;
}

const setBack = (failure: Failure, next: RegistrationNext): Pick<RegistrationContext, 'setback'> => ({ setback: { failure, next } });

/** The same again may go well, or it is over. */
const again = (failure: Failure, next: RegistrationNext): RegistrationNext => (afterFailure(failure.code, true) === 'retry' ? next : 'home');

/**
 * From an identity card to a card that works, in the hands of staff and, in between, of the resident alone. Nothing is registered before `submitting`; the
 * card that is pulled before is begun anew, and whatever was on its way is forgotten.
 */
export function registrationMachine(work: DeskWork) {
  return setup({
    types: { context: {} as RegistrationContext, events: {} as RegistrationEvent, input: {} as RegistrationInput },
    actors: {
      readDocument: fromPromise<Result<Document>>(() => work.readDocument()),
      lookUp: fromPromise<Result<Signed<{ resident: Uint8Array | null }>>, { context: RegistrationContext; pin: Uint8Array | null }>(({ input: { context, pin } }) =>
        work.lookUp(context.access, context.staffCard, pin, documentOf(context).facts.identity_number, 'register'),
      ),
      lookAtCard: fromPromise<Result<'blank' | 'used'>, RegistrationContext>(({ input }) => work.lookAtCard(cardOf(input))),
      wipe: fromPromise<Result<null>, RegistrationContext>(({ input }) => work.wipe(cardOf(input))),
      make: fromPromise<Result<MadeCard>, RegistrationContext>(({ input }) => work.make(input.access, cardOf(input))),
      choosePin: fromPromise<Result<PinChoice>, { context: RegistrationContext; pin: Uint8Array }>(({ input: { context, pin } }) => work.choosePin(cardOf(context), pin, documentOf(context))),
      prove: fromPromise<Result<RegistrationInHand>, RegistrationContext>(({ input }) => work.prove(input.access, cardOf(input), madeOf(input))),
      signAsResident: fromPromise<Result<Signed<{ hand: RegistrationInHand }>>, { context: RegistrationContext; pin: Uint8Array | null }>(({ input: { context, pin } }) =>
        work.signAsResident(cardOf(context), pin, handOf(context)),
      ),
      signAsStaff: fromPromise<Result<Signed<{ hand: RegistrationInHand }>>, { context: RegistrationContext; pin: Uint8Array | null }>(({ input: { context, pin } }) =>
        work.signAsStaff(context.access, context.staffCard, pin, handOf(context)),
      ),
      submit: fromPromise<Result<null>, RegistrationContext>(({ input }) => work.submit(input.access, input.staffCard, handOf(input), documentOf(input))),
      tryOut: fromPromise<Result<null>, RegistrationContext>(({ input }) => work.tryOut(cardOf(input), handOf(input), documentOf(input))),
    },
    guards: {
      succeeded: (_, { result }: { result: Result<unknown> }) => result.ok,
      verified: (_, { result }: { result: Result<PinResult> }) => result.ok && result.value.verified,
      free: (_, { result }: { result: Result<Signed<{ resident: Uint8Array | null }>> }) => result.ok && result.value.verified && result.value.resident === null,
      known: (_, { result }: { result: Result<Signed<{ resident: Uint8Array | null }>> }) => result.ok && result.value.verified && result.value.resident !== null,
      chosen: (_, { result }: { result: Result<PinChoice> }) => result.ok && result.value.chosen,
      isUsed: (_, { result }: { result: Result<'blank' | 'used'> }) => result.ok && result.value === 'used',
      noCardLaidOn: (_, { result }: { result: Result<unknown> }) => !result.ok && result.failure.code === 'identity-card-missing',
      cardIn: ({ context }) => context.reader.view === 'card' && context.reader.insertion !== context.spent,
      /** Also where another one lies in its place. */
      cardGone: ({ context, event }) => event.type === 'resident.reader' && !('insertion' in event.view && event.view.insertion === context.card),
      cardOut: ({ context }) => !('insertion' in context.reader && context.reader.insertion === context.card),
      leadsTo: ({ context }, { next }: { next: RegistrationNext }) => context.setback?.next === next,
    },
    actions: {
      takeReader: assign(({ context, event }) => ({ reader: event.type === 'resident.reader' ? event.view : context.reader })),
      takeCard: assign(({ context }) => ({ card: context.reader.view === 'card' ? context.reader.insertion : null })),
      keepDocument: assign((_, { result }: { result: Result<Document> }) => (result.ok ? { document: result.value } : {})),
      keepMade: assign((_, { result }: { result: Result<MadeCard> }) => (result.ok ? { made: result.value, residentTries: result.value.info.tries.pw1 } : {})),
      keepHand: assign((_, { result }: { result: Result<RegistrationInHand> }) => (result.ok ? { hand: result.value, weakness: null } : {})),
      keepSigned: assign((_, { result }: { result: Result<Signed<{ hand: RegistrationInHand }>> }) => (result.ok && result.value.verified ? { hand: result.value.hand, pinWrong: false } : {})),
      pinRight: assign({ pinWrong: false }),
      staffPinWrong: assign((_, { result }: { result: Result<PinResult> }) => (result.ok && !result.value.verified ? { pinWrong: true, staffTries: result.value.triesLeft } : {})),
      residentPinWrong: assign((_, { result }: { result: Result<PinResult> }) => (result.ok && !result.value.verified ? { pinWrong: true, residentTries: result.value.triesLeft } : {})),
      noteWeakness: assign((_, { result }: { result: Result<PinChoice> }) => ({ weakness: result.ok && !result.value.chosen ? result.value.weakness : null })),
      noteTouch: assign({ touchWanted: true }),
      touchDone: assign({ touchWanted: false }),
      noteUntried: assign((_, { result }: { result: Result<unknown> }) => ({ untried: result.ok ? null : result.failure.code })),
      noteDocument: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, 'document'))),
      noteLookUp: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, again(result.failure, 'lookUp')))),
      noteKnown: assign(() => setBack({ code: 'resident-known' }, 'home')),
      noteCard: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, 'card'))),
      noteRemoved: assign(() => setBack({ code: 'card-removed' }, 'card')),
      noteStaffSign: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, again(result.failure, 'staffSign')))),
      noteSubmit: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, again(result.failure, 'submitting')))),
      noteFault: assign(() => setBack({ code: 'kiosk-fault' }, 'home')),
      clearSetback: assign({ setback: null }),
      /** What a card is begun anew with is nothing of the one before. */
      forget: ({ context }) => {
        if (context.hand !== null) work.forget(context.hand);
        if (context.card !== null) work.letGo(context.card);
      },
      dropCard: assign(({ context }) => ({ card: null, spent: context.card ?? context.spent, made: null, hand: null, weakness: null, pinWrong: false })),
    },
  }).createMachine({
    id: 'registration',
    context: ({ input }) => ({
      ...input,
      document: null,
      card: null,
      spent: null,
      made: null,
      hand: null,
      residentTries: 0,
      weakness: null,
      untried: null,
      setback: null,
    }),
    initial: 'document',
    on: { 'resident.reader': { actions: 'takeReader' }, 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      /** Waits for as long as somebody is there. */
      document: {
        on: { back: 'over' },
        invoke: {
          src: 'readDocument',
          onDone: [
            { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'check', actions: { type: 'keepDocument', params: ({ event }) => ({ result: event.output }) } },
            { guard: { type: 'noCardLaidOn', params: ({ event }) => ({ result: event.output }) }, target: 'document', reenter: true },
            { target: 'failed', actions: { type: 'noteDocument', params: ({ event }) => ({ result: event.output }) } },
          ],
          onError: { target: 'failed', actions: 'noteFault' },
        },
      },
      /** Is it this person? */
      check: { on: { back: 'over', 'desk.confirm': 'lookUp' } },
      lookUp: {
        initial: 'pin',
        states: {
          pin: { on: { back: '#registration.check', 'pin.submit': 'working', 'pin.on-reader': 'working' } },
          working: {
            exit: 'touchDone',
            invoke: {
              src: 'lookUp',
              input: ({ context, event }) => ({ context, pin: pinOf(event) }),
              onDone: [
                { guard: { type: 'free', params: ({ event }) => ({ result: event.output }) }, target: '#registration.card', actions: 'pinRight' },
                { guard: { type: 'known', params: ({ event }) => ({ result: event.output }) }, target: '#registration.failed', actions: 'noteKnown' },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'pin', actions: { type: 'staffPinWrong', params: ({ event }) => ({ result: event.output }) } },
                { target: '#registration.failed', actions: { type: 'noteLookUp', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
        },
      },

      card: {
        initial: 'wanted',
        entry: ['forget', 'dropCard'],
        states: {
          wanted: {
            always: { guard: 'cardIn', target: 'reading', actions: 'takeCard' },
            on: { back: '#registration.over', 'resident.reader': { actions: 'takeReader' } },
          },
          reading: {
            on: { 'resident.reader': [{ guard: 'cardGone', target: '#registration.failed', actions: ['takeReader', 'noteRemoved'] }, { actions: 'takeReader' }] },
            invoke: {
              src: 'lookAtCard',
              input: ({ context }) => context,
              onDone: [
                { guard: { type: 'isUsed', params: ({ event }) => ({ result: event.output }) }, target: 'used' },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: '#registration.inHand' },
                { target: '#registration.failed', actions: { type: 'noteCard', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
          /** Everything on it goes, so it is asked first. */
          used: {
            on: {
              'resident.reader': [{ guard: 'cardGone', target: '#registration.card', actions: 'takeReader' }, { actions: 'takeReader' }],
              back: '#registration.over',
              'desk.confirm': '#registration.inHand.wiping',
            },
          },
        },
      },

      /** The card must stay in: whenever it goes before it has signed, it is begun anew. */
      inHand: {
        initial: 'making',
        on: { 'resident.reader': [{ guard: 'cardGone', target: '#registration.failed', actions: ['takeReader', 'noteRemoved'] }, { actions: 'takeReader' }] },
        states: {
          wiping: {
            invoke: {
              src: 'wipe',
              input: ({ context }) => context,
              onDone: [
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'making' },
                { target: '#registration.failed', actions: { type: 'noteCard', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
          making: {
            invoke: {
              src: 'make',
              input: ({ context }) => context,
              onDone: [
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'toResident', actions: { type: 'keepMade', params: ({ event }) => ({ result: event.output }) } },
                { target: '#registration.failed', actions: { type: 'noteCard', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
          toResident: { on: { 'desk.confirm': 'pin' } },
          pin: { on: { 'pin.choose': 'choosing' } },
          choosing: {
            invoke: {
              src: 'choosePin',
              input: ({ context, event }) => ({ context, pin: pinOf(event) ?? new Uint8Array(0) }),
              onDone: [
                { guard: { type: 'chosen', params: ({ event }) => ({ result: event.output }) }, target: 'proving' },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'pin', actions: { type: 'noteWeakness', params: ({ event }) => ({ result: event.output }) } },
                { target: '#registration.failed', actions: { type: 'noteCard', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
          proving: {
            exit: 'touchDone',
            invoke: {
              src: 'prove',
              input: ({ context }) => context,
              onDone: [
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'slip', actions: { type: 'keepHand', params: ({ event }) => ({ result: event.output }) } },
                { target: '#registration.failed', actions: { type: 'noteCard', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
          /** Before anything is registered: nobody should have a card without its slip. */
          slip: { on: { 'desk.confirm': 'residentPin' } },
          residentPin: { on: { back: 'slip', 'pin.submit': 'residentSigning', 'pin.on-reader': 'residentSigning' } },
          residentSigning: {
            exit: 'touchDone',
            invoke: {
              src: 'signAsResident',
              input: ({ context, event }) => ({ context, pin: pinOf(event) }),
              onDone: [
                { guard: { type: 'verified', params: ({ event }) => ({ result: event.output }) }, target: 'toStaff', actions: { type: 'keepSigned', params: ({ event }) => ({ result: event.output }) } },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'residentPin', actions: { type: 'residentPinWrong', params: ({ event }) => ({ result: event.output }) } },
                { target: '#registration.failed', actions: { type: 'noteCard', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
          toStaff: { on: { 'desk.confirm': '#registration.staffSign' } },
        },
      },

      /** The card has signed: it may go, and is only not tried out then. */
      staffSign: {
        initial: 'pin',
        states: {
          pin: { on: { 'pin.submit': 'signing', 'pin.on-reader': 'signing' } },
          signing: {
            exit: 'touchDone',
            invoke: {
              src: 'signAsStaff',
              input: ({ context, event }) => ({ context, pin: pinOf(event) }),
              onDone: [
                { guard: { type: 'verified', params: ({ event }) => ({ result: event.output }) }, target: '#registration.submitting', actions: { type: 'keepSigned', params: ({ event }) => ({ result: event.output }) } },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'pin', actions: { type: 'staffPinWrong', params: ({ event }) => ({ result: event.output }) } },
                { target: '#registration.failed', actions: { type: 'noteStaffSign', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#registration.failed', actions: 'noteFault' },
            },
          },
        },
      },
      submitting: {
        invoke: {
          src: 'submit',
          input: ({ context }) => context,
          onDone: [
            { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'trying' },
            { target: 'failed', actions: { type: 'noteSubmit', params: ({ event }) => ({ result: event.output }) } },
          ],
          onError: { target: 'failed', actions: 'noteFault' },
        },
      },
      trying: {
        exit: 'touchDone',
        invoke: {
          src: 'tryOut',
          input: ({ context }) => context,
          onDone: { target: 'done', actions: { type: 'noteUntried', params: ({ event }) => ({ result: event.output }) } },
          onError: { target: 'failed', actions: 'noteFault' },
        },
      },
      done: { on: { 'desk.confirm': 'leaving' } },
      /** The reader is given back without the card: in it, its holder's first visit would begin behind the staff's back. */
      leaving: {
        always: { guard: 'cardOut', target: 'over' },
        on: { 'resident.reader': { actions: 'takeReader' } },
      },

      failed: {
        exit: 'clearSetback',
        on: {
          home: 'over',
          retry: [
            { guard: { type: 'leadsTo', params: { next: 'document' } }, target: 'document' },
            { guard: { type: 'leadsTo', params: { next: 'lookUp' } }, target: 'lookUp' },
            { guard: { type: 'leadsTo', params: { next: 'card' } }, target: 'card' },
            { guard: { type: 'leadsTo', params: { next: 'staffSign' } }, target: 'staffSign' },
            { guard: { type: 'leadsTo', params: { next: 'submitting' } }, target: 'submitting' },
          ],
        },
      },
      over: { type: 'final' },
    },
  });
}
