import { z } from 'zod';
import { identityClaims } from '../../contract/claims.ts';
import type { ProblemCode } from '../../contract/failures.ts';
import { fail } from '../../contract/result.ts';
import { toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import { stateKey } from '../../ledger/verify/records.ts';
import { bytesOfHex, bytesOfText, bytesText, idText } from '../api-values.ts';
import { recordOf, submitted } from '../carry-out.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';
import { carriedAnswers } from './requests.ts';

const sealedMessage = z.strictObject({ enc: bytesText, ciphertext: bytesText });

/** How the registrar's office gives a resident a new card, and issues the identity to it again. */
export const replacementRoutes = (parts: GatewayParts): Route[] => [
  route({
    method: 'GET',
    path: '/v1/residents/{id}/recovery',
    auth: 'party',
    kinds: ['registrar'],
    summary: 'What replacing a resident’s card needs',
    description: 'Ciphertexts, which nothing but the resident’s slip opens: the space’s key as wrapped to the slip, and the keys before it that were handed on.',
    params: z.strictObject({ id: idText }),
    answers: {
      200: {
        description: 'Of the space as it is',
        schema: z.strictObject({
          space: bytesText,
          recovery: sealedMessage,
          formers: z.array(z.strictObject({ number: z.int(), sealed: bytesText })),
          replaced: z.int().describe('How often the card was replaced so far'),
        }),
      },
    },
    refusals: ['subject-unknown'],
    handle: async ({ params }) => {
      const resident = bytesOfHex(params.id);
      const record = await recordOf('resident', stateKey.resident(resident), parts.ledger);
      if (!record.ok) return record;
      if (record.value === null) return fail('subject-unknown');
      const found = await parts.keeper.recovery(resident);
      if (!found.ok) return found;
      const { recovery, formers, replaced } = found.value;
      return answered(200, {
        space: toBase64url(record.value.space[1]),
        recovery: { enc: toBase64url(recovery.enc), ciphertext: toBase64url(recovery.ciphertext) },
        formers: formers.map(({ number, sealed }) => ({ number, sealed: toBase64url(sealed) })),
        replaced,
      });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/replacements',
    auth: 'party',
    kinds: ['registrar'],
    summary: 'Replace a resident’s card',
    description: 'One `resident.replace`, signed by two members of staff of different roles and the new card, and the space’s new key (identity/replacement.ts). For 24 hours the new card only reads.',
    body: z.strictObject({ envelope: bytesText.max(20_000), replacement: bytesText.max(90_000) }),
    repeatable: true,
    answers: carriedAnswers,
    refusals: [
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
      'transaction-known',
      'signature-invalid',
      'signer-missing',
      'signer-superfluous',
      'signer-unknown',
      'signer-role',
      'signer-revoked',
      'signer-expired',
      'party-inactive',
      'subject-unknown',
      'subject-inactive',
      'key-taken',
      'key-weak',
      'challenge-invalid',
      'payload-mismatch',
      'payload-too-large',
      'hub-refused',
    ],
    handle: async ({ body }) => {
      const envelope = bytesOfText(body.envelope);
      const sealed = bytesOfText(body.replacement);
      if (envelope === undefined || sealed === undefined) return fail('call-malformed', 'body');
      const opened = openEnvelope(envelope, parts.crypto);
      if (!opened.ok) return opened;
      const [act, ...others] = opened.value.body.acts;
      if (act === undefined || others.length > 0) return fail('acts-count');
      if (act.kind !== 'resident.replace') return fail('act-unknown');
      const taken = await submitted({ envelope, payloads: [{ act: 0, what: 'replacement', to: 'keeper', sealed }] }, parts.carrying);
      return taken.ok ? answered(taken.value.state === 'recorded' ? 200 : 202, { transaction: toHex(taken.value.transaction), state: taken.value.state }) : taken;
    },
  }),
  route({
    method: 'POST',
    path: '/v1/residents/{id}/identity',
    auth: 'party',
    kinds: ['registrar'],
    summary: 'Issue the identity to a resident’s card again',
    description: 'As read of the identity document or the population register; number and birth date are among them, and the number is this resident’s. The facts go into the credential, sealed to the resident’s space, and nowhere else.',
    params: z.strictObject({ id: idText }),
    body: z.strictObject({ facts: z.partialRecord(z.enum(identityClaims), z.string().min(1).max(200)) }),
    answers: { 200: { description: 'Issued', schema: z.strictObject({ issued: z.boolean() }) } },
    refusals: ['subject-unknown', 'document-number', 'hub-refused', 'request-rejected'],
    handle: async ({ params, body }) => {
      const resident = bytesOfHex(params.id);
      const record = await recordOf('resident', stateKey.resident(resident), parts.ledger);
      if (!record.ok) return record;
      if (record.value === null) return fail('subject-unknown');
      const issued = await parts.issueIdentity(resident, body.facts);
      if (issued.ok) return answered(200, { issued: true });
      const code: ProblemCode = issued.failure.code === 'key-unknown' ? 'subject-unknown' : issued.failure.code;
      return fail(code);
    },
  }),
];
