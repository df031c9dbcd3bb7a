import { fail, ok, type Result } from '../../../contract/result.ts';
import type { Tip } from '../../application.ts';
import { equalBytes } from '../../verify/bytes.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { openEnvelope } from '../../verify/envelope.ts';
import { leafHash, rangeRoot } from '../../verify/merkle-log.ts';
import type { NodeFault } from './node-pool.ts';
import type { CometNode } from './rpc.ts';

/**
 * So many entries of the log as one node has them, held against the log root of `tip`, which is proven: with the inclusion paths of the first and
 * the last nothing in between can be left out, put in or changed. `behind`: it has not got there yet, or no more what it takes to prove it.
 */
export async function readEntries({ from, count, tip }: { from: number; count: number; tip: Tip }, node: CometNode, crypto: Crypto): Promise<Result<Uint8Array[], NodeFault>> {
  const told = await node.query('/log/entries', { from, count });
  if (!told.ok) return told;
  const envelopes = told.value;
  if (envelopes.length !== count) return fail('behind', `entries ${from} to ${from + count}`);
  const paths: Uint8Array[][] = [];
  for (const index of [from, from + count - 1]) {
    const opened = openEnvelope(envelopes[index - from] ?? new Uint8Array(), crypto);
    if (!opened.ok) return fail('lies', `log entry ${index}`);
    const material = await node.query('/receipt', { transaction: opened.value.id, place: tip.height });
    if (!material.ok) return material;
    if (material.value === null) return fail('behind', `log entry ${index}`);
    paths.push(material.value.path);
  }
  const [firstPath = [], lastPath = []] = paths;
  const root = rangeRoot({ leaves: envelopes.map((envelope) => leafHash(envelope, crypto)), first: from, size: tip.logSize, firstPath, lastPath }, crypto);
  if (root === undefined || !equalBytes(root, tip.logRoot)) return fail('lies', `entries ${from} to ${from + count}`);
  return ok(envelopes);
}
