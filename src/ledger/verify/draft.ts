import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import { publicKeyShape } from './act-shapes.ts';
import type { Body, PublicKey } from './acts.ts';
import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { assembleEnvelope, encodeBody, mostSigners, openEnvelope, signatureInput, transactionId } from './envelope.ts';
import { isBytes, isEither, isMap, isList, isOneOf, type Shape } from './shape.ts';

/**
 * A transaction that not all of its signers have signed. Each signs a structure that says whether there are several, so they are named before the
 * first one signs: who countersigns is part of the draft, and nobody else can.
 */
export interface Draft {
  v: 1;
  body: Uint8Array;
  signers: PublicKey[];
  /** One a signer, in their order; null: not yet. */
  signatures: (Uint8Array | null)[];
  /** One more is to sign, whose key is not known yet (`withSigner`): whoever signs until then signs as one of several. Never encoded. */
  open?: true;
}

export const newDraft = (body: Body, signers: readonly PublicKey[]): Draft => ({ v: 1, body: encodeBody(body), signers: [...signers], signatures: signers.map(() => null) });

/** For acts whose last signer is whoever comes. */
export const newOpenDraft = (body: Body, signers: readonly PublicKey[]): Draft => ({ ...newDraft(body, signers), open: true });

/** The last signer has come. */
export const withSigner = ({ open: _, ...draft }: Draft, key: PublicKey): Draft => ({ ...draft, signers: [...draft.signers, key], signatures: [...draft.signatures, null] });

export const draftId = (draft: Draft, crypto: Crypto): Uint8Array => transactionId(draft.body, crypto);

const samePublicKey = (a: PublicKey, b: PublicKey): boolean => a[0] === b[0] && equalBytes(a[1], b[1]);

/** What this key is to sign; undefined: it is none of the signers. */
export function inputFor(draft: Draft, key: PublicKey, crypto: Crypto): Uint8Array | undefined {
  const index = draft.signers.findIndex((one) => samePublicKey(one, key));
  const body = bodyOf(draft, crypto);
  const signers = draft.open === true ? [...draft.signers, key] : draft.signers;
  return index === -1 || !body.ok ? undefined : signatureInput(draft.body, body.value.chain, signers, index, crypto);
}

/** `signer-superfluous`: not one of the draft's signers. `signature-invalid`: not over this draft, or not by this key. The draft itself stays as it is. */
export function withSignature(draft: Draft, key: PublicKey, signature: Uint8Array, crypto: Crypto): Result<Draft, Failure<RejectionCode>> {
  const input = inputFor(draft, key, crypto);
  if (input === undefined) return fail('signer-superfluous');
  if (!crypto.verify(key, input, signature)) return fail('signature-invalid');
  return ok({ ...draft, signatures: draft.signatures.map((known, index) => (samePublicKey(draft.signers[index] ?? key, key) ? signature : known)) });
}

/** The envelope; null while a signature is missing, or a signer. */
export function completed(draft: Draft, crypto: Crypto): Uint8Array | null {
  if (draft.open === true) return null;
  const signed: { key: PublicKey; signature: Uint8Array }[] = [];
  for (const [index, key] of draft.signers.entries()) {
    const signature = draft.signatures[index];
    if (signature === null || signature === undefined) return null;
    signed.push({ key, signature });
  }
  return assembleEnvelope(draft.body, signed, crypto);
}

/** The body, read as strictly as an envelope's. */
export function bodyOf(draft: Draft, crypto: Crypto): Result<Body, Failure<RejectionCode>> {
  const filled = assembleEnvelope(draft.body, draft.signers.map((key) => ({ key, signature: new Uint8Array(64) })), crypto);
  const opened = openEnvelope(filled, crypto);
  return opened.ok ? ok(opened.value.body) : opened;
}

export const encodeDraft = (draft: Draft): Uint8Array => encodeCbor(draft);

const draftLimitBytes = 65_535;
const draftShape: Shape<Draft> = isMap({
  v: isOneOf(1),
  body: isBytes(1, draftLimitBytes),
  signers: isList(publicKeyShape, 2, mostSigners),
  signatures: isList(isEither(isBytes(64), isOneOf(null)), 2, mostSigners),
});

/** undefined: not a draft, or one whose signatures do not verify. */
export function decodeDraft(bytes: Uint8Array, crypto: Crypto): Draft | undefined {
  const value = decodeCbor(bytes);
  if (!draftShape(value) || value.signers.length !== value.signatures.length || !bodyOf(value, crypto).ok) return undefined;
  const sound = value.signatures.every((signature, index) => {
    const key = value.signers[index];
    if (signature === null || key === undefined) return key !== undefined;
    return withSignature(value, key, signature, crypto).ok;
  });
  return sound ? value : undefined;
}
