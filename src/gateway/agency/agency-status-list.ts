import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { fail, ok, type Result } from '../../contract/result.ts';
import { hashOf } from '../../identity/grant.ts';
import { signStatusList, StatusList, statusInvalid } from '../../identity/status-list.ts';
import { signEnvelope } from '../../ledger/verify/envelope.ts';
import { stateKey } from '../../ledger/verify/records.ts';
import { hashText, secondsValue } from '../api-values.ts';
import type { ClientFailure } from '../client.ts';
import { provenRecord } from '../proven-records.ts';
import { revocationsSchema } from '../routes/status-lists.ts';
import type { AgencyParts } from './agency.ts';

type Outcome<T> = Promise<Result<T, ClientFailure>>;

/** What the agency's next list has to say: indices of revoked credentials, of how many. */
export async function revocations({ client }: AgencyParts): Outcome<z.output<typeof revocationsSchema>> {
  const called = await client.call('GET', '/v1/revocations');
  if (!called.ok) return called;
  const read = revocationsSchema.safeParse(called.value.body);
  return read.success ? ok(read.data) : fail('message-invalid', 'revocations');
}

export interface PublishedList {
  /** SHA-256 of the Status List Token, as the ledger has it. */
  list: string;
  /** Unix seconds. */
  at: number;
  revoked: number;
  entries: number;
}

/** Signs the list that the ledger asks for by now, publishes it and waits for the record: with each revocation, and once a day. */
export async function publishStatusList(parts: AgencyParts): Outcome<PublishedList> {
  const { client, name, signer, chain, crypto, now } = parts;
  const known = await revocations(parts);
  if (!known.ok) return known;
  const last = await provenRecord('status', stateKey.status(name), parts);
  if (!last.ok) return last;
  const { revoked, entries } = known.value;
  const seconds = Math.floor(now() / 1000);
  const at = Math.max(seconds, (last.value?.at ?? 0) + 1);
  const list = StatusList.withRoomFor(entries);
  for (const index of revoked) list.set(index, statusInvalid);
  const token = signStatusList(list, name, at, (message) => signer.sign(message));
  const body = { v: 1 as const, chain, nonce: new Uint8Array(randomBytes(16)), notAfter: seconds + 3600, acts: [{ kind: 'status.publish' as const, issuer: name, list: hashOf(Buffer.from(token, 'ascii')), at }] };
  const envelope = await signEnvelope(body, [signer], crypto);
  const put = await client.call('PUT', '/v1/status-list', { body: { list: token, envelope: Buffer.from(envelope).toString('base64url') } });
  if (!put.ok) return put;
  const read = z.object({ list: hashText, at: secondsValue }).safeParse(put.value.body);
  return read.success ? ok({ ...read.data, revoked: revoked.length, entries }) : fail('message-invalid', 'status-list');
}
