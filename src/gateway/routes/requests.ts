import { z } from 'zod';
import { fail } from '../../contract/result.ts';
import { toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { stateKey } from '../../ledger/verify/records.ts';
import type { AgencyGrant, AgencyRequest } from '../../keeper/agency-lists.ts';
import { bytesOfHex, bytesOfText, bytesText, hashText, idText, nameText, secondsValue } from '../api-values.ts';
import { carryOut, carryRefusals, orderRefusals, readOrder, recordOf } from '../carry-out.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

const steps = ['submitted', 'received', 'needs-more', 'decided', 'closed', 'withdrawn'] as const;

export const requestSchema = z.strictObject({
  id: idText,
  /** The resident's id on the ledger. */
  subject: idText,
  service: nameText,
  version: z.int(),
  step: z.enum(steps),
  at: secondsValue,
  transaction: hashText,
  grants: z.array(idText),
  /** Its private part, and what was typed: sealed to the agency. */
  part: bytesText,
  answers: bytesText,
});

const requestView = (request: AgencyRequest): z.input<typeof requestSchema> => ({
  id: toHex(request.id),
  subject: toHex(request.subject),
  service: request.service,
  version: request.version,
  step: request.step,
  at: request.at,
  transaction: toHex(request.transaction),
  grants: request.grants.map(toHex),
  part: toBase64url(request.part),
  answers: toBase64url(request.answers),
});

export const grantSchema = z.strictObject({
  id: idText,
  subject: idText,
  purpose: nameText,
  service: nameText,
  claims: z.array(z.string()),
  at: secondsValue,
  until: secondsValue,
  /** Left. */
  reads: z.int(),
  state: z.enum(['live', 'ended', 'expired']),
  transaction: hashText,
  part: bytesText,
});

const grantView = (grant: AgencyGrant): z.input<typeof grantSchema> => ({
  id: toHex(grant.id),
  subject: toHex(grant.subject),
  purpose: grant.purpose,
  service: grant.service,
  claims: [...grant.claims],
  at: grant.at,
  until: grant.until,
  reads: grant.reads,
  state: grant.state,
  transaction: toHex(grant.transaction),
  part: toBase64url(grant.part),
});

const limitText = z.string().regex(/^[1-9][0-9]?$|^100$/).optional().describe('1 to 100; left out: 50');
const cursorText = z.string().max(64).optional().describe('`next` of the page before');
const limitOf = (text: string | undefined): number => Number(text ?? 50);

export const carriedSchema = z.strictObject({ transaction: hashText, state: z.enum(['recorded', 'queued']) });
export const carriedAnswers = {
  200: { description: 'Recorded in a block', schema: carriedSchema },
  202: { description: 'Safe, and not in a block yet: `/v1/ledger/receipts/{transaction}` will have it', schema: carriedSchema },
} as const;

export const orderText = bytesText.max(6000).describe('The order as signed (ledger/verify/order.ts)');

/** What residents brought to this agency: the queue, its grants, reading what a grant covers, and the steps that a request takes. */
export const requestRoutes = (parts: GatewayParts): Route[] => [
  route({
    method: 'GET',
    path: '/v1/requests',
    auth: 'party',
    summary: 'Requests, in the order in which they were recorded',
    query: z.strictObject({ service: nameText.optional(), step: z.enum(steps).optional(), cursor: cursorText, limit: limitText }),
    answers: { 200: { description: 'A page; `next` is null on the last', schema: z.strictObject({ items: z.array(requestSchema), next: z.string().nullable() }) } },
    refusals: ['cursor-invalid', 'cursor-unknown'],
    handle: async ({ party, query: { service, step, cursor, limit } }) => {
      const list = `/v1/requests ${service ?? ''} ${step ?? ''}`;
      const place = parts.cursors.read(party.name, list, cursor);
      if (!place.ok) return place;
      const page = await parts.keeper.requestsOf(party.name, {
        limit: limitOf(limit),
        ...(place.value === null ? {} : { cursor: String(place.value) }),
        ...(service === undefined ? {} : { service }),
        ...(step === undefined ? {} : { step }),
      });
      if (!page.ok) return page;
      const { items, next } = page.value;
      return answered(200, { items: items.map(requestView), next: next === null ? null : parts.cursors.write(party.name, list, Number(next)) });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/requests/{id}',
    auth: 'party',
    summary: 'A request',
    params: z.strictObject({ id: idText }),
    answers: { 200: { description: 'The request', schema: requestSchema } },
    refusals: ['request-unknown'],
    handle: async ({ party, params }) => {
      const request = await parts.keeper.requestOf(party.name, bytesOfHex(params.id));
      return request.ok ? answered(200, requestView(request.value)) : request;
    },
  }),
  route({
    method: 'POST',
    path: '/v1/requests/{id}/steps',
    auth: 'party',
    summary: 'Take a request one step on',
    description:
      'submitted → received → (needs-more ⇄ received) → decided → closed. The order names the step, with `decided` the decision, and where there are any the letter’s hash and the payment that is confirmed. The letter is sealed to the resident’s data space. The same order is carried out once and answered alike.',
    params: z.strictObject({ id: idText }),
    body: z.strictObject({ order: orderText, letter: bytesText.max(90_000).optional() }),
    repeatable: true,
    answers: carriedAnswers,
    refusals: [...carryRefusals, 'step-illegal'],
    handle: async ({ party, params, body }) => {
      const read = readOrder(bytesOfText(body.order), 'request.step', party, parts.crypto);
      if (!read.ok) return read;
      const { order, signed } = read.value;
      if (toHex(order.request) !== params.id) return fail('order-mismatch');
      const letter = body.letter === undefined ? undefined : bytesOfText(body.letter);
      if (body.letter !== undefined && letter === undefined) return fail('call-malformed', 'body: letter');
      const carried = await carryOut(
        [
          {
            act: (commitment) => ({ kind: 'request.step', subject: order.subject, id: order.request, step: order.step, ...commitment }),
            part: {
              kind: 'request.step',
              agency: party.name,
              ...(order.decision === undefined ? {} : { decision: order.decision }),
              ...(order.letter === undefined ? {} : { letter: order.letter }),
              ...(order.payment === undefined ? {} : { payment: order.payment }),
              signed,
            },
            toAgency: true,
            along: letter === undefined ? [] : [{ what: 'letter', to: 'space', sealed: letter }],
          },
        ],
        [read.value],
        party,
        order.subject,
        parts.carrying,
      );
      if (!carried.ok) return carried;
      const view = { transaction: toHex(carried.value.transaction), state: carried.value.state };
      return carried.value.state === 'recorded' ? answered(200, view) : answered(202, view);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/grants',
    auth: 'party',
    summary: 'Grants, in the order in which they were recorded',
    query: z.strictObject({ cursor: cursorText, limit: limitText }),
    answers: { 200: { description: 'A page; `next` is null on the last', schema: z.strictObject({ items: z.array(grantSchema), next: z.string().nullable() }) } },
    refusals: ['cursor-invalid', 'cursor-unknown'],
    handle: async ({ party, query: { cursor, limit } }) => {
      const place = parts.cursors.read(party.name, '/v1/grants', cursor);
      if (!place.ok) return place;
      const page = await parts.keeper.grantsOf(party.name, { limit: limitOf(limit), ...(place.value === null ? {} : { cursor: String(place.value) }) });
      if (!page.ok) return page;
      const { items, next } = page.value;
      return answered(200, { items: items.map(grantView), next: next === null ? null : parts.cursors.write(party.name, '/v1/grants', Number(next)) });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/grants/{id}/reads',
    auth: 'party',
    summary: 'Read what a grant covers',
    description:
      'For an officer’s order with the purpose that the grant was given for. The look is recorded on the ledger, where the resident reads it, before anything is handed out: `inner` is sealed to the agency’s sealing key, one SD-JWT with key binding per issuer. The same order again counts one read.',
    params: z.strictObject({ id: idText }),
    body: z.strictObject({ order: orderText }),
    repeatable: true,
    answers: { 200: { description: 'Released; `transaction` is the recorded look', schema: z.strictObject({ transaction: hashText, inner: bytesText }) } },
    refusals: [...orderRefusals, 'grant-unknown', 'purpose-mismatch', 'purpose-not-owned', 'grant-ended', 'grant-expired', 'grant-not-live', 'reads-spent', 'subject-inactive', 'subject-unknown', 'access-known', 'transaction-known'],
    handle: async ({ party, params, body }) => {
      const read = readOrder(bytesOfText(body.order), 'grant.read', party, parts.crypto);
      if (!read.ok) return read;
      if (toHex(read.value.order.grant) !== params.id) return fail('order-mismatch');
      const released = await parts.keeper.release(read.value.signed);
      if (!released.ok) return released;
      return answered(200, { transaction: toHex(released.value.transaction), inner: toBase64url(released.value.inner) });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/residents/{id}',
    auth: 'party',
    summary: 'The public keys of a resident who has brought a request',
    description: 'To seal letters and credentials to. `request` is one of this agency’s requests, of this resident.',
    params: z.strictObject({ id: idText }),
    query: z.strictObject({ request: idText }),
    answers: {
      200: {
        description: 'Raw keys: of the data space (X25519), and the card’s AUT key that credentials are bound to (Ed25519)',
        schema: z.strictObject({ id: idText, state: z.enum(['active', 'retired']), space: bytesText, aut: bytesText }),
      },
    },
    refusals: ['resident-unknown'],
    handle: async ({ party, params, query }) => {
      const request = await parts.keeper.requestOf(party.name, bytesOfHex(query.request));
      if (!request.ok) return request.failure.code === 'request-unknown' ? fail('resident-unknown') : request;
      if (toHex(request.value.subject) !== params.id) return fail('resident-unknown');
      const record = await recordOf('resident', stateKey.resident(request.value.subject), parts.ledger);
      if (!record.ok) return record;
      if (record.value === null) return fail('resident-unknown');
      const { state, space, aut } = record.value;
      return answered(200, { id: params.id, state, space: toBase64url(space[1]), aut: toBase64url(aut[1]) });
    },
  }),
];
