import { z } from 'zod';
import { doorMethods, type DoorMethod, type DoorParams, type DoorResult } from '../../contract/hub-door.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import { requestSchema, type Answer } from '../../ledger/client/wire.ts';
import { fromBase64url, toBase64url } from '../../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../ledger/verify/cbor.ts';
import { decodeChallenge } from '../../ledger/verify/challenge.ts';
import type { GatewayParts } from '../gateway.ts';
import { answered, route, type Route } from '../route.ts';

/** What somebody at home may ask of the hub: what a light client needs, and their own data space for the answer of their own card. */
export const homeMethods = ['hello', 'head.get', 'block.get', 'log.consistency', 'state.get', 'status.get', 'challenge.get', 'space.open', 'space.close', 'transaction.receipt'] as const;
type HomeMethod = (typeof homeMethods)[number];
type HomeHandlers = { [M in HomeMethod]: (params: DoorParams<M>) => Promise<Result<DoorResult<M>>> };

export const homePath = '/v1/home';
/** Those at home share one allowance of open challenges, so that they cannot use up the kiosks'. */
const home = 'home';

/** The door for a card in a reader at home. Its messages are the kiosks' (contract/hub-door.ts), one a call. */
export function homeRoutes({ ledger, keeper, lists, names }: GatewayParts): Route[] {
  const handlers: HomeHandlers = {
    hello: () => Promise.resolve(ok({ chain: ledger.chain, hub: names.hub, keeper: names.keeper })),
    'head.get': async () => {
      const head = await ledger.head();
      return head.ok ? ok({ head: head.value }) : head;
    },
    'block.get': async ({ height }) => {
      const block = await ledger.block(height);
      return block.ok ? ok({ block: block.value }) : block;
    },
    'log.consistency': async ({ first, second }) => {
      const path = await ledger.consistency(first, second);
      return path.ok ? ok({ path: path.value }) : path;
    },
    'state.get': ({ keys }) => ledger.read(keys),
    'status.get': async ({ issuer }) => {
      const list = await lists.newest(issuer);
      return list.ok ? ok({ list: list.value === null ? null : Buffer.from(list.value, 'ascii') }) : list;
    },
    'challenge.get': ({ kioskNonce }) => Promise.resolve(keeper.issueChallenge(kioskNonce, home)),
    'space.open': (params) => (decodeChallenge(params.challenge)?.kiosk === null ? keeper.openSpace(params) : Promise.resolve(fail('challenge-failed', 'form'))),
    'space.close': ({ session }) => {
      keeper.closeSpace(session);
      return Promise.resolve(ok({}));
    },
    'transaction.receipt': async ({ transaction, waitMs }) => {
      const receipt = await ledger.receipt(transaction, Math.min(waitMs, 5000));
      return receipt.ok ? ok({ receipt: receipt.value }) : receipt;
    },
  };
  return [
    route({
      method: 'POST',
      path: homePath,
      auth: 'none',
      summary: 'A card in a reader at home',
      description: `\`frame\`: one message of the kiosks' door in deterministic CBOR, base64url; ${homeMethods.join(', ')}. A refusal is inside the frame. A data space is opened by a challenge of purpose \`home\` that the card's AUT key signed, and stays sealed to the card.`,
      body: z.strictObject({ frame: z.string().max(32_768).regex(/^[A-Za-z0-9_-]*$/) }),
      bodyLimitBytes: 40_000,
      answers: { 200: { description: 'Its answer', schema: z.strictObject({ frame: z.string() }) } },
      handle: async ({ body }) => {
        const request = requestSchema.safeParse(decodeCbor(fromBase64url(body.frame) ?? new Uint8Array()));
        if (!request.success || !isHomeMethod(request.data.method)) return fail('call-malformed', 'body: frame');
        const { id, method, params } = request.data;
        const read = doorMethods[method].params.safeParse(params);
        if (!read.success) return fail('call-malformed', 'body: frame');
        const result = await dispatch(handlers, method, read.data as DoorParams<HomeMethod>);
        const answer: Answer = result.ok
          ? { id, ok: true, result: result.value }
          : { id, ok: false, code: result.failure.code, ...(result.failure.detail === undefined ? {} : { detail: result.failure.detail.slice(0, 400) }) };
        return answered(200, { frame: toBase64url(encodeCbor(answer)) });
      },
    }),
  ];
}

const isHomeMethod = (method: string): method is HomeMethod & DoorMethod => (homeMethods as readonly string[]).includes(method);

const dispatch = <M extends HomeMethod>(handlers: HomeHandlers, method: M, params: DoorParams<M>): Promise<Result<unknown>> => (handlers[method] as (given: DoorParams<M>) => Promise<Result<unknown>>)(params);
