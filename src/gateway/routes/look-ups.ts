import { z } from 'zod';
import type { ProblemCode } from '../../contract/failures.ts';
import { fail } from '../../contract/result.ts';
import { toHex } from '../../ledger/verify/bytes.ts';
import { openOrder } from '../../ledger/verify/order.ts';
import { bytesOfText, bytesText, idText } from '../api-values.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

/** From an identity number to a resident, for those who serve people in person. */
export const lookUpRoutes = (parts: GatewayParts): Route[] => [
  route({
    method: 'POST',
    path: '/v1/look-ups',
    auth: 'party',
    kinds: ['hub', 'registrar'],
    summary: 'Look a resident up in the registrar’s index',
    description:
      'For the signed order of a member of staff or a registrar’s clerk, with the number and the salt that its hash was made of. Who was found reads in the own list who looked and why, before this is answered; what was not found stays in the registrar’s journal.',
    body: z.strictObject({ order: bytesText.max(8192), number: z.string().min(1).max(40), salt: bytesText.length(22) }),
    repeatable: true,
    answers: { 200: { description: 'Known, or not', schema: z.strictObject({ resident: idText.nullable() }) } },
    refusals: [
      'envelope-malformed',
      'body-malformed',
      'algorithm-unknown',
      'version-unknown',
      'act-unknown',
      'chain-wrong',
      'addressee-mismatch',
      'order-mismatch',
      'order-too-early',
      'not-after-too-far',
      'expired',
      'signature-invalid',
      'signer-unknown',
      'signer-role',
      'signer-revoked',
      'signer-expired',
      'party-unknown',
      'party-inactive',
      'access-known',
      'nonce-spent',
      'subject-unknown',
      'subject-inactive',
      'too-many',
    ],
    handle: async ({ party, body }) => {
      const order = bytesOfText(body.order);
      const salt = bytesOfText(body.salt);
      if (order === undefined || salt === undefined) return fail('call-malformed', 'body');
      const opened = openOrder(order, parts.crypto);
      if (!opened.ok) return opened;
      const wanted = opened.value.body.order;
      if (wanted.kind !== 'index.lookup') return fail('act-unknown');
      if (wanted.party !== party.name) return fail('addressee-mismatch');
      const found = await parts.lookUp(order, body.number, salt);
      if (!found.ok) return fail(found.failure.code as ProblemCode);
      return answered(200, { resident: found.value.resident === null ? null : toHex(found.value.resident) });
    },
  }),
];
