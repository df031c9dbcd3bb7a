import { z } from 'zod';
import type { ProblemCode } from '../../contract/failures.ts';
import { fail, type Failure, type Result } from '../../contract/result.ts';
import type { PartyKind } from '../../ledger/verify/acts.ts';
import { publicKeyShape } from '../../ledger/verify/act-shapes.ts';
import { toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { decodeDraft, encodeDraft, type Draft } from '../../ledger/verify/draft.ts';
import { bytesOfHex, bytesOfText, bytesText, hashText, idText, nameText, secondsValue } from '../api-values.ts';
import type { DraftSummary } from '../drafts.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

/** Whose people sign together with others. */
const draftKinds: readonly PartyKind[] = ['auditor', 'agency', 'authority', 'hub', 'registrar'];

const summarySchema = z.strictObject({
  id: hashText,
  kind: z.string(),
  signed: z.array(z.strictObject({ staff: idText, party: nameText })),
  until: secondsValue,
});
const summaryView = ({ id, kind, signed, until }: DraftSummary): z.input<typeof summarySchema> => ({
  id: toHex(id),
  kind,
  signed: signed.map(({ staff, party }) => ({ staff: toHex(staff), party })),
  until,
});

const payloadSchema = z.strictObject({ act: z.int().min(0).max(15), what: z.enum(['part', 'case']), to: z.enum(['space', 'keeper', 'agency', 'authority']), sealed: bytesText.max(90_000) });

const refusals: readonly ProblemCode[] = ['draft-unknown', 'draft-refused'];

/** What the store of drafts refuses in words of its own. */
function refused<T>(result: Result<T>): Result<T, Failure<ProblemCode>> {
  if (result.ok || result.failure.code !== 'hub-refused') return result;
  return result.failure.detail === 'draft-unknown' ? fail('draft-unknown') : fail('draft-refused', result.failure.detail);
}

function readDraft(text: string, { crypto }: Pick<GatewayParts, 'crypto'>): Draft | undefined {
  const bytes = bytesOfText(text);
  return bytes === undefined ? undefined : decodeDraft(bytes, crypto);
}

/** Transactions that wait for the signature of somebody who is elsewhere, for 24 hours. */
export const draftRoutes = (parts: GatewayParts): Route[] => [
  route({
    method: 'POST',
    path: '/v1/drafts',
    auth: 'party',
    kinds: draftKinds,
    summary: 'Leave a draft for another’s signature',
    description: 'Brought by the party of a signer who has signed. All signers are named in it; only their parties learn that it exists. `notes` say to another signer’s party what is being signed, sealed to its key.',
    body: z.strictObject({
      draft: bytesText.max(90_000),
      payloads: z.array(payloadSchema).max(8),
      notes: z.array(z.strictObject({ party: nameText, sealed: bytesText.max(90_000) })).max(16),
    }),
    answers: { 201: { description: 'Kept until then', schema: z.strictObject({ id: hashText, until: secondsValue }) } },
    refusals,
    handle: async ({ party, body }) => {
      const draft = readDraft(body.draft, parts);
      if (draft === undefined) return fail('draft-refused', 'form');
      const payloads = body.payloads.map(({ sealed, ...rest }) => ({ ...rest, sealed: bytesOfText(sealed) ?? new Uint8Array() }));
      const notes = body.notes.map(({ party: to, sealed }) => ({ party: to, sealed: bytesOfText(sealed) ?? new Uint8Array() }));
      const brought = refused(await parts.drafts.bring(party.name, { draft, payloads, notes }));
      return brought.ok ? answered(201, { id: toHex(brought.value.id), until: brought.value.until }) : brought;
    },
  }),
  route({
    method: 'GET',
    path: '/v1/drafts',
    auth: 'party',
    kinds: draftKinds,
    summary: 'Drafts that the party’s people are to sign, or have signed',
    answers: { 200: { description: 'Those that end first stand first', schema: z.strictObject({ items: z.array(summarySchema) }) } },
    handle: async ({ party }) => {
      const listed = await parts.drafts.list(party.name);
      return listed.ok ? answered(200, { items: listed.value.map(summaryView) }) : listed;
    },
  }),
  route({
    method: 'GET',
    path: '/v1/drafts/{id}',
    auth: 'party',
    kinds: draftKinds,
    summary: 'One draft, with what was sealed to the party about it',
    params: z.strictObject({ id: hashText }),
    answers: { 200: { description: 'The draft', schema: summarySchema.extend({ draft: bytesText, notes: z.array(bytesText) }) } },
    refusals,
    handle: async ({ party, params }) => {
      const found = refused(await parts.drafts.find(party.name, bytesOfHex(params.id)));
      if (!found.ok) return found;
      return answered(200, { ...summaryView(found.value), draft: toBase64url(encodeDraft(found.value.draft)), notes: found.value.notes.map(({ sealed }) => toBase64url(sealed)) });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/drafts/{id}/signatures',
    auth: 'party',
    kinds: draftKinds,
    summary: 'Sign a draft',
    description: 'The last signature sends the transaction to the ledger; `state` is then what became of it, with a code where it was rejected.',
    params: z.strictObject({ id: hashText }),
    body: z.strictObject({ alg: z.union([z.literal(-19), z.literal(-9)]), key: bytesText.max(60), signature: bytesText.max(100) }),
    answers: { 200: { description: 'Taken', schema: z.strictObject({ state: z.enum(['waiting', 'unknown', 'queued', 'recorded', 'witnessed', 'rejected']), code: z.string().optional(), height: z.int().optional() }) } },
    refusals,
    handle: async ({ party, params, body }) => {
      const key = [body.alg, bytesOfText(body.key)];
      const signature = bytesOfText(body.signature);
      if (!publicKeyShape(key) || signature?.length !== 64) return fail('draft-refused', 'form');
      const signed = refused(await parts.drafts.sign(party.name, bytesOfHex(params.id), key, signature));
      return signed.ok ? answered(200, { ...signed.value }) : signed;
    },
  }),
];
