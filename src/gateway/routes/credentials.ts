import { z } from 'zod';
import { fail } from '../../contract/result.ts';
import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import { bytesOfHex, bytesOfText, bytesText, idText } from '../api-values.ts';
import { carryOut, carryRefusals, readOrder, type OrderedAct, type ReadOrder } from '../carry-out.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';
import { carriedAnswers, orderText } from './requests.ts';

const revocation = ({ order, signed }: ReadOrder<'credential.revoke'>): OrderedAct => ({
  act: (commitment) => ({ kind: 'credential.revoke', subject: order.subject, id: order.credential, ...commitment }),
  part: { kind: 'credential.revoke', issuer: order.party, vct: order.vct, reason: order.reason, signed },
  toAgency: false,
  along: [],
});

/** What an agency vouches for: into a resident's data space without the card being there, and out of it again. */
export const credentialRoutes = (parts: GatewayParts): Route[] => [
  route({
    method: 'POST',
    path: '/v1/credentials',
    auth: 'party',
    summary: 'Issue a credential to a resident’s data space',
    description:
      'The SD-JWT VC, bound to the card’s AUT key, is sealed to the space: nobody here can read it. The order carries its hash and its index in the agency’s status list, which no other credential has (`/v1/revocations` says the next free one). With `replaces`, an order to revoke the credential before, both happen or neither.',
    body: z.strictObject({ order: orderText, credential: bytesText.max(90_000), replaces: orderText.optional() }),
    repeatable: true,
    answers: carriedAnswers,
    refusals: [...carryRefusals, 'credential-unknown', 'credential-revoked', 'status-index-taken'],
    handle: async ({ party, body }) => {
      const read = readOrder(bytesOfText(body.order), 'credential.issue', party, parts.crypto);
      if (!read.ok) return read;
      const replaced = body.replaces === undefined ? null : readOrder(bytesOfText(body.replaces), 'credential.revoke', party, parts.crypto);
      if (replaced !== null && !replaced.ok) return replaced;
      const sealed = bytesOfText(body.credential);
      if (sealed === undefined) return fail('call-malformed', 'body: credential');
      const { order, signed } = read.value;
      if (replaced !== null && !equalBytes(replaced.value.order.subject, order.subject)) return fail('order-mismatch');
      const anchor: OrderedAct = {
        act: (commitment) => ({ kind: 'credential.anchor', subject: order.subject, id: order.credential, status: order.status, ...commitment }),
        part: { kind: 'credential.anchor', issuer: party.name, vct: order.vct, credential: order.hash, signed },
        toAgency: false,
        along: [{ what: 'credential', to: 'space', sealed }],
      };
      const free = await parts.status.claim(parts.party.name, order.status, order.credential);
      if (!free.ok) return free;
      if (!free.value) return fail('status-index-taken');
      const acts = replaced === null ? [anchor] : [revocation(replaced.value), anchor];
      const orders = replaced === null ? [read.value] : [replaced.value, read.value];
      const carried = await carryOut(acts, orders, party, order.subject, parts.carrying);
      if (!carried.ok) return carried;
      const view = { transaction: toHex(carried.value.transaction), state: carried.value.state };
      return carried.value.state === 'recorded' ? answered(200, view) : answered(202, view);
    },
  }),
  route({
    method: 'POST',
    path: '/v1/credentials/{id}/revocations',
    auth: 'party',
    summary: 'Revoke a credential',
    params: z.strictObject({ id: idText }),
    body: z.strictObject({ order: orderText }),
    repeatable: true,
    answers: carriedAnswers,
    refusals: [...carryRefusals, 'credential-unknown', 'credential-revoked'],
    handle: async ({ party, params, body }) => {
      const read = readOrder(bytesOfText(body.order), 'credential.revoke', party, parts.crypto);
      if (!read.ok) return read;
      if (!equalBytes(read.value.order.credential, bytesOfHex(params.id))) return fail('order-mismatch');
      const carried = await carryOut([revocation(read.value)], [read.value], party, read.value.order.subject, parts.carrying);
      if (!carried.ok) return carried;
      const view = { transaction: toHex(carried.value.transaction), state: carried.value.state };
      return carried.value.state === 'recorded' ? answered(200, view) : answered(202, view);
    },
  }),
];
