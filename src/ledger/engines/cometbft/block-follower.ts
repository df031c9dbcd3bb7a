import { rejectionCodes, type RejectionCode } from '../../../contract/failures.ts';
import { fail, ok, type Result } from '../../../contract/result.ts';
import type { CommittedBlock, CommittedTransaction } from '../../ledger.ts';
import { dataHash, msOfTimestamp, resultsHash } from '../../verify/block.ts';
import { equalBytes } from '../../verify/bytes.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { openEnvelope } from '../../verify/envelope.ts';
import type { TrustedBlock } from '../../verify/light-client.ts';
import type { NodeFault, Stopped } from './node-pool.ts';
import type { CometNode } from './rpc.ts';
import type { VerifiedChain } from './verified-chain.ts';

/** Up to where blocks were handed on. */
export interface Followed {
  /** Height of the next one. */
  next: number;
  /** Entries of the log before it. */
  logSize: number;
  /** Verified, of height `next` or the one before. */
  anchor: TrustedBlock;
}

export interface FollowedBlock {
  block: CommittedBlock;
  /** Transactions that stand in the block and were refused. */
  refused: { id: Uint8Array; envelope: Uint8Array; code: RejectionCode }[];
  after: Followed;
}

/**
 * The next block: its transactions under the data hash of a verified header, and what became of each under the results hash of the one after it.
 * null: it is not there yet, or its results are not.
 */
export async function followNext({ next, logSize, anchor }: Followed, node: CometNode, chain: VerifiedChain, crypto: Crypto): Promise<Result<FollowedBlock | null, NodeFault | Stopped>> {
  const own = anchor.header.height === next ? ok(anchor) : await chain.next(node, anchor);
  if (!own.ok) return own.failure.code === 'refused' ? ok(null) : own;
  const { header } = own.value;
  const envelopes = equalBytes(header.dataHash, dataHash([], crypto)) ? ok([]) : await node.transactions(next);
  if (!envelopes.ok) return envelopes;
  if (!equalBytes(dataHash(envelopes.value, crypto), header.dataHash)) return fail('lies', `transactions of height ${next}`);
  const outcomes = envelopes.value.length === 0 ? ok([]) : await outcomesAt(own.value, envelopes.value.length, node, chain, crypto);
  if (!outcomes.ok || outcomes.value === null) return outcomes.ok ? ok(null) : outcomes;

  const transactions: CommittedTransaction[] = [];
  const refused: FollowedBlock['refused'] = [];
  for (const [i, envelope] of envelopes.value.entries()) {
    const opened = openEnvelope(envelope, crypto);
    const outcome = outcomes.value[i];
    // Of a transaction that is none nobody here asks.
    if (!opened.ok || outcome === undefined) continue;
    const { id, body } = opened.value;
    if (outcome === null) transactions.push({ id, envelope, body, index: logSize + transactions.length });
    else refused.push({ id, envelope, code: outcome });
  }
  return ok({
    block: { height: next, timeMs: msOfTimestamp(header.time), transactions },
    refused,
    after: { next: next + 1, logSize: logSize + transactions.length, anchor: own.value },
  });
}

/** Of each transaction null where it was accepted, else why not. */
async function outcomesAt(
  block: TrustedBlock,
  count: number,
  node: CometNode,
  chain: VerifiedChain,
  crypto: Crypto,
): Promise<Result<(RejectionCode | null)[] | null, NodeFault | Stopped>> {
  const { height } = block.header;
  const proof = await chain.next(node, block);
  if (!proof.ok) return proof.failure.code === 'refused' ? ok(null) : proof;
  const results = await node.results(height);
  if (!results.ok) return results;
  if (results.value.length !== count || !equalBytes(resultsHash(results.value, crypto), proof.value.header.lastResultsHash)) {
    return fail('lies', `results of height ${height}`);
  }
  return ok(
    results.value.map(({ code, data }) => {
      if (code === 0) return null;
      const text = Buffer.from(data).toString('latin1');
      // By rules that are newer than this program.
      return rejectionCodes.find((one) => one === text) ?? 'version-unknown';
    }),
  );
}
