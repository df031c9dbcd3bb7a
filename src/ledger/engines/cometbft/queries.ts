import { rejectionCodes, type RejectionCode } from '../../../contract/failures.ts';
import { never } from '../../../contract/result.ts';
import type { LedgerApplication, ReceiptMaterial, ReceiptPlace, Tip } from '../../application.ts';
import { LedgerDamage } from '../../damage.ts';
import type { TransactionState } from '../../ledger.ts';
import { publicKeyShape } from '../../verify/act-shapes.ts';
import { decodeCbor, encodeCbor, type CborValue } from '../../verify/cbor.ts';
import { isBytes, isEither, isInt, isList, isMap, isOneOf, isText, type Shape } from '../../verify/shape.ts';
import type { NodeCheckpoint } from './node-checkpoint.ts';

/**
 * What a node's application is asked over ABCI's Query (`abci_query` of CometBFT's RPC): a path, and deterministic CBOR both ways. Answers are as
 * the newest committed block left things; they carry what a light client holds against a signed header, and are not believed without it.
 */

/** Values, null where there is none, with proofs (verify/state-proof.ts) against `tip.stateRoot`; `tip` is the newest. */
export interface StateAnswer {
  tip: Tip;
  entries: { value: Uint8Array | null; proof: Uint8Array }[];
}

/** `queued` is not among them: an application does not know what waits in its node's mempool. */
export type TransactionAnswer = Exclude<TransactionState, { state: 'queued' }>;

export interface Queries {
  /** After the block of this height, or the newest. null: none, or not of this node's time. */
  '/tip': { ask: number | 'newest'; answer: Tip | null };
  /** Up to 1000 keys of the state. */
  '/state': { ask: readonly Uint8Array[]; answer: StateAnswer };
  /** A transaction's id. */
  '/transaction': { ask: Uint8Array; answer: TransactionAnswer };
  /** null: not recorded, or not by then. */
  '/receipt': { ask: { transaction: Uint8Array; place: ReceiptPlace }; answer: ReceiptMaterial | null };
  /** RFC 9162 §2.1.4.1, 1 ≤ first ≤ second. null: the log is shorter. */
  '/log/consistency': { ask: { first: number; second: number }; answer: Uint8Array[] | null };
  /** Envelopes from an index on, 256 at most, as many as there are. */
  '/log/entries': { ask: { from: number; count: number }; answer: Uint8Array[] };
  /** This node's signature under the checkpoint after the block of this height. null: none, none of those that it knows to be right, or it signs no checkpoints. */
  '/checkpoint': { ask: number; answer: NodeCheckpoint | null };
}
export type QueryPath = keyof Queries;

const isSize = isInt(0, Number.MAX_SAFE_INTEGER);
const isHash = isBytes(32);
const isPlace: Shape<ReceiptPlace> = isEither(isOneOf('own', 'newest'), isSize);
const isTip: Shape<Tip> = isMap({ height: isSize, timeMs: isSize, logSize: isSize, logRoot: isHash, stateRoot: isHash });
const isEnvelope = isBytes(1, 65_536);
/** No record of the state is near it, and no proof. */
const mostValueBytes = 16_777_216;

const asks: { readonly [P in QueryPath]: Shape<Queries[P]['ask']> } = {
  '/tip': isEither(isSize, isOneOf('newest')),
  '/state': isList(isBytes(1, 256), 0, 1000),
  '/transaction': isHash,
  '/receipt': isMap({ transaction: isHash, place: isPlace }),
  '/log/consistency': isMap({ first: isInt(1, Number.MAX_SAFE_INTEGER), second: isInt(1, Number.MAX_SAFE_INTEGER) }),
  '/log/entries': isMap({ from: isSize, count: isInt(1, 256) }),
  '/checkpoint': isSize,
};

const answers: { readonly [P in QueryPath]: Shape<Queries[P]['answer']> } = {
  '/tip': isEither(isTip, isOneOf(null)),
  '/state': isMap({
    tip: isTip,
    entries: isList(isMap({ value: isEither(isBytes(0, mostValueBytes), isOneOf(null)), proof: isBytes(1, 65_536) }), 0, 1000),
  }),
  '/transaction': isEither(
    isEither(isMap({ state: isOneOf('unknown') }), isMap({ state: isOneOf('recorded'), height: isSize, index: isSize })),
    isMap({ state: isOneOf('rejected'), code: isOneOf(...rejectionCodes) }),
  ),
  '/receipt': isEither(
    isMap({
      envelope: isEnvelope,
      keys: isList(publicKeyShape, 1, 16),
      acts: isInt(1, 16),
      index: isSize,
      path: isList(isHash, 0, 53),
      tip: isTip,
    }),
    isOneOf(null),
  ),
  '/log/consistency': isEither(isList(isHash, 0, 106), isOneOf(null)),
  '/log/entries': isList(isEnvelope, 0, 256),
  '/checkpoint': isEither(isMap({ origin: isText(/^[^\s+]{1,200}$/), key: isHash, signature: isBytes(64) }), isOneOf(null)),
};

const isQueryPath = (path: string): path is QueryPath => Object.hasOwn(asks, path);

/** The `data` of a query. */
export const encodeAsk = <P extends QueryPath>(_path: P, ask: Queries[P]['ask']): Uint8Array => encodeCbor(ask);

/** The `value` that was answered. undefined: not what this path answers. Its proofs are not checked by this. */
export function decodeAnswer<P extends QueryPath>(path: P, value: Uint8Array): Queries[P]['answer'] | undefined {
  const answer: CborValue | undefined = decodeCbor(value);
  return answers[path](answer) ? answer : undefined;
}

/**
 * `refusal`: what is remembered of transactions that were refused, which is no part of the ledger. `checkpointAt`: null where none is signed.
 * undefined: no such path, or data that is not of its form.
 */
export function answerQuery(
  application: LedgerApplication,
  { path, data }: { path: string; data: Uint8Array },
  refusal: (transaction: Uint8Array) => RejectionCode | undefined,
  checkpointAt: (height: number) => NodeCheckpoint | null = () => null,
): Uint8Array | undefined {
  if (!isQueryPath(path)) return undefined;
  const ask = decodeCbor(data);
  switch (path) {
    case '/tip':
      return asks[path](ask) ? encodeCbor(tipFor(application, ask)) : undefined;
    case '/state':
      return asks[path](ask) ? encodeCbor(stateFor(application, ask)) : undefined;
    case '/transaction':
      return asks[path](ask) ? encodeCbor(transactionFor(application, ask, refusal)) : undefined;
    case '/receipt':
      return asks[path](ask) ? encodeCbor(application.receiptMaterial(ask.transaction, ask.place) ?? null) : undefined;
    case '/log/consistency':
      return asks[path](ask) ? encodeCbor(consistencyFor(application, ask)) : undefined;
    case '/log/entries':
      return asks[path](ask) ? encodeCbor(entriesFor(application, ask)) : undefined;
    case '/checkpoint':
      return asks[path](ask) ? encodeCbor(checkpointAt(ask)) : undefined;
  }
  return never(path);
}

const tipFor = (application: LedgerApplication, height: number | 'newest'): Tip | null =>
  height === 'newest' ? application.tip() : (application.tipAt(height) ?? null);

const stateFor = (application: LedgerApplication, keys: readonly Uint8Array[]): StateAnswer => ({
  tip: application.tip(),
  entries: keys.map((key) => ({ value: application.tree.get(key) ?? null, proof: application.tree.prove(key) })),
});

function transactionFor(application: LedgerApplication, id: Uint8Array, refusal: (transaction: Uint8Array) => RejectionCode | undefined): TransactionAnswer {
  const entry = application.entry(id);
  if (entry !== undefined) return { state: 'recorded', height: entry.height, index: entry.index };
  const code = refusal(id);
  return code === undefined ? { state: 'unknown' } : { state: 'rejected', code };
}

function consistencyFor(application: LedgerApplication, { first, second }: { first: number; second: number }): Uint8Array[] | null {
  return first > second || second > application.tip().logSize ? null : application.log.consistencyPath(first, second);
}

function entriesFor(application: LedgerApplication, { from, count }: { from: number; count: number }): Uint8Array[] {
  const end = Math.min(from + count, application.tip().logSize);
  return Array.from({ length: Math.max(0, end - from) }, (_, i) => {
    const entry = application.log.at(from + i);
    if (entry === undefined) throw new LedgerDamage(`log entry ${from + i} is missing`);
    return entry.envelope;
  });
}
