import { z } from 'zod';
import type { ProblemCode } from '../contract/failures.ts';
import { bodyRefusals, commonRefusals, keyRefusals, partyRefusals, problemSchema, problemType, statusOf } from './problem.ts';
import { jsonType, kindsOf, type Route } from './route.ts';

type Json = { [key: string]: unknown };

/** Every code that this route may refuse with. */
export function refusalsOf({ spec }: Route): ProblemCode[] {
  return [
    ...new Set([
      ...commonRefusals,
      ...(spec.auth !== 'none' ? partyRefusals : []),
      ...(spec.body === undefined ? [] : bodyRefusals),
      ...(takesKey(spec) ? keyRefusals : []),
      ...(spec.refusals ?? []),
    ]),
  ];
}

/** An Idempotency-Key is kept with the answer where a call does something and nothing else makes its repetition one. */
export const takesKey = ({ method, auth, repeatable = false }: Route['spec']): boolean => auth !== 'none' && method !== 'GET' && !repeatable;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io });
  return json;
}

function parametersOf({ spec }: Route): Json[] {
  const members = (schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] => {
    if (schema === undefined) return [];
    const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
    return Object.entries(properties).map(([name, { description, ...one }]) => ({
      name,
      in: where,
      required: where === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: one,
    }));
  };
  const key: Json[] = takesKey(spec)
    ? [{ name: 'Idempotency-Key', in: 'header', required: false, description: 'The same key and call within 24 hours: the same answer, done once.', schema: { type: 'string', pattern: keyPattern.source } }]
    : [];
  return [...members(spec.params, 'path'), ...members(spec.query, 'query'), ...key];
}

export const keyPattern = /^[A-Za-z0-9_-]{8,64}$/;

function answersOf(route: Route): Json {
  const { answers } = route.spec;
  const good = Object.entries(answers).map(([status, { description, type = jsonType, schema }]): [string, Json] => [status, { description, content: { [type]: { schema: schemaOf(schema, 'input') } } }]);
  const byStatus = Map.groupBy([...refusalsOf(route), 'gateway-fault' as const], statusOf);
  const refused = [...byStatus].map(([status, codes]): [string, Json] => {
    const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] };
    return [String(status), { description: codes.map((code) => `\`${code}\``).join(', '), content: { [problemType]: { schema } } }];
  });
  return Object.fromEntries([...good, ...refused]);
}

/** `{+name}` is ours: OpenAPI has no form for a segment with slashes, and takes it as any other. */
export const documentedPath = (path: string): string => path.replaceAll('{+', '{');

function operationOf(route: Route): Json {
  const { spec } = route;
  const type = spec.consumes === 'form' ? 'application/x-www-form-urlencoded' : jsonType;
  return {
    operationId: `${spec.method.toLowerCase()} ${spec.path}`.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase()),
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    security: spec.auth !== 'none' ? [{ messageSignature: [] }] : [],
    'x-parties': kindsOf(route),
    parameters: parametersOf(route),
    ...(spec.body === undefined ? {} : { requestBody: { required: true, content: { [type]: { schema: schemaOf(spec.body, 'input') } } } }),
    responses: answersOf(route),
  };
}

/** OpenAPI 3.1 of the table, as it is served. */
export function openApiOf(routes: readonly Route[], server: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = documentedPath(route.spec.path);
    paths[path] = { ...paths[path], [route.spec.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'The agencies’ door of a district service hub',
      version: '1',
      description:
        'Ids and hashes are hexadecimal, other bytes are base64url without padding, times are Unix seconds. A refusal is a problem (RFC 9457) whose `code` is for programs. What is not yours is answered as what does not exist. GET is answered to HEAD as well.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: server }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'input') },
      securitySchemes: {
        messageSignature: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description:
            'HTTP Message Signatures (RFC 9421) by the party’s Ed25519 key on the ledger: keyid its name (the hub’s queue system by the key in the hub’s file, keyid `queue:` and its name), tag `imi-gateway/1`, alg `ed25519`, a nonce of its own, `created` and `expires` at most 60 s apart; over @method, @authority, @path, @query and, where they are sent, content-digest, idempotency-key and last-event-id. A body has a Content-Digest (RFC 9530).',
        },
      },
    },
  };
}
