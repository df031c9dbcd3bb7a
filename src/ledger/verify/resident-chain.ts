import { ok, type Failure, type Result } from '../../contract/result.ts';
import { actShapes } from './act-shapes.ts';
import type { Act, Id } from './acts.ts';
import { concatBytes, equalBytes, u64, utf8 } from './bytes.ts';
import { decodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { decodeRecord, stateKey, type ResidentRecord } from './records.ts';
import { verifyState } from './state-proof.ts';

/** One act on a resident, and where it stands in the log. */
export interface ChainEntry {
  logIndex: number;
  /** Its place among the acts of its transaction. */
  actIndex: number;
  /** Deterministic CBOR, as in the transaction's body. */
  act: Uint8Array;
}

/** Everything that touched a resident up to one state: the record there, proven, and the entries. */
export interface ResidentChain {
  subject: Id;
  entries: readonly ChainEntry[];
  /** The resident's record, encoded; null where there is none. */
  record: Uint8Array | null;
  /** Of the record, or of its absence, under the state root that a signed head binds. */
  proof: Uint8Array;
}

export type ChainLink = ResidentRecord['chain'];

export const noChain: ChainLink = { count: 0, hash: new Uint8Array(32) };

/** The chain after one more act: count + 1, SHA-256("imi/chain/1" ‖ hash ‖ log index u64 BE ‖ act index u8 ‖ SHA-256(act)). */
export function extendChain({ count, hash }: ChainLink, { logIndex, actIndex, act }: ChainEntry, crypto: Crypto): ChainLink {
  const next = crypto.sha256(concatBytes(utf8('imi/chain/1'), hash, u64(logIndex), Uint8Array.of(actIndex), crypto.sha256(act)));
  return { count: count + 1, hash: next };
}

/**
 * The record is not proven; or an entry is no act on this resident; or entries are doubled or in another order than the log's;
 * or there are fewer than the record counts, or more; or as many, but not these.
 */
export type ChainFault = 'unproven' | 'not-theirs' | 'out-of-order' | 'missing' | 'superfluous' | 'altered';

export interface ChainFailure extends Failure<'proof-invalid'> {
  readonly fault: ChainFault;
}

const faulty = (fault: ChainFault): { readonly ok: false; readonly failure: ChainFailure } => ({
  ok: false,
  failure: { code: 'proof-invalid', detail: `resident chain: ${fault}`, fault },
});

/** That these acts, in this order, are all that ever touched the resident, up to the state with this root: these n and no fewer. */
export function verifyResidentChain({ subject, entries, record, proof }: ResidentChain, stateRoot: Uint8Array, crypto: Crypto): Result<Act[], ChainFailure> {
  if (!verifyState({ root: stateRoot, key: stateKey.resident(subject), value: record, proof }, crypto)) return faulty('unproven');
  const told = record === null ? noChain : decodeRecord('resident', record).chain;
  const acts: Act[] = [];
  let chain = noChain;
  let before: ChainEntry | null = null;
  for (const entry of entries) {
    if (!isPlace(entry)) return faulty('altered');
    if (before !== null && !isAfter(entry, before)) return faulty('out-of-order');
    before = entry;
    const act = actOn(subject, entry.act);
    if (act === undefined) return faulty('not-theirs');
    acts.push(act);
    chain = extendChain(chain, entry, crypto);
  }
  if (chain.count < told.count) return faulty('missing');
  if (chain.count > told.count) return faulty('superfluous');
  return equalBytes(chain.hash, told.hash) ? ok(acts) : faulty('altered');
}

const isPlace = ({ logIndex, actIndex }: ChainEntry): boolean =>
  Number.isSafeInteger(logIndex) && logIndex >= 0 && Number.isSafeInteger(actIndex) && actIndex >= 0 && actIndex <= 255;

const isAfter = (entry: ChainEntry, before: ChainEntry): boolean =>
  entry.logIndex > before.logIndex || (entry.logIndex === before.logIndex && entry.actIndex > before.actIndex);

/** undefined: no act, or one on somebody else. */
function actOn(subject: Id, bytes: Uint8Array): Act | undefined {
  const value = decodeCbor(bytes);
  const act = Object.values(actShapes).some((shape) => shape(value)) ? (value as unknown as Act) : undefined;
  return act !== undefined && 'subject' in act && equalBytes(act.subject, subject) ? act : undefined;
}
