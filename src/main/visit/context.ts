import type { Intent, PackedSlip, Page, RequestState, ServiceCard, Signable, SignedRow, TypedFact } from '../../contract/bridge.ts';
import type { Closure } from '../../contract/closure.ts';
import type { CardInfo, PrinterStatus } from '../../contract/device-host.ts';
import type { Language, Localized } from '../../contract/language.ts';
import type { Failure } from '../../contract/result.ts';
import type { Question, ServiceGroup } from '../../contract/service.ts';
import type { OpenedPart } from '../../ledger/verify/acts.ts';
import type { AskOutcome, ShownAsk } from './asks.ts';
import type { Printing } from '../printing.ts';
import type { AfterFailure } from './failure-policy.ts';
import type { AnswerProblem } from '../../identity/checked-answer.ts';
import type { BundleOffer, Draft, Offer } from './draft.ts';
import type { Held } from './held-receipt.ts';
import type { HandedOff, HandOffStep, QueuePlace } from './hand-off.ts';
import type { ReaderView } from './reader-view.ts';
import type { OpenLetter } from './my-data.ts';
import { closeAccess, type Access, type Correction, type PastRequest, type Proof, type ShownReceipt, type Ticket, type Undoing } from './work.ts';

/** Where a retry starts again. */
export type RetryFrom = 'reading' | 'sign-in' | 'request' | 'my-data' | 'mute' | 'preparing' | 'sign' | 'ask' | 'hand-off' | 'home';

export interface Setback {
  failure: Failure;
  next: AfterFailure;
  retryFrom: RetryFrom;
  sent: Extract<Page, { page: 'failure' }>['sent'];
}

/** A request that was signed in this visit. */
export interface Issued {
  transaction: Uint8Array;
  reference: string;
  what: Signable;
  /** null: it is about no service. */
  service: ServiceCard | null;
  state: RequestState;
  /** ISO 8601 in UTC. */
  at: string;
  steps: Localized[];
  fee: { amountFen: number; reference: string } | null;
  qr: string[];
  /** Why it was refused. */
  code: string | null;
  parts: OpenedPart[];
}

export type MyDataPart = Extract<Intent, { intent: 'my-data.open' }>['part'];

/** `signing`: answered, and what is to be signed. */
export interface Correcting {
  fact: TypedFact;
  question: Question;
  name: string;
  problem: AnswerProblem | null;
  signing: Correction | null;
}

/** Everything that a visit knows of a person. It is one object, so that dropping it drops all. */
export interface Visit {
  /** 16 random hex digits, for the journal; it stands in nothing else. */
  id: string;
  insertion: number;
  card: CardInfo | null;
  triesLeft: number;
  pinWrong: boolean;
  onReaderPad: boolean;
  /** PW1-82 is verified. */
  pinVerified: boolean;
  touchWanted: boolean;
  ticket: Ticket | null;
  proof: Proof | null;
  access: Access | null;
  /** The window that is open. */
  group: ServiceGroup | null;
  /** What was asked for and cannot be begun: a fact that only an office can vouch for is not known. */
  lacking: Offer | BundleOffer | null;
  draft: Draft | null;
  opened: { request: PastRequest; shown: ShownReceipt } | null;
  wanted: PastRequest | null;
  /** An ask on the screen, and which of its claims the resident keeps back. */
  asked: { shown: ShownAsk; leftOut: string[] } | null;
  askCode: { problem: Extract<Page, { page: 'ask-code' }>['problem']; triesLeft: number | null };
  /** What became of the last one. */
  askDone: { agency: Localized; done: AskOutcome } | null;
  /** Of "my data": the part that is open, and what is chosen in it. */
  part: MyDataPart;
  grant: string | null;
  letter: OpenLetter | null;
  signed: { signed: SignedRow[]; more: number } | null;
  proofCodes: string[];
  muting: { agency: string; muted: boolean } | null;
  undoing: Undoing | null;
  /** A typed fact that is asked anew, and once it is answered, the map with it. */
  correcting: Correcting | null;
  /** Staff have brought the code of a matter that is gone on with; it is taken up once, after the sign-in. */
  brought: string | null;
  /** Where the matter in hand was left, its own code where it was taken up, and what was handed off of it. */
  leftAt: HandOffStep;
  takenUp: string | null;
  handedOff: HandedOff | null;
  /** Of what was handed off, in the hall's queue; null: it has none. */
  place: QueuePlace | null;
  /** Staff have brought them here: nobody is called to a counter from one. */
  atCounter: boolean;
  issued: Issued[];
  /** What became of the slip of the last one, or of all; null: none was asked for. */
  printing: Printing | null;
  /** How many slips it has sent. */
  prints: number;
  /** Of a slip that comes in several messages, those that are here. */
  strips: PackedSlip[];
  setback: Setback | null;
}

/** What may stay on the screen when the resident is gone: no fact of anybody. */
export interface Farewell {
  ended: 'done' | 'card-removed' | 'timeout';
  receipts: { transaction: Uint8Array; reference: string; state: RequestState; qr: string[] }[];
  unsent: boolean;
}

/** Constant while the kiosk runs. */
export interface VisitSettings {
  languages: readonly Language[];
  idleLimitMs: number;
  idleGraceMs: number;
  /** How long a page without facts stays when the card is out. */
  farewellMs: number;
  /** How long the sending page waits for the block before it says "queued". */
  recordWaitMs: number;
  /** Dots of a line of the printer's paper; null: this kiosk has no printer. */
  paperDots: number | null;
  /** Residents' and staff's cards come into the same one. */
  oneReader: boolean;
}

export interface VisitContext {
  settings: VisitSettings;
  language: Language;
  help: boolean;
  reader: ReaderView;
  /** Staff have closed this kiosk; null: they have not. */
  closure: Closure | null;
  /** As it was heard last. */
  printer: PrinterStatus;
  scannerReady: boolean;
  secondsLeft: number;
  visit: Visit | null;
  farewell: Farewell | null;
  /** A receipt that is held under the scanner. */
  held: Held | null;
}

export function newVisit(id: string, insertion: number, brought: string | null = null): Visit {
  return {
    id,
    insertion,
    card: null,
    triesLeft: 0,
    pinWrong: false,
    onReaderPad: false,
    pinVerified: false,
    touchWanted: false,
    ticket: null,
    proof: null,
    access: null,
    group: null,
    brought,
    place: null,
    atCounter: brought !== null,
    leftAt: 'consent',
    takenUp: null,
    handedOff: null,
    lacking: null,
    draft: null,
    opened: null,
    wanted: null,
    asked: null,
    askCode: { problem: null, triesLeft: null },
    askDone: null,
    part: 'all',
    grant: null,
    letter: null,
    signed: null,
    proofCodes: [],
    muting: null,
    undoing: null,
    correcting: null,
    issued: [],
    printing: null,
    prints: 0,
    strips: [],
    setback: null,
  };
}

export function farewellOf(visit: Visit, ended: Farewell['ended']): Farewell {
  return {
    ended,
    receipts: visit.issued.map(({ transaction, reference, state, qr }) => ({ transaction, reference, state, qr })),
    unsent: visit.draft !== null || visit.undoing !== null || visit.correcting !== null,
  };
}

/** Zeroes what can be zeroed; the rest goes with the object. */
export function wipeVisit(visit: Visit): void {
  if (visit.access !== null) closeAccess(visit.access);
  for (const { parts } of visit.issued) for (const { salt } of parts) salt.fill(0);
}
