import { z } from 'zod';
import type { ProblemCode } from '../../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { IncomingPayload } from '../../keeper/bundle.ts';
import { mostEntries } from '../../keeper/case-reading.ts';
import type { Act, ActKind } from '../../ledger/verify/acts.ts';
import { equalBytes, toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import { openOrder } from '../../ledger/verify/order.ts';
import { bytesOfHex, bytesOfText, bytesText, hashText, idText } from '../api-values.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

export const casesSchema = z.strictObject({ items: z.array(idText) });

const envelopeText = bytesText.max(90_000);
const recorded = { 200: { description: 'Recorded', schema: z.strictObject({ transaction: hashText }) } };
const ledgerRefusals: readonly ProblemCode[] = [
  'envelope-malformed',
  'body-malformed',
  'version-unknown',
  'algorithm-unknown',
  'acts-count',
  'act-unknown',
  'act-malformed',
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
  'party-unknown',
  'party-kind',
  'party-inactive',
  'id-taken',
  'until-past',
  'until-too-far',
  'delay-too-long',
  'case-unknown',
  'case-closed',
  'case-sealed',
  'case-not-sealed',
  'case-not-due',
  'case-overdue',
  'subject-unknown',
  'scope-unknown',
  'part-missing',
  'part-unreadable',
  'part-mismatch',
  'payload-missing',
  'payload-superfluous',
  'payload-mismatch',
  'payload-too-large',
  'order-mismatch',
];
const recordWaitMs = 10_000;

/** Cases of auditors' offices: opened, read, closed, and unsealed by the authority. Who may is a matter of the cards' signatures; the party's own opens this door only. */
export const caseRoutes = (parts: GatewayParts): Route[] => {
  /** One act of the kind that the path says, to the ledger, and the answer when it is recorded. */
  async function submit<K extends ActKind>(text: string, kind: K, isMeant: (act: Extract<Act, { kind: K }>) => boolean, payloads: readonly IncomingPayload[]): Promise<Result<{ transaction: string }, Failure<ProblemCode>>> {
    const envelope = bytesOfText(text);
    if (envelope === undefined) return fail('call-malformed', 'body: envelope');
    const opened = openEnvelope(envelope, parts.crypto);
    if (!opened.ok) return opened;
    const [act, ...others] = opened.value.body.acts;
    if (act?.kind !== kind || others.length > 0 || !isMeant(act as Extract<Act, { kind: K }>)) return fail('order-mismatch');
    const taken = await parts.keeper.take({ envelope, payloads });
    if (!taken.ok) return taken;
    if (taken.value.state === 'rejected') return fail((taken.value.code ?? 'envelope-malformed') as ProblemCode);
    const receipt = await parts.ledger.receipt(opened.value.id, recordWaitMs);
    if (!receipt.ok) return receipt;
    const state = await parts.keeper.state(opened.value.id);
    if (!state.ok) return state;
    if (state.value.state === 'rejected') return fail((state.value.code ?? 'envelope-malformed') as ProblemCode);
    return receipt.value === null ? fail('hub-busy') : ok({ transaction: toHex(opened.value.id) });
  }

  return [
    route({
      method: 'GET',
      path: '/v1/cases',
      auth: 'party',
      kinds: ['auditor'],
      summary: 'The office’s cases, sealed or not',
      description: 'The oldest first. How each stands, the ledger proves: `/v1/ledger/records`.',
      answers: { 200: { description: 'Ids', schema: casesSchema } },
      handle: async ({ party }) => {
        const cases = await parts.keeper.casesOf(party.name);
        return cases.ok ? answered(200, { items: cases.value.map(toHex) }) : cases;
      },
    }),
    route({
      method: 'POST',
      path: '/v1/cases',
      auth: 'party',
      kinds: ['auditor'],
      summary: 'Open a case that the auditor and the second officer have both signed',
      description: 'Where the second officer is elsewhere, a draft is left instead (`/v1/drafts`). The body is sealed twice: to the keeper, and to k of n members of the authority.',
      body: z.strictObject({ envelope: envelopeText, keeper: bytesText.max(90_000), authority: bytesText.max(90_000) }),
      answers: recorded,
      refusals: ledgerRefusals,
      handle: async ({ party, body }) => {
        const keeper = bytesOfText(body.keeper);
        const authority = bytesOfText(body.authority);
        if (keeper === undefined || authority === undefined) return fail('call-malformed', 'body');
        const done = await submit(body.envelope, 'case.open', ({ office }) => office === party.name, [
          { act: 0, what: 'case', to: 'keeper', sealed: keeper },
          { act: 0, what: 'case', to: 'authority', sealed: authority },
        ]);
        return done.ok ? answered(200, done.value) : done;
      },
    }),
    route({
      method: 'POST',
      path: '/v1/cases/{id}/reads',
      auth: 'party',
      kinds: ['auditor'],
      summary: 'Read what a case covers of one resident',
      description: 'For the auditor’s signed order. The look is in the resident’s list before anything is handed out; what is handed out is sealed to the office, and holds no facts.',
      params: z.strictObject({ id: idText }),
      body: z.strictObject({ order: bytesText.max(8192), after: z.int().min(0).max(1_000_000).default(0) }),
      repeatable: true,
      answers: { 200: { description: 'Sealed to the office’s key, under the order’s `access`: `entries`, and `next` where there are more, for `after` beside the same order', schema: z.strictObject({ transaction: hashText, sealed: bytesText }) } },
      refusals: [...ledgerRefusals, 'order-too-early', 'subject-beyond-case', 'subject-inactive', 'access-known', 'nonce-spent', 'addressee-mismatch', 'case-unknown'],
      handle: async ({ party, params, body }) => {
        const order = bytesOfText(body.order);
        if (order === undefined) return fail('call-malformed', 'body: order');
        const opened = openOrder(order, parts.crypto);
        if (!opened.ok) return opened;
        const wanted = opened.value.body.order;
        if (wanted.kind !== 'case.read' || !equalBytes(wanted.case, bytesOfHex(params.id))) return fail('order-mismatch');
        if (wanted.party !== party.name) return fail('case-unknown');
        const read = await parts.keeper.readCase(order, { after: body.after, limit: mostEntries });
        return read.ok ? answered(200, { transaction: toHex(read.value.transaction), sealed: toBase64url(read.value.inner) }) : read;
      },
    }),
    route({
      method: 'POST',
      path: '/v1/cases/{id}/closings',
      auth: 'party',
      kinds: ['auditor'],
      summary: 'Close a case',
      params: z.strictObject({ id: idText }),
      body: z.strictObject({ envelope: envelopeText }),
      answers: recorded,
      refusals: ledgerRefusals,
      handle: async ({ params, body }) => {
        const done = await submit(body.envelope, 'case.close', ({ id }) => equalBytes(id, bytesOfHex(params.id)), []);
        return done.ok ? answered(200, done.value) : done;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/cases/{id}/body',
      auth: 'party',
      kinds: ['authority'],
      summary: 'The body of a case, sealed to members of the authority',
      params: z.strictObject({ id: idText }),
      answers: { 200: { description: 'To be opened by as many members as it says', schema: z.strictObject({ authority: bytesText }) } },
      refusals: ['case-unknown'],
      handle: async ({ params }) => {
        const body = await parts.keeper.caseForAuthority(bytesOfHex(params.id));
        if (!body.ok) return body;
        return body.value === null ? fail('case-unknown') : answered(200, { authority: toBase64url(body.value) });
      },
    }),
    route({
      method: 'POST',
      path: '/v1/cases/{id}/unsealings',
      auth: 'party',
      kinds: ['authority'],
      summary: 'Unseal a case that is due, signed by as many of the authority as it takes',
      params: z.strictObject({ id: idText }),
      body: z.strictObject({ envelope: envelopeText }),
      answers: recorded,
      refusals: ledgerRefusals,
      handle: async ({ params, body }) => {
        const done = await submit(body.envelope, 'case.unseal', ({ id }) => equalBytes(id, bytesOfHex(params.id)), []);
        return done.ok ? answered(200, done.value) : done;
      },
    }),
  ];
};
