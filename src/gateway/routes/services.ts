import { z } from 'zod';
import type { ProblemCode } from '../../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { readCatalogueFile, termsOf } from '../../contract/service.ts';
import { hashOf, sameHash } from '../../identity/grant.ts';
import type { ActKind, Act } from '../../ledger/verify/acts.ts';
import { toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import { bytesOfText, bytesText, nameText } from '../api-values.ts';
import { submitted } from '../carry-out.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';
import { carriedAnswers } from './requests.ts';

const envelopeText = bytesText.max(20_000).describe('The transaction as the agency signed it (ledger/verify/envelope.ts)');

const envelopeRefusals: readonly ProblemCode[] = [
  'envelope-malformed',
  'body-malformed',
  'version-unknown',
  'algorithm-unknown',
  'acts-count',
  'act-malformed',
  'act-unknown',
  'chain-wrong',
  'expired',
  'not-after-too-far',
  'signature-invalid',
  'signer-missing',
  'signer-superfluous',
  'signer-unknown',
  'signer-role',
  'signer-revoked',
  'party-unknown',
  'party-inactive',
  'party-kind',
  'service-unknown',
  'hub-refused',
];

/** The one act of this kind that an envelope of the caller's own carries. */
function loneAct<K extends ActKind>(envelope: Uint8Array | undefined, kind: K, crypto: Crypto): Result<{ envelope: Uint8Array; act: Extract<Act, { kind: K }> }, Failure<ProblemCode>> {
  if (envelope === undefined) return fail('call-malformed', 'body: envelope');
  const opened = openEnvelope(envelope, crypto);
  if (!opened.ok) return opened;
  const [act, ...others] = opened.value.body.acts;
  if (act === undefined || others.length > 0) return fail('acts-count');
  return act.kind === kind ? ok({ envelope, act: act as Extract<Act, { kind: K }> }) : fail('act-unknown');
}

/** The catalogue: what agencies offer, and how they change it. Kiosks have it at their next look, without an update. */
export const serviceRoutes = (parts: GatewayParts): Route[] => [
  route({
    method: 'GET',
    path: '/v1/services',
    auth: 'none',
    summary: 'What is published now, of all agencies',
    answers: { 200: { description: 'By id; `definition` is the file byte for byte', schema: z.strictObject({ items: z.array(z.strictObject({ id: nameText, definition: bytesText })) }) } },
    handle: async () => {
      const listed = await parts.services.list();
      return listed.ok ? answered(200, { items: listed.value.map(({ id, definition }) => ({ id, definition: toBase64url(definition) })) }) : listed;
    },
  }),
  route({
    method: 'POST',
    path: '/v1/services',
    auth: 'party',
    summary: 'Publish a service or a bundle, or its next version',
    description: '`definition` is the file byte for byte; the agency’s transaction with one `service.publish` has its hash, and says the same as it does.',
    body: z.strictObject({ envelope: envelopeText, definition: bytesText.min(1).max(180_000) }),
    answers: carriedAnswers,
    refusals: [...envelopeRefusals, 'service-mismatch', 'purpose-not-owned', 'claims-beyond-purpose', 'id-taken', 'service-known'],
    handle: async ({ party, body }) => {
      const read = loneAct(bytesOfText(body.envelope), 'service.publish', parts.crypto);
      if (!read.ok) return read;
      const { act, envelope } = read.value;
      if (act.agency !== party.name) return fail('signer-role');
      const definition = bytesOfText(body.definition);
      const file = definition === undefined ? null : readCatalogueFile(definition);
      if (definition === undefined || file === null) return fail('call-malformed', 'body: definition');
      const { id, version, agency, purpose, claims } = termsOf(file);
      const isSame =
        sameHash(hashOf(definition), act.definition) &&
        id === act.id &&
        version === act.version &&
        agency === act.agency &&
        purpose === act.purpose &&
        claims.length === act.claims.length &&
        claims.every((claim) => act.claims.includes(claim));
      if (!isSame) return fail('service-mismatch');
      const kept = parts.services.put(definition);
      if (!kept.ok) return kept;
      const carried = await submitted({ envelope, payloads: [] }, parts.carrying);
      if (!carried.ok) return carried;
      const view = { transaction: toHex(carried.value.transaction), state: carried.value.state };
      return carried.value.state === 'recorded' ? answered(200, view) : answered(202, view);
    },
  }),
  route({
    method: 'POST',
    path: '/v1/services/withdrawals',
    auth: 'party',
    summary: 'Withdraw a service',
    description: 'Requests that were made go on; no new one can be.',
    body: z.strictObject({ envelope: envelopeText }),
    answers: carriedAnswers,
    refusals: envelopeRefusals,
    handle: async ({ body }) => {
      const read = loneAct(bytesOfText(body.envelope), 'service.withdraw', parts.crypto);
      if (!read.ok) return read;
      const carried = await submitted({ envelope: read.value.envelope, payloads: [] }, parts.carrying);
      if (!carried.ok) return carried;
      const view = { transaction: toHex(carried.value.transaction), state: carried.value.state };
      return carried.value.state === 'recorded' ? answered(200, view) : answered(202, view);
    },
  }),
];
