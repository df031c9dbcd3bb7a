import { setInterval as everyMs } from 'node:timers/promises';
import { fail, ok, type Result } from '../../../contract/result.ts';
import { appHashOf, type Tip } from '../../application.ts';
import { msOfTimestamp } from '../../verify/block.ts';
import { equalBytes } from '../../verify/bytes.ts';
import type { Crypto } from '../../verify/crypto.ts';
import type { TrustedBlock } from '../../verify/light-client.ts';
import { verifyState } from '../../verify/state-proof.ts';
import type { NodeFault, Stopped } from './node-pool.ts';
import type { Queries } from './queries.ts';
import type { CometNode } from './rpc.ts';
import type { VerifiedChain } from './verified-chain.ts';

/** Values with proofs that hold against `tip`, and the verified header that binds `tip`. */
export interface Proven {
  tip: Tip;
  bound: TrustedBlock;
  entries: Queries['/state']['answer']['entries'];
}

/** Between two questions for a header that is being made. */
const againMs = 25;

async function* atOnceAndEvery(ms: number): AsyncGenerator<void> {
  yield;
  yield* everyMs(ms);
}

/**
 * The header whose app hash stands for `tip`: that of the next block, or, where the last one changed neither log nor state, its own.
 * `behind` where neither came within `waitMs`.
 */
export async function boundBy(tip: Tip, node: CometNode, chain: VerifiedChain, waitMs: number, crypto: Crypto): Promise<Result<TrustedBlock, NodeFault | Stopped>> {
  const wanted = appHashOf(tip, crypto);
  let isOwnPossible = tip.height > 0;
  const ask = async (): Promise<Result<TrustedBlock | null, NodeFault | Stopped>> => {
    const block = await chain.lightBlock(node, tip.height + 1);
    if (block.ok) return equalBytes(block.value.header.appHash, wanted) ? chain.verify(node, block.value) : fail('lies', `no header binds height ${tip.height}`);
    if (block.failure.code !== 'refused') return block;
    if (!isOwnPossible) return ok(null);
    const last = await chain.lightBlock(node, tip.height);
    if (last.ok && equalBytes(last.value.header.appHash, wanted)) return chain.verify(node, last.value);
    if (!last.ok && last.failure.code !== 'refused') return last;
    // Where it is there and binds what was before, only the next one will do.
    isOwnPossible = !last.ok;
    return ok(null);
  };
  const beganMs = performance.now();
  for await (const _ of atOnceAndEvery(againMs)) {
    const bound = await ask();
    if (!bound.ok) return bound;
    if (bound.value !== null) return ok(bound.value);
    if (performance.now() - beganMs > waitMs) break;
  }
  return fail('behind', `no header after height ${tip.height}`);
}

/** What one node says of these keys, held against a header that two thirds signed. */
export async function readProven(keys: readonly Uint8Array[], node: CometNode, chain: VerifiedChain, waitMs: number, crypto: Crypto): Promise<Result<Proven, NodeFault | Stopped>> {
  const said = await node.query('/state', keys);
  if (!said.ok) return said;
  const { tip, entries } = said.value;
  if (entries.length !== keys.length) return fail('lies', 'another number of entries');
  const bound = await boundBy(tip, node, chain, waitMs, crypto);
  if (!bound.ok) return bound;
  // The app hash binds no time: one that is put too late would make everything that waits look expired.
  if (tip.timeMs > msOfTimestamp(bound.value.header.time)) return fail('lies', 'a time after its own header');
  const holds = keys.every((key, i) => {
    const entry = entries[i];
    return entry !== undefined && verifyState({ root: tip.stateRoot, key, value: entry.value, proof: entry.proof }, crypto);
  });
  return holds ? ok({ tip, bound: bound.value, entries }) : fail('lies', 'a value without its proof');
}
