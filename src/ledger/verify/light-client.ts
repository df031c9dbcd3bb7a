import { ok, type Failure, type Result } from '../../contract/result.ts';
import { headerHash, msOfTimestamp, validatorsHash, type Timestamp } from './block.ts';
import { equalBytes } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { exceeds, power, powerOf, verifiedSigners, verifyCommit, type Trust } from './head.ts';
import type { LightBlock } from './light-block.ts';

/** CometBFT's light client (spec/light-client/verification): trust moves on with what was verified, so it can follow a set to its last member. */

/** A block that was verified: what the next one is held against. */
export interface TrustedBlock extends LightBlock {
  hash: Uint8Array;
}

export interface LightRules {
  chain: string;
  /** How long validators can be held to what they once signed: a trusted block is a beginning for so long after its own time. */
  trustingPeriodMs: number;
  /** How far a block's time may be ahead of ours. */
  mostAheadMs: number;
  /** Unix milliseconds. */
  nowMs: number;
}

/**
 * - `altered`: it contradicts itself, is of another chain, or not enough of its own set signed it.
 * - `before-trust`: not later than what it is held against.
 * - `from-future`: further ahead of our clock than allowed.
 * - `other-set`: the next block, and signed by another set than the trusted one announced.
 * - `too-far`: too few of those trusted signed it; a block in between may help.
 * - `expired`: what it is held against is older than the trusting period.
 * - `contradiction`: whole and signed by those trusted, and it cannot stand in one history with what they signed before.
 */
export type LightFault = 'altered' | 'before-trust' | 'from-future' | 'other-set' | 'too-far' | 'expired' | 'contradiction';

export interface LightFailure extends Failure<'head-invalid' | 'trust-expired' | 'ledger-split'> {
  readonly fault: LightFault;
  /** Of a contradiction: what was believed, and what stands against it. Both with their signatures: whoever trusts these validators can judge for himself. */
  readonly evidence?: readonly [LightBlock, LightBlock];
}

const fails = (fault: Exclude<LightFault, 'contradiction'>, detail: string): { readonly ok: false; readonly failure: LightFailure } => ({
  ok: false,
  failure: { code: fault === 'expired' ? 'trust-expired' : 'head-invalid', detail, fault },
});

const contradicts = ({ header, commit, validators }: TrustedBlock, other: LightBlock, detail: string): { readonly ok: false; readonly failure: LightFailure } => ({
  ok: false,
  failure: { code: 'ledger-split', detail, fault: 'contradiction', evidence: [{ header, commit, validators }, other] },
});

const trustedBlock = ({ header, commit, validators }: LightBlock, hash: Uint8Array): TrustedBlock => ({ header, commit, validators, hash });

/**
 * The first block after a trust root. The root names validators and no time, so no trusting period can be measured, and more is asked than of a
 * later step: two thirds of the root's power (as of receipts, head.ts). The block of the root's own height has the root's own set.
 */
export function verifyFromRoot(root: Trust, block: LightBlock, rules: LightRules, crypto: Crypto): Result<TrustedBlock, LightFailure> {
  const { header } = block;
  const checked = checkAlone(block, rules, crypto);
  if (!checked.ok) return checked;
  if (header.height < root.height) return fails('before-trust', 'before the trust root');
  const signed = verifyCommit({ ...commitOf(block, checked.value), trusted: root.validators }, crypto);
  if (!signed.ok) return fails(signed.failure.fault === 'other-signers' ? 'too-far' : 'altered', signed.failure.detail ?? '');
  if (header.height === root.height && !equalBytes(header.validatorsHash, validatorsHash(root.validators, crypto))) {
    return fails('other-set', 'not the set of the trust root');
  }
  return ok(trustedBlock(block, checked.value));
}

/**
 * From a trusted block to a later one. To the next one (sequential): its set is the one that was announced. To any other (skipping): more than a third
 * of the trusted power signed it, so at least one who is honest did. Either way more than two thirds of its own set.
 */
export function verifyStep(trusted: TrustedBlock, block: LightBlock, rules: LightRules, crypto: Crypto): Result<TrustedBlock, LightFailure> {
  const { header } = block;
  if (rules.nowMs - msOfTimestamp(trusted.header.time) >= rules.trustingPeriodMs) return fails('expired', 'the trusted block is older than the trusting period');
  if (header.height <= trusted.header.height) return fails('before-trust', 'not later than the trusted block');
  const checked = checkAlone(block, rules, crypto);
  if (!checked.ok) return checked;
  const isNext = header.height === trusted.header.height + 1;
  if (isNext && !equalBytes(header.validatorsHash, trusted.header.nextValidatorsHash)) return fails('other-set', 'not the set that was announced');
  const signers = verifiedSigners(commitOf(block, checked.value), crypto);
  if (!signers.ok) return fails('altered', signers.failure.detail ?? '');
  if (!isNext && !exceeds(powerOf(signers.value, trusted.validators), 1n, power(trusted.validators))) {
    return fails('too-far', 'too little trusted power signed');
  }
  if (!isLater(header.time, trusted.header.time)) return contradicts(trusted, block, 'time went backwards');
  if (isNext && (header.lastBlockId === null || !equalBytes(header.lastBlockId.hash, trusted.hash))) {
    return contradicts(trusted, block, 'built on another block');
  }
  return ok(trustedBlock(block, checked.value));
}

/** A second block of a trusted one's height: null where it is the same. `contradiction` where it could have been believed in its place. */
export function verifySame(trusted: TrustedBlock, block: LightBlock, rules: LightRules, crypto: Crypto): Result<null, LightFailure> {
  if (block.header.height !== trusted.header.height) return fails('altered', 'another height');
  const checked = checkAlone(block, rules, crypto);
  if (!checked.ok) return checked;
  const signers = verifiedSigners(commitOf(block, checked.value), crypto);
  if (!signers.ok) return fails('altered', signers.failure.detail ?? '');
  if (equalBytes(checked.value, trusted.hash)) return ok(null);
  return exceeds(powerOf(signers.value, trusted.validators), 1n, power(trusted.validators))
    ? contradicts(trusted, block, 'two blocks of one height')
    : fails('altered', 'signed by nobody who is trusted');
}

/** Where a walk begins: at a block that was verified, or at the root. */
export type Start = { from: 'block'; block: TrustedBlock } | { from: 'root'; root: Trust };

export interface Walk {
  rules: LightRules;
  crypto: Crypto;
  /** A block in between; whoever answers is believed as little as with the target. */
  fetch(height: number): Promise<Result<LightBlock>>;
}

/** A chain that changes its whole set more often than this between two visits wants a new trust root. */
const mostSteps = 2000;

/**
 * To `target`, at once or by bisection: where too few of those trusted signed a block, one half-way is verified first, in the extreme each single one.
 * Fails as `verifyStep`, or as `fetch`; where even the next block cannot be believed, with why.
 */
export async function advance(start: Start, target: LightBlock, { rules, crypto, fetch }: Walk): Promise<Result<TrustedBlock, LightFailure | Failure>> {
  let at = start;
  const ahead = [target];
  for (let steps = 0; steps < mostSteps; steps++) {
    const next = ahead.at(-1);
    if (next === undefined) break;
    const step = at.from === 'root' ? verifyFromRoot(at.root, next, rules, crypto) : verifyStep(at.block, next, rules, crypto);
    if (step.ok) {
      ahead.pop();
      if (ahead.length === 0) return step;
      at = { from: 'block', block: step.value };
      continue;
    }
    // Of the root's own height there may be no block to be had any more, so its first step may be the next but one.
    const lowest = at.from === 'root' ? at.root.height : at.block.header.height + 1;
    if (step.failure.fault !== 'too-far' || next.header.height <= lowest) return step;
    const height = Math.floor((lowest + next.header.height) / 2);
    const between = await fetch(height);
    if (!between.ok) return between;
    if (between.value.header.height !== height) return fails('altered', 'a block of another height');
    ahead.push(between.value);
  }
  return fails('too-far', 'too many changes of the set');
}

/** What can be said of a block without knowing whom to believe: its hash, or that it is none of this chain, of this time, of this set. */
function checkAlone({ header, validators }: LightBlock, rules: LightRules, crypto: Crypto): Result<Uint8Array, LightFailure> {
  if (header.chain !== rules.chain) return fails('altered', 'another chain');
  if (!equalBytes(header.validatorsHash, validatorsHash(validators, crypto))) return fails('altered', 'not the set of its header');
  if (msOfTimestamp(header.time) > rules.nowMs + rules.mostAheadMs) return fails('from-future', 'from the future: one of the clocks is wrong');
  return ok(headerHash(header, crypto));
}

const commitOf = ({ header, commit, validators }: LightBlock, hash: Uint8Array) => ({
  chain: header.chain,
  height: header.height,
  blockId: { hash, parts: commit.parts },
  commit,
  validators,
});

const isLater = (one: Timestamp, other: Timestamp): boolean => one.seconds > other.seconds || (one.seconds === other.seconds && one.nanos > other.nanos);
