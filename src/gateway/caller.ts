import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { ProblemCode } from '../contract/failures.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { nameShape } from '../ledger/verify/act-shapes.ts';
import type { PartyKind } from '../ledger/verify/acts.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { GatewayStore } from './gateway-store.ts';
import { clockSkewSeconds, digestMatches, isInTime, readSignature, signedBy, type HttpMessage } from './http-signature.ts';
import type { Caller } from './route.ts';

export interface CallerCheck {
  ledger: Pick<Ledger, 'values'>;
  store: Pick<GatewayStore, 'rememberNonce'>;
  /** For the nonces' tags. */
  tagKey: Uint8Array;
  crypto: Crypto;
}

/**
 * Who signed this call: known to the ledger, in time, over this very call, and for the first time. A party that nobody knows and a signature that is
 * not right are one refusal; whether the party may come in is said to nobody but itself.
 */
export async function identifyCaller(message: HttpMessage, kinds: readonly PartyKind[], check: CallerCheck, nowSeconds: number): Promise<Result<Caller, Failure<ProblemCode>>> {
  const read = readSignature(message, 'imi-gateway/1');
  if (!read.ok) return read;
  const signature = read.value;
  if (!isInTime(signature, nowSeconds)) return fail('signature-late');
  if (!nameShape(signature.keyId)) return fail('signature-refused');
  const values = await check.ledger.values([stateKey.party(signature.keyId)]);
  if (!values.ok) return values;
  const [value] = values.value;
  if (value === null || value === undefined) return fail('signature-refused');
  const record = decodeRecord('party', value);
  if (!signedBy(signature, record.sign, check.crypto)) return fail('signature-refused');
  const digest = message.headers['content-digest'];
  if (digest !== undefined && !digestMatches(digest, message.body)) return fail('digest-mismatch');
  const tag = hmacSha256(check.tagKey, `nonce\0${signature.keyId}\0${signature.nonce}`);
  const first = check.store.rememberNonce(tag, signature.expires + clockSkewSeconds, nowSeconds);
  if (!first.ok) return first;
  if (!first.value) return fail('signature-replayed');
  if (record.state !== 'active' || !kinds.includes(record.party)) return fail('party-not-admitted');
  return ok({ name: signature.keyId, record });
}
