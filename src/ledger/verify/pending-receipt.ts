import { ok, type Result } from '../../contract/result.ts';
import { openedPartShape, publicKeyShape } from './act-shapes.ts';
import type { OpenedPart, PublicKey } from './acts.ts';
import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { openEnvelope } from './envelope.ts';
import type { Trust } from './head.ts';
import { decodeReceipt, openSigned, receiptFails, withParts, type ReceiptFailure, type ReceiptProof } from './receipt.ts';
import { isBytes, isEither, isList, isMap, isOneOf, type Shape } from './shape.ts';

/**
 * What a resident takes along while a request is signed and safe but in no block yet: a receipt without a place in the ledger. It shows what was
 * signed. It proves neither that the ledger has it nor, having no head to hang the keys on, whose keys signed.
 */
export interface PendingReceipt {
  v: 1;
  state: 'queued';
  envelope: Uint8Array;
  /** As in `Receipt`. */
  keys: PublicKey[];
  /** As in `Receipt`. */
  parts: (OpenedPart | null)[];
}

/** What holds together in it, and nothing of the ledger. */
export type PendingProof = Pick<ReceiptProof, 'reference' | 'transaction' | 'body' | 'acts' | 'signers'>;

const pendingShape: Shape<PendingReceipt> = isMap({
  v: isOneOf(1),
  state: isOneOf('queued'),
  envelope: isBytes(1, 65_536),
  keys: isList(publicKeyShape, 1, 16),
  parts: isList(isEither(openedPartShape, isOneOf(null)), 1, 16),
});

export const encodePendingReceipt = (pending: PendingReceipt): Uint8Array => encodeCbor(pending);

/** Its form only. */
export function decodePendingReceipt(bytes: Uint8Array): PendingReceipt | undefined {
  const value = decodeCbor(bytes);
  return pendingShape(value) ? value : undefined;
}

/** That it is whole, for this ledger, and signed by the keys that it carries. */
export function checkPendingReceipt(bytes: Uint8Array, trust: Pick<Trust, 'chain'>, crypto: Crypto): Result<PendingProof, ReceiptFailure> {
  const pending = decodePendingReceipt(bytes);
  if (pending === undefined) return receiptFails('not-a-receipt', 'malformed');
  const signed = openSigned(pending, trust, crypto);
  if (!signed.ok) return signed;
  const { reference, transaction, body, acts, signers } = signed.value;
  return ok({ reference, transaction, body, acts, signers });
}

/** The recorded receipt of the same transaction with the private parts that only the pending one has. undefined: it is of another, or none. */
export function completeReceipt(pending: PendingReceipt, recorded: Uint8Array, crypto: Crypto): Uint8Array | undefined {
  const receipt = decodeReceipt(recorded);
  if (receipt === undefined) return undefined;
  const [waited, stands] = [openEnvelope(pending.envelope, crypto), openEnvelope(receipt.envelope, crypto)];
  if (!waited.ok || !stands.ok || !equalBytes(waited.value.id, stands.value.id)) return undefined;
  return withParts(recorded, receipt.parts.map((part, act) => part ?? pending.parts[act] ?? null));
}
