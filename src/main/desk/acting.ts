import { assign, cancel, fromPromise, raise, setup, type DoneActorEvent, type StateValue } from 'xstate';
import type { PackedSlip } from '../../contract/bridge.ts';
import type { BlockReason } from '../../contract/block-reason.ts';
import type { PinWeakness } from '../../contract/device-host.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { ok, type Failure, type Result } from '../../contract/result.ts';
import type { SpaceBefore } from '../../identity/space-replacement.ts';
import { isRecoveryKey, parseRecoveryKey } from '../../identity/recovery-key.ts';
import type { Printing } from '../printing.ts';
import { afterSetback } from './after-setback.ts';
import { keptDraftMs } from '../staff/kept-drafts.ts';
import type { ReaderView } from '../visit/reader-view.ts';
import type { Document } from './document.ts';
import { closeHand, pinOf, staffCardOf, type DeskHands } from './hands.ts';
import type { CardInHand, DeskWork, LookUpReason, MadeCard, Signed, SignedBlock, Waiting } from './work.ts';

/** Where a failure page's button leads: a state of the act, or home. */
export type DeskNext = 'document' | 'number' | 'lookUp' | 'space' | 'card' | 'holder' | 'staffSign' | 'keeping' | 'delivering' | 'submitting' | 'staffBack' | 'again' | 'home';

/** All that an act of the desk knows. It is one object, so that dropping it drops all; `work.forget` overwrites what must not linger. */
export interface DeskContext extends DeskHands {
  work: DeskWork;
  why: LookUpReason;
  /** The resident's reader, which is the desk's for as long as this lasts; with one reader for all, that one. */
  reader: ReaderView;
  /** With one reader for all: of the card that was put back, of the right keys, which has still to prove itself by what it signs. */
  returned: number | null;
  document: Document | null;
  /** As typed or read: 18 characters. */
  number: string;
  /** What was typed was not taken. */
  mistyped: boolean;
  /** Who has this number; null: nobody, or not asked yet. */
  resident: Uint8Array | null;
  /** Of whoever's card is replaced; null: it is another act, or the hub was not asked yet. */
  space: SpaceBefore | null;
  /** Insertion of the card in hand. */
  card: number | null;
  /** Of the one that was given up: it has to come out before it counts again. */
  spent: number | null;
  isUsed: boolean;
  made: MadeCard | null;
  hand: CardInHand | null;
  /** The recovery key of the slip that came with the card before; null: there is none, or it was not asked for yet. */
  slip: Uint8Array | null;
  slipProblem: 'mistyped' | 'wrong' | null;
  /** What a first member of staff has signed, or, in the hands of the second, what is to be signed. */
  waiting: Waiting | null;
  envelope: Uint8Array | null;
  /** With all its signatures it was given to the hub, which may have it, whatever was heard of it since. */
  handedOver: boolean;
  residentTries: number;
  residentPad: boolean;
  weakness: PinWeakness | null;
  /** The slip's unlock code, between its typing and its use. */
  code: Uint8Array | null;
  /** Tries of the unlock code that the card has left. */
  codeTries: number;
  codeWrong: boolean;
  /** Of the new slip. */
  printing: Printing | null;
  reason: BlockReason | null;
  /** The block that is signed; the same is delivered again, whatever was heard of it. */
  block: SignedBlock | null;
  /** What was to be done was so before, and nothing was recorded. */
  already: boolean;
  reference: string;
  /** Why the card could not be tried, which changes nothing about what was recorded. */
  untried: FailureCode | null;
  setback: { failure: Failure; next: DeskNext } | null;
}

export interface DeskInput extends DeskHands {
  reader: ReaderView;
  /** Of what a colleague has signed, where that is what it is about. */
  draft: string | null;
}

export type DeskEvent =
  | { type: 'resident.reader'; view: ReaderView }
  | { type: 'touch.wanted' }
  | { type: 'desk.confirm' }
  | { type: 'desk.number'; number: string }
  | { type: 'desk.block'; reason: BlockReason }
  | { type: 'desk.code'; code: string }
  | { type: 'desk.slip'; text: string }
  | { type: 'desk.no-slip' }
  | { type: 'receipt.print'; slip: PackedSlip }
  | { type: 'pin.submit'; pin: string }
  | { type: 'pin.on-reader' }
  | { type: 'pin.choose'; pin: string }
  | { type: 'back' }
  | { type: 'retry' }
  | { type: 'home' }
  /** Said by the act to itself: what was half signed is kept no longer. */
  | { type: 'draft.over' };

/** What a step finds out, as it is to be known from then on. */
export type Change = Partial<DeskContext>;
/** `typed`: what came with the event that began it: a PIN; null: the reader's own pad takes it. */
export type Does = (context: DeskContext, typed: Uint8Array | null) => Promise<Result<Change>>;

export const newDeskContext = (work: DeskWork, why: LookUpReason, input: DeskInput): DeskContext => ({
  ...input,
  work,
  why,
  returned: null,
  document: null,
  number: '',
  mistyped: false,
  resident: null,
  space: null,
  card: null,
  spent: null,
  isUsed: false,
  made: null,
  hand: null,
  slip: null,
  slipProblem: null,
  waiting: null,
  envelope: null,
  handedOver: false,
  residentTries: 0,
  residentPad: false,
  weakness: null,
  code: null,
  codeTries: 0,
  codeWrong: false,
  printing: null,
  reason: null,
  block: null,
  already: false,
  reference: '',
  untried: null,
  setback: null,
});

/** What a step before must have left. */
export function known<K extends 'document' | 'space' | 'card' | 'made' | 'hand' | 'resident' | 'reason' | 'block' | 'code' | 'waiting' | 'envelope'>(context: DeskContext, what: K): NonNullable<DeskContext[K]> {
  const value = context[what];
  if (value === null) throw new Error(`no ${what} yet`);
  return value;
}

const isIn = (reader: ReaderView, insertion: number | null): boolean => 'insertion' in reader && reader.insertion === insertion;

/** What every act of the desk is made of. */
export const desk = setup({
  types: { context: {} as DeskContext, events: {} as DeskEvent, input: {} as DeskInput },
  actors: {
    does: fromPromise<Result<Change>, { does: Does; context: DeskContext; typed: Uint8Array | null }>(async ({ input: { does, context, typed }, signal }) => {
      try {
        const done = await does(context, typed);
        // The state was left meanwhile, for a card that was pulled: nobody takes what comes now, and nobody else would overwrite it.
        if (signal.aborted && done.ok && done.value.hand) closeHand(done.value.hand);
        return done;
      } finally {
        // What was refused before a card had it, too.
        typed?.fill(0);
      }
    }),
  },
  guards: {
    isSlip: ({ event }) => event.type === 'desk.slip' && isRecoveryKey(event.text),
    isNumber: ({ context, event }) => event.type === 'desk.number' && context.work.isNumber(event.number),
    /** Not one that waits in the reader for its second signature: it would be wiped for somebody else. Nor the staff's own. */
    cardIn: ({ context }) => context.reader.view === 'card' && ![context.spent, context.work.keptCard, context.staffCard].includes(context.reader.insertion),
    /** Always where it has a reader of its own: without it there is no session. */
    staffCardIn: ({ context }) => !context.oneReader || isIn(context.reader, staffCardOf(context)),
    staffCardGone: ({ context, event }) => context.oneReader && event.type === 'resident.reader' && !isIn(event.view, staffCardOf(context)),
    /** It may be the staff's: it is not that which was there before. */
    cardToCompare: ({ context }) => context.reader.view === 'card' && context.reader.insertion !== context.card,
    oneReader: ({ context }) => context.oneReader,
    readerEach: ({ context }) => !context.oneReader,
    nothingToTry: ({ context }) => context.hand === null || context.document === null,
    /** Also where another one lies in its place. */
    cardGone: ({ context, event }) => event.type === 'resident.reader' && !isIn(event.view, context.card),
    cardOut: ({ context }) => !isIn(context.reader, context.card),
    leadsTo: ({ context }, { next }: { next: DeskNext }) => context.setback?.next === next,
  },
  actions: {
    takeReader: assign(({ context, event }) => ({ reader: event.type === 'resident.reader' ? event.view : context.reader })),
    takeCard: assign(({ context }) => ({ card: context.reader.view === 'card' ? context.reader.insertion : null })),
    takeNumber: assign(({ event }) => (event.type === 'desk.number' ? { number: event.number.toUpperCase(), mistyped: false } : {})),
    noteMistyped: assign({ mistyped: true }),
    takeReason: assign(({ event }) => (event.type === 'desk.block' ? { reason: event.reason } : {})),
    /** Of the code that was typed before. */
    wipeCode: ({ context }) => context.code?.fill(0),
    takeCode: assign(({ event }) => (event.type === 'desk.code' ? { code: new TextEncoder().encode(event.code), codeWrong: false } : {})),
    takeSlip: assign(({ event }) => {
      const slip = event.type === 'desk.slip' ? parseRecoveryKey(event.text) : null;
      return slip?.ok ? { slip: slip.value, slipProblem: null } : {};
    }),
    noSlip: assign({ slip: null, slipProblem: null }),
    noteSlipMistyped: assign({ slipProblem: 'mistyped' }),
    take: assign((_, { change }: { change: Change }) => change),
    notePrinting: assign({ printing: { state: 'printing' } }),
    noteTouch: assign({ touchWanted: true }),
    touchDone: assign({ touchWanted: false }),
    noteFailure: assign((_, { failure, next }: { failure: Failure; next: DeskNext }) => ({ setback: { failure, next: afterSetback(failure, next) } })),
    clearSetback: assign({ setback: null }),
    noteHandedOver: assign({ handedOver: true }),
    noteUntried: assign({ untried: 'card-removed' }),
    /** The slip is the resident's now, and nobody else needs what is on it. */
    wipeSlip: ({ context }) => context.hand === null || closeHand(context.hand),
    /** After `keptNoLonger` only: the same again leaves the first running, and nothing could cancel it any more. */
    keepFiveMinutes: raise({ type: 'draft.over' }, { delay: keptDraftMs, id: 'draft' }),
    keptNoLonger: cancel('draft'),
    /** What a card is begun anew with is nothing of the one before. */
    forget: ({ context }) => context.work.forget(context),
    dropCard: assign(({ context }) => ({ card: null, spent: context.card ?? context.spent, isUsed: false, made: null, hand: null, handedOver: false, printing: null, slip: null, slipProblem: null, code: null, codeWrong: false, weakness: null, pinWrong: false })),
  },
});

/** As much of a snapshot of any act as others use. */
export interface DeskSnapshot {
  value: StateValue;
  context: DeskContext;
  hasTag(tag: string): boolean;
  can(event: DeskEvent): boolean;
}

/** The first of these that fits is where it goes on. */
export interface Then {
  when?: (change: Change) => boolean;
  target: string;
}

type Done = DoneActorEvent<Result<Change>>;
export const changeOf = ({ output }: Done): Change => (output.ok ? output.value : {});

/** Something that others do, while the page says so. @param next where a failure's button leads. */
export const step = (does: Does, then: readonly Then[], next: DeskNext) =>
  desk.createStateConfig({
    exit: 'touchDone',
    invoke: {
      src: 'does',
      input: ({ context, event }) => ({ does, context, typed: pinOf(event) }),
      onDone: [
        ...then.map(({ when, target }) => ({
          guard: ({ event: { output } }: { event: Done }) => output.ok && (when === undefined || when(output.value)),
          target,
          actions: { type: 'take' as const, params: ({ event }: { event: Done }) => ({ change: changeOf(event) }) },
        })),
        {
          target: failedState,
          actions: { type: 'noteFailure' as const, params: ({ event: { output } }: { event: Done }) => ({ failure: output.ok ? { code: 'kiosk-fault' as const } : output.failure, next }) },
        },
      ],
      onError: { target: failedState, actions: { type: 'noteFailure' as const, params: { failure: { code: 'kiosk-fault' as const }, next: 'home' as const } } },
    },
  });

/** A PIN, and what is signed with it; a wrong one is asked for again. `back` null: there is no way back from here. */
export const pinStep = (does: Does, { back, then, next }: { back: string | null; then: readonly Then[]; next: DeskNext }) =>
  desk.createStateConfig({
    initial: 'pin',
    states: {
      pin: { on: { ...(back === null ? {} : { back }), 'pin.submit': 'working', 'pin.on-reader': 'working' } },
      working: step(does, [{ when: ({ pinWrong }) => pinWrong === true, target: 'pin' }, ...then], next),
    },
  });

/** With the staff's PIN. */
export async function byStaff<T>(asked: Promise<Result<Signed<T>>>, change: (value: T) => Change): Promise<Result<Change>> {
  const result = await asked;
  if (!result.ok) return result;
  return ok(result.value.verified ? { pinWrong: false, ...change(result.value) } : { pinWrong: true, staffTries: result.value.triesLeft });
}

/** With the resident's. */
export async function byResident<T>(asked: Promise<Result<Signed<T>>>, change: (value: T) => Change): Promise<Result<Change>> {
  const result = await asked;
  if (!result.ok) return result;
  return ok(result.value.verified ? { pinWrong: false, ...change(result.value) } : { pinWrong: true, residentTries: result.value.triesLeft });
}

const failedState = '#desk.failed';

/** Waits for an identity card for as long as somebody is there; then: is it this person? */
export const documentSteps = {
  document: desk.createStateConfig({
    on: { back: 'over' },
    invoke: {
      src: 'does',
      input: ({ context }) => ({ does: readDocument, context, typed: null }),
      onDone: [
        { guard: ({ event }) => event.output.ok, target: 'check', actions: { type: 'take', params: ({ event }) => ({ change: changeOf(event) }) } },
        { guard: ({ event }) => !event.output.ok && event.output.failure.code === 'identity-card-missing', target: 'document', reenter: true },
        { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ failure: event.output.ok ? { code: 'kiosk-fault' as const } : event.output.failure, next: 'document' as const }) } },
      ],
      onError: { target: 'failed', actions: { type: 'noteFailure', params: { failure: { code: 'kiosk-fault' }, next: 'home' } } },
    },
  }),
  check: desk.createStateConfig({ on: { back: 'over', 'desk.confirm': 'lookUp' } }),
};

async function readDocument({ work }: DeskContext): Promise<Result<Change>> {
  const read = await work.readDocument();
  return read.ok ? ok({ document: read.value, number: read.value.facts.identity_number }) : read;
}

/** Where somebody is known only by number. */
export const numberStep = desk.createStateConfig({ on: { back: 'over', 'desk.number': [{ guard: 'isNumber', target: 'lookUp', actions: 'takeNumber' }, { actions: 'noteMistyped' }] } });

/** Signed by the member of staff, and on record. Where it leads: somebody was found, or nobody. */
export const lookUpStep = (back: string, found: string, unknown: string) =>
  pinStep(lookUp, { back, then: [{ when: ({ resident }) => resident !== null, target: found }, { target: unknown }], next: 'lookUp' });

const lookUp: Does = ({ work, access, staffCard, number, why }, pin) => byStaff(work.lookUp(access, staffCard, pin, number, why), ({ resident }) => ({ resident }));

/** What the look-up found is not what the act is about: told, and over. @param next where to, to try another. */
export const refusedStep = (code: FailureCode, next: DeskNext) => desk.createStateConfig({ always: { target: failedState, actions: { type: 'noteFailure', params: { failure: { code }, next } } } });

/** The reader is given back without the card: in it, its holder's first visit would begin behind the staff's back. */
export const leavingStep = desk.createStateConfig({
  always: { guard: 'cardOut', target: 'over' },
  on: { 'resident.reader': { actions: 'takeReader' } },
});

/** @param nexts those of the act's states that a failure's button may lead to. */
export const failedStep = (...nexts: Exclude<DeskNext, 'home'>[]) =>
  desk.createStateConfig({
    exit: 'clearSetback',
    on: { home: 'over', retry: nexts.map((next) => ({ guard: { type: 'leadsTo' as const, params: { next } }, target: next })) },
  });
