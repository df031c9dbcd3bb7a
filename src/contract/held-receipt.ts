import type { Localized } from './language.ts';

/** An act of a receipt, by the names of today. `other`: its private part is not shown or names no moment that there is, or it is none of a resident's. */
export type HeldAct =
  | { act: 'request'; agency: Localized; service: Localized }
  /** `until`: its last second, ISO 8601 in UTC. */
  | { act: 'grant'; agency: Localized; service: Localized; claims: number; until: string }
  | { act: 'grant-end' | 'withdraw'; agency: Localized }
  | { act: 'facts-keep' | 'other' };

/** What a receipt proves. Moments are ISO 8601 in UTC. */
export type HeldOutcome =
  /** `at`: when the ledger was signed with it. `qr`: of a receipt that only waited, the whole one. */
  | { is: 'recorded'; reference: string; acts: HeldAct[]; at: string; isWitnessed: boolean; qr: string[] }
  /** Signed, whoever by, and not in the ledger; `asked` false: the hub could not say. `until`: then the signature lapses. */
  | { is: 'waiting'; reference: string; acts: HeldAct[]; until: string; asked: boolean }
  /** Not in the ledger, which takes it no more since `until`. */
  | { is: 'lapsed'; reference: string; acts: HeldAct[]; until: string }
  /** The complete list of a resident's entries. */
  | { is: 'list'; entries: number; at: string }
  /** Something went wrong while it was looked at: nothing is known of it. */
  | { is: 'unchecked' }
  /** `unknown-signer`: one that waits, signed with a key that the ledger does not know. */
  | { is: 'refused'; why: 'altered' | 'other-ledger' | 'damaged' | 'unknown-signer' };

/** A receipt whose codes are held under the scanner, one after the other. */
export interface HeldReceipt {
  seen: number;
  of: number;
  /** What the last one was instead: no code of a receipt, one of another receipt, one that does not read, or one that goes with a card. */
  problem: 'not-a-receipt' | 'another' | 'damaged' | 'needs-card' | null;
  outcome: HeldOutcome | null;
}
