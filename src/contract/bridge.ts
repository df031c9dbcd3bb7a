import { z } from 'zod';
import { blockReasons } from './block-reason.ts';
import { backChoices, closedReasons, type ClosedReason, type Closure } from './closure.ts';
import { deskActs, type DeskAct, type TwoHandedAct } from './desk-act.ts';
import type { HeldReceipt } from './held-receipt.ts';
import { languageSchema, type Language, type Localized } from './language.ts';
import type { FailureCode } from './failures.ts';
import { serviceGroups, type ServiceGroup } from './service.ts';
import { packedSlipSchema } from './packed-slip.ts';
import { mostStrips } from './slip-limits.ts';
import { setupIntents, workshopIntents, type DeviceLine, type SetupPage, type WorkshopPage } from './workshop.ts';

/** A larger message is dropped and journalled, in either direction. */
export const bridgeMessageLimitBytes = 64 * 1024;

export { kioskOrigin } from './origin.ts';

export { packedSlipSchema, type PackedSlip } from './packed-slip.ts';

/** What the printer can do for a receipt: `printed` once the printer has said so. */
export interface PrintOffer {
  state: 'ready' | 'printing' | 'printed' | 'unusable';
  /** Of its paper. */
  widthDots: number;
  /** Why it cannot be used, or why it did not print just now. */
  code: FailureCode | null;
}

/**
 * What the screen may ask for: the only messages from the renderer. An intent that the present state does not know is ignored and journalled.
 */
export const intentSchema = z.discriminatedUnion('intent', [
  /** A finger or a key, at most once a second: keeps the visit awake and nothing else. */
  z.strictObject({ intent: z.literal('activity') }),
  z.strictObject({ intent: z.literal('start') }),
  z.strictObject({ intent: z.literal('language.set'), language: languageSchema }),
  z.strictObject({ intent: z.literal('help.open') }),
  z.strictObject({ intent: z.literal('help.close') }),
  /** "I need more time": as often as one likes while the card is in. */
  z.strictObject({ intent: z.literal('time.more') }),
  /** "End": from every page, one touch. */
  z.strictObject({ intent: z.literal('visit.end') }),
  z.strictObject({ intent: z.literal('back') }),
  /** From a failure page: try what failed once more. */
  z.strictObject({ intent: z.literal('retry') }),
  z.strictObject({ intent: z.literal('home') }),
  /** At sign-in and on the sign page; 6 to 32 ASCII digits. Never kept, never logged. */
  z.strictObject({ intent: z.literal('pin.submit'), pin: z.string().regex(/^[0-9]{6,32}$/) }),
  /** Type the PIN on the reader's own pad. */
  z.strictObject({ intent: z.literal('pin.on-reader') }),
  /** From home to the services of one window. */
  z.strictObject({ intent: z.literal('group.open'), group: z.enum(serviceGroups) }),
  /** A service, or a bundle of several agencies' services. */
  z.strictObject({ intent: z.literal('service.open'), service: z.string().max(80) }),
  z.strictObject({ intent: z.literal('consent.choose'), service: z.string().max(80), claim: z.string().max(60), chosen: z.boolean() }),
  /** Leaves an agency of a bundle out, or takes it in again. */
  z.strictObject({ intent: z.literal('consent.tell'), service: z.string().max(80), told: z.boolean() }),
  z.strictObject({ intent: z.literal('consent.allow') }),
  z.strictObject({ intent: z.literal('consent.refuse') }),
  z.strictObject({ intent: z.literal('answer.submit'), question: z.string().max(60), value: z.string().max(500) }),
  /** An optional question left open. */
  z.strictObject({ intent: z.literal('answer.skip'), question: z.string().max(60) }),
  /** From the check page back to one question, and straight back to the check page after it. */
  z.strictObject({ intent: z.literal('answer.change'), question: z.string().max(60) }),
  z.strictObject({ intent: z.literal('check.confirm') }),
  z.strictObject({ intent: z.literal('requests.open') }),
  /** `act` where the row has one. */
  z.strictObject({ intent: z.literal('request.open'), reference: z.string().max(60), act: z.int().min(0).max(15).optional() }),
  /**
   * The receipt, all receipts of the visit, or the recovery slip, on paper: what stands on the page, as the screen drew it in dots. `strip`: a slip that is
   * longer than a message comes in several, which are printed as one when the last is there; 1-based.
   */
  z.strictObject({ intent: z.literal('receipt.print'), slip: packedSlipSchema, strip: z.strictObject({ number: z.int().min(1).max(mostStrips), of: z.int().min(2).max(mostStrips) }).optional() }),
  /** From the receipt page to the receipts of this visit, all on one sheet. */
  z.strictObject({ intent: z.literal('receipts.open') }),
  /** From home to "my data", and from there to each of its parts. */
  z.strictObject({ intent: z.literal('my-data.open'), part: z.enum(['all', 'facts', 'grants', 'looks', 'proof', 'signed', 'agencies', 'news']) }),
  /** A typed fact is to be another from now on: to the question that it answers. */
  z.strictObject({ intent: z.literal('fact.correct'), fact: z.string().max(160) }),
  z.strictObject({ intent: z.literal('grant.open'), grant: z.string().regex(/^[0-9a-f]{32}$/) }),
  /** To the page that says what ending does. */
  z.strictObject({ intent: z.literal('grant.end') }),
  /** To the page that says what taking a request back does. */
  z.strictObject({ intent: z.literal('request.withdraw') }),
  /** From either of these: to the page to sign on. */
  z.strictObject({ intent: z.literal('undo.confirm') }),
  /** From home to what an agency asks, by its name at the gateway; or to the page where its short code is typed. */
  z.strictObject({ intent: z.literal('ask.open'), ask: z.string().max(40) }),
  z.strictObject({ intent: z.literal('code.open') }),
  z.strictObject({ intent: z.literal('code.submit'), code: z.string().max(12) }),
  /** From a matter in hand: a code, with which it is gone on with elsewhere. */
  z.strictObject({ intent: z.literal('hand-off.begin') }),
  /** Staff type the code of a matter that its resident goes on with at their desk. */
  z.strictObject({ intent: z.literal('hand-off.bring'), code: z.string().max(12) }),
  z.strictObject({ intent: z.literal('ask.choose'), claim: z.string().max(60), chosen: z.boolean() }),
  z.strictObject({ intent: z.literal('ask.agree') }),
  z.strictObject({ intent: z.literal('ask.refuse') }),
  z.strictObject({ intent: z.literal('letter.open'), letter: z.string().max(80) }),
  z.strictObject({ intent: z.literal('agency.mute'), agency: z.string().max(40), muted: z.boolean() }),
  /** Staff who step away for a moment: the PIN is asked for when they are back. */
  z.strictObject({ intent: z.literal('staff.lock') }),
  /** From the staff's home to one of the desk's acts. */
  z.strictObject({ intent: z.literal('desk.open'), act: z.enum([...deskActs, 'standing', 'day', 'hand-off', 'health']) }),
  /** The figures of another day, ISO date. */
  z.strictObject({ intent: z.literal('day.show'), day: z.iso.date() }),
  /** Nobody is served here from now on, or again. */
  z.strictObject({ intent: z.literal('kiosk.close'), reason: z.enum(closedReasons), back: z.enum(backChoices) }),
  z.strictObject({ intent: z.literal('kiosk.open') }),
  /** As printed on the identity card. */
  z.strictObject({ intent: z.literal('desk.number'), number: z.string().max(18) }),
  z.strictObject({ intent: z.literal('desk.block'), reason: z.enum(blockReasons) }),
  /** From the staff's home to what a colleague has signed, and waits for this person's signature: by its reference. */
  z.strictObject({ intent: z.literal('draft.open'), reference: z.string().max(60) }),
  /** The recovery key of the slip that came with the card before, as typed or scanned; or there is none. Never logged. */
  z.strictObject({ intent: z.literal('desk.slip'), text: z.string().max(80) }),
  z.strictObject({ intent: z.literal('desk.no-slip') }),
  /** The unlock code of the resident's slip. Never logged. */
  z.strictObject({ intent: z.literal('desk.code'), code: z.string().regex(/^[0-9]{12}$/) }),
  /** The one main button of a desk page: goes on. */
  z.strictObject({ intent: z.literal('desk.confirm') }),
  /** A new card's PIN, typed twice alike. Never kept, never logged. */
  z.strictObject({ intent: z.literal('pin.choose'), pin: z.string().regex(/^[0-9]{6,32}$/) }),
  ...setupIntents,
  ...workshopIntents,
]);
export type Intent = z.infer<typeof intentSchema>;

/** What a resident signs at the kiosk, as the pages before and after the signature tell it. */
export type Signable = 'request' | 'grant.end' | 'request.withdraw' | 'facts.keep';

/** `queued` (signed and safe) → `recorded` (in a committed block) → `witnessed`; `rejected` and `expired` end it. Never merged. */
export type RequestState = 'queued' | 'recorded' | 'witnessed' | 'rejected' | 'expired';

export interface ServiceCard {
  id: string;
  group: ServiceGroup;
  title: Localized;
  summary: Localized;
  agency: Localized;
  /** Of a bundle in hand: all that are told, the leading one first. */
  agencies?: Localized[];
}

/** Something that several agencies are told of in one go. */
export interface BundleCard {
  id: string;
  title: Localized;
  summary: Localized;
  agencies: number;
}

export interface RequestRow {
  /** Short reference, grouped for reading: `7KQ2-M4XD-09`. */
  reference: string;
  service: Localized;
  agency: Localized;
  group: ServiceGroup;
  state: RequestState;
  /** ISO 8601 in UTC. */
  at: string;
  /** Rejection code, where the state is `rejected` or `expired`. */
  code?: string;
  /** How far the agency is, as the ledger proves it; null where that is not known: it waits still, or the hub is away. */
  step: RequestStep | null;
  /** With step `decided` or `closed`; null where the agency left it open. */
  decision: 'approved' | 'refused' | null;
  /** Which of several requests under one reference: the index of its act. Left out where it is the only one. */
  act?: number;
}

export type RequestStep = 'submitted' | 'received' | 'needs-more' | 'decided' | 'closed' | 'withdrawn';

/** One step of a request and when it was. */
export interface StepTaken {
  step: RequestStep;
  /** ISO 8601 in UTC; null where nothing says it. */
  at: string | null;
}

/** A letter that an agency sent with a step. */
export interface LetterLine {
  letter: string;
  /** In the language in which the agency wrote it. */
  title: string;
  /** ISO 8601 in UTC. */
  at: string;
}

/** Facts that one party vouches for. */
export interface FactGroup {
  issuer: Localized;
  facts: { claim: string; value: string }[];
}

/** A fact that the resident typed. */
export interface TypedFact {
  /** A self claim, or `<service id>#<question>`. */
  fact: string;
  /** null: a claim of the vocabulary, its label is in the messages. */
  label: Localized | null;
  /** The service it was told for, where it is of no use to another. */
  service: Localized | null;
  value: string;
  option: Localized | null;
  unit: Localized | null;
  input: QuestionInput | null;
  /** ISO 8601 in UTC. */
  at: string;
  /** A service asks for it today, so it can be asked anew. */
  correctable: boolean;
}

/** `used-up`: it was read as often as it allows. */
export type GrantState = 'live' | 'ended' | 'expired' | 'used-up';

export interface GrantRow {
  /** Id in hex. */
  grant: string;
  agency: Localized;
  service: Localized;
  group: ServiceGroup;
  /** Completes "may look …": "to certify your payment". */
  purpose: Localized;
  claims: string[];
  /** ISO 8601 in UTC. */
  given: string;
  /** ISO date, the last day on which the agency may look. */
  until: string;
  reads: number;
  used: number;
  state: GrantState;
  /** A signed end of it waits here to be sent. */
  ending: boolean;
}

/** Somebody looked: an entry on the ledger, and what its private part says. */
export type Look = {
  /** Its place among all entries of this resident, from 1. */
  entry: number;
  /** ISO 8601 in UTC; null where nothing says it. */
  at: string | null;
} & (
  | { look: 'read'; office: Localized; /** Short form of the staff id. */ officer: string; claims: string[]; purpose: Localized; /** What the grant was given for; null where it is not among the resident's. */ service: Localized | null; grant: string | null }
  /** Activity, never facts. `basis`: the case's number, short. */
  | { look: 'case'; office: Localized; officer: string; purpose: Localized; basis: string }
  /** ISO 8601 in UTC; null where it is not told. */
  | { look: 'sealed'; opensAt: string | null }
  | { look: 'index'; office: Localized; officer: string; reason: string }
  /** Shown from afar by the resident's own card. */
  | { look: 'answer'; office: Localized; claims: string[]; purpose: Localized }
  /** It stands on the ledger, and the data space has no private part of it. */
  | { look: 'untold'; kind: 'access.record' | 'access.lookup' | 'verification.answer' }
);

/** One signature of the resident's card. */
export interface SignedRow {
  reference: string;
  what: Signable | 'register' | 'other';
  /** The service, where there is one. */
  title: Localized | null;
  agency: Localized | null;
  at: string;
  /** null: signed at no kiosk. */
  kiosk: string | null;
}

export interface AgencyRow {
  agency: string;
  name: Localized;
  muted: boolean;
}

/** What happened since the last visit; each leads to where it is told whole. */
export type News =
  | { news: 'read'; agency: Localized; count: number }
  | { news: 'case' }
  | { news: 'sealed'; opensAt: string | null }
  | { news: 'index'; office: Localized }
  | { news: 'untold'; count: number }
  /** What the keeper handed out is not the complete list. */
  | { news: 'list-broken' }
  | { news: 'step'; reference: string; service: Localized; step: RequestStep }
  | { news: 'letter'; letter: string; agency: Localized }
  /** `until`: ISO date. */
  | { news: 'grant-ends'; grant: string; agency: Localized; until: string }
  | { news: 'credential'; issuer: Localized; change: 'issued' | 'revoked' }
  | { news: 'card-replaced'; at: string }
  /** What was sealed to the card before, and no slip brought back. */
  | { news: 'typed-lost' }
  | { news: 'letters-lost'; count: number }
  /** They have not issued to this card yet what they issued to the one before. */
  | { news: 'not-issued-yet'; issuers: Localized[] };

/** A receipt of this visit. */
export interface ReceiptCodes {
  reference: string;
  what: Signable;
  /** null: what was signed is about no service. */
  service: Localized | null;
  /** Who gets it, each of a bundle. */
  agencies: Localized[];
  state: RequestState;
  /** ISO 8601 in UTC. */
  at: string;
  fee: { amountFen: number; reference: string } | null;
  /** Left out where the message has no more room: it is under "my requests". */
  qr: string[];
}

/** What an agency asks from afar, waiting. */
export interface AskRow {
  ask: string;
  agency: Localized;
}

/** As the agency would see it, with who vouches for it. */
export interface AskedClaim {
  claim: string;
  value: string;
  optional: boolean;
  chosen: boolean;
  issuer: Localized | null;
}

export interface ConsentClaim {
  claim: string;
  /** As the agency would see it: a date is ISO, a coded value (sex, nation…) its code; the screen says it in the resident's language (`value.<claim>.<code>`). */
  value: string;
  why: Localized;
  optional: boolean;
  chosen: boolean;
  /** Who vouches for it: a party's name, or null for what the resident typed. */
  issuer: Localized | null;
}

/** One agency of a bundle, told in a letter of its own. */
export interface BundleLetter {
  service: ServiceCard;
  purpose: Localized;
  /** ISO date, the last day on which the agency may look. */
  until: string;
  claims: ConsentClaim[];
  /** Short names of the questions whose answers it gets. */
  answers: Localized[];
  told: boolean;
  /** It leads, and cannot be left out. */
  leads: boolean;
}

export interface CheckRow {
  /** Claim or question name. */
  name: string;
  /** null: a claim of the vocabulary, its label is in the messages. */
  label: Localized | null;
  value: string;
  /** Label of the chosen option, where the value is one of a list. */
  option: Localized | null;
  unit: Localized | null;
  input: QuestionInput | null;
  /** `known`: from a credential. `remembered`: typed in an earlier request. `typed`: in this one. `skipped`: optional and left open. */
  source: 'known' | 'remembered' | 'typed' | 'skipped';
  changeable: boolean;
}

export type QuestionInput = 'choice' | 'yes-no' | 'digits' | 'decimal' | 'phone' | 'latin' | 'date';

export interface PinPrompt {
  triesLeft: number;
  /** The reader has a pad of its own: it is used first and no digit passes through here. */
  pinPad: boolean;
  /** true after a wrong PIN, until the next try. */
  wrong: boolean;
  minLength: number;
  maxLength: number;
}

/** What is being done while the card or the hub works; shown in words, at once. */
export type Doing =
  | 'reading-card'
  | 'pin-on-reader'
  | 'checking-pin'
  | 'proving-key'
  | 'opening-space'
  | 'preparing'
  | 'touch-card'
  | 'signing'
  | 'storing'
  | 'sending'
  | 'ending'
  | 'looking-up'
  | 'wiping-card'
  | 'making-card'
  | 'choosing-pin'
  | 'registering'
  | 'trying-card'
  | 'unlocking-pin'
  | 'replacing-card'
  | 'retiring'
  | 'blocking-card'
  | 'counting';

export type StaffRole = 'staff' | 'technician' | 'registrar' | 'officer' | 'auditor';

/** Whose card it is, as the ledger says; never a name, and never the card's serial number. */
export interface StaffWho {
  role: StaffRole;
  party: Localized;
  /** As residents read it in the list of who looked: `7KQ2-M4XD`. */
  pseudonym: string;
  /** ISO date, the last day on which the card is good. */
  until: string;
}

/** What is signed on a page of the desk. */
export type DeskSigned =
  | 'look-up'
  | `look-up-${Exclude<DeskAct, 'register'>}`
  | 'register'
  | 'block'
  | TwoHandedAct
  | `second-${TwoHandedAct}`
  /** By the new card's holder. */
  | 'resident'
  | 'resident-replace'
  /** So does the card that was out in between, to be tried. */
  | 'try-out';

export interface ReaderLine {
  use: 'resident' | 'staff' | 'both';
  /** As PC/SC names it, or as the hub's file does where there is none. */
  name: string;
  state: 'missing' | 'no-card' | 'card-present' | 'card-mute' | 'card-in-use';
}

/** What this kiosk is, and how it is. */
export interface KioskHealth {
  hub: 'reachable' | 'away';
  /** The newest head that was verified; `at` ISO 8601 in UTC. */
  head: { height: number; at: string } | null;
  /** Why nobody may be served here, where that is so. */
  unfit: FailureCode | null;
  /** Signed requests that wait for the hub. */
  waiting: number;
  readers: ReaderLine[];
  /** What staff have said of it; null: it is open. */
  closure: Closure | null;
}

/** What is a kiosk's own beside its devices. */
export interface OwnLine {
  what: 'hub' | 'ledger' | 'clock' | 'disk' | 'device-key';
  /** `watch`: nothing is known to be wrong, and nothing to be right. */
  state: 'good' | 'watch' | 'bad';
  says: 'reachable' | 'away' | 'none' | 'fresh' | 'old' | 'unknown' | 'agrees' | 'behind' | 'free' | 'unreadable' | 'untried' | 'signs' | 'silent';
  /** Seconds of the ledger's age or of the clock's lag, hundredths of the disk that are free. */
  amount: number | null;
  code: FailureCode | null;
}

/** One of the hub's kiosks, as its file names it. */
export interface HubKiosk {
  id: string;
  isThis: boolean;
  /** By the ledger, proved; `unasked`: it could not be asked. */
  ledger: 'enrolled' | 'retired' | 'unknown' | 'another-hub' | 'unasked';
  /** When the hub last heard of it, ISO 8601 in UTC; null: not since it was started. */
  seen: string | null;
  /** As it told the hub; `silent`: it says nothing any more. */
  standing: 'open' | 'closed' | 'unfit' | 'silent' | 'unseen';
  reason: ClosedReason | null;
}

/** What this kiosk did on one day of the district. Counts only: nothing of them leads to anybody. */
export interface DayFigures {
  /** ISO date. */
  day: string;
  /** Visits by the hour in which they began; `others`: nobody signed in. */
  hours: { hour: number; signedIn: number; others: number }[];
  /** Requests that were signed, the most first. `title` null: the service is published no more. */
  services: { service: string; title: Localized | null; count: number }[];
  /** Visits by how long they took, of those who signed in; `upTo` null: longer. */
  minutes: { upTo: number | null; count: number }[];
  medianSeconds: number | null;
  /** Failures in visits, and what the ledger refused, by code, the most first. */
  refusals: { code: string; count: number }[];
  /** Signed requests that wait for the hub at this moment, of whatever day. */
  waiting: number;
}

/** What a first card has signed, and waits for the second. */
export interface DraftRow {
  /** Short reference, as on receipts. */
  reference: string;
  /** Of its first act: `case.open`. */
  kind: string;
  /** Who has signed already. */
  by: { pseudonym: string; party: Localized }[];
  /** ISO 8601 in UTC; after that it is gone. */
  until: string;
  /** `kiosk`: kept here, for the other card. `hub`: signed where that office's own key is. */
  place: 'kiosk' | 'hub';
  /** By whoever is signed in, here and now. */
  signable: boolean;
}

/** What a desk reads of an identity card, as rows of claims. */
export interface DocumentRow {
  claim: string;
  value: string;
}

/** Whether residents can be registered here: not without an identity-card reader. */
export type DeskReadiness = 'ready' | 'no-identity-reader';

export type Page =
  | { page: 'attract' }
  | { page: 'language' }
  | { page: 'insert-card' }
  /** A receipt under the scanner: which of its codes were seen, and then what it proves. Nothing that does not stand in it. */
  | { page: 'held-receipt'; held: HeldReceipt }
  /** Staff have closed this kiosk. */
  | ({ page: 'closed' } & Closure)
  | { page: 'working'; doing: Doing }
  | ({ page: 'pin' } & PinPrompt)
  /** `news`: how many things happened since the last visit; they have a page of their own. */
  | { page: 'home'; name: string; services: ServiceCard[]; bundles: BundleCard[]; requests: RequestRow[]; notices: Notice[]; news: number; asks: AskRow[]; /** The scanner takes bills. */ bills?: true }
  | { page: 'group'; group: ServiceGroup; services: ServiceCard[] }
  /** The matter of this title needs facts that an office has to vouch for and has not; nothing is begun. */
  | { page: 'facts-missing'; title: Localized; office: Localized; claims: string[] }
  /** `problem`: why the code just typed leads nowhere. */
  /** `not-scanned`: what was held under the scanner leads to no open question. `scanner`: there is one to hold a code under. */
  | { page: 'ask-code'; problem: 'format' | 'unknown' | 'no-tries' | 'not-scanned' | null; triesLeft: number | null; scanner?: boolean }
  | {
      page: 'ask';
      agency: Localized;
      /** Completes "The Tax Bureau asks …": "to certify where you pay tax". */
      reason: Localized;
      /** ISO 8601 in UTC: until when it can be answered. */
      until: string;
      claims: AskedClaim[];
      /** What the resident's credentials do not have: then it can only be refused, or left. */
      missing: string[];
      /** false: what is chosen is less than the agency would take. */
      enough: boolean;
    }
  | ({ page: 'ask-done'; agency: Localized } & (
      | { outcome: 'answered'; reference: string; recorded: boolean; /** Of the receipt; none while it waits. */ qr: string[] }
      | { outcome: 'refused' }
      /** Nothing was shown; `code` says why. */
      | { outcome: 'not-taken'; code: string }
    ))
  /** A matter is put away to be gone on with elsewhere. `code` in two groups of four; `until` ISO 8601 in UTC; `qr`: the same for a scanner. */
  /** `place`: its number in the hall's queue, and the counter that it was called to; null: nobody is called here. */
  | { page: 'hand-off'; code: string; until: string; qr: string; place: { ticket: string; counter: string | null } | null }
  | { page: 'requests'; requests: RequestRow[] }
  | {
      page: 'request';
      request: RequestRow;
      qr: string[];
      /** What the service says of itself. */
      steps: Localized[];
      claims: string[];
      until: string;
      /** The agency can look no more: the permission has ended, run out or been used up. */
      lookingIsOver: boolean;
      /** Oldest first. */
      taken: StepTaken[];
      letters: LetterLine[];
      /** Confirmed by the agency. */
      paid: { amountFen: number; reference: string } | null;
      withdrawable: boolean;
    }
  | { page: 'news'; news: News[] }
  /** `live`: grants under which somebody may still look. */
  | { page: 'my-data'; facts: number; issuers: number; live: number; looks: number; signed: number; muted: number }
  | { page: 'facts'; groups: FactGroup[]; typed: TypedFact[] }
  | { page: 'grants'; grants: GrantRow[] }
  | { page: 'grant'; grant: GrantRow; looks: Look[] }
  /** Says what ending a grant, or taking a request back, does and what it does not. */
  | { page: 'undo'; undo: { what: 'grant.end'; grant: GrantRow } | { what: 'request.withdraw'; request: RequestRow } }
  /** `entries`: on this resident, all of them, as the ledger's record counts and binds them. */
  | { page: 'looks'; looks: Look[]; entries: number }
  | {
      page: 'proof';
      entries: number;
      /** ISO 8601 in UTC, of the head that it was held against. */
      at: string;
      /** How many of each kind, the most frequent first. */
      kinds: { kind: string; count: number }[];
      /** Of the receipt over the complete list; none where it is too long for codes. */
      qr: string[];
    }
  | { page: 'signed'; signed: SignedRow[]; /** As many older ones are not listed. */ more: number }
  | { page: 'agencies'; agencies: AgencyRow[] }
  | { page: 'letter'; agency: Localized; title: string; text: string; at: string }
  | {
      page: 'consent';
      service: ServiceCard;
      purpose: Localized;
      /** ISO date, the last day on which the agency may look. */
      until: string;
      claims: ConsentClaim[];
    }
  | { page: 'letters'; title: Localized; letters: BundleLetter[] }
  | {
      page: 'question';
      /** null: a typed fact is corrected, for all services. */
      service: ServiceCard | null;
      question: string;
      label: Localized;
      text: Localized;
      hint: Localized | null;
      input: QuestionInput;
      options: { value: string; label: Localized }[];
      unit: Localized | null;
      optional: boolean;
      maxLength: number;
      /** What was answered before, to be kept or changed. */
      value: string;
      /** Why the last answer was not taken. */
      problem: 'missing' | 'format' | 'too-small' | 'too-large' | null;
      /** 1-based; of the questions that are still to be asked in this request. */
      number: number;
      of: number;
    }
  | { page: 'check'; service: ServiceCard; rows: CheckRow[]; fee: { amountFen: number } | null }
  | ({ page: 'sign'; what: 'request'; service: ServiceCard; claims: string[]; answers: number; purpose: Localized; until: string } & PinPrompt)
  | ({ page: 'sign'; what: 'grant.end' | 'request.withdraw'; service: Localized; agency: Localized } & PinPrompt)
  | ({ page: 'sign'; what: 'facts.keep'; fact: TypedFact } & PinPrompt)
  | {
      page: 'receipt';
      what: Signable;
      reference: string;
      /** null: what was signed is about no service. */
      service: ServiceCard | null;
      state: RequestState;
      at: string;
      steps: Localized[];
      fee: { amountFen: number; reference: string } | null;
      /** The whole receipt as the texts of one or more QR codes, in order; while the request is queued, of its pending receipt, which says so. */
      qr: string[];
      /** How many requests were signed in this visit. */
      signed: number;
      /** Left out: this kiosk has no printer. */
      print?: PrintOffer;
      /** Why it was refused, where it was. */
      code?: string;
    }
  /** Before the card goes: newest first. `more`: as many others the screen only counts. `print`: all of them on one slip, with the `others`; left out: this kiosk has no printer. */
  | { page: 'receipts'; receipts: ReceiptCodes[]; more: number; print?: PrintOffer; others?: ReceiptCodes[] }
  /** `waitSeconds`: the pause after a wrong PIN; until it is over nothing is taken. */
  | ({ page: 'staff-pin'; why: 'sign-in' | 'locked'; who: StaffWho; waitSeconds: number } & PinPrompt)
  /** `drafts` null: the hub could not be asked, and here nothing waits; `hubSilent`: it could not, and these are this kiosk's own. `minutesLeft` null: the session's end is not near. */
  /** `desk` null: this role registers nobody. */
  | { page: 'staff-home'; who: StaffWho; health: KioskHealth; drafts: DraftRow[] | null; hubSilent?: true; minutesLeft: number | null; desk: DeskReadiness | null; /** May open and close this kiosk, and see how it is. */ tends: boolean }
  /** `earlier`, `later`: days that have figures of their own. */
  | { page: 'desk-day'; figures: DayFigures; earlier: string | null; later: string | null }
  /** Staff type the code that a resident tells them. */
  | { page: 'desk-hand-off'; unknown: boolean }
  /** It is good, until then (ISO 8601 in UTC): its resident's card is awaited in the resident's reader. `problem`: why what lies there is none, or why no card would begin a visit here now. `inReader`: of the only one. */
  | { page: 'desk-hand-off-ready'; until: string; problem: FailureCode | 'closed' | null; inReader?: 'staff' | 'nothing' }
  /** How everything of this kiosk is, and the hub's other kiosks; `kiosks` null: the hub could not be asked. `hubSince`: when it was started, ISO 8601 in UTC. */
  | { page: 'desk-health'; devices: DeviceLine[]; own: OwnLine[]; kiosks: HubKiosk[] | null; hubSince: string | null }
  | { page: 'desk-standing'; closure: Closure | null }
  /** Lay the identity card on its reader. */
  | { page: 'desk-document' }
  /** Is this the person, and is it all there? Then the number is looked up. */
  | { page: 'desk-check'; rows: DocumentRow[] }
  /**
   * A card is wanted in the resident's reader: a blank one (`wanted`), or its holder's own. `used`: one is in, and everything on it would be gone. `staff`:
   * the card that began; `again`: the new one, to be tried, which can be left out. `inReader`: what is in it now, with one reader for all; what is not
   * wanted comes out first. Left out: there is one for each.
   */
  | { page: 'desk-card'; card: 'wanted' | 'used' | 'holder' | 'staff' | 'again'; inReader?: 'nothing' | 'staff' | 'another' }
  /** The screen changes hands. */
  | { page: 'desk-turn'; to: 'resident' | 'staff'; name: string }
  /** The resident's own: the unlock code of the slip. `wrong`: the one just typed; `triesLeft` of the card, whose last one is not spent. */
  | { page: 'desk-code'; wrong: boolean; triesLeft: number }
  /** The resident's own, with nobody looking. */
  | { page: 'desk-pin'; problem: 'factory' | 'repeated' | 'run' | 'personal' | null; minLength: number; maxLength: number }
  /** The resident's own: what opens everything again when the card is lost, and what unlocks its PIN. Shown once; `minutes`: and no longer than that. */
  | { page: 'desk-slip'; recoveryKey: string; unlockCode: string; minutes?: number; /** Left out: this kiosk has no printer. */ print?: PrintOffer }
  /** `resident`: the new card's holder signs; else the member of staff. `name` is empty where nobody's is known. */
  | ({ page: 'desk-sign'; what: DeskSigned; name: string } & PinPrompt)
  /** Whose card is to be blocked, by the number of the identity card. */
  | { page: 'desk-number'; mistyped: boolean }
  | { page: 'desk-block'; number: string }
  /** The recovery key of the card before. `problem`: why what was typed was not taken. `scanner`: there is one to hold the slip under. */
  | { page: 'desk-old-slip'; problem: 'mistyped' | 'wrong' | null; scanner: boolean }
  /** What retiring a resident means, before it is signed. */
  | { page: 'desk-retire'; number: string }
  /** Signed, and kept here until a colleague of this role has signed too. `name` empty where nobody's is known. `atHand`: the new card is out of the one reader. */
  | { page: 'desk-kept'; act: TwoHandedAct; name: string; reference: string; role: StaffRole; minutes: number; atHand?: true }
  /** What a colleague of this role has signed, before it is signed once more. */
  | { page: 'desk-second'; act: TwoHandedAct; name: string; number: string; role: StaffRole }
  /** `reference` empty: what was done is on no ledger. `tried` null: the card opened its own space, or there was none to be tried; else why it could not be. `ends`: with one reader for all the staff's card is out, and the session is over with this. `already`: a card that was blocked before. */
  | { page: 'desk-done'; act: DeskAct; name: string; reference: string; tried: FailureCode | null; ends?: true; already?: true }
  /** First boot: no hub, no kiosk, no card yet. */
  | ({ page: 'setup' } & SetupPage)
  /** A technician's, on a kiosk that runs. */
  | ({ page: 'workshop' } & WorkshopPage)
  | { page: 'staff-take-card'; ended: 'done' | 'timeout' | 'limit' }
  /** The card is still in: take it. */
  | { page: 'take-card'; references: string[] }
  /** The card is out. No fact of anybody; stays 15 s at most: time to scan one receipt, so several come without codes. */
  | { page: 'goodbye'; ended: 'done' | 'card-removed' | 'timeout'; receipts: { reference: string; state: RequestState; qr: string[] }[]; unsent: boolean }
  | {
      page: 'failure';
      code: FailureCode;
      detail: string | null;
      /** What the main button does. `none`: the page leaves by itself when its cause is gone (a reader comes back, a card is taken out). */
      next: 'retry' | 'home' | 'take-card' | 'none';
      /** Left out: `retry` tries the same again. Of what else it asks for another one. */
      another?: 'document' | 'number' | 'card';
      /** Read by staff or a technician, who are not sent to the desk. */
      toStaff?: boolean;
      /** What became of a request in hand. */
      sent: 'nothing' | 'queued' | 'not-begun';
    };

export type Notice =
  /** The card signed `count` times more than the ledger, the outbox and the keeper know of. */
  | { notice: 'counter-gap'; count: number }
  /** This card replaced another. Until then, ISO 8601 in UTC, it may look and not sign. */
  | { notice: 'card-read-only'; until: string }
  | { notice: 'request-rejected'; reference: string; code: string }
  /** It did not reach the ledger in time; nobody refused it. */
  | { notice: 'request-expired'; reference: string }
  /** It was still queued when its resident left. */
  | { notice: 'request-recorded'; reference: string };

/** All that the screen knows. The renderer is a function of it. */
export interface Snapshot {
  /** Grows by one with each; an older one is dropped. */
  seq: number;
  language: Language;
  languages: Language[];
  kiosk: {
    id: string;
    hub: Localized;
    /** Where to find a person, as the hub's file says. */
    help: Localized;
    pxPerMm: number;
    /** Devices are stand-ins: said on every screen. */
    standIns: boolean;
  };
  /** A card is in the resident's reader. */
  cardIn: boolean;
  /** A staff card waits in its own reader until the visit on the screen is over. */
  staffWaits: boolean;
  overlay: null | { overlay: 'idle'; secondsLeft: number } | { overlay: 'help' };
  page: Page;
}

/** What the boot script of a shell puts before the renderer's first line, as `window.imi`; the renderer takes it and deletes it. */
export interface Bridge {
  send(intent: Intent): void;
  onSnapshot(listener: (snapshot: Snapshot) => void): void;
  /** Once, when the first page is painted: for the heartbeat and the measurements. */
  ready(): void;
}
