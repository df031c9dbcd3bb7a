import { fail, ok, type Failure, type Result } from '../../../contract/result.ts';
import { equalBytes, toHex } from '../../verify/bytes.ts';
import { msOfTimestamp, type Validator } from '../../verify/block.ts';
import type { Crypto } from '../../verify/crypto.ts';
import type { Trust } from '../../verify/head.ts';
import type { LightBlock } from '../../verify/light-block.ts';
import { advance, verifySame, verifyStep, type LightFailure, type LightRules, type TrustedBlock } from '../../verify/light-client.ts';
import type { NodeFault, Stopped } from './node-pool.ts';
import type { CometNode } from './rpc.ts';

export interface VerifiedChainOptions {
  root: Trust;
  trustingPeriodMs: number;
  crypto: Crypto;
  /** Unix milliseconds. */
  clock: () => number;
  /** Once: the ledger told two stories. Nothing is believed any more from then on. */
  onSplit: (evidence: readonly [LightBlock, LightBlock], what: string) => void;
}

type FromChain<T> = Result<T, NodeFault | Stopped>;

/** How far a node's clock may be ahead of ours. */
const mostAheadMs = 5 * 60_000;
/** One walk through blocks in between: a node that invents them one by one comes to no end. */
const mostWalkMs = 20_000;
/** Verified blocks that are remembered: for reads and blocks that overlap. */
const mostRemembered = 256;
const mostSets = 64;

/** The light client of a hub: whatever a node says of a block is held against the validators that were verified last, from the trust root on. */
export class VerifiedChain {
  readonly root: Trust;
  readonly #options: VerifiedChainOptions;
  #newest: TrustedBlock | null = null;
  readonly #verified = new Map<number, TrustedBlock>();
  readonly #sets = new Map<string, Validator[]>();
  #split: Stopped | null = null;

  constructor(options: VerifiedChainOptions) {
    this.root = options.root;
    this.#options = options;
  }

  get newest(): TrustedBlock | null {
    return this.#newest;
  }

  /** For receipts: by those who sign now. */
  get trust(): Trust {
    return { ...this.root, validators: this.#newest?.validators ?? this.root.validators };
  }

  /** From this machine's own disk, verified in an earlier run. */
  goOnFrom(block: TrustedBlock): void {
    this.#remember(block);
  }

  /** Evidence of an earlier run. */
  stop(): void {
    this.#split = fail('ledger-split', 'found earlier').failure;
  }

  /** Not believed yet. */
  lightBlock(node: CometNode, height: number | null): ReturnType<CometNode['lightBlock']> {
    return node.lightBlock(height, (hash) => this.#sets.get(toHex(hash)));
  }

  /** `behind`: older than what is verified, and not remembered. */
  async verify(node: CometNode, block: LightBlock): Promise<FromChain<TrustedBlock>> {
    if (this.#split !== null) return { ok: false, failure: this.#split };
    const { crypto } = this.#options;
    const rules = this.#rules();
    const { height } = block.header;
    const newest = this.#newest;
    if (newest !== null && rules.nowMs - msOfTimestamp(newest.header.time) >= rules.trustingPeriodMs) return fail('trust-expired', 'the newest verified block');
    const known = this.#verified.get(height);
    if (known !== undefined) {
      const same = verifySame(known, block, rules, crypto);
      return same.ok ? ok(known) : this.#fault(same.failure);
    }
    if (newest !== null && height < newest.header.height) return fail('behind', `height ${height}`);
    let fault: NodeFault | null = null;
    const reached = await advance(newest === null ? { from: 'root', root: this.root } : { from: 'block', block: newest }, block, {
      rules,
      crypto,
      fetch: async (between) => {
        if (this.#options.clock() - rules.nowMs > mostWalkMs) {
          fault = fail('silent', 'a walk without an end').failure;
          return fail('hub-unreachable');
        }
        const fetched = await this.lightBlock(node, between);
        if (fetched.ok) return fetched;
        fault = fetched.failure;
        return fail('hub-unreachable');
      },
    });
    // Others walk meanwhile, each with a node of its own: one that takes its time holds nobody up. What they found counts.
    if (reached.ok) return this.#split === null ? this.#agreed(reached.value, rules) : { ok: false, failure: this.#split };
    return fault === null ? this.#fault(reached.failure) : { ok: false, failure: fault };
  }

  /** The block after one that was verified, whatever was verified since. `refused`: it is not there yet. */
  async next(node: CometNode, after: TrustedBlock): Promise<FromChain<TrustedBlock>> {
    if (this.#split !== null) return { ok: false, failure: this.#split };
    const height = after.header.height + 1;
    const known = this.#verified.get(height);
    if (known?.header.lastBlockId !== undefined && known.header.lastBlockId !== null && equalBytes(known.header.lastBlockId.hash, after.hash)) return ok(known);
    const block = await this.lightBlock(node, height);
    if (!block.ok) return block;
    const step = verifyStep(after, block.value, this.#rules(), this.#options.crypto);
    if (!step.ok) return this.#fault(step.failure);
    return this.#split === null ? this.#agreed(step.value, this.#rules()) : { ok: false, failure: this.#split };
  }

  /** Remembered, where no other block of its height is. */
  #agreed(block: TrustedBlock, rules: LightRules): FromChain<TrustedBlock> {
    const known = this.#verified.get(block.header.height);
    if (known === undefined) return ok(this.#remember(block));
    const same = verifySame(known, block, rules, this.#options.crypto);
    return same.ok ? ok(known) : this.#fault(same.failure);
  }

  #rules(): LightRules {
    const { trustingPeriodMs, clock } = this.#options;
    return { chain: this.root.chain, trustingPeriodMs, mostAheadMs, nowMs: clock() };
  }

  #fault(failure: LightFailure | Failure): FromChain<never> {
    if ('evidence' in failure && failure.evidence !== undefined) {
      this.#split = fail('ledger-split', failure.detail).failure;
      this.#options.onSplit(failure.evidence, failure.detail ?? '');
      return { ok: false, failure: this.#split };
    }
    return failure.code === 'trust-expired' ? fail('trust-expired', failure.detail) : fail('lies', failure.detail);
  }

  #remember(block: TrustedBlock): TrustedBlock {
    const { height } = block.header;
    if (height > (this.#newest?.header.height ?? 0)) this.#newest = block;
    this.#verified.set(height, block);
    this.#sets.set(toHex(block.header.validatorsHash), block.validators);
    forgetOldest(this.#verified, mostRemembered);
    forgetOldest(this.#sets, mostSets);
    return block;
  }
}

function forgetOldest<K>(map: Map<K, unknown>, most: number): void {
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
