import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { ProblemCode } from '../contract/failures.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { nameShape } from '../ledger/verify/act-shapes.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { GatewayStore } from './gateway-store.ts';
import { clockSkewSeconds, digestMatches, isInTime, readSignature, signedBy, type HttpMessage } from './http-signature.ts';
import type { Caller, CallerKind, QueueCaller } from './route.ts';

export interface CallerCheck {
  ledger: Pick<Ledger, 'values'>;
  /** The hub's own queue system, where it has one. */
  queue: { name: QueueCaller['name']; key: PublicKey } | null;
  store: Pick<GatewayStore, 'rememberNonce'>;
  /** For the nonces' tags. */
  tagKey: Uint8Array;
  crypto: Crypto;
}

/**
 * Who signed this call: known to the ledger, or to the hub's file as its queue system, in time, over this very call, and for the first time. A party that nobody knows and a signature that is
 * not right are one refusal; whether the party may come in is said to nobody but itself.
 */
export async function identifyCaller(message: HttpMessage, kinds: readonly CallerKind[], check: CallerCheck, nowSeconds: number): Promise<Result<Caller | QueueCaller, Failure<ProblemCode>>> {
  const read = readSignature(message, 'imi-gateway/1');
  if (!read.ok) return read;
  const signature = read.value;
  if (!isInTime(signature, nowSeconds)) return fail('signature-late');
  const known = await knownAs(signature.keyId, check);
  if (!known.ok) return known;
  if (known.value === null || !(await signedBy(signature, known.value.key, check.crypto))) return fail('signature-refused');
  const digest = message.headers['content-digest'];
  if (digest !== undefined && !digestMatches(digest, message.body)) return fail('digest-mismatch');
  const tag = hmacSha256(check.tagKey, `nonce\0${signature.keyId}\0${signature.nonce}`);
  const first = check.store.rememberNonce(tag, signature.expires + clockSkewSeconds, nowSeconds);
  if (!first.ok) return first;
  if (!first.value) return fail('signature-replayed');
  const { caller, kind } = known.value;
  if (kind === null || !kinds.includes(kind)) return fail('party-not-admitted');
  return ok(caller);
}

/** null: nobody. `kind` null: the party is not active. */
async function knownAs(keyId: string, { ledger, queue }: CallerCheck): Promise<Result<{ caller: Caller | QueueCaller; key: PublicKey; kind: CallerKind | null } | null>> {
  if (keyId === queue?.name) return ok({ caller: { name: queue.name }, key: queue.key, kind: 'queue' });
  if (!nameShape(keyId)) return ok(null);
  const values = await ledger.values([stateKey.party(keyId)]);
  if (!values.ok) return values;
  const [value] = values.value;
  if (value === null || value === undefined) return ok(null);
  const record = decodeRecord('party', value);
  return ok({ caller: { name: keyId, record }, key: record.sign, kind: record.state === 'active' ? record.party : null });
}
