import type { TrustRoot } from '../../contract/hub-file.ts';
import { ok, type Failure, type Result } from '../../contract/result.ts';
import type { Validator } from './block.ts';
import { concatBytes, fromBase64url, utf8 } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { exceeds, power, repeatsKey, trustOf, type Trust } from './head.ts';
import { isBytes, isEither, isInt, isList, isMap, isOneOf, isTuple } from './shape.ts';

/**
 * What a ledger's validators sign last, after the block of a height: from the next one on others sign, and they begin with this log and this state.
 * Nobody who signed it signs a block after it.
 */
export interface HandoverStatement {
  chain: string;
  /** Of the last block, and its hash. */
  height: number;
  hash: Uint8Array;
  logRoot: Uint8Array;
  logSize: number;
  /** With the new validators in it. */
  stateRoot: Uint8Array;
  /** In CometBFT's order: by power, the greatest first, then by address. */
  validators: Validator[];
}

export interface Handover extends HandoverStatement {
  /** One entry an old validator, in their set's order; null where it has not signed. */
  signatures: (Uint8Array | null)[];
}

const contentOf = ({ height, hash, logRoot, logSize, stateRoot, validators }: HandoverStatement) => ({
  height,
  hash,
  logRoot,
  logSize,
  stateRoot,
  validators: validators.map(({ key, power: weight }) => [key, weight]),
});

/** `imi/handover/1` ‖ 0x00 ‖ deterministic CBOR of `[chain, { height, hash, logRoot, logSize, stateRoot, validators: [[key, power] …] }]`. No vote begins so (its second byte is 0x08). */
export const handoverSignBytes = (statement: HandoverStatement): Uint8Array =>
  concatBytes(utf8('imi/handover/1'), Uint8Array.of(0), encodeCbor([statement.chain, contentOf(statement)]));

/** Deterministic CBOR of the map that is signed, and `signatures`; the chain is the verifier's own. */
export const encodeHandover = (handover: Handover): Uint8Array => encodeCbor({ ...contentOf(handover), signatures: handover.signatures });

const isHash = isBytes(32);
const isCount = isInt(1, Number.MAX_SAFE_INTEGER);
const handoverShape = isMap({
  height: isCount,
  hash: isHash,
  logRoot: isHash,
  logSize: isInt(0, Number.MAX_SAFE_INTEGER),
  stateRoot: isHash,
  validators: isList(isTuple<[Uint8Array, number]>(isHash, isInt(1, 2 ** 48)), 1, 1000),
  signatures: isList(isEither(isBytes(64), isOneOf(null)), 1, 1000),
});

/** Its form only; undefined: not a handover. */
export function decodeHandover(bytes: Uint8Array, chain: string): Handover | undefined {
  const carried = decodeCbor(bytes);
  if (!handoverShape(carried)) return undefined;
  const validators = carried.validators.map(([key, weight]) => ({ key, power: weight }));
  return repeatsKey(validators) ? undefined : { ...carried, chain, validators };
}

/** More than two thirds of those before have signed it, and every signature that is carried verifies. */
export function verifyHandover(bytes: Uint8Array, before: { chain: string; validators: readonly Validator[] }, crypto: Crypto): Result<Handover, Failure<'head-invalid'>> {
  const refused = (detail: string): { readonly ok: false; readonly failure: Failure<'head-invalid'> } => ({ ok: false, failure: { code: 'head-invalid', detail: `handover: ${detail}` } });
  const handover = decodeHandover(bytes, before.chain);
  if (handover === undefined) return refused('malformed');
  if (handover.signatures.length !== before.validators.length) return refused('signatures and validators differ in number');
  const message = handoverSignBytes(handover);
  const signers: Validator[] = [];
  for (const [i, validator] of before.validators.entries()) {
    const signature = handover.signatures[i] ?? null;
    if (signature === null) continue;
    if (!crypto.verify([-19, validator.key], message, signature)) return refused(`signature of validator ${i}`);
    signers.push(validator);
  }
  return exceeds(power(signers), 2n, power(before.validators)) ? ok(handover) : refused('too little power signed');
}

/**
 * A trust root with its handovers, each of which those before it have signed: who signs by now, and who signed which heights before.
 * Throws as `trustOf`, and where a handover is not theirs, or not later than the one before it.
 */
export function trustThrough({ handovers = [], ...root }: Omit<TrustRoot, 'trustingPeriodMs'>, crypto: Crypto): Trust {
  let trust = trustOf(root);
  for (const encoded of handovers) {
    const handover = verifyHandover(fromBase64url(encoded) ?? new Uint8Array(), trust, crypto);
    if (!handover.ok) throw new TypeError(`the trust root has a handover that is not of those before it: ${handover.failure.detail ?? ''}`);
    const { height, validators } = handover.value;
    if (height < trust.height) throw new TypeError('the trust root has its handovers in another order');
    const { earlier = [], ...before } = trust;
    trust = { ...before, height: height + 1, validators, earlier: [...earlier, { from: trust.height, until: height, validators: trust.validators }] };
  }
  return trust;
}
