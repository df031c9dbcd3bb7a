/**
 * How something is mounted at the agencies' door. One file a group in `routes/`, each a function from the gateway's parts to a list of routes:
 *
 * ```ts
 * export const greetingRoutes = ({ now }: GatewayParts): Route[] => [
 *   route({
 *     method: 'GET', path: '/v1/greetings/{name}', auth: 'party', kinds: ['agency'], summary: 'Say hello',
 *     params: z.strictObject({ name: z.string().max(40) }),
 *     answers: { 200: { description: 'Hello', schema: z.strictObject({ hello: z.string(), at: z.int() }) } },
 *     refusals: ['request-unknown'],
 *     handle: async ({ params, party }) => answered(200, { hello: `${params.name} of ${party.name}`, at: now() }),
 *   }),
 * ];
 * ```
 *
 * and one line in `routes.ts`. `auth: 'queue'` is for the hub's own queue system. The table is all there is: matching, signatures, limits, parsing, `/openapi.json` and its tests come from it. A handler refuses with a code
 * that its `refusals` name; what every route may answer (`problem.ts`, `commonRefusals`) need not be named. A form (`direct_post`) is `consumes: 'form'`; an answer that is no JSON names its `type`,
 * its body is then text, or a stream of pieces of text.
 */
import { z } from 'zod';
import type { ProblemCode } from '../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Name, PartyKind } from '../ledger/verify/acts.ts';
import type { PartyRecord } from '../ledger/verify/records.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Who called, as the ledger knows them now. */
export interface Caller {
  name: Name;
  record: PartyRecord;
}

/** The hub's own queue system: no party of the ledger, and of no hub but this. */
export interface QueueCaller {
  /** `queue:` and its name in the hub's file; a party's name has no colon. */
  name: `queue:${string}`;
}

/** Who may call: a party of the ledger, the hub's queue system, or anybody, without a signature. */
export type Auth = 'party' | 'queue' | 'none';
export type CallerKind = PartyKind | 'queue';
type CallerOf<A extends Auth> = { party: Caller; queue: QueueCaller; none: null }[A];

export interface AnswerSpec {
  description: string;
  /** Left out: `application/json`. */
  type?: string;
  /** Of the body; of any other type than JSON a string. */
  schema: z.ZodType;
}
export type AnswerSpecs = Readonly<Record<number, AnswerSpec>>;

/** A body that is sent as it comes: pieces of text, until it ends or the caller goes. */
export type TextStream = AsyncIterable<string>;

type AnswerOf<A extends AnswerSpecs> = {
  [Status in keyof A & number]: { status: Status; body: z.input<A[Status]['schema']> | (A[Status] extends { type: string } ? TextStream : never) };
}[keyof A & number];

/** What a handler gives back when it does not refuse. */
export const answered = <Status extends number, Body>(status: Status, body: Body): { readonly ok: true; readonly value: { status: Status; body: Body } } => ok({ status, body });

export interface Call<P, Q, B, A extends Auth> {
  party: CallerOf<A>;
  params: P;
  query: Q;
  body: B;
  header(name: string): string | undefined;
  /** Aborted when the caller is gone. */
  signal: AbortSignal;
}

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends AnswerSpecs, U extends Auth> {
  method: Method;
  /** `{name}` is one segment, a member of `params`; `{+name}`, last, takes the slashes as well. */
  path: string;
  auth: U;
  /** Of parties: whom it is for (`kindsOf`). Left out: agencies. */
  kinds?: readonly PartyKind[];
  summary: string;
  description?: string;
  params?: P;
  /** All of strings; left out: none. */
  query?: Q;
  /** Left out: none. */
  body?: B;
  /** Left out: JSON. */
  consumes?: 'json' | 'form';
  /** Largest body in bytes. Left out: 256 kB. */
  bodyLimitBytes?: number;
  answers: A;
  refusals?: readonly ProblemCode[];
  /** Its answers are not kept under an idempotency key: a signed order in the body already makes a repetition one call. */
  repeatable?: boolean;
  handle(call: Call<z.output<P>, z.output<Q>, z.output<B>, U>): Promise<Result<AnswerOf<A>, Failure<ProblemCode>>>;
}

export interface RawCall {
  party: Caller | QueueCaller | null;
  params: Record<string, string>;
  query: Record<string, string>;
  /** Parsed as `consumes` says; undefined where the route takes none. */
  body: unknown;
  header(name: string): string | undefined;
  signal: AbortSignal;
}

export interface RawAnswer {
  status: number;
  type: string;
  body: unknown;
}

/** A route as the router sees it: its schemas are inside. */
export interface Route {
  readonly spec: RouteSpec<z.ZodType, z.ZodType, z.ZodType, AnswerSpecs, Auth>;
  /** `call-malformed`: against a schema; detail says where. */
  answer(call: RawCall): Promise<Result<RawAnswer, Failure<ProblemCode>>>;
}

export const usualBodyLimitBytes = 256 * 1024;
export const jsonType = 'application/json';

const nothing = z.strictObject({});

export function route<A extends AnswerSpecs, U extends Auth, P extends z.ZodType = typeof nothing, Q extends z.ZodType = typeof nothing, B extends z.ZodType = z.ZodUndefined>(
  spec: RouteSpec<P, Q, B, A, U>,
): Route {
  return {
    spec: spec as unknown as Route['spec'],
    async answer(call) {
      const params = (spec.params ?? nothing).safeParse(call.params);
      if (!params.success) return malformed('path', params.error);
      const query = (spec.query ?? nothing).safeParse(call.query);
      if (!query.success) return malformed('query', query.error);
      const body = (spec.body ?? z.undefined()).safeParse(call.body);
      if (!body.success) return malformed('body', body.error);
      const handled = await spec.handle({
        party: call.party as CallerOf<U>,
        params: params.data as z.output<P>,
        query: query.data as z.output<Q>,
        body: body.data as z.output<B>,
        header: call.header,
        signal: call.signal,
      });
      if (!handled.ok) return handled;
      const { status, body: answered } = handled.value;
      return { ok: true, value: { status, type: spec.answers[status]?.type ?? jsonType, body: answered } };
    },
  };
}

/** The first place that does not fit, without its value. */
function malformed(where: string, error: z.ZodError): Result<never, Failure<ProblemCode>> {
  const at = error.issues[0]?.path.map(String).join('.') ?? '';
  return fail('call-malformed', at === '' ? where : `${where}: ${at.slice(0, 80)}`);
}

/** Kinds of callers that may call it; none: anybody, without a signature. */
export function kindsOf({ spec: { auth, kinds } }: Route): readonly CallerKind[] {
  if (auth === 'none') return [];
  return auth === 'queue' ? ['queue'] : (kinds ?? ['agency']);
}
