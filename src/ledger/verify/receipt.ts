import { ok, type Failure, type Result } from '../../contract/result.ts';
import { openedPartShape, publicKeyShape } from './act-shapes.ts';
import type { ActKind, Body, OpenedPart, PrivatePart, PublicKey } from './acts.ts';
import { concatBytes, equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Cosignature } from './cosignature.ts';
import type { Crypto } from './crypto.ts';
import { keyId, openEnvelope, type OpenedEnvelope } from './envelope.ts';
import type { HeadFault, SignedHead, Trust, VerifiedHead } from './head.ts';
import { inclusionRoot, leafHash } from './merkle-log.ts';
import { opensAct } from './private-part.ts';
import { receiptHead, receiptHeadShape, split, verifyReceiptHead, type ReceiptHead } from './receipt-head.ts';
import { reference } from './reference.ts';
import { notWitnessed, receiptCheckpoint, receiptCheckpointShape, verifyReceiptCheckpoint, type ReceiptCheckpoint, type WitnessReport } from './receipt-witnesses.ts';
import { isBytes, isEither, isInt, isList, isOneOf, isTuple, type Shape } from './shape.ts';

/** Everything that a stranger needs to check, offline, that a transaction stands in the ledger. */
export interface Receipt {
  v: 1;
  envelope: Uint8Array;
  /** The signers' public keys, in the envelope's order; the envelope itself names them by `keyId`. */
  keys: PublicKey[];
  /** One an act: its private part, or null where it has none or the bearer does not show it. */
  parts: (OpenedPart | null)[];
  /** In the log. */
  index: number;
  /** To the root after `head`'s block: the hashes one behind the other, 32 bytes each. */
  path: Uint8Array;
  /** At the transaction's own height, or a later one that witnesses have cosigned. */
  head: ReceiptHead;
  /** Left out where no witness has. */
  checkpoint?: ReceiptCheckpoint;
}

/** What a receipt proves, as data. */
export interface ReceiptProof {
  reference: string;
  transaction: Uint8Array;
  body: Body;
  acts: { kind: ActKind; part: PrivatePart | null }[];
  /** Who signed, in the envelope's order. */
  signers: PublicKey[];
  /** In the log. */
  index: number;
  head: VerifiedHead;
  witnessed: WitnessReport;
}

/** `other-ledger` is what the receipt says of itself: nothing of it is proven by then. */
export type ReceiptFault = HeadFault | 'not-a-receipt' | 'other-ledger' | 'part-altered';

export interface ReceiptFailure extends Failure<'proof-invalid' | 'head-invalid'> {
  readonly fault: ReceiptFault;
}

export const receiptFails = (fault: ReceiptFault, detail: string): { readonly ok: false; readonly failure: ReceiptFailure } => ({
  ok: false,
  failure: { code: 'proof-invalid', detail, fault },
});

/** Its members without their names, so that it fits into three codes; the last one is left out where nobody has cosigned. */
type CarriedReceipt = [
  v: Receipt['v'],
  envelope: Uint8Array,
  keys: PublicKey[],
  parts: Receipt['parts'],
  index: number,
  path: Uint8Array,
  head: ReceiptHead,
];

type ShapesOf<T extends readonly unknown[]> = { [I in keyof T]: Shape<T[I]> };
const memberShapes: ShapesOf<CarriedReceipt> = [
  isOneOf(1),
  isBytes(1, 65_536),
  isList(publicKeyShape, 1, 16),
  isList(isEither(openedPartShape, isOneOf(null)), 1, 16),
  isInt(0, Number.MAX_SAFE_INTEGER),
  isBytes(0, 53 * 32),
  receiptHeadShape,
];
const plainShape = isTuple<CarriedReceipt>(...memberShapes);
const cosignedShape = isTuple<[...CarriedReceipt, ReceiptCheckpoint]>(...memberShapes, receiptCheckpointShape);

export function encodeReceipt({ v, envelope, keys, parts, index, path, head, checkpoint }: Receipt): Uint8Array {
  const plain: CarriedReceipt = [v, envelope, keys, parts, index, path, head];
  return encodeCbor(checkpoint === undefined ? plain : [...plain, checkpoint]);
}

/** What the ledger has of a transaction. `path`: its inclusion proof to the head's log size; `acts`: how many. */
export interface RecordedTransaction {
  envelope: Uint8Array;
  keys: PublicKey[];
  acts: number;
  index: number;
  path: readonly Uint8Array[];
}

/** As it is handed out: without private parts and cosignatures. */
export function encodeBareReceipt({ envelope, keys, acts, index, path }: RecordedTransaction, head: Omit<SignedHead, 'logRoot'>, crypto: Crypto): Uint8Array {
  const parts = Array.from({ length: acts }, () => null);
  return encodeReceipt({ v: 1, envelope, keys, parts, index, path: concatBytes(...path), head: receiptHead(head, crypto) });
}

/** Its form only; `verifyReceipt` says whether to believe it. */
export function decodeReceipt(bytes: Uint8Array): Receipt | undefined {
  const carried: unknown = decodeCbor(bytes);
  if (!plainShape(carried) && !cosignedShape(carried)) return undefined;
  const [v, envelope, keys, parts, index, path, head, checkpoint] = carried;
  const plain: Receipt = { v, envelope, keys, parts, index, path, head };
  return checkpoint === undefined ? plain : { ...plain, checkpoint };
}

/** The hub gives a receipt without private parts; who knows them adds them, one an act. undefined: not a receipt, or another number of acts. */
export function withParts(bytes: Uint8Array, parts: readonly (OpenedPart | null)[]): Uint8Array | undefined {
  const receipt = decodeReceipt(bytes);
  if (receipt === undefined || receipt.parts.length !== parts.length) return undefined;
  return encodeReceipt({ ...receipt, parts: [...parts] });
}

/** Of a receipt that rests on the head which they cosigned. undefined: not a receipt. */
export function withCosignatures(bytes: Uint8Array, origin: string, cosignatures: readonly Cosignature[]): Uint8Array | undefined {
  const receipt = decodeReceipt(bytes);
  return receipt && encodeReceipt({ ...receipt, checkpoint: receiptCheckpoint(origin, cosignatures) });
}

/** `proof-invalid` or `head-invalid`, with the reason as detail. Every byte that is carried has been held against something signed. */
export function verifyReceipt(bytes: Uint8Array, trust: Trust, crypto: Crypto): Result<ReceiptProof, ReceiptFailure> {
  const receipt = decodeReceipt(bytes);
  if (receipt === undefined) return receiptFails('not-a-receipt', 'malformed');
  const signed = openSigned(receipt, trust, crypto);
  if (!signed.ok) return signed;
  const logRoot = logRootOf(receipt, crypto);
  if (logRoot === undefined) return receiptFails('altered', 'not in the log');
  const head = verifyReceiptHead(receipt.head, logRoot, trust, crypto);
  if (!head.ok) return head;
  const witnessed = receipt.checkpoint === undefined ? ok(notWitnessed) : verifyReceiptCheckpoint(receipt.checkpoint, head.value, trust.witnessing, crypto);
  if (!witnessed.ok) return receiptFails('altered', witnessed.failure.detail ?? witnessed.failure.code);
  return ok({ ...signed.value, index: receipt.index, head: head.value, witnessed: witnessed.value });
}

/** To which the path leads; that it was signed is not known by this. undefined: no path of a log of that size. */
export function logRootOf({ envelope, index, path, head: [size] }: Receipt, crypto: Crypto): Uint8Array | undefined {
  return inclusionRoot({ leaf: leafHash(envelope, crypto), index, size, path: split(path, 32) }, crypto);
}

/** What a receipt carries of the transaction itself: whole, for this ledger, opened by its private parts and signed by the keys beside it. */
export function openSigned(
  { envelope, keys, parts }: Pick<Receipt, 'envelope' | 'keys' | 'parts'>,
  trust: Pick<Trust, 'chain'>,
  crypto: Crypto,
): Result<Omit<ReceiptProof, 'index' | 'head' | 'witnessed'>, ReceiptFailure> {
  const opened = openEnvelope(envelope, crypto);
  if (!opened.ok) return receiptFails('altered', opened.failure.code);
  const { body, id } = opened.value;
  if (body.chain !== trust.chain) return receiptFails('other-ledger', 'another chain');
  if (!partsOpen(body, parts, crypto)) return receiptFails('part-altered', 'a private part');
  if (!signaturesHold(opened.value, keys, crypto)) return receiptFails('altered', 'a signature of the transaction');
  return ok({
    reference: reference(id),
    transaction: id,
    body,
    acts: body.acts.map((act, i) => ({ kind: act.kind, part: parts[i]?.part ?? null })),
    signers: keys,
  });
}

function signaturesHold(envelope: OpenedEnvelope, keys: readonly PublicKey[], crypto: Crypto): boolean {
  return (
    keys.length === envelope.signers.length &&
    envelope.signers.every((signer, i) => {
      const key = keys[i];
      return (
        key !== undefined &&
        key[0] === signer.alg &&
        equalBytes(keyId(key, crypto), signer.kid) &&
        crypto.verify(key, signer.input, signer.signature)
      );
    })
  );
}

function partsOpen(body: Body, parts: readonly (OpenedPart | null)[], crypto: Crypto): boolean {
  return (
    parts.length === body.acts.length &&
    body.acts.every((act, i) => {
      const opened = parts[i] ?? null;
      return opened === null || ('private' in act && opensAct(act, opened, crypto));
    })
  );
}
