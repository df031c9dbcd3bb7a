import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { AgencyAsks } from '../../src/gateway/agency/agency-asks.ts';
import { CaseOffice } from '../../src/gateway/cases/case-office.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { demoParties, partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { connectHub } from '../../src/ledger/client/hub-client.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { must, Visitor } from '../hub/visitor.ts';
import { agencyOf, clientOf, partySigner, sendRaw, signedHeaders, type RawCall, type RawReply } from './gateway-in-test.ts';

/** As much of JSON Schema as the document uses. */
interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  [key: string]: unknown;
}
interface Operation {
  security: unknown[];
  /** Kinds of parties that may call it. */
  'x-parties': string[];
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content: Record<string, { schema: Schema }> }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

let dataDir: string;
let hub: Hub;
let document: Document;
const faults: unknown[] = [];
let known: string[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-fuzz-'));
  const world = await seedWorld(dataDir);
  if (world.serverFile.gateway !== undefined) world.serverFile.gateway.rate = { perSecond: 1000, burst: 1000 };
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir, onFault: (where, error) => faults.push([where, error]) }));
  const client = connectHub({ socketPath: hub.socketPath });
  const lin = new Visitor(world, 'lin', (method, params) => client.call(method, params));
  const { id, submission, prepared } = await lin.request(await lin.signIn(), 'tax/property-tax-certificate', { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' });
  must(await client.call('transaction.submit', submission));
  must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
  const { session } = await lin.signIn();
  const { code } = must(await client.call('hand-off.put', { session, sealed: new Uint8Array(60) }));
  const { place } = must(await client.call('hand-off.place', { session, code, waitMs: 0 }));
  client.close();
  const others = await begun(world, id);
  known = [...prepared.acts.map((act) => Buffer.from(act.id).toString('hex')), Buffer.from(id).toString('hex'), Buffer.from(lin.resident).toString('hex'), 'tax-bureau', 'tax/property-tax-certificate', place?.ticket ?? '', ...others];
  document = (await sendRaw(url(), { path: '/openapi.json' })).json as Document;
});
afterAll(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true });
});
const url = (): string => hub.gatewayUrl ?? '';

/** Names of what else there is to meddle with: an ask, a case, a draft that waits, a credential. */
async function begun(world: World, transaction: Uint8Array): Promise<string[]> {
  const { trustRoot } = world.hubFile;
  const common = { chain: trustRoot.chain, trust: trustOf(trustRoot), crypto: nodeCrypto, now: Date.now };
  const seconds = Math.floor(Date.now() / 1000);
  const asks = new AgencyAsks({ ...common, client: clientOf(url(), 'tax-bureau'), name: 'tax-bureau', signer: partySigner('tax-bureau'), opener: softwareOpener(partySecrets('tax-bureau').seal) });
  const asked = must(await asks.ask({ purpose: 'tax.property-certificate', reason: { en: 'to try', 'zh-Hans': '试一试' }, claims: [{ claim: 'name', optional: false }], subject: null, withCode: true, seconds: 3600 }));
  const audit = new CaseOffice({ ...common, client: clientOf(url(), 'audit-office'), name: 'audit-office', opener: softwareOpener(partySecrets('audit-office').seal) });
  const cardOf = (person: string) => cardInMemory(world.cards[person] ?? '').sig;
  const iso = (at: number): string => new Date(at * 1000).toISOString();
  const wish = { basis: 'a law', subjects: [demoId('lin')], kinds: ['grant.give'], from: iso(seconds - 86_400), to: iso(seconds), until: seconds + 864_000, opensAt: seconds + 86_400, members: ['authority-north'], threshold: 1 };
  const opened = must(await audit.begin(wish, cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'));
  must(await audit.finish(opened, cardOf('officer-luo')));
  const draft = must(await audit.leave(must(await audit.begin(wish, cardOf('auditor-shen'), demoId('officer-luo'), 'keeper'))));
  const tax = agencyOf(url(), 'tax-bureau', world);
  const request = must(await tax.requests()).find((one) => one.transaction === Buffer.from(transaction).toString('hex'));
  if (request === undefined) throw new Error('no request');
  const { credential } = must(await tax.issue(request, { vct: 'urn:imi:credential:taxpayer:1', claims: { taxpayer_number: '4401060000' }, status: 4321, days: 365 }));
  return [asked.id, Buffer.from(opened.id).toString('hex'), draft, credential, 'registrar'];
}

/** What the schema lets in, with ids that are really there among it. */
function valid(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valid));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') {
    const entries = Object.entries(schema.properties ?? {});
    return fc.record(Object.fromEntries(entries.map(([name, one]) => [name, valid(one)])), { requiredKeys: schema.required ?? [] });
  }
  if (type === 'array') return fc.array(valid(schema.items ?? {}), { maxLength: 4 });
  if (type === 'integer' || type === 'number') return fc.integer({ min: schema.minimum ?? -10, max: Math.min(schema.maximum ?? 1000, 2 ** 31) });
  if (type === 'boolean') return fc.boolean();
  if (type === 'string' && schema.pattern !== undefined) {
    const pattern = new RegExp(schema.pattern);
    const fitting = known.filter((text) => pattern.test(text));
    const made = fc.stringMatching(pattern).map((text) => text.slice(0, schema.maxLength ?? 300));
    return fitting.length === 0 ? made : fc.oneof(made, fc.constantFrom(...fitting));
  }
  return fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 40, 200) });
}

/** Anything at all, and what is nearly right. */
const wild = (schema: Schema): fc.Arbitrary<unknown> =>
  fc.oneof(
    valid(schema),
    fc.json().map((text): unknown => JSON.parse(text)),
    valid(schema).chain((value) =>
      fc.tuple(fc.string({ maxLength: 8 }), fc.jsonValue()).map(([name, more]): unknown => (typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, [name]: more } : [value])),
    ),
  );

const asText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

interface Probe {
  raw: RawCall;
  party: string | null;
}

function probesOf(path: string, method: string, operation: Operation, wildly: boolean): fc.Arbitrary<Probe> {
  const of = wildly ? wild : valid;
  const members = (where: 'path' | 'query'): fc.Arbitrary<Record<string, unknown>> => {
    const some = operation.parameters.filter((parameter) => parameter.in === where);
    return fc.record(Object.fromEntries(some.map(({ name, schema }) => [name, of(schema)])), { requiredKeys: some.filter(({ required }) => required).map(({ name }) => name) });
  };
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body = content === undefined ? fc.constant(undefined) : of(content.schema);
  const admitted = operation['x-parties'].includes('queue') ? ['queue:hall'] : demoParties.filter(({ party: kind }) => operation['x-parties'].includes(kind)).map(({ id }) => id);
  const party = operation.security.length === 0 ? fc.constant(null) : fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...admitted) }, { weight: 1, arbitrary: fc.constantFrom('tax-bureau', 'registrar', 'gateway', 'queue:hall') });
  return fc.tuple(members('path'), members('query'), body, party, wildly ? fc.string({ maxLength: 30 }) : fc.constant('')).map(([params, query, sent, by, noise]) => {
    const filled = path.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => encodeURIComponent(asText(params[name]) || 'x'));
    const asked = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(asText(value))}`);
    if (noise.length > 20) asked.push(encodeURIComponent(noise));
    const form = type === 'application/x-www-form-urlencoded' && typeof sent === 'object' && sent !== null ? new URLSearchParams(Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, asText(value)]))).toString() : null;
    return {
      party: by,
      raw: {
        method: method.toUpperCase(),
        path: asked.length === 0 ? filled : `${filled}?${asked.join('&')}`,
        ...(sent === undefined ? {} : { body: form ?? asText(sent), headers: { 'content-type': type ?? '' } }),
      },
    };
  });
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const compiled = new Map<string, ValidateFunction>();
function fits(key: string, schema: Schema, value: unknown): boolean {
  const known1 = compiled.get(key) ?? ajv.compile({ ...schema, components: document.components });
  compiled.set(key, known1);
  return known1(value) === true;
}

/** Null where the document says that this may be answered. */
function objection(path: string, method: string, operation: Operation, reply: RawReply): string | null {
  const told = `${method} ${path} ${reply.status} ${reply.text.slice(0, 200)}`;
  if (reply.status >= 500) return `5xx: ${told}`;
  const described = operation.responses[String(reply.status)];
  const type = String(reply.headers['content-type'] ?? '');
  const content = described?.content[type];
  if (content === undefined) return `not in the document: ${told}`;
  const value = type.includes('json') ? reply.json : reply.text;
  return fits(`${method} ${path} ${reply.status} ${type}`, content.schema, value) ? null : `not as the document has it: ${told}`;
}

/** A stream does not end by itself. */
const isStream = ({ responses }: Operation): boolean => Object.keys(responses['200']?.content ?? {}).includes('text/event-stream');

describe.each([
  { name: 'what fits the schemas', wildly: false },
  { name: 'what nearly fits them, and anything', wildly: true },
])('the OpenAPI document against $name', ({ wildly }) => {
  it('has every answer, and none is a 5xx', { timeout: 120_000 }, async () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
    expect(operations.map(({ path }) => path)).toEqual(expect.arrayContaining(['/v1/asks', '/v1/status-list', '/v1/revocations', '/v1/cases', '/v1/drafts', '/v1/look-ups', '/v1/replacements', '/v1/queue/tickets', '/v1/queue/requests', '/v1/queue/tickets/{ticket}/counter']));
    const statuses = new Set<number>();
    for (const { path, method, operation } of operations.filter(({ operation: one }) => !isStream(one))) {
      await fc.assert(
        fc.asyncProperty(probesOf(path, method, operation, wildly), async ({ raw, party }) => {
          const headers = party === null ? (raw.headers ?? {}) : await signedHeaders(url(), party, raw);
          const reply = await sendRaw(url(), { ...raw, headers });
          statuses.add(reply.status);
          expect(objection(path, method, operation, reply)).toBeNull();
        }),
        { numRuns: wildly ? 30 : 15, seed: 20_261_130 },
      );
    }
    expect([...statuses]).toEqual(expect.arrayContaining(wildly ? [400, 403] : [200, 403, 404]));
    expect(faults).toEqual([]);
  });
});

it('describes itself in OpenAPI’s own terms', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const named = [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => name);
      expect(operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name), `${method} ${path}`).toEqual(named);
      for (const [status, { content }] of Object.entries(operation.responses)) expect(Object.keys(content), `${method} ${path} ${status}`).toHaveLength(1);
    }
  }
});
