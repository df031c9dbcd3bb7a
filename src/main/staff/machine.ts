import { and, assign, cancel, fromCallback, fromPromise, not, or, raise, sendTo, setup, stateIn } from 'xstate';
import type { Intent } from '../../contract/bridge.ts';
import type { DeskAct } from '../../contract/desk-act.ts';
import type { CardInfo, PinResult, PrinterStatus } from '../../contract/device-host.ts';
import type { FailureCode } from '../../contract/failures.ts';
import type { Failure, Result } from '../../contract/result.ts';
import type { DeskEvent, DeskInput } from '../desk/acting.ts';
import { blockingMachine } from '../desk/blocking.ts';
import { countersigningMachine } from '../desk/countersigning.ts';
import { staffCardMayLeave } from '../desk/one-reader.ts';
import { registrationMachine } from '../desk/registration.ts';
import { retiringMachine } from '../desk/retiring.ts';
import { unblockingMachine } from '../desk/unblocking.ts';
import type { DeskWork } from '../desk/work.ts';
import { mayPrint } from '../printing.ts';
import { stagePath } from '../stage-path.ts';
import { handOffInLink } from '../../identity/hand-off.ts';
import { afterFailure } from '../visit/failure-policy.ts';
import type { ReaderView } from '../visit/reader-view.ts';
import { pinTurn } from './back-off.ts';
import { newSession, type StaffContext, type StaffEnded, type StaffSession, type StaffSettings } from './context.ts';
import type { WorkshopPage } from '../../contract/workshop.ts';
import type { Workshop, WorkshopHands } from '../workshop/technician.ts';
import { tendsKiosks } from './tending.ts';
import type { ListedDrafts, ProvenStaff, ShownDay, ShownHealth, StaffAccess, StaffWork } from './work.ts';

type IntentEvent<I extends Intent = Intent> = I extends { intent: infer Name } ? { type: Name } & Omit<I, 'intent'> : never;

export type StaffEvent =
  | IntentEvent
  | { type: 'reader'; view: ReaderView }
  /** Whether a visit is on the screen. It has precedence: a session that it meets locks, a sign-in begins anew after it. */
  | { type: 'floor'; free: boolean }
  /** The resident's reader, for as long as no visit has it. */
  | { type: 'resident.reader'; view: ReaderView }
  | { type: 'printer'; printer: PrinterStatus }
  | { type: 'touch.wanted'; insertion: number }
  /** Something was held under the scanner. */
  | { type: 'scanned'; text: string }
  | { type: 'screen.lost' }
  /** The resident whose card was awaited with a code has signed in with it. */
  | { type: 'hand-off.taken' }
  /** What a technician's bench shows, and that it was left. */
  | { type: 'workshop.page'; page: WorkshopPage }
  | { type: 'workshop.over' }
  /** Said by a page to itself that is looked at again and again: the last look is over, and a while has passed. */
  | { type: 'look.again' }
  | { type: 'idle.over' }
  | { type: 'limit.over' };

export function eventOf(intent: Intent): StaffEvent {
  const { intent: type, ...rest } = intent;
  return { type, ...rest } as IntentEvent;
}

export interface StaffMachineParts {
  work: StaffWork;
  desk: DeskWork;
  workshop: Workshop;
  settings: StaffSettings;
  /** 16 random hex digits. */
  newSessionId(): string;
}

const secondMs = 1000;
const minuteMs = 60_000;

function inSession(context: StaffContext): StaffSession {
  if (context.session === null) throw new Error('no staff card');
  return context.session;
}

function cardOf(context: StaffContext): CardInfo {
  const { card } = inSession(context);
  if (card === null) throw new Error('the card was not read');
  return card;
}

function staffOf(context: StaffContext): ProvenStaff {
  const { staff } = inSession(context);
  if (staff === null) throw new Error('the ledger was not asked');
  return staff;
}

function accessOf(context: StaffContext): StaffAccess {
  const { access } = inSession(context);
  if (access === null) throw new Error('nobody is signed in');
  return access;
}

/** Whoever looks, again and again. */
interface Looking {
  access: StaffAccess;
  insertion: number;
  /** Nobody is asked for a touch again and again by a page that says nothing of it. */
  reopens: boolean;
}

const lookingOf = (context: StaffContext): Looking => ({ access: accessOf(context), insertion: inSession(context).insertion, reopens: !cardOf(context).touch.aut });

const handsOf = (context: StaffContext, event?: StaffEvent): DeskInput => ({
  access: accessOf(context),
  staffCard: inSession(context).insertion,
  oneReader: context.settings.oneReader,
  staffTries: inSession(context).triesLeft,
  staffPad: cardOf(context).pinPad,
  pinWrong: false,
  touchWanted: false,
  reader: context.settings.oneReader ? context.reader : context.residentReader,
  draft: event?.type === 'draft.open' ? event.reference : null,
});

const staffCardIn = ({ reader, session }: StaffContext): boolean => 'insertion' in reader && reader.insertion === session?.insertion;

const patch = (context: StaffContext, change: Partial<StaffSession>): { session: StaffSession } => ({ session: { ...inSession(context), ...change } });

const pinOf = (event: { type: string }): Uint8Array | null =>
  event.type === 'pin.submit' && 'pin' in event && typeof event.pin === 'string' ? new TextEncoder().encode(event.pin) : null;

const setBack = (context: StaffContext, failure: Failure): { session: StaffSession } =>
  patch(context, { onReaderPad: false, setback: { failure, next: afterFailure(failure.code, false) === 'retry' ? 'retry' : 'take-card' } });

const codeOfNoTry = (triesLeft: number): FailureCode => (triesLeft === 0 ? 'pin-blocked' : 'pin-last-try');

/** What needs nothing but the staff's own card. */
const byNumber: readonly DeskAct[] = ['block', 'retire'];

/** The card out of our hands first, then everything that was known goes. */
const endSession = <Ended extends StaffEnded>(ended: Ended) => ['shutDoors', { type: 'dropSession', params: { ended } }] as const;
const cardRemoved = endSession('card-removed');

/**
 * The card is opened anew, which resets it: the lock is the card's own, not only the screen's. One that is out cannot be unlocked with: it signs in anew, and
 * whose card lies in the reader in its place is told to take it.
 */
const locks = [
  { guard: 'staffCardOut', target: '#staff.stage.takeCard', actions: [...endSession('timeout')] },
  { target: '#staff.stage.serving.reading', actions: 'letGo' },
] as const;

/** Home again; with one reader for all only with the card in it that has signed in. */
const afterAct = [
  { guard: 'staffCardOut', target: '#staff.stage.takeCard', actions: [...endSession('done')] },
  { target: '#staff.stage.serving.inside.home' },
] as const;

/** Nothing is left of an act of the desk in a card or here. */
export function clearDesk({ desk: under }: StaffSession, work: Pick<StaffWork, 'letGo'>, desk: Pick<DeskWork, 'forget'>): void {
  if (under === null) return;
  const { context } = under.snapshot;
  desk.forget(context);
  if (context.returned !== null) work.letGo(context.returned);
}

/** While an act of the desk is under way, what it understands is its own; nothing of it is left in a card or here afterwards. */
const atDesk = {
  exit: ['clearDesk', 'dropDesk'],
  on: {
    'idle.over': [{ guard: 'slipShown' }, ...locks],
    reader: { guard: 'deskHasReader', actions: ['takeReader', 'readerToDesk'] },
    'resident.reader': { actions: ['takeResidentReader', 'toDesk'] },
    'touch.wanted': { actions: 'toDesk' },
    'desk.confirm': { guard: 'deskTakes', actions: 'toDesk' },
    'desk.number': { guard: 'deskTakes', actions: 'toDesk' },
    'desk.block': { guard: 'deskTakes', actions: 'toDesk' },
    'desk.code': { guard: 'deskTakes', actions: 'toDesk' },
    'desk.slip': { guard: 'deskTakes', actions: 'toDesk' },
    'receipt.print': { guard: and(['deskTakes', 'mayPrint']), actions: 'toDesk' },
    'desk.no-slip': { guard: 'deskTakes', actions: 'toDesk' },
    'pin.submit': { guard: 'deskTakes', actions: 'toDesk' },
    'pin.on-reader': { guard: 'deskTakes', actions: 'toDesk' },
    'pin.choose': { guard: 'deskTakes', actions: 'toDesk' },
    back: { guard: 'deskTakes', actions: 'toDesk' },
    retry: { guard: 'deskTakes', actions: 'toDesk' },
    home: { guard: 'deskTakes', actions: 'toDesk' },
  },
} as const;

/** What a bench understands. */
const toBench = {
  'workshop.open': { actions: 'toBench' },
  'workshop.device': { actions: 'toBench' },
  'workshop.try': { actions: 'toBench' },
  'workshop.print': { actions: 'toBench' },
  'workshop.filter': { actions: 'toBench' },
  'workshop.turn': { actions: 'toBench' },
  'workshop.export': { actions: 'toBench' },
  'workshop.retire': { actions: 'toBench' },
  'workshop.save': { actions: 'toBench' },
  'pin.submit': { actions: 'toBench' },
  'pin.on-reader': { actions: 'toBench' },
  back: { actions: 'toBench' },
  home: { actions: 'toBench' },
} as const;

/**
 * One staff card from its coming to its going. Three regions: `stage` is what the screen shows while it is free for staff, `attention` whether
 * anybody is still there, `limit` how long the session may last in all. Desk and workshop hang on `stage.serving.inside`.
 */
export function staffMachine({ work, desk, workshop, settings, newSessionId }: StaffMachineParts) {
  return setup({
    types: { context: {} as StaffContext, events: {} as StaffEvent },
    actors: {
      readCard: fromPromise<Result<CardInfo>, { insertion: number }>(({ input }) => work.readCard(input.insertion)),
      whose: fromPromise<Result<ProvenStaff>, { card: CardInfo }>(({ input }) => work.whose(input.card)),
      checkPin: fromPromise<Result<PinResult>, { insertion: number; pin: Uint8Array | null }>(({ input }) => work.checkPin(input.insertion, input.pin)),
      signIn: fromPromise<Result<StaffAccess>, { insertion: number; staff: ProvenStaff }>(({ input, signal }) => work.signIn(input.insertion, input.staff, signal)),
      registration: registrationMachine(desk, 'register'),
      replacement: registrationMachine(desk, 'replace'),
      blocking: blockingMachine(desk),
      unblocking: unblockingMachine(desk),
      lookAtMachine: fromPromise<ShownHealth, Looking>(({ input }) => work.machineHealth(input.access, input.insertion, input.reopens)),
      handOffUntil: fromPromise<Result<number | null>, { access: StaffAccess; insertion: number; code: string }>(({ input }) => work.handOffUntil(input.access, input.insertion, input.code)),
      countDay: fromPromise<Result<ShownDay>, { day: string | null }>(({ input }) => work.day(input.day)),
      retiring: retiringMachine(desk),
      countersigning: countersigningMachine(desk),
      changeStanding: fromPromise<Result<null>, { access: StaffAccess; event: StaffEvent }>(({ input: { access, event } }) =>
        Promise.resolve(event.type === 'kiosk.close' ? work.close(access, event.reason, event.back) : work.open(access)),
      ),
      bench: fromCallback<StaffEvent, WorkshopHands>(({ input, sendBack, receive }) => {
        const bench = workshop.open(input, { show: (page) => sendBack({ type: 'workshop.page', page }), over: () => sendBack({ type: 'workshop.over' }) });
        receive(({ type, ...rest }) => bench.take({ intent: type, ...rest } as Intent));
        return () => bench.stop();
      }),
      listDrafts: fromPromise<ListedDrafts, Looking>(({ input, signal }) => work.drafts(input.access, input.insertion, input.reopens, signal)),
    },
    delays: {
      idleLock: ({ context }) => context.settings.idleLockMs,
      untilWarning: ({ context }) => context.settings.limitMs - context.settings.warnMs,
      second: secondMs,
      minute: minuteMs,
    },
    guards: {
      succeeded: (_, { result }: { result: Result<unknown> }) => result.ok,
      pinRight: (_, { result }: { result: Result<PinResult> }) => result.ok && result.value.verified,
      cardReady: ({ event }) => event.type === 'reader' && event.view.view === 'card',
      cardUseless: ({ event }) => event.type === 'reader' && (event.view.view === 'mute' || event.view.view === 'in-use'),
      cardOut: ({ event }) => event.type === 'reader' && (event.view.view === 'empty' || event.view.view === 'starting' || event.view.view === 'fault'),
      nothingIn: ({ context }) => !('insertion' in context.reader),
      sameCard: ({ context, event }) =>
        event.type === 'reader' && (event.view.view === 'card' || event.view.view === 'in-use') && event.view.insertion === context.session?.insertion,
      sameCardLeft: ({ context, event }) => event.type === 'reader' && 'insertion' in event.view && 'insertion' in context.reader && event.view.insertion === context.reader.insertion,
      cardTouched: ({ context, event }) => event.type === 'touch.wanted' && event.insertion === context.session?.insertion,
      floorFree: ({ context }) => context.floor,
      floorTaken: ({ event }) => event.type === 'floor' && !event.free,
      knownLanguage: ({ context, event }) => event.type === 'language.set' && context.settings.languages.includes(event.language),
      signedIn: ({ context }) => inSession(context).access !== null,
      noTryLeft: ({ context }) => pinTurn(inSession(context).triesLeft, inSession(context).triesAtFirst).turn === 'never',
      mustWait: ({ context }) => pinTurn(inSession(context).triesLeft, inSession(context).triesAtFirst).turn === 'after',
      waited: ({ context }) => inSession(context).waitSeconds <= 0,
      cardGone: ({ context }) => context.session?.setback?.failure.code === 'card-removed',
      mayRetry: ({ context }) => inSession(context).setback?.next === 'retry',
      timeOver: ({ context }) => context.minutesLeft <= 0,
      /** The page waits for the person. */
      personsTurn: or([stateIn({ stage: { serving: { pin: 'typing' } } }), stateIn({ stage: { serving: 'inside' } }), stateIn({ stage: { serving: 'failed' } })]),
      /** An identity-card reader, and a role that registers. */
      opens: ({ context, event }, { act }: { act: DeskAct }) => {
        if (event.type !== 'desk.open' || event.act !== act) return false;
        const readiness = work.deskReadiness(staffOf(context));
        return byNumber.includes(act) ? readiness !== null : readiness === 'ready';
      },
      /** Of another role than whoever has signed it; a new card is tried in the resident's reader. */
      mayCountersign: ({ context, event }) => event.type === 'draft.open' && (inSession(context).drafts?.rows ?? []).some(({ reference, signable }) => signable && reference === event.reference),
      /** Of whoever looks after kiosks. */
      mayTend: ({ context, event }, { act }: { act: 'standing' | 'day' | 'health' }) => event.type === 'desk.open' && event.act === act && tendsKiosks(staffOf(context).role),
      isTechnician: ({ context }) => staffOf(context).role === 'technician',
      mayBring: ({ context, event }) => event.type === 'desk.open' && event.act === 'hand-off' && work.deskReadiness(staffOf(context)) !== null,
      scannedHandOff: ({ event }) => event.type === 'scanned' && handOffInLink(event.text) !== null,
      handOffGood: (_, { result }: { result: Result<number | null> }) => result.ok && result.value !== null,
      mayPrint: ({ context }) => mayPrint(inSession(context).desk?.snapshot.context.printing ?? null, context.printer),
      /** With one reader for all: the other card is in it, or awaited. */
      deskHasReader: ({ context }) => {
        const under = inSession(context).desk;
        return context.settings.oneReader && under !== null && (staffCardMayLeave(under.snapshot) || !staffCardIn(context));
      },
      staffCardOut: ({ context }) => !staffCardIn(context),
      /** With one reader for all. */
      staffCardLeaves: ({ context, event }) => context.settings.oneReader && event.type === 'reader' && event.view.view === 'empty',
      visitBeginsWithout: ({ context, event }) => context.settings.oneReader && event.type === 'floor' && !event.free && !staffCardIn(context),
      deskTakes: ({ context, event }) => inSession(context).desk?.snapshot.can(event as DeskEvent) === true,
      /** To copy the slip takes as long as it takes; the session's own limit stands. */
      slipShown: ({ context }) => {
        const under = inSession(context).desk;
        return under !== null && stagePath(under.snapshot.value).startsWith('inHand.slip');
      },
      inASession: ({ context }) => context.session?.access !== null && context.session?.access !== undefined,
    },
    actions: {
      takeReader: assign(({ event, context }) => ({ reader: event.type === 'reader' ? event.view : context.reader })),
      takePrinter: assign(({ event, context }) => ({ printer: event.type === 'printer' ? event.printer : context.printer })),
      takeResidentReader: assign(({ event, context }) => ({ residentReader: event.type === 'resident.reader' ? event.view : context.residentReader })),
      toDesk: sendTo('desk', ({ event }) => event),
      readerToDesk: sendTo('desk', ({ context }) => ({ type: 'resident.reader', view: context.reader })),
      /** A card that was put back and has proven itself is the session's. */
      keepDesk: assign(({ context }, { under }: { under: NonNullable<StaffSession['desk']> }) => patch(context, { desk: under, insertion: under.snapshot.context.staffCard })),
      clearDesk: ({ context: { session } }) => {
        if (session !== null) clearDesk(session, work, desk);
      },
      toBench: sendTo('bench', ({ event }) => event),
      keepBench: assign(({ context, event }) => (event.type === 'workshop.page' ? patch(context, { workshop: event.page }) : {})),
      dropBench: assign(({ context }) => (context.session === null ? {} : patch(context, { workshop: null }))),
      dropDesk: assign(({ context }) => (context.session === null ? {} : patch(context, { desk: null }))),
      takeFloor: assign(({ event, context }) => ({ floor: event.type === 'floor' ? event.free : context.floor })),
      setLanguage: assign(({ event, context }) => ({ language: event.type === 'language.set' ? event.language : context.language })),
      openHelp: assign({ help: true }),
      closeHelp: assign({ help: false }),
      reset: assign(({ context }) => ({ language: context.settings.languages[0] ?? context.language, help: false })),
      beginSession: assign(({ context, event }) => {
        const view = event.type === 'reader' ? event.view : context.reader;
        return { session: view.view === 'card' || view.view === 'in-use' ? newSession(newSessionId(), view.insertion) : null, help: false };
      }),
      shutDoors: ({ context: { session } }) => {
        if (session === null) return;
        work.letGo(session.insertion);
        if (session.access !== null) work.leave(session.access.session);
      },
      letGo: ({ context: { session } }) => {
        if (session !== null) work.letGo(session.insertion);
      },
      dropSession: assign((_, { ended }: { ended: StaffEnded }) => ({ session: null, ended, help: false, minutesLeft: 0 })),
      keepCard: assign(({ context }, { result }: { result: Result<CardInfo> }) =>
        result.ok
          ? patch(context, { card: result.value, triesLeft: result.value.tries.pw1, triesAtFirst: Math.max(inSession(context).triesAtFirst, result.value.tries.pw1) })
          : {},
      ),
      keepStaff: assign(({ context }, { result }: { result: Result<ProvenStaff> }) => (result.ok ? patch(context, { staff: result.value }) : {})),
      pinIsRight: assign(({ context }) => patch(context, { pinWrong: false, onReaderPad: false })),
      pinIsWrong: assign(({ context }, { result }: { result: Result<PinResult> }) =>
        result.ok && !result.value.verified ? patch(context, { pinWrong: true, onReaderPad: false, triesLeft: result.value.triesLeft }) : {},
      ),
      notePad: assign(({ context, event }) => patch(context, { onReaderPad: event.type === 'pin.on-reader' })),
      noteTouch: assign(({ context }) => patch(context, { touchWanted: true })),
      touchDone: assign(({ context }) => (context.session === null ? {} : patch(context, { touchWanted: false }))),
      startPause: assign(({ context }) => {
        const { triesLeft, triesAtFirst } = inSession(context);
        const turn = pinTurn(triesLeft, triesAtFirst);
        return patch(context, { waitSeconds: turn.turn === 'after' ? Math.ceil(turn.pauseMs / secondMs) : 0 });
      }),
      countPause: assign(({ context }) => patch(context, { waitSeconds: inSession(context).waitSeconds - 1 })),
      keepAccess: assign(({ context }, { result }: { result: Result<StaffAccess> }) => (result.ok ? patch(context, { access: result.value }) : {})),
      lookAround: assign(({ context }) => patch(context, { health: work.health() })),
      showOwnDrafts: assign(({ context }) => {
        const { drafts } = inSession(context);
        const atHub = (drafts?.rows ?? []).filter(({ place }) => place === 'hub');
        return patch(context, { drafts: { rows: [...work.ownDrafts(accessOf(context)), ...atHub], isWhole: drafts?.isWhole ?? null } });
      }),
      /** From the end of a look on: a slow hub's answer is waited for, and not asked for anew. */
      lookAgain: raise({ type: 'look.again' }, { delay: ({ context }) => context.settings.refreshMs, id: 'look' }),
      lookNoMore: cancel('look'),
      keepDrafts: assign(({ context }, { listed: { access, ...drafts } }: { listed: ListedDrafts }) => patch(context, { access, drafts })),
      keepMachineHealth: assign(({ context }, { shown }: { shown: ShownHealth }) => patch(context, { machineHealth: shown })),
      forgetHandOff: assign(({ context }) => patch(context, { handOff: null })),
      keepCode: assign(({ context, event }) => {
        const code = event.type === 'hand-off.bring' ? event.code : event.type === 'scanned' ? handOffInLink(event.text) : null;
        return code === null ? {} : patch(context, { handOff: { code, until: null, unknown: false } });
      }),
      keepUntil: assign(({ context }, { result }: { result: Result<number | null> }) => patch(context, { handOff: { code: inSession(context).handOff?.code ?? '', until: result.ok ? result.value : null, unknown: false } })),
      noteUnknownCode: assign(({ context }) => patch(context, { handOff: { code: '', until: null, unknown: true } })),
      wantDay: assign(({ context, event }) => patch(context, { wantedDay: event.type === 'day.show' ? event.day : null })),
      keepDay: assign(({ context }, { result }: { result: Result<ShownDay> }) => (result.ok ? patch(context, { day: result.value }) : {})),
      noteFailure: assign(({ context }, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(context, result.failure))),
      noteFault: assign(({ context }) => setBack(context, { code: 'kiosk-fault' })),
      noteNoTry: assign(({ context }) => setBack(context, { code: codeOfNoTry(inSession(context).triesLeft) })),
      clearSetback: assign(({ context }) => (context.session === null ? {} : patch(context, { setback: null }))),
      startMinutes: assign(({ context }) => ({ minutesLeft: Math.ceil(context.settings.warnMs / minuteMs) })),
      countMinutes: assign(({ context }) => ({ minutesLeft: context.minutesLeft - 1 })),
      endMinutes: assign({ minutesLeft: 0 }),
    },
  }).createMachine({
    id: 'staff',
    context: { settings, language: settings.languages[0] ?? 'zh-Hans', help: false, reader: { view: 'starting' }, residentReader: { view: 'starting' }, printer: { state: 'starting' }, floor: true, session: null, ended: 'done', minutesLeft: 0 },
    type: 'parallel',
    on: {
      'language.set': { guard: 'knownLanguage', actions: 'setLanguage' },
      'help.open': { actions: 'openHelp' },
      'help.close': { actions: 'closeHelp' },
      'resident.reader': { actions: 'takeResidentReader' },
      printer: { actions: 'takePrinter' },
    },
    states: {
      stage: {
        initial: 'away',
        on: {
          floor: { actions: 'takeFloor' },
          reader: [
            { guard: 'cardReady', target: '.arrived', actions: ['takeReader', ...cardRemoved, 'beginSession'] },
            { guard: 'cardUseless', target: '.unreadable', actions: ['takeReader', ...cardRemoved] },
            { guard: 'cardOut', target: '.away', actions: ['takeReader', ...cardRemoved] },
          ],
        },
        states: {
          away: { entry: 'reset' },
          /** A card that cannot be read at all: the page stays until it is out. */
          unreadable: {},
          arrived: { always: [{ guard: 'floorFree', target: 'serving' }, { target: 'waiting' }] },
          /** A visit is on the screen; nothing of the card is read before it is over. */
          waiting: {
            always: { guard: 'floorFree', target: 'serving' },
            on: {
              reader: { guard: 'sameCard', actions: 'takeReader' },
              'limit.over': { target: 'takeCard', actions: [...endSession('limit')] },
            },
          },

          /** With one reader for all: the card that came in has begun a visit, which has the screen. Until somebody signs in with it, it may be the wrong one, and the right one is awaited still. */
          lent: {
            always: { guard: 'floorFree', target: 'serving.inside.awaiting' },
            on: {
              'hand-off.taken': { target: 'away', actions: [...endSession('done')] },
              'limit.over': { target: 'away', actions: [...endSession('limit')] },
            },
          },

          serving: {
            initial: 'reading',
            on: {
              reader: { guard: 'sameCard', actions: 'takeReader' },
              floor: [{ guard: 'floorTaken', target: 'waiting', actions: ['takeFloor', 'letGo'] }, { actions: 'takeFloor' }],
              'touch.wanted': { guard: 'cardTouched', actions: 'noteTouch' },
              'visit.end': { target: 'takeCard', actions: [...endSession('done')] },
              'idle.over': { target: 'takeCard', actions: [...endSession('timeout')] },
              'limit.over': { target: 'takeCard', actions: [...endSession('limit')] },
              'screen.lost': { target: 'takeCard', actions: [...endSession('timeout')] },
            },
            states: {
              reading: {
                invoke: {
                  src: 'readCard',
                  input: ({ context }) => ({ insertion: inSession(context).insertion }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'lookingUp',
                      actions: { type: 'keepCard', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              /** Before anything is asked of the person: a card that has no business here is told so without its PIN. */
              lookingUp: {
                invoke: {
                  src: 'whose',
                  input: ({ context }) => ({ card: cardOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'triesLeft',
                      actions: { type: 'keepStaff', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              /** The card's own counter decides: now, after a pause, or never at a kiosk. */
              triesLeft: {
                always: [
                  { guard: 'noTryLeft', target: 'failed', actions: 'noteNoTry' },
                  { guard: 'mustWait', target: 'pin.pausing', actions: 'startPause' },
                  { target: 'pin.typing' },
                ],
              },
              pin: {
                initial: 'typing',
                states: {
                  typing: { on: { 'pin.submit': '#staff.stage.serving.checking', 'pin.on-reader': '#staff.stage.serving.checking' } },
                  pausing: {
                    always: { guard: 'waited', target: 'typing' },
                    after: { second: { target: 'pausing', reenter: true, actions: 'countPause' } },
                  },
                },
              },
              checking: {
                entry: 'notePad',
                invoke: {
                  src: 'checkPin',
                  input: ({ context, event }) => ({ insertion: inSession(context).insertion, pin: pinOf(event) }),
                  onDone: [
                    { guard: { type: 'pinRight', params: ({ event }) => ({ result: event.output }) }, target: 'verified', actions: 'pinIsRight' },
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'triesLeft',
                      actions: { type: 'pinIsWrong', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              /** After a lock the session goes on where it was. */
              verified: { always: [{ guard: 'signedIn', target: 'inside' }, { target: 'proving' }] },
              proving: {
                exit: 'touchDone',
                invoke: {
                  src: 'signIn',
                  input: ({ context }) => ({ insertion: inSession(context).insertion, staff: staffOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside',
                      actions: { type: 'keepAccess', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },

              /** Signed in. What a role may do here are states beside `home`. */
              inside: {
                initial: 'home',
                on: {
                  'idle.over': [...locks],
                  'staff.lock': [...locks],
                },
                states: {
                  home: {
                    entry: ['lookAround', 'showOwnDrafts'],
                    exit: 'lookNoMore',
                    invoke: {
                      src: 'listDrafts',
                      input: ({ context }) => lookingOf(context),
                      onDone: { actions: [{ type: 'keepDrafts', params: ({ event }) => ({ listed: event.output }) }, 'lookAgain'] },
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                    on: {
                      'look.again': { target: 'home', reenter: true },
                      'draft.open': { guard: 'mayCountersign', target: 'countersigning' },
                      'workshop.open': { guard: 'isTechnician', target: 'workshop' },
                      'desk.open': [
                        { guard: { type: 'opens', params: { act: 'register' } }, target: 'registering' },
                        { guard: { type: 'opens', params: { act: 'replace' } }, target: 'replacing' },
                        { guard: { type: 'opens', params: { act: 'unblock' } }, target: 'unblocking' },
                        { guard: { type: 'opens', params: { act: 'block' } }, target: 'blocking' },
                        { guard: { type: 'opens', params: { act: 'retire' } }, target: 'retiring' },
                        { guard: { type: 'mayTend', params: { act: 'standing' } }, target: 'standing' },
                        { guard: { type: 'mayTend', params: { act: 'day' } }, target: 'counting', actions: 'wantDay' },
                        { guard: { type: 'mayTend', params: { act: 'health' } }, target: 'health' },
                        { guard: 'mayBring', target: 'bringing', actions: 'forgetHandOff' },
                      ],
                    },
                  },
                  /** As everything is, looked at again and again. */
                  health: {
                    invoke: {
                      src: 'lookAtMachine',
                      input: ({ context }) => lookingOf(context),
                      onDone: { actions: [{ type: 'keepMachineHealth', params: ({ event }) => ({ shown: event.output }) }, 'lookAgain'] },
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                    exit: 'lookNoMore',
                    on: { 'look.again': { target: 'health', reenter: true }, back: 'home' },
                  },
                  /** The code of a matter that was begun elsewhere. */
                  bringing: {
                    on: {
                      back: 'home',
                      'hand-off.bring': { target: 'askingAfter', actions: 'keepCode' },
                      scanned: { guard: 'scannedHandOff', target: 'askingAfter', actions: 'keepCode' },
                    },
                  },
                  askingAfter: {
                    invoke: {
                      src: 'handOffUntil',
                      input: ({ context }) => ({ access: accessOf(context), insertion: inSession(context).insertion, code: inSession(context).handOff?.code ?? '' }),
                      onDone: [
                        { guard: { type: 'handOffGood', params: ({ event }) => ({ result: event.output }) }, target: 'awaiting', actions: { type: 'keepUntil', params: ({ event }) => ({ result: event.output }) } },
                        { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'bringing', actions: 'noteUnknownCode' },
                        { target: '#staff.stage.serving.failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                      ],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  /** Its resident's card in the other reader, or in the only one, begins their own visit, which has the screen then. */
                  awaiting: {
                    on: {
                      back: [...afterAct],
                      reader: { guard: 'staffCardLeaves', actions: 'takeReader' },
                      floor: { guard: 'visitBeginsWithout', target: '#staff.stage.lent', actions: 'takeFloor' },
                    },
                  },
                  counting: {
                    invoke: {
                      src: 'countDay',
                      input: ({ context }) => ({ day: inSession(context).wantedDay }),
                      onDone: [
                        { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'day', actions: { type: 'keepDay', params: ({ event }) => ({ result: event.output }) } },
                        { target: '#staff.stage.serving.failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                      ],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  /** What was counted stands as it was until another day is asked for. */
                  day: { on: { back: 'home', 'day.show': { target: 'counting', actions: 'wantDay' } } },
                  /** A technician's bench (workshop/technician.ts). */
                  workshop: {
                    exit: 'dropBench',
                    invoke: {
                      id: 'bench',
                      src: 'bench',
                      input: ({ context }) => ({ access: accessOf(context), insertion: inSession(context).insertion, pinPad: cardOf(context).pinPad, triesLeft: inSession(context).triesLeft }),
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                    on: {
                      'workshop.page': { actions: 'keepBench' },
                      'workshop.over': 'home',
                      ...toBench,
                    },
                  },
                  /** Whether residents are served here. */
                  standing: {
                    entry: 'lookAround',
                    on: {
                      back: 'home',
                      'kiosk.close': { target: 'changing' },
                      'kiosk.open': { target: 'changing' },
                    },
                  },
                  changing: {
                    invoke: {
                      src: 'changeStanding',
                      input: ({ context, event }) => ({ access: accessOf(context), event }),
                      onDone: [
                        { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'standing' },
                        { target: '#staff.stage.serving.failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output }) } },
                      ],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  registering: {
                    ...atDesk,
                    invoke: {
                      id: 'desk',
                      src: 'registration',
                      input: ({ context }) => handsOf(context),
                      onSnapshot: { actions: { type: 'keepDesk', params: ({ event }) => ({ under: { act: 'register', snapshot: event.snapshot } as const }) } },
                      onDone: [...afterAct],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  replacing: {
                    ...atDesk,
                    invoke: {
                      id: 'desk',
                      src: 'replacement',
                      input: ({ context }) => handsOf(context),
                      onSnapshot: { actions: { type: 'keepDesk', params: ({ event }) => ({ under: { act: 'replace', snapshot: event.snapshot } as const }) } },
                      onDone: [...afterAct],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  retiring: {
                    ...atDesk,
                    invoke: {
                      id: 'desk',
                      src: 'retiring',
                      input: ({ context }) => handsOf(context),
                      onSnapshot: { actions: { type: 'keepDesk', params: ({ event }) => ({ under: { act: 'retire', snapshot: event.snapshot } as const }) } },
                      onDone: [...afterAct],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  countersigning: {
                    ...atDesk,
                    invoke: {
                      id: 'desk',
                      src: 'countersigning',
                      input: ({ context, event }) => handsOf(context, event),
                      onSnapshot: { actions: { type: 'keepDesk', params: ({ event }) => ({ under: { act: 'countersign', snapshot: event.snapshot } as const }) } },
                      onDone: [...afterAct],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  unblocking: {
                    ...atDesk,
                    invoke: {
                      id: 'desk',
                      src: 'unblocking',
                      input: ({ context }) => handsOf(context),
                      onSnapshot: { actions: { type: 'keepDesk', params: ({ event }) => ({ under: { act: 'unblock', snapshot: event.snapshot } as const }) } },
                      onDone: [...afterAct],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                  blocking: {
                    ...atDesk,
                    invoke: {
                      id: 'desk',
                      src: 'blocking',
                      input: ({ context }) => handsOf(context),
                      onSnapshot: { actions: { type: 'keepDesk', params: ({ event }) => ({ under: { act: 'block', snapshot: event.snapshot } as const }) } },
                      onDone: [...afterAct],
                      onError: { target: '#staff.stage.serving.failed', actions: 'noteFault' },
                    },
                  },
                },
              },

              failed: {
                always: { guard: 'cardGone', target: '#staff.stage.takeCard', actions: [...cardRemoved] },
                exit: 'clearSetback',
                on: { retry: { guard: 'mayRetry', target: 'reading' } },
              },
            },
          },

          /** With one reader for all nobody's card may be in it: then there is none to take, and nothing more to wait for. */
          takeCard: {
            always: { guard: 'nothingIn', target: 'away' },
            on: { reader: { guard: 'sameCardLeft', actions: 'takeReader' } },
          },
        },
      },

      attention: {
        initial: 'off',
        states: {
          off: { always: { guard: 'personsTurn', target: 'awake' } },
          awake: {
            always: { guard: not('personsTurn'), target: 'off' },
            on: { activity: { target: 'awake', reenter: true } },
            after: { idleLock: { target: 'off', actions: raise({ type: 'idle.over' }) } },
          },
        },
      },

      /** From the sign-in on, whether it is locked meanwhile or not. */
      limit: {
        initial: 'off',
        states: {
          off: { always: { guard: 'inASession', target: 'running' } },
          running: {
            always: { guard: not('inASession'), target: 'off' },
            after: { untilWarning: { target: 'warned', actions: 'startMinutes' } },
          },
          warned: {
            always: [
              { guard: not('inASession'), target: 'off', actions: 'endMinutes' },
              { guard: 'timeOver', target: 'over' },
            ],
            after: { minute: { target: 'warned', reenter: true, actions: 'countMinutes' } },
          },
          over: { entry: raise({ type: 'limit.over' }), always: { guard: not('inASession'), target: 'off' } },
        },
      },
    },
  });
}
