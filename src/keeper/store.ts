import type { SpaceObject } from '../contract/hub-door.ts';
import type { Result } from '../contract/result.ts';
import type { HpkeMessage } from '../identity/hpke.ts';
import type { Id } from '../ledger/verify/acts.ts';

/** A data space as it is founded: only its key, wrapped twice. */
export interface NewSpace {
  resident: Id;
  /** The private half, wrapped to the card's DEC key. */
  wrapped: HpkeMessage;
  /** The same, wrapped to the recovery key on the printed slip. */
  recovery: HpkeMessage;
}

/** One ciphertext that came along with a transaction. `credential` comes from an issuer inside the hub, the others over the door. */
export interface KeptPayload {
  act: number;
  what: 'part' | 'grant' | 'answers' | 'self' | 'credential';
  to: 'space' | 'keeper' | 'agency';
  sealed: Uint8Array;
  /** Whom the act is about, and the act's own id. */
  subject: Id;
  actId: Id;
  /** Its name in the subject's data space, where it is sealed to that. */
  place: string | null;
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
}

export type KeptState = { state: 'queued' } | { state: 'recorded' } | { state: 'rejected'; code: string };

/**
 * What the keeper keeps, sealed all of it. Every method that writes answers after fsync. All failures are `hub-storage`: the disk is full,
 * read-only or broken, and what was acknowledged before is still there.
 */
export interface KeeperStore {
  foundSpace(space: NewSpace): Promise<Result<null>>;
  /** The wrapped key, everything recorded in the space, counters and the time of the last opening; null for an unknown resident. */
  space(resident: Id): Promise<Result<{ wrapped: HpkeMessage; objects: SpaceObject[]; knownCounters: number[]; lastOpened: number | null } | null>>;
  /** The second wrapping: for a replaced card, with the slip in hand. */
  recovery(resident: Id): Promise<Result<HpkeMessage | null>>;
  noteOpened(resident: Id, at: number): Promise<Result<null>>;
  noteBrokenOff(resident: Id, counter: number): Promise<Result<null>>;
  /** Does nothing where the id is known already. */
  keep(transaction: KeptTransaction): Promise<Result<null>>;
  /** Refused before it was kept: the counter value is spent all the same. */
  keepRefused(transaction: Pick<KeptTransaction, 'id' | 'resident' | 'counter'>, code: string): Promise<Result<null>>;
  state(transaction: Uint8Array): Promise<Result<KeptState | null>>;
  /** Kept and neither recorded nor rejected yet, oldest first. */
  queued(): Promise<Result<{ id: Uint8Array; envelope: Uint8Array }[]>>;
  /** What was sealed to the space lies in it from now on. `at`: Unix seconds of the block. Idempotent. */
  settleRecorded(transaction: Uint8Array, at: number): Promise<Result<null>>;
  /** The ciphertexts go, the counter value stays known. Idempotent. */
  settleRejected(transaction: Uint8Array, code: string): Promise<Result<null>>;
  /** A ciphertext that came with an act, by the act's subject and id; null until it is recorded. */
  payload(subject: Id, actId: Id, what: KeptPayload['what'], to: 'keeper' | 'agency'): Promise<Result<Uint8Array | null>>;
  close(): Promise<void>;
}
