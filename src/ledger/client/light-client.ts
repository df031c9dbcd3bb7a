import type { TrustRoot } from '../../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { Id, Name } from '../verify/acts.ts';
import { headerHash } from '../verify/block.ts';
import { equalBytes } from '../verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../verify/cbor.ts';
import type { Crypto } from '../verify/crypto.ts';
import { decodeHead, saidBy, verifiedSigners, type Trust, type VerifiedHead } from '../verify/head.ts';
import { trustThrough } from '../verify/handover.ts';
import { decodeLightBlock, encodeLightBlock, type LightBlock } from '../verify/light-block.ts';
import { advance, verifySame, type LightFailure, type Start, type TrustedBlock } from '../verify/light-client.ts';
import { verifyConsistency } from '../verify/merkle-log.ts';
import { decodeRecord, stateKey, type RecordKind, type Records } from '../verify/records.ts';
import { isBytes, isMap, isOneOf, isText } from '../verify/shape.ts';
import { verifyState } from '../verify/state-proof.ts';
import type { HubClient } from './hub-client.ts';

/** One record of the state by its kind. */
export interface RecordQuery<K extends RecordKind = RecordKind> {
  kind: K;
  key: Uint8Array;
}

export const query = {
  key: (keyId: Uint8Array): RecordQuery<'key'> => ({ kind: 'key', key: stateKey.key(keyId) }),
  resident: (id: Id): RecordQuery<'resident'> => ({ kind: 'resident', key: stateKey.resident(id) }),
  staff: (id: Id): RecordQuery<'staff'> => ({ kind: 'staff', key: stateKey.staff(id) }),
  party: (id: Name): RecordQuery<'party'> => ({ kind: 'party', key: stateKey.party(id) }),
  kiosk: (id: Name): RecordQuery<'kiosk'> => ({ kind: 'kiosk', key: stateKey.kiosk(id) }),
  service: (id: Name): RecordQuery<'service'> => ({ kind: 'service', key: stateKey.service(id) }),
  grant: (id: Id): RecordQuery<'grant'> => ({ kind: 'grant', key: stateKey.grant(id) }),
  request: (id: Id): RecordQuery<'request'> => ({ kind: 'request', key: stateKey.request(id) }),
  credential: (id: Id): RecordQuery<'credential'> => ({ kind: 'credential', key: stateKey.credential(id) }),
  status: (issuer: Name): RecordQuery<'status'> => ({ kind: 'status', key: stateKey.status(issuer) }),
  tx: (id: Uint8Array): RecordQuery<'tx'> => ({ kind: 'tx', key: stateKey.tx(id) }),
} as const;

/** Proven against `head`; null is a proven absence. */
export interface ProvenRecords<Q extends readonly RecordQuery[]> {
  head: VerifiedHead;
  records: { -readonly [I in keyof Q]: Records[Q[I]['kind']] | null };
}

export interface LightClientOptions {
  hub: Pick<HubClient, 'call'>;
  trustRoot: TrustRoot;
  crypto: Crypto;
  /** Unix milliseconds. */
  clock: () => number;
  maxHeadAgeMs: number;
  /** What `onTrust` gave last, in an earlier run: trust goes on from there, and nothing older is believed after a restart either. */
  savedTrust?: Uint8Array;
  onTrust?: (trust: Uint8Array) => void;
  /** What `onSplit` gave in an earlier run. */
  savedSplit?: Uint8Array;
  /** Both heads, to be kept: the evidence of a ledger that told two stories. Once. */
  onSplit?: (evidence: Uint8Array, what: string) => void;
}

/**
 * Believes heads to which the light client's rules lead from the trust root (verify/light-client.ts), each a continuation of the log of the one
 * before, and values that are proven against them. After a contradiction it believes nothing any more until the trust root is another.
 */
export interface LightClient {
  /** For receipts; its validators are those that sign by now. */
  readonly trust: Trust;
  /** The newest head that was verified, whatever its age. */
  readonly newest: VerifiedHead | null;
  /** By this machine's clock; null before the first head. */
  headAgeMs(): number | null;
  /** Why no head would help: `ledger-split`, or `trust-expired`. Both want a new trust root. */
  refusal(): Failure<'ledger-split' | 'trust-expired'> | null;
  /** Asks the hub. `head-invalid`, `head-too-old`, `trust-expired`, `ledger-split`, `proof-invalid` where the log is another, or why the hub did not answer. */
  refresh(): Promise<Result<VerifiedHead>>;
  /** Asks for what comes with a head of its own. As `refresh`; what rests on the head is still to be verified. */
  ask<A extends { head: Uint8Array }>(question: () => Promise<Result<A>>): Promise<Result<{ head: VerifiedHead; answer: A }>>;
  /** Up to 64 at once, all against one head. As `refresh`, and `proof-invalid`. */
  read<const Q extends readonly RecordQuery[]>(queries: Q): Promise<Result<ProvenRecords<Q>>>;
}

/** How far a hub's clock may be ahead of ours. */
const mostAheadMs = 5 * 60_000;

/** A head that was verified, as a block and as what it says. */
interface Believed {
  bytes: Uint8Array;
  block: TrustedBlock;
  head: VerifiedHead;
}

export function createLightClient({ hub, trustRoot, crypto, clock, maxHeadAgeMs, savedTrust, onTrust, savedSplit, onSplit }: LightClientOptions): LightClient {
  const root = trustThrough(trustRoot, crypto);
  const rootHash = crypto.sha256(encodeCbor([root.chain, root.height, root.validators.map(({ key, power }) => [key, power])]));
  const saved = readSaved(savedTrust, { root, rootHash }, crypto);
  let newest = saved.newest;
  /** What a new head's log has to be a continuation of. */
  let log = saved.log;
  let split = isSplitUnder(savedSplit, rootHash) ? fail('ledger-split', 'found earlier').failure : null;
  /** One head after the other: what one is held against does not change meanwhile. */
  let turn: Promise<unknown> = Promise.resolve();

  const trust: Trust = {
    ...root,
    get validators() {
      return newest?.block.validators ?? root.validators;
    },
  };

  const refusal: LightClient['refusal'] = () => {
    if (split !== null) return split;
    if (newest === null) return null;
    const darkMs = clock() - newest.head.timeMs;
    return darkMs >= trustRoot.trustingPeriodMs ? fail('trust-expired', `${Math.round(darkMs / 3_600_000)} h`).failure : null;
  };

  /** `floor`: the newest head when the question was asked; of two answers that crossed, the later one may bring the earlier head. */
  function accept(bytes: Uint8Array, floor: Believed | null): Promise<Result<VerifiedHead>> {
    const accepted = turn.then(() => believe(bytes, floor));
    turn = accepted.catch(() => undefined);
    return accepted;
  }

  async function believe(bytes: Uint8Array, floor: Believed | null): Promise<Result<VerifiedHead>> {
    const refused = refusal();
    if (refused !== null) return { ok: false, failure: refused };
    // Most answers come with the head that is known already: its signatures were checked.
    if (newest !== null && equalBytes(bytes, newest.bytes)) return youngEnough(newest.head);
    const believed = await verify(bytes, floor);
    if (!believed.ok) return believed;
    const { head, block } = believed.value;
    const continued = await continues(believed.value);
    if (!continued.ok) return continued;
    const age = youngEnough(head);
    // The root names no time: what would be too old to go on from is not begun with.
    const isUsable = newest !== null || clock() - head.timeMs < trustRoot.trustingPeriodMs;
    if (isUsable && (newest === null || block.header.height > newest.block.header.height)) {
      newest = believed.value;
      log = { size: head.logSize, root: head.logRoot };
      onTrust?.(encodeSaved(rootHash, bytes));
    }
    return age;
  }

  const youngEnough = (head: VerifiedHead): Result<VerifiedHead> => {
    const ageMs = clock() - head.timeMs;
    return ageMs > maxHeadAgeMs ? fail('head-too-old', `${Math.round(ageMs / 1000)} s`) : ok(head);
  };

  async function verify(bytes: Uint8Array, floor: Believed | null): Promise<Result<Believed>> {
    const signed = decodeHead(bytes, root.chain, crypto);
    if (signed === undefined) return fail('head-invalid', 'malformed');
    const { header } = signed;
    const rules = { chain: root.chain, trustingPeriodMs: trustRoot.trustingPeriodMs, mostAheadMs, nowMs: clock() };
    if (floor !== null && header.height < floor.block.header.height) return fail('head-invalid', 'older than one seen before');
    const known = [newest, floor].find((one) => one?.block.header.height === header.height) ?? null;
    if (known !== null) {
      const same = verifySame(known.block, signed, rules, crypto);
      return same.ok ? ok(known) : refused(same.failure);
    }
    const start: Start = floor === null ? { from: 'root', root } : { from: 'block', block: floor.block };
    const reached = await advance(start, signed, { rules, crypto, fetch: blockAt });
    if (!reached.ok) return refused(reached.failure);
    return ok({ bytes, block: reached.value, head: saidBy(signed, reached.value.hash) });
  }

  async function blockAt(height: number): Promise<Result<LightBlock>> {
    const answer = await hub.call('block.get', { height });
    if (!answer.ok) return answer;
    const block = answer.value.block === null ? undefined : decodeLightBlock(answer.value.block, root.chain, crypto);
    return block === undefined ? fail('head-invalid', 'no block in between') : ok(block);
  }

  /** One history and one log with what was believed before, whichever of the two came first. */
  async function continues({ head, bytes }: Believed): Promise<Result<null>> {
    const against = newest === null ? null : contradictionOf(newest.head, head);
    if (newest !== null && against !== null) return divided(newest.bytes, bytes, against);
    if (log === null) return ok(null);
    const mine = { size: head.logSize, root: head.logRoot };
    const [first, second] = mine.size < log.size ? [mine, log] : [log, mine];
    // Of an empty log every other is a continuation.
    if (first.size === 0) return ok(null);
    const grown = first.size < second.size ? await hub.call('log.consistency', { first: first.size, second: second.size }) : ok({ path: [] });
    if (!grown.ok) return grown;
    const { path } = grown.value;
    const holds =
      path !== null && verifyConsistency({ first: first.size, firstRoot: first.root, second: second.size, secondRoot: second.root, path }, crypto);
    return holds ? ok(null) : fail('proof-invalid', 'the log is not a continuation of the one seen before');
  }

  function refused(failure: Failure | LightFailure): Result<never> {
    const evidence = 'evidence' in failure ? failure.evidence : undefined;
    if (evidence === undefined) return { ok: false, failure };
    return divided(encodeLightBlock(evidence[0]), encodeLightBlock(evidence[1]), failure.detail ?? '');
  }

  function divided(one: Uint8Array, other: Uint8Array, what: string): Result<never> {
    const failed = fail('ledger-split', what);
    split = failed.failure;
    onSplit?.(encodeCbor({ v: 1, root: rootHash, what, one, other }), what);
    return failed;
  }

  return {
    trust,
    refusal,
    get newest() {
      return newest?.head ?? null;
    },
    headAgeMs: () => (newest === null ? null : clock() - newest.head.timeMs),
    async refresh() {
      const floor = newest;
      const answer = await hub.call('head.get', {});
      return answer.ok ? accept(answer.value.head, floor) : answer;
    },
    async ask(question) {
      const floor = newest;
      const answer = await question();
      if (!answer.ok) return answer;
      const head = await accept(answer.value.head, floor);
      return head.ok ? ok({ head: head.value, answer: answer.value }) : head;
    },
    async read(queries) {
      const floor = newest;
      const answer = await hub.call('state.get', { keys: queries.map(({ key }) => key) });
      if (!answer.ok) return answer;
      const head = await accept(answer.value.head, floor);
      if (!head.ok) return head;
      const { entries } = answer.value;
      if (entries.length !== queries.length) return fail('proof-invalid', 'another number of entries');
      const records: (Records[RecordKind] | null)[] = [];
      for (const [i, { kind, key }] of queries.entries()) {
        const entry = entries[i];
        if (entry === undefined || !verifyState({ root: head.value.stateRoot, key, value: entry.value, proof: entry.proof }, crypto)) {
          return fail('proof-invalid', kind);
        }
        records.push(entry.value === null ? null : decodeRecord(kind, entry.value));
      }
      return ok({ head: head.value, records: records as ProvenRecords<typeof queries>['records'] });
    },
  };
}

// `root` is SHA-256 of the CBOR of [chain, height, [[key, power] …]].
const savedShape = isMap({ v: isOneOf(1), root: isBytes(32), head: isBytes(1, 262_144) });
const splitShape = isMap({ v: isOneOf(1), root: isBytes(32), what: isText(/^.{0,200}$/), one: isBytes(1, 262_144), other: isBytes(1, 262_144) });

const encodeSaved = (root: Uint8Array, head: Uint8Array): Uint8Array => encodeCbor({ v: 1, root, head });

interface Saved {
  newest: Believed | null;
  log: { size: number; root: Uint8Array } | null;
}

/**
 * From this machine's own disk, so not verified again from the root, which may not know these validators any more; what a disk damages is noticed.
 * A root of a later height is a renewed one: it begins anew with the validators, not with the log. Any other root is another beginning.
 */
function readSaved(bytes: Uint8Array | undefined, { root, rootHash }: { root: Trust; rootHash: Uint8Array }, crypto: Crypto): Saved {
  const nothing = { newest: null, log: null };
  const value = bytes === undefined ? undefined : decodeCbor(bytes);
  if (!savedShape(value)) return nothing;
  const signed = decodeHead(value.head, root.chain, crypto);
  if (signed === undefined) return nothing;
  const hash = headerHash(signed.header, crypto);
  const { header, commit, validators } = signed;
  const own = { chain: root.chain, height: header.height, blockId: { hash, parts: commit.parts }, commit, validators };
  if (!verifiedSigners(own, crypto).ok) return nothing;
  const log = { size: signed.logSize, root: signed.logRoot };
  if (!equalBytes(value.root, rootHash)) return root.height > header.height ? { newest: null, log } : nothing;
  return { newest: { bytes: value.head, block: { header, commit, validators, hash }, head: saidBy(signed, hash) }, log };
}

/** Why two signed heads cannot stand in one history; null: they can, as far as they show. */
function contradictionOf(one: VerifiedHead, other: VerifiedHead): string | null {
  const [earlier, later] = one.height < other.height ? [one, other] : [other, one];
  if (later.height > earlier.height && later.timeMs < earlier.timeMs) return 'time went backwards';
  if (later.logSize < earlier.logSize) return 'the log got shorter';
  return later.logSize === earlier.logSize && !equalBytes(later.logRoot, earlier.logRoot) ? 'another log of the same size' : null;
}

/** Evidence counts as long as the trust root is the one under which it was found. */
function isSplitUnder(bytes: Uint8Array | undefined, rootHash: Uint8Array): boolean {
  const value = bytes === undefined ? undefined : decodeCbor(bytes);
  return splitShape(value) && equalBytes(value.root, rootHash);
}
