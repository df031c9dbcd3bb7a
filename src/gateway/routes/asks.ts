import { z } from 'zod';
import type { AnswerRefusalCode } from '../../contract/failures.ts';
import { fail, type Failure, type Result } from '../../contract/result.ts';
import { parseVpToken } from '../../identity/answer.ts';
import { askLimitBytes } from '../../identity/ask.ts';
import { requestPath } from '../../identity/ask-link.ts';
import { shownAskCode } from '../../identity/ask-code.ts';
import type { Id } from '../../ledger/verify/acts.ts';
import { fromBase64url, toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { bytesText, hashText, idText, secondsValue } from '../api-values.ts';
import type { AskView } from '../asks.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

/** `state` of a request object: 16 random bytes in base64url. */
const askName = z.string().regex(/^[A-Za-z0-9_-]{22}$/);

export const askSchema = z.strictObject({
  id: askName,
  state: z.enum(['open', 'over', 'refused', 'answering', 'answered']),
  /** When it was answered or refused. */
  at: secondsValue.nullable(),
  until: secondsValue,
  /** What a resident types at a kiosk, where one was wanted: three days, and not once it is answered. */
  code: z.string().nullable(),
  /** By reference, for `imi card answer` and for wallets (`openid4vp:`). */
  requestUri: z.string(),
  walletUri: z.string(),
});

export const answerSchema = z.strictObject({
  id: askName,
  answer: z.enum(['yes', 'no']),
  at: secondsValue,
  /** Of whoever answered: `active` on this ledger when they did, or `not-applicable`: a wallet of another kind. Null where they refused. */
  ledgerKey: z.enum(['active', 'not-applicable']).nullable(),
  subject: idText.nullable(),
  claims: z.array(z.string()),
  /** The vp_token, sealed to the agency. */
  token: bytesText.nullable(),
  transaction: hashText.nullable(),
  /** With the private part; `imi verify-receipt` checks it. */
  receipt: bytesText.nullable(),
  /** Where there is no act: the gateway's word, a JWS of type `imi-answer-receipt+jwt`. */
  gatewayReceipt: z.string().nullable(),
});

export const responsePath = '/v1/openid4vp/responses';

const askRefusals: AnswerRefusalCode[] = ['ask-malformed', 'ask-signature', 'ask-late', 'ask-purpose', 'ask-known', 'ask-too-many', 'ask-unknown'];
const answerRefusals: (AnswerRefusalCode | 'key-read-only')[] = [
  'ask-unknown',
  'ask-malformed',
  'ask-signature',
  'ask-purpose',
  'answer-malformed',
  'answer-replayed',
  'answer-late',
  'answer-audience',
  'answer-nonce',
  'answer-key-binding',
  'answer-disclosure-tampered',
  'answer-disclosure-unreferenced',
  'answer-claims',
  'answer-issuer-unknown',
  'answer-issuer-signature',
  'answer-credential-expired',
  'answer-credential-revoked',
  'answer-status-unknown',
  'answer-key-unknown',
  'answer-key-revoked',
  'key-read-only',
  'answer-subject',
];

/** Remote verification: what agencies ask, where it is fetched, and where it is answered (OpenID4VP 1.0). */
export function askRoutes({ asks }: GatewayParts, url: string): Route[] {
  const view = (id: Id, { state, at, until, code }: Omit<AskView, 'answer'>, agency: string): z.input<typeof askSchema> => {
    const name = toBase64url(id);
    const requestUri = `${url}${requestPath}/${name}`;
    return {
      id: name,
      state,
      at,
      until,
      code: code === null ? null : shownAskCode(code),
      requestUri,
      walletUri: `openid4vp://?${new URLSearchParams({ client_id: agency, request_uri: requestUri }).toString()}`,
    };
  };
  return [
    route({
      method: 'POST',
      path: '/v1/asks',
      auth: 'party',
      summary: 'Ask somebody who is not at the counter',
      description: `\`request\` is an OpenID4VP 1.0 request object, signed with the agency's ledger key; its \`response_uri\` is \`${url}${responsePath}\`. With \`imi_subject\` it waits for that resident; with \`code\` a short code is made that anybody may be told.`,
      body: z.strictObject({ request: z.string().max(askLimitBytes), code: z.boolean().default(false) }),
      answers: { 201: { description: 'It waits', schema: askSchema } },
      refusals: askRefusals,
      handle: async ({ party, body }) => {
        const taken = await asks.take(body.request, party.name, { withCode: body.code, place: `${url}${responsePath}` });
        if (!taken.ok) return taken;
        const { id, code, until } = taken.value;
        return answered(201, view(id, { state: 'open', at: null, until, code }, party.name));
      },
    }),
    route({
      method: 'GET',
      path: '/v1/asks/{id}',
      auth: 'party',
      summary: 'How an ask stands',
      params: z.strictObject({ id: askName }),
      answers: { 200: { description: 'As it stands', schema: askSchema } },
      refusals: ['ask-unknown'],
      handle: async ({ party, params }) => {
        const found = await viewOf(params.id, party.name);
        return found.ok ? answered(200, view(found.value.id, found.value.view, party.name)) : found;
      },
    }),
    route({
      method: 'GET',
      path: '/v1/asks/{id}/answer',
      auth: 'party',
      summary: 'The answer to an ask',
      description: '`ask-not-answered` while there is none.',
      params: z.strictObject({ id: askName }),
      answers: { 200: { description: 'Yes or no', schema: answerSchema } },
      refusals: ['ask-unknown', 'ask-not-answered'],
      handle: async ({ party, params }) => {
        const found = await viewOf(params.id, party.name);
        if (!found.ok) return found;
        const { state, at, answer } = found.value.view;
        if (at !== null && state === 'refused') {
          return answered(200, { id: params.id, answer: 'no' as const, at, ledgerKey: null, subject: null, claims: [], token: null, transaction: null, receipt: null, gatewayReceipt: null });
        }
        if (at === null || answer === null) return fail('ask-not-answered');
        const { ledgerKey, subject, claims, token, transaction, receipt, foreignReceipt } = answer;
        return answered(200, {
          id: params.id,
          answer: 'yes' as const,
          at,
          ledgerKey,
          subject: subject === null ? null : toHex(subject),
          claims,
          token: toBase64url(token),
          transaction: transaction === null ? null : toHex(transaction),
          receipt: receipt === null ? null : toBase64url(receipt),
          gatewayReceipt: foreignReceipt,
        });
      },
    }),
    route({
      method: 'GET',
      path: `${requestPath}/{id}`,
      auth: 'none',
      summary: 'A request object by reference',
      params: z.strictObject({ id: askName }),
      answers: { 200: { description: 'As the agency signed it', type: 'application/oauth-authz-req+jwt', schema: z.string() } },
      refusals: ['ask-unknown'],
      handle: async ({ params }) => {
        const id = idOf(params.id);
        if (id === null) return fail('ask-unknown');
        const found = await asks.open(id);
        return found.ok ? answered(200, found.value.signed) : found;
      },
    }),
    route({
      method: 'POST',
      path: responsePath,
      auth: 'none',
      summary: 'Where an answer is posted (direct_post)',
      description: '`vp_token` and `state`; or `error=access_denied` and `state`: a refusal. `transaction` is that of the act; there is none for a wallet of another kind.',
      consumes: 'form',
      body: z.looseObject({ state: z.string().max(100), vp_token: z.string().optional(), error: z.string().max(100).optional() }),
      answers: { 200: { description: 'Taken', schema: z.strictObject({ transaction: hashText.optional(), recorded: z.boolean().optional() }) } },
      refusals: answerRefusals,
      handle: async ({ body }) => {
        const id = idOf(body.state);
        if (id === null) return fail('ask-unknown');
        if (body.error !== undefined) {
          if (body.vp_token !== undefined) return fail('answer-malformed', 'error');
          const refused = await asks.refuse(id, null);
          return refused.ok ? answered(200, {}) : refused;
        }
        const vpToken = parseVpToken(body.vp_token ?? '');
        if (vpToken === null) return fail('answer-malformed', 'vp_token');
        const taken = await asks.answer(id, vpToken, null);
        if (!taken.ok) return taken;
        const { transaction, state } = taken.value;
        return answered(200, transaction === null ? {} : { transaction: toHex(transaction), recorded: state === 'recorded' || state === 'witnessed' });
      },
    }),
  ];

  async function viewOf(name: string, agency: string): Promise<Result<{ id: Id; view: AskView }, Failure | Failure<AnswerRefusalCode>>> {
    const id = idOf(name);
    if (id === null) return fail('ask-unknown');
    const found = await asks.forAgency(id, agency);
    return found.ok ? { ok: true, value: { id, view: found.value } } : (found as Result<never, Failure>);
  }
}

/** null: stray bits at the end, or another length. */
function idOf(name: string): Id | null {
  const id = fromBase64url(name);
  return id?.length === 16 ? id : null;
}
