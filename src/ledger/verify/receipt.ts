import { ok, type Failure, type Result } from '../../contract/result.ts';
import { openedPartShape, publicKeyShape } from './act-shapes.ts';
import type { ActKind, Body, OpenedPart, PrivatePart, PublicKey } from './acts.ts';
import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Cosignature } from './cosignature.ts';
import type { Crypto } from './crypto.ts';
import { keyId, openEnvelope, type OpenedEnvelope } from './envelope.ts';
import { verifyHead, type HeadFault, type Trust, type VerifiedHead } from './head.ts';
import { leafHash, verifyInclusion } from './merkle-log.ts';
import { opensAct } from './private-part.ts';
import { reference } from './reference.ts';
import { notWitnessed, receiptCheckpoint, receiptCheckpointShape, verifyReceiptCheckpoint, type ReceiptCheckpoint, type WitnessReport } from './receipt-witnesses.ts';
import { isBytes, isEither, isInt, isList, isMap, isOneOf, optional, type Shape } from './shape.ts';

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
  path: Uint8Array[];
  /** `encodeHead` of the head at the transaction's own height, or of a later one that witnesses have cosigned. */
  head: Uint8Array;
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

const receiptShape: Shape<Receipt> = isMap({
  v: isOneOf(1),
  envelope: isBytes(1, 65_536),
  keys: isList(publicKeyShape, 1, 16),
  parts: isList(isEither(openedPartShape, isOneOf(null)), 1, 16),
  index: isInt(0, Number.MAX_SAFE_INTEGER),
  path: isList(isBytes(32), 0, 53),
  head: isBytes(1, 262_144),
  checkpoint: optional(receiptCheckpointShape),
});

export const encodeReceipt = (receipt: Receipt): Uint8Array => encodeCbor(receipt);

/** Its form only; `verifyReceipt` says whether to believe it. */
export function decodeReceipt(bytes: Uint8Array): Receipt | undefined {
  const value = decodeCbor(bytes);
  return receiptShape(value) ? value : undefined;
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
  const head = verifyHead(receipt.head, trust, crypto);
  if (!head.ok) return head;
  const leaf = leafHash(receipt.envelope, crypto);
  if (!verifyInclusion({ leaf, index: receipt.index, size: head.value.logSize, path: receipt.path, root: head.value.logRoot }, crypto)) {
    return receiptFails('altered', 'not in the log');
  }
  const witnessed = receipt.checkpoint === undefined ? ok(notWitnessed) : verifyReceiptCheckpoint(receipt.checkpoint, head.value, trust.witnessing, crypto);
  if (!witnessed.ok) return receiptFails('altered', witnessed.failure.detail ?? witnessed.failure.code);
  return ok({ ...signed.value, index: receipt.index, head: head.value, witnessed: witnessed.value });
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
