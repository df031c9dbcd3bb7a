import type { TrustRoot } from '../../contract/hub-file.ts';
import { ok, type Failure, type Result } from '../../contract/result.ts';
import {
  appHash,
  headerHash,
  headerVersion,
  msOfTimestamp,
  validatorsHash,
  voteSignBytes,
  type BlockId,
  type Commit,
  type Header,
  type Timestamp,
  type Validator,
} from './block.ts';
import { equalBytes, fromBase64url } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { isBytes, isEither, isInt, isList, isMap, isOneOf, isTuple, type Shape, type Shaped } from './shape.ts';

/** Log and state after block h, and header h + 1 with the commit of it: there the app hash stands that binds them. */
export interface SignedHead {
  logRoot: Uint8Array;
  logSize: number;
  stateRoot: Uint8Array;
  header: Header;
  commit: Commit;
  validators: Validator[];
}

/** Whom a verifier believes, from which height on. */
export interface Trust {
  chain: string;
  height: number;
  validators: Validator[];
}

export interface VerifiedHead {
  chain: string;
  /** h: what log and state are after. */
  height: number;
  /** Time of header h + 1, Unix milliseconds. */
  timeMs: number;
  logRoot: Uint8Array;
  logSize: number;
  stateRoot: Uint8Array;
  /** Of header h + 1. */
  hash: Uint8Array;
}

/** It contradicts itself; or it is of a time before the trust root; or it is whole, and signed by others than those who are trusted. */
export type HeadFault = 'altered' | 'before-trust' | 'other-signers';

export interface HeadFailure extends Failure<'head-invalid'> {
  readonly fault: HeadFault;
}

const headFails = (fault: HeadFault, detail: string): { readonly ok: false; readonly failure: HeadFailure } => ({
  ok: false,
  failure: { code: 'head-invalid', detail, fault },
});

/** Throws where a key is not 32 bytes of base64url or stands there twice: a hub's file is checked before. */
export function trustOf(root: TrustRoot): Trust {
  const validators = root.validators.map(({ key, power }) => {
    const bytes = fromBase64url(key);
    if (bytes?.length !== 32) throw new TypeError('a validator key of the trust root is not 32 bytes');
    return { key: bytes, power };
  });
  if (repeatsKey(validators)) throw new TypeError('the trust root has a validator twice');
  return { chain: root.chain, height: root.height, validators };
}

/**
 * Deterministic CBOR. Of the header only what cannot be derived is carried: the chain is the verifier's own, `appHash` and `validatorsHash`
 * follow from what stands beside it. So no byte goes unchecked.
 */
export function encodeHead({ logRoot, logSize, stateRoot, header, commit, validators }: SignedHead): Uint8Array {
  return encodeCbor({
    logRoot,
    logSize,
    stateRoot,
    header: [
      header.height,
      header.time.seconds,
      header.time.nanos,
      header.lastBlockId === null ? null : [header.lastBlockId.hash, header.lastBlockId.parts.total, header.lastBlockId.parts.hash],
      header.lastCommitHash,
      header.dataHash,
      header.nextValidatorsHash,
      header.consensusHash,
      header.lastResultsHash,
      header.evidenceHash,
      header.proposerAddress,
    ],
    commit: [
      commit.round,
      commit.parts.total,
      commit.parts.hash,
      commit.signatures.map((entry) => (entry === null ? null : [entry.time.seconds, entry.time.nanos, entry.signature])),
    ],
    validators: validators.map(({ key, power }) => [key, power]),
  });
}

const isHash = isBytes(32);
const isSeconds = isInt(0, 2 ** 40);
const isNanos = isInt(0, 999_999_999);
const isTotal = isInt(1, 65_536);
type CarriedBlockId = [Uint8Array, number, Uint8Array];
const isBlockId: Shape<CarriedBlockId> = isTuple(isHash, isTotal, isHash);
const isSigned = isTuple<[number, number, Uint8Array]>(isSeconds, isNanos, isBytes(64));
const headShape = isMap({
  logRoot: isHash,
  logSize: isInt(0, Number.MAX_SAFE_INTEGER),
  stateRoot: isHash,
  header: isTuple<
    [number, number, number, CarriedBlockId | null, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  >(
    isInt(1, Number.MAX_SAFE_INTEGER),
    isSeconds,
    isNanos,
    isEither(isBlockId, isOneOf(null)),
    isHash,
    isHash,
    isHash,
    isHash,
    isHash,
    isHash,
    isBytes(20),
  ),
  commit: isTuple<[number, number, Uint8Array, ([number, number, Uint8Array] | null)[]]>(
    isInt(0, 2 ** 31 - 1),
    isTotal,
    isHash,
    isList(isEither(isSigned, isOneOf(null)), 1, 1000),
  ),
  validators: isList(isTuple<[Uint8Array, number]>(isHash, isInt(1, 2 ** 48)), 1, 1000),
});

/** `head-invalid`, with the reason for the journal. */
export function verifyHead(bytes: Uint8Array, trust: Trust, crypto: Crypto): Result<VerifiedHead, HeadFailure> {
  const carried = decodeCbor(bytes);
  if (!headShape(carried)) return headFails('altered', 'malformed');
  const head = assemble(carried, trust.chain, crypto);
  const { header, commit, validators } = head;
  if (header.height < trust.height) return headFails('before-trust', 'before the trust root');
  const hash = headerHash(header, crypto);
  const signed = verifyCommit({ chain: trust.chain, height: header.height, blockId: { hash, parts: commit.parts }, commit, validators, trusted: trust.validators }, crypto);
  if (!signed.ok) return signed;
  return ok({
    chain: trust.chain,
    height: header.height - 1,
    timeMs: msOfTimestamp(header.time),
    logRoot: head.logRoot,
    logSize: head.logSize,
    stateRoot: head.stateRoot,
    hash,
  });
}

function assemble(carried: Shaped<typeof headShape>, chain: string, crypto: Crypto): SignedHead {
  const { logRoot, logSize, stateRoot } = carried;
  const [height, seconds, nanos, last, lastCommitHash, dataHash, nextValidatorsHash, consensusHash, lastResultsHash, evidenceHash, proposerAddress] =
    carried.header;
  const [round, partsTotal, partsHash, signatures] = carried.commit;
  const validators = carried.validators.map(([key, power]) => ({ key, power }));
  const time: Timestamp = { seconds, nanos };
  const lastBlockId: BlockId | null = last === null ? null : { hash: last[0], parts: { total: last[1], hash: last[2] } };
  return {
    logRoot,
    logSize,
    stateRoot,
    validators,
    header: {
      version: headerVersion,
      chain,
      height,
      time,
      lastBlockId,
      lastCommitHash,
      dataHash,
      validatorsHash: validatorsHash(validators, crypto),
      nextValidatorsHash,
      consensusHash,
      appHash: appHash(logRoot, logSize, stateRoot, crypto),
      lastResultsHash,
      evidenceHash,
      proposerAddress,
    },
    commit: {
      round,
      parts: { total: partsTotal, hash: partsHash },
      signatures: signatures.map((entry) => (entry === null ? null : { time: { seconds: entry[0], nanos: entry[1] }, signature: entry[2] })),
    },
  };
}

/**
 * More than two thirds of the carried set's power *and* of the trusted set's power have to stand behind the block, and every signature that is
 * carried has to verify. So a set that changed step by step is believed as long as most of those trusted at first are still in it.
 */
export function verifyCommit(
  {
    chain,
    height,
    blockId,
    commit,
    validators,
    trusted,
  }: { chain: string; height: number; blockId: BlockId; commit: Commit; validators: readonly Validator[]; trusted: readonly Validator[] },
  crypto: Crypto,
): Result<null, HeadFailure> {
  if (commit.signatures.length !== validators.length) return headFails('altered', 'signatures and validators differ in number');
  if (repeatsKey(validators)) return headFails('altered', 'a validator twice');
  const signers: Validator[] = [];
  for (const [i, validator] of validators.entries()) {
    const entry = commit.signatures[i];
    if (entry === null || entry === undefined) continue;
    const message = voteSignBytes({ chain, height, round: commit.round, blockId, time: entry.time });
    if (!crypto.verify([-19, validator.key], message, entry.signature)) return headFails('altered', `signature of validator ${i}`);
    signers.push(validator);
  }
  if (!exceedsTwoThirds(power(signers), power(validators))) return headFails('altered', 'too little power signed');
  const trustedSigners = trusted.filter(({ key }) => signers.some((signer) => equalBytes(signer.key, key)));
  if (!exceedsTwoThirds(power(trustedSigners), power(trusted))) return headFails('other-signers', 'too little trusted power signed');
  return ok(null);
}

/** Its power would count twice. */
export const repeatsKey = (validators: readonly Validator[]): boolean =>
  validators.some(({ key }, i) => validators.slice(0, i).some((earlier) => equalBytes(earlier.key, key)));

const power = (validators: readonly Validator[]): bigint => validators.reduce((sum, validator) => sum + BigInt(validator.power), 0n);
const exceedsTwoThirds = (part: bigint, whole: bigint): boolean => 3n * part > 2n * whole;
