import type { TrustRoot } from '../../contract/hub-file.ts';
import { ok, type Failure, type Result } from '../../contract/result.ts';
import { appHash, headerHash, msOfTimestamp, voteSignBytes, type BlockId, type Commit, type Validator } from './block.ts';
import { equalBytes, fromBase64url } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { carriedShapes, carry, unpack, type LightBlock } from './light-block.ts';
import type { Witnessing } from './receipt-witnesses.ts';
import { isBytes, isInt, isMap } from './shape.ts';
import { isUnsignedChain } from './unsigned-chain.ts';

/** Log and state after block h, and header h + 1 with the commit of it: there the app hash stands that binds them. */
export interface SignedHead extends LightBlock {
  logRoot: Uint8Array;
  logSize: number;
  stateRoot: Uint8Array;
}

/** Who signed the heights `from` to `until`, before they handed the ledger on (handover.ts). */
export interface Era {
  from: number;
  until: number;
  validators: Validator[];
}

/** Whom a verifier believes, from which height on. */
export interface Trust {
  chain: string;
  height: number;
  validators: Validator[];
  /** Left out: none. */
  earlier?: Era[];
  /** Left out: nobody outside is believed to have seen anything. */
  witnessing?: Witnessing;
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

export const headFails = (fault: HeadFault, detail: string): { readonly ok: false; readonly failure: HeadFailure } => ({
  ok: false,
  failure: { code: 'head-invalid', detail, fault },
});

/** Throws where a key is not 32 bytes of base64url, where one stands there twice, and where more witnesses are wanted than there are: a hub's file is checked before. */
export function trustOf({ chain, height, validators: carried, witnessing }: Omit<TrustRoot, 'trustingPeriodMs'>): Trust {
  if (isUnsignedChain(chain)) throw new TypeError('nobody trusts a chain that was filled without signatures');
  const validators = carried.map(({ key, power }) => ({ key: keyOf(key, 'validator'), power }));
  if (repeatsKey(validators)) throw new TypeError('the trust root has a validator twice');
  const trust: Trust = { chain, height, validators };
  if (witnessing === undefined) return trust;
  const { origin, threshold } = witnessing;
  const witnesses = witnessing.witnesses.map(({ name, key }) => ({ name, key: keyOf(key, 'witness') }));
  const repeatsWitness = witnesses.some(({ key }, i) => witnesses.slice(0, i).some((earlier) => equalBytes(earlier.key, key)));
  if (repeatsWitness || threshold > witnesses.length) throw new TypeError('the trust root has a witness twice, or too few of them');
  return { ...trust, witnessing: { origin, threshold, witnesses } };
}

function keyOf(encoded: string, whose: string): Uint8Array {
  const key = fromBase64url(encoded);
  if (key?.length !== 32) throw new TypeError(`a ${whose} key of the trust root is not 32 bytes`);
  return key;
}

/**
 * Deterministic CBOR. Of the header only what cannot be derived is carried: the chain is the verifier's own, `appHash` and `validatorsHash`
 * follow from what stands beside it. So no byte goes unchecked.
 */
export const encodeHead = (head: SignedHead): Uint8Array =>
  encodeCbor({ logRoot: head.logRoot, logSize: head.logSize, stateRoot: head.stateRoot, ...carry(head) });

const isHash = isBytes(32);
const headShape = isMap({ logRoot: isHash, logSize: isInt(0, Number.MAX_SAFE_INTEGER), stateRoot: isHash, ...carriedShapes });

/** Its form only; undefined: not a head. */
export function decodeHead(bytes: Uint8Array, chain: string, crypto: Crypto): SignedHead | undefined {
  const carried = decodeCbor(bytes);
  if (!headShape(carried)) return undefined;
  const { logRoot, logSize, stateRoot } = carried;
  return { logRoot, logSize, stateRoot, ...unpack(carried, chain, appHash(logRoot, logSize, stateRoot, crypto), crypto) };
}

/** What a head says, once it was verified. */
export const saidBy = ({ header, logRoot, logSize, stateRoot }: SignedHead, hash: Uint8Array): VerifiedHead => ({
  chain: header.chain,
  height: header.height - 1,
  timeMs: msOfTimestamp(header.time),
  logRoot,
  logSize,
  stateRoot,
  hash,
});

/** Who has to have signed a header of this height. undefined: it is of a time before the trust root. */
export const trustedAt = (height: number, trust: Trust): Validator[] | undefined =>
  height >= trust.height ? trust.validators : trust.earlier?.find(({ from, until }) => from <= height && height <= until)?.validators;

/** `head-invalid`, with the reason for the journal. */
export function verifyHead(bytes: Uint8Array, trust: Trust, crypto: Crypto): Result<VerifiedHead, HeadFailure> {
  const head = decodeHead(bytes, trust.chain, crypto);
  if (head === undefined) return headFails('altered', 'malformed');
  const { header, commit, validators } = head;
  const trusted = trustedAt(header.height, trust);
  if (trusted === undefined) return headFails('before-trust', 'before the trust root');
  const hash = headerHash(header, crypto);
  const signed = verifyCommit({ chain: trust.chain, height: header.height, blockId: { hash, parts: commit.parts }, commit, validators, trusted }, crypto);
  return signed.ok ? ok(saidBy(head, hash)) : signed;
}

export interface CommitToCheck {
  chain: string;
  height: number;
  blockId: BlockId;
  commit: Commit;
  /** Whose hash stands in the header, or is held against it by the caller. */
  validators: readonly Validator[];
}

/** Who signed: more than two thirds of the carried set's power, and every signature that is carried verifies. */
export function verifiedSigners({ chain, height, blockId, commit, validators }: CommitToCheck, crypto: Crypto): Result<Validator[], HeadFailure> {
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
  return exceeds(power(signers), 2n, power(validators)) ? ok(signers) : headFails('altered', 'too little power signed');
}

/**
 * More than two thirds of the carried set's power *and* of the trusted set's power have to stand behind the block. So a set that changed step by
 * step is believed as long as most of those trusted at first are still in it. It is the rule for receipts: who checks one offline has neither the
 * headers between the root and it nor a clock that says how old the root is, so the third that is enough for a running light client
 * (light-client.ts, within its trusting period) would let a few keys that were retired long ago make receipts.
 */
export function verifyCommit({ trusted, ...block }: CommitToCheck & { trusted: readonly Validator[] }, crypto: Crypto): Result<null, HeadFailure> {
  const signers = verifiedSigners(block, crypto);
  if (!signers.ok) return signers;
  return exceeds(powerOf(signers.value, trusted), 2n, power(trusted)) ? ok(null) : headFails('other-signers', 'too little trusted power signed');
}

/** Its power would count twice. */
export const repeatsKey = (validators: readonly Validator[]): boolean =>
  validators.some(({ key }, i) => validators.slice(0, i).some((earlier) => equalBytes(earlier.key, key)));

export const power = (validators: readonly Validator[]): bigint => validators.reduce((sum, validator) => sum + BigInt(validator.power), 0n);

/** By the powers of `trusted`: what those of it weigh that are among the signers. */
export const powerOf = (signers: readonly Validator[], trusted: readonly Validator[]): bigint =>
  power(trusted.filter(({ key }) => signers.some((signer) => equalBytes(signer.key, key))));

/** More than so many thirds. */
export const exceeds = (part: bigint, thirds: 1n | 2n, whole: bigint): boolean => 3n * part > thirds * whole;
