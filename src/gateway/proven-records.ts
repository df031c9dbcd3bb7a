import { z } from 'zod';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { verifyHead, type Trust } from '../ledger/verify/head.ts';
import { decodeRecord, type RecordKind, type Records } from '../ledger/verify/records.ts';
import { verifyState } from '../ledger/verify/state-proof.ts';
import { bytesOfText, bytesText } from './api-values.ts';
import type { ClientFailure, GatewayClient } from './client.ts';

const answerSchema = z.strictObject({ head: bytesText, records: z.array(z.strictObject({ key: z.string(), value: bytesText.nullable(), proof: bytesText })) });

/** A record of the state as the ledger has it, and not as the gateway says it: held against a head that the trust root's validators signed. null: proven absent. */
export async function provenRecord<K extends RecordKind>(kind: K, key: Uint8Array, { client, trust, crypto }: { client: GatewayClient; trust: Trust; crypto: Crypto }): Promise<Result<Records[K] | null, ClientFailure>> {
  const called = await client.call('GET', '/v1/ledger/records', { query: { keys: new TextDecoder().decode(key) } });
  if (!called.ok) return called;
  const answer = answerSchema.safeParse(called.value.body);
  if (!answer.success) return fail('message-invalid', 'records');
  const [entry] = answer.data.records;
  const head = verifyHead(bytesOfText(answer.data.head) ?? new Uint8Array(0), trust, crypto);
  if (!head.ok) return head;
  const value = entry === undefined || entry.value === null ? null : (bytesOfText(entry.value) ?? null);
  const proof = bytesOfText(entry?.proof ?? '');
  if (proof === undefined || !verifyState({ root: head.value.stateRoot, key, value, proof }, crypto)) return fail('proof-invalid');
  return ok(value === null ? null : decodeRecord(kind, value));
}
