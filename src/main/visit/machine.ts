import { and, assign, fromPromise, not, or, raise, setup, stateIn } from 'xstate';
import type { Intent } from '../../contract/bridge.ts';
import type { Closure } from '../../contract/closure.ts';
import type { HeldOutcome } from '../../contract/held-receipt.ts';
import type { CardInfo, PrinterStatus, PinResult } from '../../contract/device-host.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { rememberedAnswers, type SelfClaims } from '../../identity/self-claims.ts';
import { farewellOf, newVisit, wipeVisit, type Farewell, type RetryFrom, type Visit, type VisitContext, type VisitSettings } from './context.ts';
import {
  answer,
  askAgain,
  askNext,
  askPrevious,
  beginDraft,
  chooseClaim,
  leadOf,
  leaveQuestion,
  missingOf,
  questionsOf,
  skip,
  tellAgency,
  type BundleOffer,
  type Draft,
  type Offer,
  type Offered,
} from './draft.ts';
import { billIn } from './bill.ts';
import { isWhole, withSymbol } from './held-receipt.ts';
import { askInLink } from '../../identity/ask-link.ts';
import { handOffInLink } from '../../identity/hand-off.ts';
import { isAnswered, notNeeded, turned } from '../../identity/answer.ts';
import { askedRows, type AskOutcome } from './asks.ts';
import { mayPrint } from '../printing.ts';
import { afterFailure } from './failure-policy.ts';
import { parcelOf, resumeDraft, type HandedOff, type HandOffStep, type QueuePlace } from './hand-off.ts';
import type { ReaderView } from './reader-view.ts';
import { issuedOf, opened, settled, withStored } from './issued.ts';
import type { MyData } from './my-data.ts';
import { answerCorrection, beginCorrection, beginEnding, beginWithdrawal, chooseGrant, openLetter, toSign, type Move } from './my-data-moves.ts';
import { withSteps } from './my-data-lookup.ts';
import { mayOnlyLook } from './replaced-card.ts';
import { isInLedger, type Access, type PastRequest, type Proof, type Settlement, type ShownReceipt, type Signing, type Stored, type Ticket, type VisitWork } from './work.ts';

type IntentEvent<I extends Intent = Intent> = I extends { intent: infer Name } ? { type: Name } & Omit<I, 'intent'> : never;

export type VisitEvent =
  | IntentEvent
  | { type: 'reader'; view: ReaderView }
  /** The card waits for a touch on its own button. */
  | { type: 'touch.wanted'; insertion: number }
  /** With one reader for all: this card is a member of staff's, and no resident's visit. */
  | { type: 'card.of-staff'; insertion: number }
  | { type: 'request.settled'; transaction: Uint8Array; settlement: Settlement }
  /** The catalogue is another. What is open stays what it was when it was opened. */
  | { type: 'offers.changed'; offered: Offered }
  | { type: 'printer'; printer: PrinterStatus }
  /** Something was held under the scanner. */
  | { type: 'scanned'; text: string }
  | { type: 'scanner'; isReady: boolean }
  /** What became of the slip that this visit sent. */
  | { type: 'slip.done'; visit: string; number: number; result: Result<null> }
  | { type: 'screen.lost' }
  /** Staff have closed this kiosk, or opened it again. A visit that is under way goes on to its end. */
  | { type: 'standing'; closure: Closure | null }
  | { type: 'idle.over' };

export function eventOf(intent: Intent): VisitEvent {
  const { intent: type, ...rest } = intent;
  return { type, ...rest } as IntentEvent;
}

/** What the machine is made with. The card, the hub and the disk are all behind `work`. */
export interface VisitMachineParts {
  work: VisitWork;
  settings: VisitSettings;
  /** What staff have said of this kiosk before the machine starts. */
  closureNow(): Closure | null;
  /** The code of a matter with which staff await a resident; null: with none. */
  brought(): string | null;
  /** 16 random hex digits. */
  newVisitId(): string;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b);

/** For actions that only states inside a visit run. */
function inVisit(context: VisitContext): Visit {
  if (context.visit === null) throw new Error('no visit');
  return context.visit;
}

function accessOf(context: VisitContext): Access {
  const { access } = inVisit(context);
  if (access === null) throw new Error('nobody is signed in');
  return access;
}

function draftOf(context: VisitContext): Draft {
  const { draft } = inVisit(context);
  if (draft === null) throw new Error('no request in hand');
  return draft;
}

function cardOf(context: VisitContext): CardInfo {
  const { card } = inVisit(context);
  if (card === null) throw new Error('the card was not read');
  return card;
}

function ticketOf(context: VisitContext): Ticket {
  const { ticket } = inVisit(context);
  if (ticket === null) throw new Error('the ledger was not asked');
  return ticket;
}

function proofOf(context: VisitContext): Proof {
  const { proof } = inVisit(context);
  if (proof === null) throw new Error('the key is not proved');
  return proof;
}

type Asked = NonNullable<Visit['asked']>;

function askedOf(context: VisitContext): Asked {
  const { asked } = inVisit(context);
  if (asked === null) throw new Error('nothing is asked');
  return asked;
}

function wantedOf(context: VisitContext): PastRequest {
  const { wanted } = inVisit(context);
  if (wanted === null) throw new Error('no request is wanted');
  return wanted;
}

function matterOf({ visit }: VisitContext, id: string): Offer | BundleOffer | undefined {
  const access = visit?.access;
  return access?.bundles.find(({ bundle }) => bundle.id === id) ?? access?.offers.find(({ service }) => service.id === id);
}

const handedOffMatter = (context: VisitContext, result: Awaited<ReturnType<VisitWork['findAsk']>>): Offer | BundleOffer | undefined =>
  result.ok && 'handOff' in result.value ? matterOf(context, result.value.handOff.parcel.matter) : undefined;

/** What somebody asks for, by touching it or by holding a bill of it under the scanner. undefined: nothing that is offered. */
function meantBy(context: VisitContext, event: VisitEvent): { matter: Offer | BundleOffer; typed: Draft['typed'] } | undefined {
  if (event.type === 'service.open') {
    const matter = matterOf(context, event.service);
    return matter === undefined ? undefined : { matter, typed: {} };
  }
  const bill = event.type === 'scanned' ? billIn(event.text, context.visit?.access?.offers ?? []) : undefined;
  return bill === undefined ? undefined : { matter: bill.offer, typed: bill.typed };
}

const isRow = ({ row }: PastRequest, { reference, act }: Extract<IntentEvent, { type: 'request.open' }>): boolean => row.reference === reference && row.act === act;

const isIssued = (context: VisitContext, transaction: Uint8Array): boolean =>
  context.visit?.issued.some((issued) => sameBytes(issued.transaction, transaction)) ?? false;

const insertionOf = (view: ReaderView): number | null => ('insertion' in view ? view.insertion : null);

/** null: the reader's own pad takes it. */
function pinOf(event: { type: string }): Uint8Array | null {
  return event.type === 'pin.submit' && 'pin' in event && typeof event.pin === 'string' ? new TextEncoder().encode(event.pin) : null;
}

function setBack(context: VisitContext, failure: Failure, retryFrom: RetryFrom): { visit: Visit } {
  const visit = inVisit(context);
  const inHand = visit.issued.at(-1)?.state === 'queued' ? 'queued' : 'not-begun';
  return patch(context, {
    onReaderPad: false,
    setback: { failure, next: afterFailure(failure.code, visit.access !== null), retryFrom, sent: visit.draft === null && visit.undoing === null && visit.correcting === null ? inHand : 'nothing' },
  });
}

/** What of the visit a move changes; null: nothing here could be meant. */
const moved = (context: VisitContext, move: Move | null): { visit: Visit } | Record<never, never> => (move === null ? {} : patch(context, move));

function mutingOf(context: VisitContext): NonNullable<Visit['muting']> {
  const { muting } = inVisit(context);
  if (muting === null) throw new Error('no agency is meant');
  return muting;
}

function myDataOf(context: VisitContext): MyData {
  const { myData } = accessOf(context);
  if (myData === null) throw new Error('nothing was looked up');
  return myData;
}

const patch = (context: VisitContext, change: Partial<Visit>): { visit: Visit } => ({ visit: { ...inVisit(context), ...change } });
const redraft = (context: VisitContext, change: (draft: Draft) => Draft): { visit: Visit } => patch(context, { draft: change(draftOf(context)) });

const endVisit = <Ended extends Farewell['ended']>(ended: Ended) => ['shutDoors', { type: 'dropVisit', params: { ended } }] as const;
const cardRemoved = endVisit('card-removed');
const done = endVisit('done');
const timeout = endVisit('timeout');

/** Before anything is filled in that could not be signed. */
const onlyLooking = { guard: 'cardMayOnlyLook', target: '#visit.stage.visiting.failed', actions: 'noteOnlyLooking' } as const;

/** To what somebody asks for, where it is offered: from home and from a window, by a touch or by a bill. */
const toMatter = [
  { guard: and(['serviceOffered', 'cardMayOnlyLook']), target: '#visit.stage.visiting.failed', actions: 'noteOnlyLooking' },
  { guard: and(['serviceServable', 'factsKnown']), target: 'consent', actions: 'beginDraft' },
  { guard: 'serviceServable', target: '#visit.stage.visiting.recalling', actions: 'beginDraft' },
  { guard: 'serviceOffered', target: '#visit.stage.visiting.inside.factsMissing', actions: 'noteMissing' },
] as const;

/** From where a matter is left. */
const toHandOff = (step: HandOffStep) => ({ target: '#visit.stage.visiting.handingOff', actions: ['closeHelp', { type: 'noteLeftAt', params: { step } }] }) as const;

/** From home, and from any part of "my data" to any other. */
const toMyData = { 'my-data.open': { target: '#visit.stage.visiting.lookingUp', actions: 'keepPart' } } as const;

/** One matter's receipt may be longer than a message, too. */
const toPaper = {
  'receipt.print': [
    { guard: 'mayPrint', actions: ['print', 'notePrinting'] },
    { guard: 'stripBeforeOthers', actions: 'keepStrip' },
  ],
} as const;

/** With a receipt under the scanner. */
const toHeld = { target: 'held', actions: ['closeHelp', 'takeSymbol'] } as const;

/** Its codes come one after the other; all of them are looked at as one. */
const heldStates = {
  initial: 'seen',
  states: {
    seen: { always: { guard: 'heldIsWhole', target: 'looking' } },
    looking: {
      invoke: {
        src: 'lookAtHeld',
        input: ({ context }: { context: VisitContext }) => ({ symbols: context.held?.symbols ?? [] }),
        onDone: { target: 'seen', actions: { type: 'keepLookedAt', params: ({ event }: { event: { output: HeldOutcome } }) => ({ outcome: event.output }) } },
        onError: { target: 'seen', actions: { type: 'keepLookedAt', params: { outcome: { is: 'unchecked' } } } },
      },
    },
  },
} as const;

/**
 * One visit from the first touch to the last. Two regions: `stage` is what the resident sees, `attention` whether anybody is still there.
 * Nothing in it does anything by itself: cards, hub and disk are `work`, time is the actor's clock.
 */
export function visitMachine({ work, settings, closureNow, brought, newVisitId }: VisitMachineParts) {
  const newDraft = (context: VisitContext, matter: Offer | BundleOffer): Draft => {
    const { known, self } = accessOf(context);
    return beginDraft(matter, { known, remembered: (service) => rememberedAnswers(self ?? {}, service), grantEnd: (offer) => work.grantEnd(offer) });
  };
  return setup({
    types: { context: {} as VisitContext, events: {} as VisitEvent },
    actors: {
      readCard: fromPromise<Result<CardInfo>, { insertion: number }>(({ input }) => work.readCard(input.insertion)),
      lookAtHeld: fromPromise<HeldOutcome, { symbols: readonly string[] }>(({ input }) => work.lookAtHeld(input.symbols)),
      tellStaffCard: fromPromise<void, { insertion: number }>(({ input }) => work.tellStaffCard(input.insertion)),
      lookUp: fromPromise<Result<Ticket>, { insertion: number; card: CardInfo }>(({ input }) => work.lookUp(input.insertion, input.card)),
      checkPin: fromPromise<Result<PinResult>, { insertion: number; purpose: 'user' | 'sign'; pin: Uint8Array | null }>(({ input }) =>
        work.checkPin(input.insertion, input.purpose, input.pin),
      ),
      proveKey: fromPromise<Result<Proof>, { insertion: number; ticket: Ticket }>(({ input }) => work.proveKey(input.insertion, input.ticket)),
      openAccess: fromPromise<Result<Access>, { insertion: number; card: CardInfo; proof: Proof }>(({ input, signal }) =>
        work.openAccess(input.insertion, input.card, input.proof, signal),
      ),
      recall: fromPromise<Result<SelfClaims>, { access: Access }>(({ input }) =>
        input.access.self === null ? work.recall(input.access) : Promise.resolve(ok(input.access.self)),
      ),
      openRequest: fromPromise<Result<ShownReceipt>, { request: PastRequest; access: Access }>(({ input }) => work.openRequest(input.request, input.access)),
      placeOf: fromPromise<Result<QueuePlace | null>, { access: Access; visit: Visit }>(({ input: { access, visit: { handedOff, place, atCounter } } }) =>
        handedOff === null || atCounter ? Promise.resolve(ok(null)) : work.placeOf(access, handedOff.code, place ?? undefined),
      ),
      handOff: fromPromise<Result<HandedOff>, { access: Access; draft: Draft; step: HandOffStep }>(({ input: { access, draft, step } }) => work.handOff(access, parcelOf(draft, step))),
      findAsk: fromPromise<Awaited<ReturnType<VisitWork['findAsk']>>, { access: Access; code: string }>(({ input }) => work.findAsk(input.access, input.code)),
      agreeToAsk: fromPromise<Result<AskOutcome>, { insertion: number; access: Access; asked: Asked }>(({ input }) =>
        work.agreeToAsk(input.insertion, input.access, input.asked.shown, input.asked.leftOut),
      ),
      refuseAsk: fromPromise<Result<AskOutcome>, { access: Access; asked: Asked }>(({ input }) => work.refuseAsk(input.access, input.asked.shown)),
      prepare: fromPromise<Result<null>>(() => work.prepare()),
      sign: fromPromise<Result<Stored>, { insertion: number; access: Access; signing: Signing }>(({ input }) =>
        work.sign(input.insertion, input.access, input.signing),
      ),
      lookUpMyData: fromPromise<Result<MyData>, { access: Access }>(({ input }) => work.lookUpMyData(input.access)),
      lookUpSigned: fromPromise<Awaited<ReturnType<VisitWork['lookUpSigned']>>, { access: Access; data: MyData }>(({ input }) => work.lookUpSigned(input.access, input.data)),
      mute: fromPromise<Result<unknown>, { access: Access; muting: NonNullable<Visit['muting']> }>(({ input }) =>
        work.mute(input.access, input.muting.agency, input.muting.muted),
      ),
    },
    delays: {
      idleLimit: ({ context }) => context.settings.idleLimitMs,
      farewell: ({ context }) => context.settings.farewellMs,
      recordWait: ({ context }) => context.settings.recordWaitMs,
      second: 1000,
    },
    guards: {
      succeeded: (_, { result }: { result: Result<unknown> }) => result.ok,
      pinRight: (_, { result }: { result: Result<PinResult> }) => result.ok && result.value.verified,
      /** Wrong, and the card has more than the one try that is never spent here. */
      pinMayBeTriedAgain: (_, { result }: { result: Result<PinResult> }) => result.ok && !result.value.verified && result.value.triesLeft > 1,
      readerFault: ({ event }) => event.type === 'reader' && event.view.view === 'fault',
      readerEmpty: ({ event }) => event.type === 'reader' && (event.view.view === 'empty' || event.view.view === 'starting'),
      cardReady: ({ event }) => event.type === 'reader' && event.view.view === 'card',
      isClosed: ({ context }) => context.closure !== null,
      isOpen: ({ context }) => context.closure === null,
      opened: ({ event }) => event.type === 'standing' && event.closure === null,
      /** With one reader for all it may be staff's. */
      cardToLookAt: ({ context, event }) => context.settings.oneReader && event.type === 'reader' && event.view.view === 'card',
      cardUseless: ({ event }) => event.type === 'reader' && (event.view.view === 'mute' || event.view.view === 'in-use'),
      /** The visit's own card; our own hold on it may show as "in use". */
      sameCard: ({ context, event }) =>
        event.type === 'reader' &&
        (event.view.view === 'card' || event.view.view === 'in-use') &&
        event.view.insertion === context.visit?.insertion,
      cardOfStaff: ({ context, event }) => event.type === 'card.of-staff' && event.insertion === context.visit?.insertion,
      cardTouched: ({ context, event }) => event.type === 'touch.wanted' && event.insertion === context.visit?.insertion,
      cardGone: ({ context }) => context.visit?.setback?.failure.code === 'card-removed',
      severalLanguages: ({ context }) => context.settings.languages.length > 1,
      knownLanguage: ({ context, event }) => event.type === 'language.set' && context.settings.languages.includes(event.language),
      triesForPin: ({ context }) => cardOf(context).tries.pw1 > 1,
      sameCardLeft: ({ context, event }) => event.type === 'reader' && insertionOf(event.view) !== null && insertionOf(event.view) === insertionOf(context.reader),
      pinAlreadyVerified: ({ context }) => inVisit(context).pinVerified,
      ticketReady: ({ context }) => inVisit(context).ticket !== null,
      signedIn: ({ context }) => context.visit?.access !== null && context.visit?.access !== undefined,
      groupOffered: ({ context, event }) => event.type === 'group.open' && accessOf(context).offers.some(({ service }) => service.group === event.group),
      serviceOffered: ({ context, event }) => meantBy(context, event) !== undefined,
      serviceServable: ({ context, event }) => {
        const meant = meantBy(context, event);
        return meant !== undefined && missingOf(meant.matter, accessOf(context).known).length === 0;
      },
      factsKnown: ({ context }) => accessOf(context).self !== null,
      requestKnown: ({ context, event }) =>
        event.type === 'request.open' && accessOf(context).requests.some((request) => isRow(request, event)),
      optionalClaim: ({ context, event }) =>
        event.type === 'consent.choose' &&
        draftOf(context).letters.some(({ offer: { service } }) => service.id === event.service && service.claims.some(({ claim, optional }) => optional && claim === event.claim)),
      agencyBesideLead: ({ context, event }) => {
        const draft = draftOf(context);
        const isMember = event.type === 'consent.tell' && draft.letters.some(({ offer }) => offer.service.id === event.service);
        return isMember && leadOf(draft).offer.service.id !== event.service;
      },
      askedFor: ({ context, event }) => (event.type === 'answer.submit' || event.type === 'answer.skip') && draftOf(context).asking === event.question,
      questionOfDraft: ({ context, event }) =>
        event.type === 'answer.change' && event.question in questionsOf(draftOf(context)),
      asking: ({ context }) => draftOf(context).asking !== null,
      answerRefused: ({ context }) => draftOf(context).problem !== null,
      firstQuestion: ({ context }) => askPrevious(draftOf(context)).asking === null,
      changing: ({ context }) => draftOf(context).changing,
      askWaits: ({ context, event }) => event.type === 'ask.open' && accessOf(context).asks.some(({ ask }) => ask.state === event.ask),
      askFound: (_, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => result.ok && 'ask' in result.value && result.value.ask !== null,
      handOffFound: (_, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => result.ok && 'handOff' in result.value,
      handOffOnlyLooked: ({ context }, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => result.ok && 'handOff' in result.value && mayOnlyLook(accessOf(context).resident, work.now()),
      /** What it asks for is offered, and what that needs is known. */
      handOffServable: ({ context }, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => {
        const matter = handedOffMatter(context, result);
        return matter !== undefined && missingOf(matter, accessOf(context).known).length === 0;
      },
      handOffOffered: ({ context }, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => handedOffMatter(context, result) !== undefined,
      placed: (_, { result }: { result: Result<QueuePlace | null> }) => result.ok && result.value !== null,
      leftAt: ({ context }, step: HandOffStep) => inVisit(context).leftAt === step,
      codeBrought: ({ context }, { result }: { result: Result<unknown> }) => result.ok && inVisit(context).brought !== null,
      askAnswerable: ({ context }) => {
        const { shown, leftOut } = askedOf(context);
        return shown.missing.length === 0 && isAnswered(shown.parts, leftOut);
      },
      askClaimOptional: ({ context, event }) =>
        event.type === 'ask.choose' && askedRows(askedOf(context).shown, []).some(({ claim, optional }) => optional && claim === event.claim),
      factsWanted: ({ context }) => accessOf(context).self === null && (inVisit(context).part === 'all' || inVisit(context).part === 'facts'),
      partIs: ({ context }, part: Visit['part']) => inVisit(context).part === part,
      grantKnown: ({ context, event }) => event.type === 'grant.open' && chooseGrant(inVisit(context), event.grant) !== null,
      grantEndable: ({ context }) => beginEnding(inVisit(context)) !== null,
      withdrawable: ({ context }) => beginWithdrawal(inVisit(context)) !== null,
      letterKnown: ({ context, event }) => event.type === 'letter.open' && openLetter(inVisit(context), event.letter) !== null,
      factCorrectable: ({ context, event }) => event.type === 'fact.correct' && beginCorrection(inVisit(context), event.fact) !== null,
      correctionAsked: ({ context, event }) => event.type === 'answer.submit' && inVisit(context).correcting?.name === event.question,
      corrected: ({ context }) => inVisit(context).correcting?.signing !== null,
      undoingGrant: ({ context }) => inVisit(context).undoing?.what === 'grant.end',
      undoingRequest: ({ context }) => inVisit(context).undoing?.what === 'request.withdraw',
      correcting: ({ context }) => inVisit(context).correcting !== null,
      openedFromRequests: ({ context }) => inVisit(context).opened !== null,
      agencyNamed: ({ context, event }) => event.type === 'agency.mute' && accessOf(context).offers.some(({ service }) => service.agency === event.agency),
      /** It replaced another less than a day ago: the ledger would take nothing that it signs. */
      cardMayOnlyLook: ({ context }) => mayOnlyLook(accessOf(context).resident, work.now()),
      severalSigned: ({ context }) => inVisit(context).issued.length > 1,
      retryIs: ({ context }, from: RetryFrom) => context.visit?.setback?.next === 'retry' && context.visit.setback.retryFrom === from,
      requestRecorded: ({ context, event }) =>
        event.type === 'request.settled' && isInLedger(event.settlement) && isIssued(context, event.transaction),
      requestInHandRefused: ({ context, event }) =>
        event.type === 'request.settled' && !isInLedger(event.settlement) && isIssued(context, event.transaction),
      /** And the slip is all there. */
      mayPrint: ({ context, event }) => {
        const { printing, strips } = inVisit(context);
        return event.type === 'receipt.print' && mayPrint(printing, context.printer) && (event.strip === undefined || (event.strip.number === event.strip.of && strips.length === event.strip.of - 1));
      },
      stripBeforeOthers: ({ context, event }) => {
        const { printing, strips } = inVisit(context);
        return event.type === 'receipt.print' && mayPrint(printing, context.printer) && event.strip !== undefined && event.strip.number < event.strip.of && (event.strip.number === 1 || strips.length === event.strip.number - 1);
      },
      heldIsWhole: ({ context }) => isWhole(context.held),
      scannedReceipt: ({ event }) => event.type === 'scanned' && withSymbol(null, event.text).symbols.length > 0,
      scannedAsk: ({ event }) => event.type === 'scanned' && (askInLink(event.text) !== null || handOffInLink(event.text) !== null),
      /** What was printed of the matters before says nothing of a sheet with another on it. */
      lastSlip: ({ context, event }) => event.type === 'slip.done' && event.visit === context.visit?.id && event.number === context.visit.prints && context.visit.printing?.state === 'printing',
      /** The page waits for the person, not the person for the card or the hub. */
      personsTurn: or([
        stateIn({ stage: { visiting: { signIn: 'pin' } } }),
        stateIn({ stage: { visiting: 'inside' } }),
        stateIn({ stage: { visiting: 'failed' } }),
      ]),
      graceOver: ({ context }) => context.secondsLeft <= 0,
    },
    actions: {
      takePrinter: assign(({ event, context }) => ({ printer: event.type === 'printer' ? event.printer : context.printer })),
      print: ({ context, event }) => {
        if (event.type !== 'receipt.print') return;
        const { id, prints, strips } = inVisit(context);
        work.print(id, prints + 1, event.strip === undefined ? [event.slip] : [...strips, event.slip]);
      },
      keepStrip: assign(({ context, event }) => {
        if (event.type !== 'receipt.print') return {};
        return patch(context, { strips: event.strip?.number === 1 ? [event.slip] : [...inVisit(context).strips, event.slip] });
      }),
      notePrinting: assign(({ context }) => patch(context, { printing: { state: 'printing' }, prints: inVisit(context).prints + 1, strips: [] })),
      noteSlip: assign(({ context, event }) => {
        if (event.type !== 'slip.done') return {};
        return patch(context, { printing: event.result.ok ? { state: 'printed' } : { state: 'failed', failure: event.result.failure } });
      }),
      takeReader: assign(({ event, context }) => ({ reader: event.type === 'reader' ? event.view : context.reader })),
      takeClosure: assign(({ event, context }) => ({ closure: event.type === 'standing' ? event.closure : context.closure })),
      setLanguage: assign(({ event, context }) => ({ language: event.type === 'language.set' ? event.language : context.language })),
      resetKiosk: assign(({ context }) => ({ language: context.settings.languages[0] ?? context.language, help: false, farewell: null })),
      openHelp: assign({ help: true }),
      closeHelp: assign({ help: false }),

      beginVisit: assign(({ event }) => ({
        visit: event.type === 'reader' && event.view.view === 'card' ? newVisit(newVisitId(), event.view.insertion, brought()) : null,
        farewell: null,
        help: false,
      })),
      shutDoors: ({ context: { visit } }) => {
        if (visit === null) return;
        work.leave(visit.insertion, visit.access === null ? null : visit.access.session.slice());
        wipeVisit(visit);
      },
      dropVisit: assign(({ context }, { ended }: { ended: Farewell['ended'] }) =>
        context.visit === null ? {} : { visit: null, farewell: farewellOf(context.visit, ended), help: false, secondsLeft: 0 },
      ),

      keepCard: assign(({ context }, { result }: { result: Result<CardInfo> }) =>
        result.ok ? patch(context, { card: result.value, triesLeft: result.value.tries.pw1 }) : {},
      ),
      keepTicket: assign(({ context }, { result }: { result: Result<Ticket> }) => (result.ok ? patch(context, { ticket: result.value }) : {})),
      forgetTicket: assign(({ context }) => patch(context, { ticket: null })),
      pinIsRight: assign(({ context }) => patch(context, { pinVerified: true, pinWrong: false, onReaderPad: false })),
      pinIsWrong: assign(({ context }, { result }: { result: Result<PinResult> }) =>
        result.ok && !result.value.verified ? patch(context, { pinWrong: true, onReaderPad: false, triesLeft: result.value.triesLeft }) : {},
      ),
      pinNotTriedYet: assign(({ context }) => patch(context, { pinWrong: false, onReaderPad: false })),
      notePad: assign(({ context, event }) => patch(context, { onReaderPad: event.type === 'pin.on-reader' })),
      noteTouch: assign(({ context }) => patch(context, { touchWanted: true })),
      touchDone: assign(({ context }) => (context.visit === null ? {} : patch(context, { touchWanted: false }))),
      keepProof: assign(({ context }, { result }: { result: Result<Proof> }) => (result.ok ? patch(context, { proof: result.value }) : {})),
      keepAccess: assign(({ context }, { result }: { result: Result<Access> }) =>
        result.ok ? patch(context, { access: result.value, ticket: null, proof: null }) : {},
      ),

      beginDraft: assign(({ context, event }) => {
        const meant = meantBy(context, event);
        return meant === undefined ? {} : patch(context, { draft: { ...newDraft(context, meant.matter), typed: meant.typed } });
      }),
      /** Before anything is chosen or typed, but for what a bill has filled in. */
      beginDraftAnew: assign(({ context }) =>
        redraft(context, (draft) => {
          const { offer } = leadOf(draft);
          const matter = draft.bundle === null ? offer : { bundle: draft.bundle, members: draft.letters.map((letter) => letter.offer) };
          return { ...newDraft(context, matter), typed: draft.typed };
        }),
      ),
      keepFacts: assign(({ context }, { result }: { result: Result<SelfClaims> }) =>
        result.ok ? patch(context, { access: { ...accessOf(context), self: result.value } }) : {},
      ),
      keepOffers: assign(({ context, event }) => {
        const access = context.visit?.access;
        return event.type === 'offers.changed' && access ? patch(context, { access: { ...access, ...event.offered } }) : {};
      }),
      /** A matter that was handed off, or came from elsewhere, is another one from here on. */
      dropDraft: assign(({ context }) => patch(context, { draft: null, undoing: null, correcting: null, takenUp: null, handedOff: null })),
      openGroup: assign(({ context, event }) => patch(context, { group: event.type === 'group.open' ? event.group : null })),
      chooseClaim: assign(({ context, event }) =>
        event.type === 'consent.choose' ? redraft(context, (draft) => chooseClaim(draft, event.service, event.claim, event.chosen)) : {},
      ),
      tellAgency: assign(({ context, event }) =>
        event.type === 'consent.tell' ? redraft(context, (draft) => tellAgency(draft, event.service, event.told)) : {},
      ),
      askNext: assign(({ context }) => redraft(context, askNext)),
      askPrevious: assign(({ context }) => redraft(context, askPrevious)),
      askAgain: assign(({ context, event }) =>
        event.type === 'answer.change' ? redraft(context, (draft) => askAgain(draft, event.question)) : {},
      ),
      leaveQuestion: assign(({ context }) => redraft(context, leaveQuestion)),
      takeAnswer: assign(({ context, event }) =>
        event.type === 'answer.submit' ? redraft(context, (draft) => answer(draft, event.question, event.value)) : {},
      ),
      takeSkip: assign(({ context, event }) =>
        event.type === 'answer.skip' ? redraft(context, (draft) => skip(draft, event.question)) : {},
      ),

      keepWanted: assign(({ context, event }) =>
        event.type === 'request.open'
          ? patch(context, { wanted: accessOf(context).requests.find((request) => isRow(request, event)) ?? null })
          : {},
      ),
      keepOpened: assign(({ context }, { result }: { result: Result<ShownReceipt> }) => {
        const { wanted } = inVisit(context);
        return result.ok && wanted !== null ? patch(context, opened(accessOf(context), wanted, result.value)) : {};
      }),

      keepStored: assign(({ context }, { result }: { result: Result<Stored> }) => {
        if (!result.ok) return {};
        const signing = toSign(inVisit(context));
        const issued = issuedOf(signing, result.value, accessOf(context));
        return patch(context, {
          draft: null,
          undoing: null,
          correcting: null,
          printing: null,
          issued: [...inVisit(context).issued, issued],
          access: withStored(accessOf(context), signing, issued, result.value),
        });
      }),
      openAsk: assign(({ context, event }) => {
        const shown = event.type === 'ask.open' ? accessOf(context).asks.find(({ ask }) => ask.state === event.ask) : undefined;
        return shown === undefined ? {} : patch(context, { asked: { shown, leftOut: notNeeded(shown.parts) } });
      }),
      takeSymbol: assign(({ event, context }) => (event.type === 'scanned' ? { held: withSymbol(context.held, event.text) } : {})),
      keepLookedAt: assign(({ context }, { outcome }: { outcome: HeldOutcome }) => (context.held === null ? {} : { held: { ...context.held, shown: { ...context.held.shown, outcome } } })),
      dropHeld: assign({ held: null }),
      takeScanner: assign(({ event, context }) => ({ scannerReady: event.type === 'scanner' ? event.isReady : context.scannerReady })),
      noteNoAsk: assign(({ context }) => patch(context, { askCode: { ...inVisit(context).askCode, problem: 'not-scanned' } })),
      openCode: assign(({ context }) => patch(context, { askCode: { problem: null, triesLeft: null } })),
      keepFoundAsk: assign(({ context }, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => {
        if (!result.ok || 'handOff' in result.value) return {};
        const { ask: shown, triesLeft } = result.value;
        return patch(context, shown === null ? { askCode: { problem: triesLeft === 0 ? 'no-tries' : triesLeft === null ? 'not-scanned' : 'unknown', triesLeft } } : { asked: { shown, leftOut: notNeeded(shown.parts) } });
      }),
      takeUp: assign(({ context }, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => {
        if (!result.ok || !('handOff' in result.value)) return {};
        const { code, parcel, self } = result.value.handOff;
        const access = { ...accessOf(context), self };
        const matter = matterOf(context, parcel.matter);
        if (matter === undefined) return {};
        const { draft, step } = resumeDraft(parcel, newDraft({ ...context, ...patch(context, { access }) }, matter));
        return patch(context, { access, draft, leftAt: step, takenUp: code, handedOff: null });
      }),
      noteServiceGone: assign(({ context }) => patch(context, { setback: { failure: { code: 'service-unknown' }, next: 'home', retryFrom: 'home', sent: 'not-begun' } })),
      dropBrought: assign(({ context }) => (context.visit === null ? {} : patch(context, { brought: null }))),
      noteLeftAt: assign(({ context }, { step }: { step: HandOffStep }) => patch(context, { leftAt: step })),
      keepHandOff: assign(({ context }, { result }: { result: Result<HandedOff> }) => (result.ok ? patch(context, { handedOff: result.value, takenUp: null, place: null }) : {})),
      keepPlace: assign(({ context }, { result }: { result: Result<QueuePlace | null> }) => (result.ok ? patch(context, { place: result.value }) : {})),
      /** What is signed is gone on with nowhere. */
      dropHandOff: ({ context }) => {
        const { takenUp, handedOff } = inVisit(context);
        for (const code of new Set([takenUp, handedOff?.code ?? null])) if (code !== null) work.dropHandOff(accessOf(context), code);
      },
      forgetHandOff: assign(({ context }) => patch(context, { takenUp: null, handedOff: null, place: null })),
      chooseAskClaim: assign(({ context, event }) => {
        if (event.type !== 'ask.choose') return {};
        const { shown, leftOut } = askedOf(context);
        return patch(context, { asked: { shown, leftOut: turned(shown.parts, leftOut, event.claim, event.chosen) } });
      }),
      keepAskDone: assign(({ context }, { result }: { result: Result<AskOutcome> }) => {
        if (!result.ok) return {};
        const { shown } = askedOf(context);
        const access = accessOf(context);
        return patch(context, { asked: null, askDone: { agency: shown.agency, done: result.value }, access: { ...access, asks: access.asks.filter(({ ask }) => ask.state !== shown.ask.state) } });
      }),
      dropAsk: assign(({ context }) => patch(context, { asked: null })),

      keepPart: assign(({ context, event }) => (event.type === 'my-data.open' ? patch(context, { part: event.part, opened: null, letter: null, undoing: null, correcting: null }) : {})),
      keepMyData: assign(({ context }, { result }: { result: Result<MyData> }) => {
        if (!result.ok) return {};
        const access = accessOf(context);
        return patch(context, { access: { ...access, myData: result.value, held: result.value.held, requests: withSteps(access.requests, result.value, access.offers) } });
      }),
      drawProof: assign(({ context }) => patch(context, { proofCodes: work.drawProof(myDataOf(context)) })),
      keepSigned: assign(({ context }, { result }: { result: Awaited<ReturnType<VisitWork['lookUpSigned']>> }) => (result.ok ? patch(context, { signed: result.value }) : {})),
      chooseGrant: assign(({ context, event }) => (event.type === 'grant.open' ? moved(context, chooseGrant(inVisit(context), event.grant)) : {})),
      openLetter: assign(({ context, event }) => (event.type === 'letter.open' ? moved(context, openLetter(inVisit(context), event.letter)) : {})),
      beginEnding: assign(({ context }) => moved(context, beginEnding(inVisit(context)))),
      beginWithdrawal: assign(({ context }) => moved(context, beginWithdrawal(inVisit(context)))),
      beginCorrection: assign(({ context, event }) => (event.type === 'fact.correct' ? moved(context, beginCorrection(inVisit(context), event.fact)) : {})),
      answerCorrection: assign(({ context, event }) =>
        event.type === 'answer.submit' ? moved(context, answerCorrection(inVisit(context), event.value, Math.floor(work.now() / 1000))) : {},
      ),
      dropUndoing: assign(({ context }) => patch(context, { undoing: null, correcting: null })),
      keepMuting: assign(({ context, event }) => (event.type === 'agency.mute' ? patch(context, { muting: { agency: event.agency, muted: event.muted } }) : {})),
      noteMuted: assign(({ context }) => {
        const { muting } = inVisit(context);
        const access = accessOf(context);
        if (muting === null) return {};
        const others = access.muted.filter((agency) => agency !== muting.agency);
        return patch(context, { muting: null, access: { ...access, muted: muting.muted ? [...others, muting.agency] : others } });
      }),
      deliver: ({ context }) => {
        const last = inVisit(context).issued.at(-1);
        if (last !== undefined) work.deliver(last.transaction);
      },
      settle: assign(({ context, event }) => (event.type === 'request.settled' ? settled(context, event.transaction, event.settlement, work) : {})),

      noteFailure: assign(({ context }, { result, from }: { result: Result<unknown>; from: RetryFrom }) =>
        result.ok ? {} : setBack(context, result.failure, from),
      ),
      noteFault: assign(({ context }) => setBack(context, { code: 'kiosk-fault' }, 'home')),
      noteLastTry: assign(({ context }, { result }: { result: Result<PinResult> }) => {
        const triesLeft = result.ok && !result.value.verified ? result.value.triesLeft : cardOf(context).tries.pw1;
        return setBack(context, { code: triesLeft === 0 ? 'pin-blocked' : 'pin-last-try' }, 'home');
      }),
      noteMissing: assign(({ context, event }) => {
        const meant = meantBy(context, event);
        return meant === undefined ? {} : patch(context, { lacking: meant.matter });
      }),
      noteHandOffMissing: assign(({ context }, { result }: { result: Awaited<ReturnType<VisitWork['findAsk']>> }) => {
        const matter = handedOffMatter(context, result);
        return matter === undefined ? {} : patch(context, { lacking: matter });
      }),
      dropLacking: assign(({ context }) => (context.visit === null ? {} : patch(context, { lacking: null }))),
      noteOnlyLooking: assign(({ context }) => patch(context, { setback: { failure: { code: 'key-read-only' }, next: 'home', retryFrom: 'home', sent: 'not-begun' } })),
      noteRefusal: assign(({ context, event }) => {
        if (event.type !== 'request.settled' || isInLedger(event.settlement)) return {};
        const { state, code } = event.settlement;
        return setBack(context, { code: state === 'expired' ? 'request-expired' : 'request-rejected', detail: code }, 'home');
      }),
      clearSetback: assign(({ context }) => (context.visit === null ? {} : patch(context, { setback: null }))),

      startCountdown: assign(({ context }) => ({ secondsLeft: Math.round(context.settings.idleGraceMs / 1000) })),
      countDown: assign(({ context }) => ({ secondsLeft: context.secondsLeft - 1 })),
      endCountdown: assign({ secondsLeft: 0 }),
    },
  }).createMachine({
    id: 'visit',
    context: {
      settings,
      language: settings.languages[0] ?? 'zh-Hans',
      help: false,
      reader: { view: 'starting' },
      closure: closureNow(),
      printer: { state: 'starting' },
      scannerReady: false,
      secondsLeft: 0,
      visit: null,
      farewell: null,
      held: null,
    },
    type: 'parallel',
    on: {
      'language.set': { guard: 'knownLanguage', actions: 'setLanguage' },
      'help.open': { actions: 'openHelp' },
      'help.close': { actions: 'closeHelp' },
      'request.settled': { actions: 'settle' },
      'offers.changed': { actions: 'keepOffers' },
      printer: { actions: 'takePrinter' },
      scanner: { actions: 'takeScanner' },
      standing: { actions: 'takeClosure' },
    },
    states: {
      stage: {
        initial: 'welcome',
        on: {
          reader: [
            { guard: 'isClosed', target: '.closed', actions: ['takeReader', ...cardRemoved] },
            { guard: 'readerFault', target: '.outOfService', actions: ['takeReader', ...cardRemoved] },
            { guard: 'cardReady', target: '.visiting', actions: ['takeReader', ...cardRemoved, 'beginVisit'] },
            { guard: 'cardUseless', target: '.cardFault', actions: ['takeReader', ...cardRemoved] },
            { guard: 'readerEmpty', target: '.welcome', actions: 'takeReader' },
          ],
        },
        states: {
          welcome: {
            initial: 'attract',
            entry: 'resetKiosk',
            exit: 'dropHeld',
            always: { guard: 'isClosed', target: 'closed' },
            on: { reader: { guard: and(['readerEmpty', 'isOpen']), actions: 'takeReader' } },
            states: {
              attract: {
                on: {
                  start: [{ guard: 'severalLanguages', target: 'language', actions: 'closeHelp' }, { target: 'insertCard', actions: 'closeHelp' }],
                  scanned: toHeld,
                  activity: { target: 'attract', reenter: true },
                },
                after: { idleLimit: { target: 'attract', reenter: true, actions: 'resetKiosk' } },
              },
              language: {
                on: {
                  'language.set': { guard: 'knownLanguage', target: 'insertCard', actions: 'setLanguage' },
                  scanned: toHeld,
                  activity: { target: 'language', reenter: true },
                  back: 'attract',
                  'visit.end': 'attract',
                },
                after: { idleLimit: { target: 'attract', actions: 'resetKiosk' } },
              },
              /** A receipt under the scanner: whoever holds it may read what it says, without a card. */
              held: {
                ...heldStates,
                on: {
                  scanned: { target: '.seen', actions: 'takeSymbol' },
                  // A touch does not begin the look-up anew.
                  activity: { guard: not(stateIn({ stage: { welcome: { held: 'looking' } } })), target: 'held', reenter: true },
                  back: { target: 'attract', actions: 'dropHeld' },
                  'visit.end': { target: 'attract', actions: 'dropHeld' },
                },
                after: { idleLimit: { target: 'attract', actions: ['dropHeld', 'resetKiosk'] } },
              },
              insertCard: {
                on: {
                  scanned: toHeld,
                  activity: { target: 'insertCard', reenter: true },
                  back: [{ guard: 'severalLanguages', target: 'language' }, { target: 'attract' }],
                  'visit.end': 'attract',
                },
                after: { idleLimit: { target: 'attract', actions: 'resetKiosk' } },
              },
            },
          },

          /** By staff. What the readers say then changes nothing until it is opened. */
          closed: {
            initial: 'resting',
            entry: 'resetKiosk',
            on: {
              standing: [
                { guard: 'opened', target: 'welcome', actions: ['takeClosure', raise(({ context }) => ({ type: 'reader' as const, view: context.reader }))] },
                { actions: 'takeClosure' },
              ],
              reader: [{ guard: 'sameCardLeft', actions: 'takeReader' }, { guard: 'cardToLookAt', target: '.asking', actions: 'takeReader' }, { target: '.resting', actions: 'takeReader' }],
            },
            states: {
              resting: {
                on: { activity: { target: 'resting', reenter: true } },
                after: { idleLimit: { target: 'resting', reenter: true, actions: 'resetKiosk' } },
              },
              /** Whoever it is, the page stays; staff then have the screen. */
              asking: {
                invoke: { src: 'tellStaffCard', input: ({ context }) => ({ insertion: insertionOf(context.reader) ?? 0 }), onDone: 'resting', onError: 'resting' },
              },
            },
          },

          outOfService: {
            on: { reader: { guard: 'readerFault', actions: 'takeReader' } },
          },

          /** A card that cannot be read at all: the page stays until it is out. */
          cardFault: {
            on: { reader: { guard: 'cardUseless', actions: 'takeReader' } },
          },

          visiting: {
            initial: 'reading',
            on: {
              reader: [
                { guard: 'sameCard', actions: 'takeReader' },
                { guard: 'readerEmpty', target: 'goodbye', actions: ['takeReader', ...cardRemoved] },
                // Out and in again between two looks at the reader: the first visit ends, the next one begins.
                { guard: and(['cardReady', 'isOpen']), target: 'visiting', reenter: true, actions: ['takeReader', ...cardRemoved, 'beginVisit'] },
              ],
              'touch.wanted': { guard: 'cardTouched', actions: 'noteTouch' },
              'slip.done': { guard: 'lastSlip', actions: 'noteSlip' },
              'card.of-staff': { guard: 'cardOfStaff', target: 'welcome', actions: [...cardRemoved] },
              'visit.end': { target: 'takeCard', actions: [...done] },
              'idle.over': { target: 'takeCard', actions: [...timeout] },
              'screen.lost': { target: 'takeCard', actions: [...timeout] },
            },
            states: {
              reading: {
                invoke: {
                  src: 'readCard',
                  input: ({ context }) => ({ insertion: inVisit(context).insertion }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'triesLeft',
                      actions: { type: 'keepCard', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'reading' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              /** The last try is never spent at the kiosk. */
              triesLeft: {
                always: [
                  { guard: 'triesForPin', target: 'signIn' },
                  { target: 'failed', actions: { type: 'noteLastTry', params: { result: fail('pin-last-try') } } },
                ],
              },

              /** While the resident types, the ledger is asked whose key this is. */
              signIn: {
                initial: 'begin',
                entry: 'forgetTicket',
                invoke: {
                  id: 'lookUp',
                  src: 'lookUp',
                  input: ({ context }) => ({ insertion: inVisit(context).insertion, card: cardOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      actions: { type: 'keepTicket', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'sign-in' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
                states: {
                  begin: { always: [{ guard: 'pinAlreadyVerified', target: 'verified' }, { target: 'pin' }] },
                  pin: {
                    on: {
                      'pin.submit': 'checking',
                      'pin.on-reader': 'checking',
                    },
                  },
                  checking: {
                    entry: 'notePad',
                    invoke: {
                      src: 'checkPin',
                      input: ({ context, event }) => ({ insertion: inVisit(context).insertion, purpose: 'user' as const, pin: pinOf(event) }),
                      onDone: [
                        { guard: { type: 'pinRight', params: ({ event }) => ({ result: event.output }) }, target: 'verified', actions: 'pinIsRight' },
                        {
                          guard: { type: 'pinMayBeTriedAgain', params: ({ event }) => ({ result: event.output }) },
                          target: 'pin',
                          actions: { type: 'pinIsWrong', params: ({ event }) => ({ result: event.output }) },
                        },
                        {
                          guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                          target: '#visit.stage.visiting.failed',
                          actions: { type: 'noteLastTry', params: ({ event }) => ({ result: event.output }) },
                        },
                        {
                          target: '#visit.stage.visiting.failed',
                          actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'sign-in' as const }) },
                        },
                      ],
                      onError: { target: '#visit.stage.visiting.failed', actions: 'noteFault' },
                    },
                  },
                  verified: { always: { guard: 'ticketReady', target: '#visit.stage.visiting.proving' } },
                },
              },
              proving: {
                exit: 'touchDone',
                invoke: {
                  src: 'proveKey',
                  input: ({ context }) => ({ insertion: inVisit(context).insertion, ticket: ticketOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'opening',
                      actions: { type: 'keepProof', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'sign-in' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              opening: {
                exit: 'touchDone',
                invoke: {
                  src: 'openAccess',
                  input: ({ context }) => ({ insertion: inVisit(context).insertion, card: cardOf(context), proof: proofOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'codeBrought', params: ({ event }) => ({ result: event.output }) },
                      target: 'findingAsk',
                      actions: [{ type: 'keepAccess', params: ({ event }) => ({ result: event.output }) }, 'openCode'],
                    },
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside',
                      actions: { type: 'keepAccess', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'sign-in' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },

              /** Signed in, and the page waits for the resident. */
              inside: {
                initial: 'home',
                on: { home: { target: '.home', actions: 'dropDraft' } },
                states: {
                  home: {
                    // While the resident reads the page: what was typed earlier is proved.
                    invoke: {
                      src: 'recall',
                      input: ({ context }) => ({ access: accessOf(context) }),
                      onDone: { actions: { type: 'keepFacts', params: ({ event }) => ({ result: event.output }) } },
                      onError: { target: '#visit.stage.visiting.failed', actions: 'noteFault' },
                    },
                    on: {
                      home: {},
                      'group.open': { guard: 'groupOffered', target: 'group', actions: 'openGroup' },
                      'service.open': toMatter,
                      'requests.open': 'requests',
                      ...toMyData,
                      'request.open': { guard: 'requestKnown', target: '#visit.stage.visiting.openingRequest', actions: 'keepWanted' },
                      'ask.open': { guard: 'askWaits', target: 'ask', actions: 'openAsk' },
                      'code.open': { target: 'askCode', actions: 'openCode' },
                      scanned: [
                        { guard: 'scannedAsk', target: '#visit.stage.visiting.findingAsk' },
                        { guard: 'scannedReceipt', target: 'held', actions: 'takeSymbol' },
                        ...toMatter,
                        { target: 'askCode', actions: ['openCode', 'noteNoAsk'] },
                      ],
                    },
                  },
                  /** It needs an office's word that no credential has: said before anything is typed. */
                  factsMissing: { exit: 'dropLacking', on: { back: 'home' } },
                  /** The services of one window. */
                  group: {
                    on: {
                      back: 'home',
                      'service.open': toMatter,
                      scanned: toMatter,
                    },
                  },
                  held: {
                    ...heldStates,
                    exit: 'dropHeld',
                    on: {
                      scanned: [{ guard: 'scannedAsk', target: '#visit.stage.visiting.findingAsk' }, { target: '.seen', actions: 'takeSymbol' }],
                      back: 'home',
                    },
                  },
                  askCode: {
                    on: {
                      'code.submit': '#visit.stage.visiting.findingAsk',
                      scanned: [{ guard: 'scannedAsk', target: '#visit.stage.visiting.findingAsk' }, { actions: 'noteNoAsk' }],
                      back: 'home',
                    },
                  },
                  /** Agreeing is a signature of the card's AUT key; its PIN was verified at sign-in. */
                  ask: {
                    on: {
                      'ask.choose': { guard: 'askClaimOptional', actions: 'chooseAskClaim' },
                      'ask.agree': [onlyLooking, { guard: 'askAnswerable', target: '#visit.stage.visiting.answeringAsk' }],
                      'ask.refuse': '#visit.stage.visiting.refusingAsk',
                      back: { target: 'home', actions: 'dropAsk' },
                    },
                  },
                  askDone: {},
                  requests: {
                    on: {
                      back: 'home',
                      'request.open': { guard: 'requestKnown', target: '#visit.stage.visiting.openingRequest', actions: 'keepWanted' },
                    },
                  },
                  request: {
                    on: {
                      back: 'requests',
                      'letter.open': { guard: 'letterKnown', target: 'letter', actions: 'openLetter' },
                      'request.withdraw': [onlyLooking, { guard: 'withdrawable', target: 'undo', actions: 'beginWithdrawal' }],
                    },
                  },

                  news: {
                    on: {
                      ...toMyData,
                      back: 'home',
                      'request.open': { guard: 'requestKnown', target: '#visit.stage.visiting.openingRequest', actions: 'keepWanted' },
                      'letter.open': { guard: 'letterKnown', target: 'letter', actions: 'openLetter' },
                      'grant.open': { guard: 'grantKnown', target: 'grant', actions: 'chooseGrant' },
                    },
                  },
                  myData: { on: { ...toMyData, back: 'home' } },
                  facts: {
                    on: {
                      ...toMyData,
                      back: 'myData',
                      'fact.correct': [onlyLooking, { guard: 'factCorrectable', target: 'correction', actions: 'beginCorrection' }],
                    },
                  },
                  correction: {
                    on: {
                      'answer.submit': { guard: 'correctionAsked', target: 'correctionAnswered', actions: 'answerCorrection' },
                      back: { target: 'facts', actions: 'dropUndoing' },
                    },
                  },
                  correctionAnswered: { always: [{ guard: 'corrected', target: '#visit.stage.visiting.preparing' }, { target: 'correction' }] },
                  grants: {
                    on: { ...toMyData, back: 'myData', 'grant.open': { guard: 'grantKnown', target: 'grant', actions: 'chooseGrant' } },
                  },
                  grant: {
                    on: { ...toMyData, back: 'grants', 'grant.end': [onlyLooking, { guard: 'grantEndable', target: 'undo', actions: 'beginEnding' }] },
                  },
                  /** What it does is read before it is signed. */
                  undo: {
                    on: {
                      'undo.confirm': '#visit.stage.visiting.preparing',
                      back: [
                        { guard: 'undoingGrant', target: 'grant', actions: 'dropUndoing' },
                        { target: 'request', actions: 'dropUndoing' },
                      ],
                    },
                  },
                  looks: { on: { ...toMyData, back: 'myData' } },
                  proof: { entry: 'drawProof', on: { ...toMyData, back: 'looks' } },
                  signed: { on: { ...toMyData, back: 'myData' } },
                  agencies: {
                    on: { ...toMyData, back: 'myData', 'agency.mute': { guard: 'agencyNamed', target: '#visit.stage.visiting.muting', actions: 'keepMuting' } },
                  },
                  letter: { on: { back: [{ guard: 'openedFromRequests', target: 'request' }, { target: 'news' }] } },
                  consent: {
                    on: {
                      'consent.choose': { guard: 'optionalClaim', actions: 'chooseClaim' },
                      'consent.tell': { guard: 'agencyBesideLead', actions: 'tellAgency' },
                      'consent.allow': { target: 'next', actions: 'askNext' },
                      'consent.refuse': { target: 'home', actions: 'dropDraft' },
                      'hand-off.begin': toHandOff('consent'),
                      back: { target: 'home', actions: 'dropDraft' },
                    },
                  },
                  /** One question a page, only those whose answer nobody knows. */
                  next: { always: [{ guard: 'asking', target: 'question' }, { target: 'check' }] },
                  question: {
                    on: {
                      'answer.submit': { guard: 'askedFor', target: 'answered', actions: 'takeAnswer' },
                      'answer.skip': { guard: 'askedFor', target: 'answered', actions: 'takeSkip' },
                      'hand-off.begin': toHandOff('question'),
                      back: [
                        { guard: 'changing', target: 'check', actions: 'leaveQuestion' },
                        { guard: 'firstQuestion', target: 'consent', actions: 'leaveQuestion' },
                        { actions: 'askPrevious' },
                      ],
                    },
                  },
                  answered: {
                    always: [{ guard: 'answerRefused', target: 'question' }, { target: 'next', actions: 'askNext' }],
                  },
                  check: {
                    entry: 'leaveQuestion',
                    on: {
                      'answer.change': { guard: 'questionOfDraft', target: 'question', actions: 'askAgain' },
                      'check.confirm': '#visit.stage.visiting.preparing',
                      'hand-off.begin': toHandOff('check'),
                      back: [
                        { guard: 'firstQuestion', target: 'consent' },
                        { target: 'question', actions: 'askPrevious' },
                      ],
                    },
                  },
                  sign: {
                    on: {
                      'pin.submit': '#visit.stage.visiting.checkingSignPin',
                      'pin.on-reader': '#visit.stage.visiting.checkingSignPin',
                      back: [
                        { guard: or(['undoingGrant', 'undoingRequest']), target: 'undo' },
                        { guard: 'correcting', target: 'facts', actions: 'dropUndoing' },
                        { target: 'check' },
                      ],
                    },
                  },
                  receipt: {
                    on: {
                      'receipts.open': { guard: 'severalSigned', target: 'receipts' },
                      ...toPaper,
                    },
                  },
                  receipts: {
                    on: {
                      back: 'receipt',
                      ...toPaper,
                    },
                  },
                  /** The code is on the screen; with "back" it goes on here after all. */
                  handedOff: {
                    invoke: {
                      src: 'placeOf',
                      input: ({ context }) => ({ access: accessOf(context), visit: inVisit(context) }),
                      // Asked again as long as the page is there, and answered when something has changed. Without an answer the number stands, and the hall's displays say the rest.
                      onDone: { guard: { type: 'placed', params: ({ event }) => ({ result: event.output }) }, target: 'handedOff', reenter: true, actions: { type: 'keepPlace', params: ({ event }) => ({ result: event.output }) } },
                      onError: { target: '#visit.stage.visiting.failed', actions: 'noteFault' },
                    },
                    on: { back: '#visit.stage.visiting.takenUp' },
                  },
                },
              },

              /** Quicker than the proof. What cannot be proved is asked again. */
              recalling: {
                invoke: {
                  src: 'recall',
                  input: ({ context }) => ({ access: accessOf(context) }),
                  onDone: {
                    target: 'inside.consent',
                    actions: [{ type: 'keepFacts', params: ({ event }) => ({ result: event.output }) }, 'beginDraftAnew'],
                  },
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },

              /** Looked up anew each time: what an agency did a minute ago is there. */
              lookingUp: {
                invoke: {
                  src: 'lookUpMyData',
                  input: ({ context }) => ({ access: accessOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'lookedUp',
                      actions: { type: 'keepMyData', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'my-data' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              lookedUp: {
                always: [
                  { guard: 'factsWanted', target: 'recallingFacts' },
                  { guard: { type: 'partIs', params: 'news' }, target: 'inside.news' },
                  { guard: { type: 'partIs', params: 'facts' }, target: 'inside.facts' },
                  { guard: { type: 'partIs', params: 'grants' }, target: 'inside.grants' },
                  { guard: { type: 'partIs', params: 'looks' }, target: 'inside.looks' },
                  { guard: { type: 'partIs', params: 'proof' }, target: 'inside.proof' },
                  { guard: { type: 'partIs', params: 'agencies' }, target: 'inside.agencies' },
                  { guard: { type: 'partIs', params: 'signed' }, target: 'lookingUpSigned' },
                  { target: 'inside.myData' },
                ],
              },
              /** Home was left before what was typed earlier was proved. What cannot be proved is not shown. */
              recallingFacts: {
                invoke: {
                  src: 'recall',
                  input: ({ context }) => ({ access: accessOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'partIs', params: 'facts' },
                      target: 'inside.facts',
                      actions: { type: 'keepFacts', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'inside.myData', actions: { type: 'keepFacts', params: ({ event }) => ({ result: event.output }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              lookingUpSigned: {
                invoke: {
                  src: 'lookUpSigned',
                  input: ({ context }) => ({ access: accessOf(context), data: myDataOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.signed',
                      actions: { type: 'keepSigned', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'my-data' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              muting: {
                invoke: {
                  src: 'mute',
                  input: ({ context }) => ({ access: accessOf(context), muting: mutingOf(context) }),
                  onDone: [
                    { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'inside.agencies', actions: 'noteMuted' },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'mute' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },

              openingRequest: {
                invoke: {
                  src: 'openRequest',
                  input: ({ context }) => ({ request: wantedOf(context), access: accessOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.request',
                      actions: { type: 'keepOpened', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'request' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },

              handingOff: {
                invoke: {
                  src: 'handOff',
                  input: ({ context }) => ({ access: accessOf(context), draft: draftOf(context), step: inVisit(context).leftAt }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.handedOff',
                      // One matter has one code: the one it came by, or had here, opens nothing any more.
                      actions: ['dropHandOff', { type: 'keepHandOff', params: ({ event }) => ({ result: event.output }) }],
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'hand-off' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              /** Where it was left. */
              takenUp: {
                always: [
                  { guard: { type: 'leftAt', params: 'question' }, target: 'inside.question' },
                  { guard: { type: 'leftAt', params: 'check' }, target: 'inside.check' },
                  { target: 'inside.consent' },
                ],
              },
              findingAsk: {
                exit: 'dropBrought',
                invoke: {
                  src: 'findAsk',
                  input: ({ context, event }) => ({ access: accessOf(context), code: event.type === 'code.submit' ? event.code : event.type === 'scanned' ? event.text : (inVisit(context).brought ?? '') }),
                  onDone: [
                    { guard: { type: 'handOffOnlyLooked', params: ({ event }) => ({ result: event.output }) }, target: 'failed', actions: 'noteOnlyLooking' },
                    {
                      guard: { type: 'handOffServable', params: ({ event }) => ({ result: event.output }) },
                      target: 'takenUp',
                      actions: { type: 'takeUp', params: ({ event }) => ({ result: event.output }) },
                    },
                    {
                      guard: { type: 'handOffOffered', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.factsMissing',
                      actions: { type: 'noteHandOffMissing', params: ({ event }) => ({ result: event.output }) },
                    },
                    { guard: { type: 'handOffFound', params: ({ event }) => ({ result: event.output }) }, target: 'failed', actions: 'noteServiceGone' },
                    {
                      guard: { type: 'askFound', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.ask',
                      actions: { type: 'keepFoundAsk', params: ({ event }) => ({ result: event.output }) },
                    },
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.askCode',
                      actions: { type: 'keepFoundAsk', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'home' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              answeringAsk: {
                exit: 'touchDone',
                invoke: {
                  src: 'agreeToAsk',
                  input: ({ context }) => ({ insertion: inVisit(context).insertion, access: accessOf(context), asked: askedOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.askDone',
                      actions: { type: 'keepAskDone', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'ask' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              refusingAsk: {
                invoke: {
                  src: 'refuseAsk',
                  input: ({ context }) => ({ access: accessOf(context), asked: askedOf(context) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.askDone',
                      actions: { type: 'keepAskDone', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'ask' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },

              preparing: {
                invoke: {
                  src: 'prepare',
                  onDone: [
                    { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'inside.sign', actions: 'pinNotTriedYet' },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'preparing' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              checkingSignPin: {
                entry: 'notePad',
                invoke: {
                  src: 'checkPin',
                  input: ({ context, event }) => ({ insertion: inVisit(context).insertion, purpose: 'sign' as const, pin: pinOf(event) }),
                  onDone: [
                    { guard: { type: 'pinRight', params: ({ event }) => ({ result: event.output }) }, target: 'signing', actions: 'pinIsRight' },
                    {
                      guard: { type: 'pinMayBeTriedAgain', params: ({ event }) => ({ result: event.output }) },
                      target: 'inside.sign',
                      actions: { type: 'pinIsWrong', params: ({ event }) => ({ result: event.output }) },
                    },
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'failed',
                      actions: { type: 'noteLastTry', params: ({ event }) => ({ result: event.output }) },
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'sign' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              signing: {
                exit: 'touchDone',
                invoke: {
                  src: 'sign',
                  input: ({ context }) => ({ insertion: inVisit(context).insertion, access: accessOf(context), signing: toSign(inVisit(context)) }),
                  onDone: [
                    {
                      guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) },
                      target: 'sending',
                      actions: [{ type: 'keepStored', params: ({ event }) => ({ result: event.output }) }, 'deliver', 'dropHandOff', 'forgetHandOff'],
                    },
                    { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => ({ result: event.output, from: 'sign' as const }) } },
                  ],
                  onError: { target: 'failed', actions: 'noteFault' },
                },
              },
              sending: {
                on: {
                  'request.settled': [
                    { guard: 'requestRecorded', target: 'inside.receipt', actions: 'settle' },
                    { guard: 'requestInHandRefused', target: 'failed', actions: ['settle', 'noteRefusal'] },
                    { actions: 'settle' },
                  ],
                },
                after: { recordWait: 'inside.receipt' },
              },

              failed: {
                // A card may say that it is gone before its reader does: then nothing waits for the reader.
                always: { guard: 'cardGone', target: '#visit.stage.takeCard', actions: [...cardRemoved] },
                exit: 'clearSetback',
                on: {
                  retry: [
                    { guard: { type: 'retryIs', params: 'reading' }, target: 'reading' },
                    { guard: { type: 'retryIs', params: 'sign-in' }, target: 'signIn' },
                    { guard: { type: 'retryIs', params: 'request' }, target: 'openingRequest' },
                    { guard: { type: 'retryIs', params: 'ask' }, target: 'inside.ask' },
                    { guard: { type: 'retryIs', params: 'my-data' }, target: 'lookingUp' },
                    { guard: { type: 'retryIs', params: 'mute' }, target: 'muting' },
                    { guard: { type: 'retryIs', params: 'hand-off' }, target: 'handingOff' },
                    { guard: { type: 'retryIs', params: 'preparing' }, target: 'preparing' },
                    { guard: { type: 'retryIs', params: 'sign' }, target: 'inside.sign', actions: 'pinNotTriedYet' },
                  ],
                  home: { guard: 'signedIn', target: 'inside.home', actions: 'dropDraft' },
                },
              },
            },
          },

          takeCard: {
            on: {
              reader: [
                { guard: 'sameCardLeft', actions: 'takeReader' },
                { guard: 'readerEmpty', target: 'goodbye', actions: 'takeReader' },
              ],
            },
          },
          /** No fact of anybody; a touch ends it sooner. */
          goodbye: {
            on: {
              reader: { guard: 'readerEmpty', actions: 'takeReader' },
              start: 'welcome',
              'visit.end': 'welcome',
            },
            after: { farewell: 'welcome' },
          },
        },
      },

      attention: {
        initial: 'off',
        states: {
          off: { always: { guard: 'personsTurn', target: 'awake' } },
          awake: {
            always: { guard: not('personsTurn'), target: 'off' },
            on: {
              activity: { target: 'awake', reenter: true },
              'time.more': { target: 'awake', reenter: true },
            },
            after: { idleLimit: { target: 'warned', actions: 'startCountdown' } },
          },
          /** Only an answer ends the warning; a touch beside the buttons does not. */
          warned: {
            always: [
              { guard: not('personsTurn'), target: 'off', actions: 'endCountdown' },
              { guard: 'graceOver', target: 'off', actions: raise({ type: 'idle.over' }) },
            ],
            on: { 'time.more': { target: 'awake', actions: 'endCountdown' } },
            after: { second: { target: 'warned', reenter: true, actions: 'countDown' } },
          },
        },
      },
    },
  });
}
