import type { SpaceObject } from '../contract/hub-door.ts';
import type { RejectionCode } from '../contract/failures.ts';
import type { Result } from '../contract/result.ts';
import type { HpkeMessage } from '../identity/hpke.ts';
import type { ActKind, Id } from '../ledger/verify/acts.ts';
import type { RequestRecord } from '../ledger/verify/records.ts';

/** The private half of a space's key, wrapped twice. */
export interface NewSpaceKey {
  /** The private half, to the card's DEC key. */
  wrapped: HpkeMessage;
  /** To the recovery key on the printed slip. */
  recovery: HpkeMessage;
}

/** A data space as it is founded: only its key. */
export interface NewSpace extends NewSpaceKey {
  resident: Id;
}

/** A name as it stands in the store: HMAC-SHA256 under the keeper's own key (agency-tag.ts). */
export type Tag = Uint8Array;

export type PayloadKind = 'part' | 'grant' | 'answers' | 'self' | 'credential' | 'letter' | 'token' | 'case' | 'replacement';
export type Addressee = 'space' | 'keeper' | 'agency' | 'authority';

/** One ciphertext that came along with a transaction. */
export interface KeptPayload {
  act: number;
  /** Of that act. */
  kind: ActKind;
  what: PayloadKind;
  to: Addressee;
  sealed: Uint8Array;
  /** Whom the act is about (of a case: the case), and the act's own id. */
  subject: Id;
  actId: Uint8Array;
  /** Its name in the subject's data space, where it is sealed to that. */
  place: string | null;
  /** It is not put there when it is recorded, but when it is handed over. */
  withheld?: boolean;
}

/** `resident.replace`: the resident has a new card; who issued a credential to the old one issues it again, and letters that only the old key opens may be gone. */
export type ConcernKind = 'resident.replace' | 'grant.give' | 'grant.end' | 'request.submit' | 'request.step' | 'request.withdraw' | 'credential.anchor' | 'credential.revoke' | 'verification.answer';
export type Step = RequestRecord['step'];

/** That an act concerns an agency: it shows there once it is recorded. */
export interface Concern {
  act: number;
  kind: ConcernKind;
  agency: Tag;
  subject: Id;
  id: Uint8Array;
  /** Of a request that is submitted. */
  service: Tag | null;
  /** Of a request from this act on. */
  step: Step | null;
}

/** What may be carried out once only, under one name: an order's nonce, a release's access id. */
export interface UsedOnce {
  name: Uint8Array;
  /** Id of the order that used it. */
  order: Uint8Array;
  /** Unix seconds: forgotten some time after. */
  until: number;
}

/** What opens a space when its card is replaced: the second wrapping, the keys before it that were handed on, and how often it was replaced so far. */
export interface SpaceRecovery {
  recovery: HpkeMessage;
  formers: { number: number; sealed: Uint8Array }[];
  replaced: number;
}

/** A space's new key, from when the card's replacement is recorded (replacement.ts). */
export interface StoredReplacement extends NewSpaceKey {
  subject: Id;
  /** From 1. */
  number: number;
  formers: readonly { number: number; sealed: Uint8Array }[];
}

/** A transaction and what came along, safe before the ledger is asked. */
export interface KeptTransaction {
  id: Uint8Array;
  envelope: Uint8Array;
  /** Whose card signed it; null where no resident's did. */
  resident: Id | null;
  /** Value of that card's signature counter that it carries. */
  counter: number | null;
  payloads: KeptPayload[];
  concerns: Concern[];
  once: UsedOnce[];
  /** What leaves data spaces once it is recorded. */
  removals: { subject: Id; place: string }[];
  replacements: StoredReplacement[];
  /** The keeper's signed note of what it has kept, for whoever brought it; null: nobody did. */
  receipt: Uint8Array | null;
}

/** `used`: something in `once` was used by another transaction, and nothing was kept. */
export type Kept = 'kept' | 'known' | 'used';

export type KeptState = { state: 'queued' } | { state: 'recorded' } | { state: 'rejected'; code: string };

export type Settled =
  /** `at`: Unix seconds of the block. `index`: in the log. */
  | { id: Uint8Array; state: 'recorded'; at: number; index: number }
  /** `until`: its own `notAfter`, Unix seconds. Up to then a block may have it all the same, so what came along is kept. */
  | { id: Uint8Array; state: 'rejected'; code: RejectionCode; until: number };

/** Which ciphertext, by the act that it came with. A step shares its request's id, so the newest is meant. */
export interface PayloadQuery {
  subject: Id;
  actId: Uint8Array;
  kind: ActKind;
  what: PayloadKind;
  to: Exclude<Addressee, 'space'>;
}

export interface StoredRequest {
  /** Place in the agency's own order: the cursor. */
  seq: number;
  id: Id;
  subject: Id;
  step: Step;
  /** Unix seconds: when it was submitted, of the block. */
  at: number;
  transaction: Uint8Array;
  /** Copies of the private part, and what was typed, sealed to the agency. */
  keeperPart: Uint8Array;
  agencyPart: Uint8Array;
  answers: Uint8Array;
}

export interface StoredGrant {
  seq: number;
  id: Id;
  subject: Id;
  at: number;
  transaction: Uint8Array;
  keeperPart: Uint8Array;
  agencyPart: Uint8Array;
}

/** What becomes of an ask beside the ledger: a refusal, or an answer by a wallet that is not ours. */
export type NotedKind = 'ask.answered' | 'ask.refused';

/** One line of what an agency is told, numbered from 1 in an order of its own, so that nobody counts another's. */
export interface StoredChange {
  seq: number;
  kind: ConcernKind | NotedKind;
  /** null: not known. */
  subject: Id | null;
  id: Uint8Array;
  step: Step | null;
  at: number;
  /** null: it is none of the ledger's. */
  transaction: Uint8Array | null;
}

/** An act on a resident, and where it stands in the log. */
export interface IndexedAct {
  subject: Id;
  logIndex: number;
  actIndex: number;
  transaction: Uint8Array;
  /** Deterministic CBOR, as in the transaction's body. */
  act: Uint8Array;
}

export interface Page {
  /** Behind this place; 0: from the first. */
  after: number;
  limit: number;
}

/**
 * What the keeper keeps, sealed all of it. Every method is one step that happens wholly or not at all, and one that writes answers after fsync.
 * All failures are `hub-storage`: the disk is full, read-only or broken, or the server is away, and what was acknowledged before is still there; or `hub-busy`, where hubs
 * that share a store wrote the same again and again.
 */
export interface KeeperStore {
  foundSpace(space: NewSpace): Promise<Result<null>>;
  /** The wrapped key, everything recorded in the space, counters and the time of the last opening; null for an unknown resident. */
  space(resident: Id): Promise<Result<{ wrapped: HpkeMessage; objects: SpaceObject[]; knownCounters: number[]; lastOpened: number | null } | null>>;
  recovery(resident: Id): Promise<Result<SpaceRecovery | null>>;
  /** Of one space whose key was replaced, the parts that lie under a former key, each with the keeper's own copy of it; null: there is none to do. */
  toReseal(): Promise<Result<{ subject: Id; parts: { former: string; sealed: Uint8Array }[] } | null>>;
  /** Puts these in the place of the former ones; with them that space is done. */
  reseal(subject: Id, parts: readonly { former: string; name: string; sealed: Uint8Array }[]): Promise<Result<null>>;
  noteOpened(resident: Id, at: number): Promise<Result<null>>;
  noteBrokenOff(resident: Id, counter: number): Promise<Result<null>>;
  keep(transaction: KeptTransaction): Promise<Result<Kept>>;
  /** Refused before it was kept: the counter value is spent all the same. */
  keepRefused(transaction: Pick<KeptTransaction, 'id' | 'resident' | 'counter'>, code: string): Promise<Result<null>>;
  state(transaction: Uint8Array): Promise<Result<KeptState | null>>;
  /** null: of none such, or one that was made here. */
  receipt(transaction: Uint8Array): Promise<Result<Uint8Array | null>>;
  /** Kept and neither recorded nor rejected yet, oldest first. */
  queued(): Promise<Result<{ id: Uint8Array; envelope: Uint8Array }[]>>;
  /**
   * Of a recorded one what was sealed to the space lies in it from now on, and whom it concerns is told; of a rejected one nothing shows any more, what was to happen
   * once may happen again, and the counter value stays known. In the order given; what is settled already stays as it is, but for one that was rejected and is recorded
   * after all. Answers with the agencies that have something new.
   */
  settle(settled: readonly Settled[]): Promise<Result<Tag[]>>;
  /** Rejected, and what came along is still there: until its own time is over, Unix seconds. */
  refused(): Promise<Result<{ id: Uint8Array; until: number }[]>>;
  /** Of these, where they are still rejected, what came along goes for good. */
  drop(ids: readonly Uint8Array[]): Promise<Result<null>>;
  /** Who used this name: the order, and the transaction that carries it out; null where that was rejected. */
  used(name: Uint8Array): Promise<Result<{ order: Uint8Array; transaction: Uint8Array } | null>>;
  /** What was used once before then, Unix seconds, may be forgotten: it is too late for it to come again. */
  forgetUsed(before: number): Promise<Result<null>>;
  /** Recorded, and not handed over to the resident's space yet; with the keeper's own copy. */
  withheld(resident: Id): Promise<Result<{ transaction: Uint8Array; act: number; keeperPart: Uint8Array }[]>>;
  /** Puts this in the place of what was withheld: the same part, sealed to the space's key of today. */
  handOver(transaction: Uint8Array, act: number, sealed: Uint8Array): Promise<Result<null>>;
  /** Parts sealed to the keeper, of these kinds and this time (`from` and `to` included), without what is withheld; the oldest first. */
  parts(subject: Id, scope: { kinds: readonly string[]; from: number; to: number; limit: number; skip: number }): Promise<Result<{ transaction: Uint8Array; act: number; kind: string; at: number; sealed: Uint8Array }[]>>;
  /** Ids of the cases whose bodies the keeper has, the oldest first. */
  cases(): Promise<Result<Id[]>>;
  /** null until it is recorded. */
  payload(query: PayloadQuery): Promise<Result<Uint8Array | null>>;
  /** In the order in which they were recorded. */
  requests(agency: Tag, page: Page & { service?: Tag; step?: Step }): Promise<Result<StoredRequest[]>>;
  /** null: there is none of this agency. */
  request(agency: Tag, id: Id): Promise<Result<StoredRequest | null>>;
  grants(agency: Tag, page: Page): Promise<Result<StoredGrant[]>>;
  changes(agency: Tag, page: Page): Promise<Result<StoredChange[]>>;
  /** Number of the last of them; 0: there is none. */
  newest(agency: Tag): Promise<Result<number>>;
  /** Tells an agency of what is none of the ledger's. */
  note(agency: Tag, change: { kind: NotedKind; subject: Id | null; id: Uint8Array; at: number }): Promise<Result<null>>;
  /** Index of the log's next entry that is not indexed yet. */
  indexed(): Promise<Result<number>>;
  /** What the entries from `from` up to `next` did to residents; does nothing where others indexed that far meanwhile. */
  index(from: number, next: number, acts: readonly IndexedAct[]): Promise<Result<null>>;
  /** In the order of the log, from number `after` of the resident's own on. */
  activity(resident: Id, page: Page): Promise<Result<IndexedAct[]>>;
  /** `name`: the agency's, sealed to the keeper; null: no longer. */
  mute(resident: Id, agency: Tag, name: Uint8Array | null): Promise<Result<null>>;
  muted(resident: Id): Promise<Result<{ agency: Tag; name: Uint8Array }[]>>;
  /** Recorded parts, sealed to the keeper, of a time when nothing was noted of whom they concern; oldest first, and none once all were `concern`ed. */
  unconcerned(limit: number): Promise<Result<{ transaction: Uint8Array; act: number; kind: ActKind; subject: Id; actId: Uint8Array; sealed: Uint8Array }[]>>;
  /** Notes it later. Without concerns: it concerns nobody. */
  concern(transaction: Uint8Array, concerns: readonly Concern[]): Promise<Result<null>>;
  close(): Promise<void>;
}
