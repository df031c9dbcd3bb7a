import { z } from 'zod';
import { fail } from '../../contract/result.ts';
import { hashOf, sameHash } from '../../identity/grant.ts';
import { readStatusList, statusInvalid, statusUri } from '../../identity/status-list.ts';
import { fromBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import { bytesText, hashText, nameText, secondsValue } from '../api-values.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

export const revocationsSchema = z.strictObject({ revoked: z.array(z.int()), entries: z.int(), at: secondsValue });

/** Token Status Lists: anybody reads them; an agency gets what its own has to say, signs that, and publishes it. */
export const statusListRoutes = ({ status, lists, keeper, ledger, party: gateway, crypto, now }: GatewayParts): Route[] => [
  route({
    method: 'GET',
    path: '/v1/status-lists/{issuer}',
    auth: 'none',
    summary: "An issuer's newest Token Status List",
    description: 'As the issuer signed it; its hash stands on the ledger (`status.publish`).',
    params: z.strictObject({ issuer: nameText }),
    answers: { 200: { description: 'A Status List Token', type: 'application/statuslist+jwt', schema: z.string() } },
    refusals: ['status-list-unknown'],
    handle: async ({ params }) => {
      const newest = await lists.newest(params.issuer);
      if (!newest.ok) return newest;
      return newest.value === null ? fail('status-list-unknown') : answered(200, newest.value);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/revocations',
    auth: 'party',
    summary: "What an agency's next status list has to say",
    description: 'Indices of all agencies come from one sequence: what is revoked is not said to be whose. `entries`: how many a list needs.',
    answers: { 200: { description: 'By the ledger as it is now', schema: revocationsSchema } },
    handle: async () => {
      const followed = await status.follow();
      if (!followed.ok) return followed;
      const known = status.revoked(gateway.name);
      return known.ok ? answered(200, { revoked: known.value.indices, entries: known.value.entries, at: Math.floor(now() / 1000) }) : known;
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/status-list',
    auth: 'party',
    summary: "Publish an agency's status list",
    description: '`list`: the Status List Token; `envelope`: `status.publish` of its hash. Both signed by the agency. A list that leaves out a revocation of the ledger is refused (`status-list-behind`).',
    body: z.strictObject({ list: z.string().max(4 * 1024 * 1024), envelope: bytesText }),
    bodyLimitBytes: 5 * 1024 * 1024,
    answers: { 200: { description: 'Recorded', schema: z.strictObject({ list: hashText, at: secondsValue }) } },
    refusals: ['status-list-invalid', 'status-list-behind', 'status-not-newer', 'status-ahead', 'signer-missing', 'signer-unknown', 'signature-invalid', 'chain-wrong', 'expired', 'transaction-known'],
    handle: async ({ party, body }) => {
      const opened = openEnvelope(fromBase64url(body.envelope) ?? new Uint8Array(), crypto);
      if (!opened.ok) return fail('status-list-invalid', 'envelope');
      const [act, ...more] = opened.value.body.acts;
      const list = readStatusList(body.list, { uri: statusUri(party.name), keys: [party.record.sign] }, crypto.verify, Math.floor(now() / 1000));
      if (!list.ok) return list;
      const hash = hashOf(Buffer.from(body.list, 'ascii'));
      if (act?.kind !== 'status.publish' || more.length > 0 || act.issuer !== party.name || act.at !== list.value.at || !sameHash(act.list, hash)) return fail('status-list-invalid', 'act');
      const followed = await status.follow();
      if (!followed.ok) return followed;
      const known = status.revoked(gateway.name);
      if (!known.ok) return known;
      if (known.value.indices.some((index) => list.value.list.at(index) !== statusInvalid)) return fail('status-list-behind');
      const kept = lists.put(body.list);
      if (!kept.ok) return kept;
      const taken = await keeper.take({ envelope: fromBase64url(body.envelope) ?? new Uint8Array(), payloads: [] });
      if (!taken.ok) return taken;
      if (taken.value.state === 'rejected') return fail((taken.value.code ?? 'status-not-newer') as 'status-not-newer');
      const recorded = await ledger.receipt(opened.value.id, 10_000);
      if (!recorded.ok) return recorded;
      return recorded.value === null ? fail('hub-busy', 'recording') : answered(200, { list: toHex(hash[1]), at: act.at });
    },
  }),
];
