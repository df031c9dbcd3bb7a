import type { HeldOutcome } from '../../contract/held-receipt.ts';
import type { News, Notice, PackedSlip, RequestRow, RequestState, SignedRow, TypedFact } from '../../contract/bridge.ts';
import type { CardInfo, PinResult } from '../../contract/device-host.ts';
import type { Result } from '../../contract/result.ts';
import type { Localized } from '../../contract/language.ts';
import type { Credential } from '../../identity/credential.ts';
import type { SelfClaims } from '../../identity/self-claims.ts';
import type { OpenSpace } from '../../identity/space.ts';
import type { Id, Name, OpenedPart } from '../../ledger/verify/acts.ts';
import type { AskOutcome, FoundAsk, ShownAsk } from './asks.ts';
import type { BundleOffer, Draft, KnownClaims, Offer } from './draft.ts';
import type { HandedOff, OpenedParcel, Parcel, QueuePlace } from './hand-off.ts';
import type { KnownGrant, MyData } from './my-data.ts';
import type { HandedOutFacts } from './typed-facts.ts';

/** A resident's record on the ledger, proved against a fresh head. Raw keys, 32 bytes each. */
export interface ProvenResident {
  /** 16 random bytes. */
  id: Uint8Array;
  sig: Uint8Array;
  aut: Uint8Array;
  dec: Uint8Array;
  space: Uint8Array;
  /** Highest value of the card's signature counter that the ledger holds. */
  counter: number;
  /** Unix seconds: until then this card, which replaced another, may look and not sign; null: it is the resident's first. */
  readOnlyUntil: number | null;
}

/** What is fetched while the resident types the PIN: whose key it is, and a challenge that nobody has seen before. */
export interface Ticket {
  resident: ProvenResident;
  /** As signed by AUT (ledger/verify/challenge.ts). */
  challenge: Uint8Array;
  /** Unix seconds; a later answer needs a new one. */
  notAfter: number;
}

/** The challenge answered by the card, checked here against the ledger's key. */
export interface Proof {
  ticket: Ticket;
  signature: Uint8Array;
}

/** One request of the resident's that is known to the data space, or to this kiosk. */
export interface PastRequest {
  transaction: Uint8Array;
  row: RequestRow;
  steps: Localized[];
  claims: string[];
  /** ISO date, the last day on which the agency may look; empty where the request carries no grant. */
  until: string;
  /** For the receipt, by act; null where the data space has none. */
  parts: (OpenedPart | null)[];
}

/** All that is known of a signed-in resident. `closeAccess` takes its secrets back. */
export interface Access {
  resident: ProvenResident;
  /** Of the keeper, 16 bytes. */
  session: Uint8Array;
  space: OpenSpace;
  name: string;
  credentials: Credential[];
  known: KnownClaims;
  /** null: not proved yet that the resident signed those handed out; none is used till then. */
  self: SelfClaims | null;
  handedOut: HandedOutFacts | null;
  requests: PastRequest[];
  notices: Notice[];
  /** What the data space and this kiosk have of the resident's acts. */
  held: MyData['held'];
  /** As it was looked up last; null where it could not be. */
  myData: MyData | null;
  news: News[];
  /** Agencies whose asks do not reach the resident. */
  muted: readonly Name[];
  offers: Offer[];
  bundles: BundleOffer[];
  /** What agencies ask from afar, and waits. */
  asks: ShownAsk[];
  /** The keeper's sealing key. */
  keeperSeal: Uint8Array;
}

export function closeAccess(access: Access): void {
  access.space.close();
  access.session.fill(0);
}

/** An act in hand that asks for nothing: it takes back, or corrects. */
export type Undoing =
  | { what: 'grant.end'; grant: KnownGrant }
  /** With it end the grants that it rests on. */
  | { what: 'request.withdraw'; request: PastRequest; id: Id; agency: Name; grants: KnownGrant[] };

export type Correction = { what: 'facts.keep'; fact: TypedFact; name: string; self: SelfClaims };

/** What the card is to sign. */
export type Signing = { what: 'request'; draft: Draft } | Undoing | Correction;

/** Signed, checked and on disk: from here on it reaches the ledger without the resident. */
export interface Stored {
  transaction: Uint8Array;
  reference: string;
  /** ISO 8601 in UTC. */
  at: string;
  parts: OpenedPart[];
  /** Of the pending receipt, as the texts of QR codes. */
  qr: string[];
  /** The new map of typed facts, or null where nothing lasting was typed. */
  self: SelfClaims | null;
}

/** What became of a stored request. A receipt is bytes of ledger/verify/receipt.ts without private parts, verified. */
export type Settlement =
  | { state: 'recorded' | 'witnessed'; receipt: Uint8Array; /** ISO 8601 in UTC, the time of the head that the receipt rests on. */ at: string }
  | { state: 'rejected' | 'expired'; code: string };

/** In the ledger, proved; else refused. */
export const isInLedger = (settlement: Settlement): settlement is Extract<Settlement, { receipt: Uint8Array }> => 'receipt' in settlement;

export interface ShownReceipt {
  state: RequestState;
  /** Texts of the QR codes: of the receipt, or of the pending one while it is queued here. */
  qr: string[];
}

/** What the visit has done by others: each answers with a Result, and none of them knows of pages. */
export interface VisitWork {
  readCard(insertion: number): Promise<Result<CardInfo>>;
  lookUp(insertion: number, card: CardInfo): Promise<Result<Ticket>>;
  /** Says whether a card is staff's, to who asked to be told, and nothing of it to anybody else. */
  tellStaffCard(insertion: number): Promise<void>;
  /** `pin` is overwritten with zeros in every case; null: the reader's own pad takes it. */
  checkPin(insertion: number, purpose: 'user' | 'sign', pin: Uint8Array | null): Promise<Result<PinResult>>;
  proveKey(insertion: number, ticket: Ticket): Promise<Result<Proof>>;
  /** Opened too late (`signal` aborted), it closes what it opened. */
  openAccess(insertion: number, card: CardInfo, proof: Proof, signal: AbortSignal): Promise<Result<Access>>;
  /** The typed facts that the resident's own signature proves; none where what the keeper handed out is proved by none. */
  recall(access: Access): Promise<Result<SelfClaims>>;
  /** Unix milliseconds. */
  now(): number;
  /** When a grant of this service given now ends, Unix seconds. */
  grantEnd(offer: Offer): number;
  /** What was handed off under this code by the resident, or what an agency asks: by the short code as it was typed, or by a link that was scanned. */
  findAsk(access: Access, code: string): Promise<Result<FoundAsk | { handOff: OpenedParcel }>>;
  /** Seals it, and gives it to the hub to keep for the resident. */
  handOff(access: Access, parcel: Parcel): Promise<Result<HandedOff>>;
  /** Its place in the hall's queue, drawn where it has none; where `known` is given, once that has changed, or after some seconds. null: this hub has no queue. */
  placeOf(access: Access, code: string, known?: QueuePlace): Promise<Result<QueuePlace | null>>;
  /** It has been signed: nobody goes on with it. */
  dropHandOff(access: Access, code: string): void;
  /** The card signs, the gateway judges. */
  agreeToAsk(insertion: number, access: Access, ask: ShownAsk, leftOut: readonly string[]): Promise<Result<AskOutcome>>;
  refuseAsk(access: Access, ask: ShownAsk): Promise<Result<AskOutcome>>;
  openRequest(request: PastRequest, access: Access): Promise<Result<ShownReceipt>>;
  /** What must be certain before anything is signed: room on the disk. */
  prepare(): Promise<Result<null>>;
  /** Signs, checks and stores as one: once the card may have signed, what it signed is on disk or noted as broken off, whatever becomes of visit and kiosk. */
  sign(insertion: number, access: Access, signing: Signing): Promise<Result<Stored>>;
  /** Everything that the ledger holds on the resident, proved complete. `proof-invalid` where it is not. */
  lookUpMyData(access: Access): Promise<Result<MyData>>;
  /** The newest signatures of the resident's card that the ledger holds, each with its kiosk, from its own receipt. */
  lookUpSigned(access: Access, data: MyData): Promise<Result<{ signed: SignedRow[]; more: number }>>;
  /** The receipt over the complete list as the texts of QR codes; none where it is too long for them. */
  drawProof(data: MyData): string[];
  mute(access: Access, agency: Name, muted: boolean): Promise<Result<unknown>>;
  /** What the receipt proves whose codes these are. Needs no card, and asks nothing of anybody but whether it is recorded. */
  lookAtHeld(symbols: readonly string[]): Promise<HeldOutcome>;
  /** Starts printing the visit's `number`-th slip; what becomes of it arrives as an event. */
  print(visit: string, number: number, strips: readonly PackedSlip[]): void;
  /** Starts delivery; what becomes of it arrives as an event. */
  deliver(transaction: Uint8Array): void;
  /** The receipt's QR codes, with the private parts put in and everything checked once more. */
  drawReceipt(receipt: Uint8Array, parts: readonly (OpenedPart | null)[]): Result<string[]>;
  /** When no signature is under way any more; the card must have been let go of. */
  finished(): Promise<void>;
  /** The resident is gone: resets the card and closes the keeper's session, both without waiting. */
  leave(insertion: number, session: Uint8Array | null): void;
}
