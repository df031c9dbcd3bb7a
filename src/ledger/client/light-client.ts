import type { TrustRoot } from '../../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { Id, Name } from '../verify/acts.ts';
import { equalBytes } from '../verify/bytes.ts';
import type { Crypto } from '../verify/crypto.ts';
import { trustOf, verifyHead, type Trust, type VerifiedHead } from '../verify/head.ts';
import { decodeRecord, stateKey, type RecordKind, type Records } from '../verify/records.ts';
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
  /** The newest head of an earlier run, as `onHead` gave it: no older one is believed after a restart either. */
  savedHead?: Uint8Array;
  onHead?: (head: Uint8Array) => void;
}

/** Believes heads that two thirds of the trusted power signed, never an older one than it has seen, and values that are proven against them. */
export interface LightClient {
  readonly trust: Trust;
  /** The newest head that was verified, whatever its age. */
  readonly newest: VerifiedHead | null;
  /** By this machine's clock; null before the first head. */
  headAgeMs(): number | null;
  /** Asks the hub. `head-invalid`, `head-too-old`, `trust-expired`, or why the hub did not answer. */
  refresh(): Promise<Result<VerifiedHead>>;
  /** Up to 64 at once, all against one head. As `refresh`, and `proof-invalid`. */
  read<const Q extends readonly RecordQuery[]>(queries: Q): Promise<Result<ProvenRecords<Q>>>;
}

/** How far a hub's clock may be ahead of ours. */
const aheadMs = 5 * 60_000;

export function createLightClient({ hub, trustRoot, crypto, clock, maxHeadAgeMs, savedHead, onHead }: LightClientOptions): LightClient {
  const trust = trustOf(trustRoot);
  const saved = savedHead === undefined ? undefined : verifyHead(savedHead, trust, crypto);
  let newest: VerifiedHead | null = saved?.ok === true ? saved.value : null;
  let newestBytes: Uint8Array | null = saved?.ok === true ? (savedHead ?? null) : null;

  /** `floor`: the newest head when the question was asked; of two answers that crossed, the later one may bring the earlier head. */
  function accept(bytes: Uint8Array, floor: VerifiedHead | null): Result<VerifiedHead> {
    // Most answers come with the head that is known already: its signatures were checked.
    const known = newest !== null && newestBytes !== null && equalBytes(bytes, newestBytes);
    const verified = known && newest !== null ? ok(newest) : verifyHead(bytes, trust, crypto);
    if (!verified.ok) return verified;
    const head = verified.value;
    if (floor !== null && head.height < floor.height) return fail('head-invalid', 'older than one seen before');
    const ordered = newest === null ? ok(null) : inOrder(newest, head, trustRoot.trustingPeriodMs);
    if (!ordered.ok) return ordered;
    const ageMs = clock() - head.timeMs;
    if (ageMs < -aheadMs) return fail('head-invalid', 'from the future: one of the clocks is wrong');
    if (newest === null || head.height > newest.height) {
      newest = head;
      newestBytes = bytes;
      onHead?.(bytes);
    }
    return ageMs > maxHeadAgeMs ? fail('head-too-old', `${Math.round(ageMs / 1000)} s`) : ok(head);
  }

  return {
    trust,
    get newest() {
      return newest;
    },
    headAgeMs: () => (newest === null ? null : clock() - newest.timeMs),
    async refresh() {
      const floor = newest;
      const answer = await hub.call('head.get', {});
      return answer.ok ? accept(answer.value.head, floor) : answer;
    },
    async read(queries) {
      const floor = newest;
      const answer = await hub.call('state.get', { keys: queries.map(({ key }) => key) });
      if (!answer.ok) return answer;
      const head = accept(answer.value.head, floor);
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

/** Two heads of one history, whichever came first; a later one may follow an earlier one at any distance that the trusting period allows. */
function inOrder(one: VerifiedHead, other: VerifiedHead, trustingPeriodMs: number): Result<null, Failure<'head-invalid' | 'trust-expired'>> {
  if (one.height === other.height) return equalBytes(one.hash, other.hash) ? ok(null) : fail('head-invalid', 'two heads of one height');
  const [earlier, later] = one.height < other.height ? [one, other] : [other, one];
  if (later.timeMs <= earlier.timeMs || later.logSize < earlier.logSize) return fail('head-invalid', 'time or log went backwards');
  if (later.logSize === earlier.logSize && !equalBytes(later.logRoot, earlier.logRoot)) return fail('head-invalid', 'another log of the same size');
  return later.timeMs - earlier.timeMs > trustingPeriodMs ? fail('trust-expired') : ok(null);
}
