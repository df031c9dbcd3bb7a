import type { RejectionCode } from '../contract/failures.ts';
import type { Result } from '../contract/result.ts';
import type { Body } from './verify/acts.ts';

/** What became of a transaction. `rejected` is final for this id in this state of things; a rejection changed nothing. */
export type TransactionState =
  | { state: 'unknown' }
  /** On the node's disk, not yet in a block. */
  | { state: 'queued' }
  | { state: 'recorded'; height: number; index: number }
  /** Recorded, and cosigned by as many outsiders as it takes (witnessed-ledger.ts). */
  | { state: 'witnessed'; height: number; index: number }
  | { state: 'rejected'; code: RejectionCode };

/** Values, null where there is none, each proven against one and the same signed head (verify/state-proof.ts, verify/head.ts). */
export interface ProvenRead {
  head: Uint8Array;
  entries: { value: Uint8Array | null; proof: Uint8Array }[];
}

export interface CommittedTransaction {
  id: Uint8Array;
  envelope: Uint8Array;
  body: Body;
  /** In the log. */
  index: number;
}

export interface CommittedBlock {
  height: number;
  /** Unix milliseconds: the block's own time, never this machine's. */
  timeMs: number;
  transactions: CommittedTransaction[];
}

/** One set of rules over any engine. All failures are `hub-storage`, or `hub-busy` where too much is queued. */
export interface Ledger {
  readonly chain: string;
  /** Answers once the transaction is fsynced (`queued`), or recorded before (idempotent by its id), or refused by the rules. */
  submit(envelope: Uint8Array): Promise<Result<TransactionState>>;
  state(transaction: Uint8Array): Promise<Result<TransactionState>>;
  /** Waits up to `waitMs` for the block; null: not recorded. Without private parts: `withParts` of verify/receipt.ts adds them. */
  receipt(transaction: Uint8Array, waitMs: number): Promise<Result<Uint8Array | null>>;
  /** As `receipt`, but resting on the head after this height; null: not recorded by then, or that head is not signed yet. */
  receiptAt(transaction: Uint8Array, height: number): Promise<Result<Uint8Array | null>>;
  /** The newest signed head. */
  head(): Promise<Result<Uint8Array>>;
  /** `encodeLightBlock` of the block of this height; null: there is none, or no more. */
  block(height: number): Promise<Result<Uint8Array | null>>;
  /** RFC 9162 §2.1.4.1, 1 ≤ first ≤ second: that the log of `second` entries begins with the one of `first`; null: it is not that long. */
  consistency(first: number, second: number): Promise<Result<Uint8Array[] | null>>;
  read(keys: readonly Uint8Array[]): Promise<Result<ProvenRead>>;
  /** Without proofs, for those who run this node and trust it. */
  values(keys: readonly Uint8Array[]): Promise<Result<(Uint8Array | null)[]>>;
  /**
   * Envelopes of the log from this place on, in order, at most 256 of them and none behind the newest head. Where other people's nodes are asked, they are
   * held against the proven log root, so none is left out or changed.
   */
  entries(from: number, count: number): Promise<Result<Uint8Array[]>>;
  /** After each commit, in order of height. Returns what ends the listening. */
  onBlock(listener: (block: CommittedBlock) => void): () => void;
  /** Everything acknowledged is in the file; nothing is accepted any more. */
  close(): Promise<void>;
}
