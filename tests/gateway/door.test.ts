import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openGatewayDoor, type GatewayDoor } from '../../src/gateway/door.ts';
import { openGatewayStore, type GatewayStore } from '../../src/gateway/gateway-store.ts';
import { answered, route } from '../../src/gateway/route.ts';
import { fail } from '../../src/contract/result.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { seedWorld } from '../../tools/demo/world.ts';
import { must, soon } from '../hub/visitor.ts';
import { clientOf, partySigner, sendRaw, signedHeaders, type RawCall } from './gateway-in-test.ts';

let dataDir: string;
let hub: Hub;
let store: GatewayStore;
let door: GatewayDoor;
let done = 0;
let clock = (): number => Date.now();
const faults: unknown[] = [];
const held = Promise.withResolvers<void>();

/** Routes that do little, behind the very door. */
const tried = [
  route({
    method: 'GET',
    path: '/things/{id}',
    auth: 'party',
    summary: 'A thing',
    params: z.strictObject({ id: z.string().regex(/^[a-z]+$/) }),
    query: z.strictObject({ limit: z.string().regex(/^\d+$/).optional() }),
    answers: { 200: { description: 'It', schema: z.strictObject({ id: z.string(), party: z.string() }) } },
    refusals: ['request-unknown'],
    handle: async ({ params, party }) => (params.id === 'none' ? fail('request-unknown', 'this is for nobody') : answered(200, { id: params.id, party: party?.name ?? '' })),
  }),
  route({
    method: 'POST',
    path: '/things',
    auth: 'party',
    summary: 'Do a thing',
    body: z.strictObject({ thing: z.string(), slowly: z.boolean().optional() }),
    bodyLimitBytes: 200,
    answers: { 201: { description: 'Done', schema: z.strictObject({ done: z.int() }) } },
    handle: async ({ body }) => {
      if (body.slowly === true) await held.promise;
      done += 1;
      return answered(201, { done });
    },
  }),
  route({
    method: 'GET',
    path: '/broken',
    auth: 'none',
    summary: 'A bug',
    answers: { 200: { description: 'Never', schema: z.null() } },
    handle: () => Promise.reject<never>(new Error('a bug')),
  }),
  route({
    method: 'GET',
    path: '/stream',
    auth: 'none',
    summary: 'A stream',
    answers: { 200: { description: 'Pieces', type: 'text/event-stream', schema: z.string() } },
    handle: async () => answered(200, pieces()),
  }),
];
async function* pieces(): AsyncIterable<string> {
  yield 'one ';
  yield 'two';
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-gateway-'));
  const world = await seedWorld(dataDir);
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  store = must(openGatewayStore(join(dataDir, 'tried.sqlite')));
  door = must(
    await openGatewayDoor({
      host: '127.0.0.1',
      port: 0,
      tls: null,
      authorities: ['gateway.example'],
      routes: () => tried,
      check: { ledger: hub.ledger, queue: null, store, tagKey: new Uint8Array(32).fill(3), crypto: nodeCrypto },
      store,
      rate: { perSecond: 100, burst: 200 },
      limits: { headersMs: 400, requestMs: 800 },
      now: () => clock(),
      onFault: (_, error) => faults.push(error),
    }),
  );
});
afterAll(async () => {
  await door.close();
  store.close();
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

const call = async (raw: RawCall, wish: Parameters<typeof signedHeaders>[3] = {}, party = 'tax-bureau') => sendRaw(door.url, { ...raw, headers: await signedHeaders(door.url, party, raw, wish) });
const codeOf = (json: unknown): unknown => (json as { code?: unknown } | undefined)?.code;

describe('the door', () => {
  it('answers a party that signs', async () => {
    const reply = await call({ path: '/things/one?limit=3' });
    expect(reply).toMatchObject({ status: 200, json: { id: 'one', party: 'tax-bureau' } });
    expect(reply.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it('knows itself by its other name', async () => {
    expect(await call({ path: '/things/one', headers: { host: 'gateway.example' } }, { authority: 'gateway.example' })).toMatchObject({ status: 200 });
    expect(await call({ path: '/things/one', headers: { host: 'GATEWAY.example:80' } }, { authority: 'gateway.example' })).toMatchObject({ status: 200 });
  });

  it('answers HEAD as GET without a body', async () => {
    const reply = await call({ method: 'HEAD', path: '/things/one' });
    expect(reply).toMatchObject({ status: 200, text: '' });
    expect(reply.headers['content-length']).toBe(String('{"id":"one","party":"tax-bureau"}'.length));
  });

  it('sends a stream piece by piece', async () => {
    const reply = await sendRaw(door.url, { path: '/stream', headers: { accept: 'text/event-stream' } });
    expect(reply).toMatchObject({ status: 200, text: 'one two' });
  });

  const thing = JSON.stringify({ thing: 'x' });
  const json = { 'content-type': 'application/json' };
  it.each<{ name: string; raw: RawCall; wish?: Parameters<typeof signedHeaders>[3]; party?: string; status: number; code: string }>([
    { name: 'a path that is none', raw: { path: '/other' }, status: 404, code: 'path-unknown' },
    { name: 'a path with a slash too many', raw: { path: '/things/one/' }, status: 404, code: 'path-unknown' },
    { name: 'a method that it does not take', raw: { method: 'DELETE', path: '/things/one' }, status: 405, code: 'method-unknown' },
    { name: 'OPTIONS', raw: { method: 'OPTIONS', path: '/things/one' }, status: 405, code: 'method-unknown' },
    { name: 'an answer of another kind', raw: { path: '/things/one', headers: { accept: 'text/html' } }, status: 406, code: 'not-acceptable' },
    { name: 'no JSON wanted', raw: { path: '/things/one', headers: { accept: 'application/json;q=0' } }, status: 406, code: 'not-acceptable' },
    { name: 'a name that does not fit', raw: { path: '/things/ONE' }, status: 400, code: 'call-malformed' },
    { name: 'a name that cannot be decoded', raw: { path: '/things/%zz' }, status: 404, code: 'path-unknown' },
    { name: 'a query that it does not know', raw: { path: '/things/one?other=1' }, status: 400, code: 'call-malformed' },
    { name: 'a query twice', raw: { path: '/things/one?limit=1&limit=2' }, status: 400, code: 'call-malformed' },
    { name: 'a body where there is none', raw: { path: '/things/one', body: 'x' }, status: 400, code: 'call-malformed' },
    { name: 'a form for JSON', raw: { method: 'POST', path: '/things', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'thing=x' }, status: 415, code: 'media-type-unknown' },
    { name: 'another character set', raw: { method: 'POST', path: '/things', headers: { 'content-type': 'application/json; charset=gbk' }, body: thing }, status: 415, code: 'media-type-unknown' },
    { name: 'no JSON', raw: { method: 'POST', path: '/things', headers: json, body: '{' }, status: 400, code: 'call-malformed' },
    { name: 'a member too many', raw: { method: 'POST', path: '/things', headers: json, body: JSON.stringify({ thing: 'x', more: 1 }) }, status: 400, code: 'call-malformed' },
    { name: 'a body that is too large', raw: { method: 'POST', path: '/things', headers: json, body: JSON.stringify({ thing: 'x'.repeat(200) }) }, status: 413, code: 'content-too-large' },
    { name: 'what is not there', raw: { path: '/things/none' }, status: 404, code: 'request-unknown' },
    { name: 'a call to another gateway', raw: { path: '/things/one', headers: { host: 'gateway.other' } }, status: 421, code: 'authority-unknown' },
    { name: 'a call signed for another gateway', raw: { path: '/things/one' }, wish: { authority: 'gateway.other' }, status: 401, code: 'signature-refused' },
    { name: 'a late call', raw: { path: '/things/one' }, wish: { created: soon() - 100 }, status: 401, code: 'signature-late' },
    { name: 'an early call', raw: { path: '/things/one' }, wish: { created: soon() + 100 }, status: 401, code: 'signature-late' },
    { name: 'a party that nobody knows', raw: { path: '/things/one' }, wish: { keyId: 'moon-office' }, status: 401, code: 'signature-refused' },
    { name: "another party's name", raw: { path: '/things/one' }, wish: { keyId: 'water-works' }, status: 401, code: 'signature-refused' },
    { name: 'a name that is none', raw: { path: '/things/one' }, wish: { keyId: '../x' }, status: 401, code: 'signature-refused' },
    { name: 'a party that is no agency', raw: { path: '/things/one' }, party: 'registrar', status: 403, code: 'party-not-admitted' },
  ])('refuses $name: $code', async ({ raw, wish, party, status, code }) => {
    const before = done;
    const reply = await call(raw, wish, party);
    expect(reply).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' }, json: { status, code } });
    expect(done).toBe(before);
  });

  it('refuses a call without a signature, and says what it wants', async () => {
    const reply = await sendRaw(door.url, { path: '/things/one' });
    expect(reply).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Signature' }, json: { code: 'signature-required' } });
  });

  it('says which methods a path takes', async () => {
    expect((await sendRaw(door.url, { method: 'PUT', path: '/things/one' })).headers['allow']).toBe('GET, HEAD');
  });

  it('refuses another body than was signed', async () => {
    const raw = { method: 'POST', path: '/things', headers: json, body: thing };
    const headers = await signedHeaders(door.url, 'tax-bureau', raw);
    expect(await sendRaw(door.url, { ...raw, headers, body: JSON.stringify({ thing: 'y' }) })).toMatchObject({ status: 400, json: { code: 'digest-mismatch' } });
  });

  it('refuses the very same call a second time, and many at once', async () => {
    const raw = { path: '/things/one' };
    const headers = await signedHeaders(door.url, 'tax-bureau', raw);
    const replies = await Promise.all(Array.from({ length: 8 }, () => sendRaw(door.url, { ...raw, headers })));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401, 401, 401, 401, 401]);
    expect(codeOf((await sendRaw(door.url, { ...raw, headers })).json)).toBe('signature-replayed');
  });

  it('says no more than the code of a refusal, in the same words and length for everybody', async () => {
    const unknown = await call({ path: '/things/one' }, { keyId: 'moon-office' });
    const other = await call({ path: '/things/one' }, { keyId: 'water-works' });
    expect(other.text).toBe(unknown.text);
    expect((await call({ path: '/things/none' })).text).not.toContain('nobody');
  });

  it('answers a bug with its code, and hands it to the log', async () => {
    expect(await sendRaw(door.url, { path: '/broken' })).toMatchObject({ status: 500, json: { code: 'gateway-fault' } });
    expect(faults).toHaveLength(1);
  });

  it.each([
    { name: 'what is no HTTP', bytes: 'hello\r\n\r\n' },
    { name: 'headers that never end', bytes: 'GET /things/one HTTP/1.1\r\nHost: x\r\n' },
    { name: 'headers that are too long', bytes: `GET /things/one HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n` },
  ])('cuts off $name', async ({ bytes }) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(door.url).port) });
    socket.write(bytes);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 (?:400|408|431) /);
  });

  it('lets a party call so often and not more', async () => {
    const frozen = Date.now() + 5000;
    clock = () => frozen;
    const statuses: number[] = [];
    for (let i = 0; i < 210; i++) statuses.push((await call({ path: '/things/one' }, {}, 'pension-office')).status);
    clock = () => Date.now();
    expect(statuses.filter((status) => status === 200)).toHaveLength(200);
    expect(statuses.slice(-10)).toEqual(Array.from({ length: 10 }, () => 429));
  });
});

describe('an idempotency key', () => {
  const raw = (key: string, thing = 'x', slowly = false): RawCall => ({ method: 'POST', path: '/things', headers: { 'content-type': 'application/json', 'idempotency-key': key }, body: JSON.stringify({ thing, ...(slowly ? { slowly } : {}) }) });

  it('makes a repetition the same call, with the same answer', async () => {
    const first = await call(raw('key-number-1'));
    const before = done;
    expect(await call(raw('key-number-1'))).toMatchObject({ status: 201, text: first.text });
    expect(done).toBe(before);
    expect(await call(raw('key-number-2'))).toMatchObject({ status: 201, json: { done: before + 1 } });
  });

  it('is not taken for another call', async () => {
    await call(raw('key-number-3'));
    expect(await call(raw('key-number-3', 'y'))).toMatchObject({ status: 422, json: { code: 'key-reused' } });
  });

  it('is nothing to another party', async () => {
    const mine = await call(raw('key-number-4'));
    expect((await call(raw('key-number-4'), {}, 'water-works')).text).not.toBe(mine.text);
  });

  it('does it once also for those who come at once', async () => {
    const before = done;
    const calls = Array.from({ length: 5 }, () => call(raw('key-number-5', 'x', true)));
    held.resolve();
    const replies = await Promise.all(calls);
    expect(new Set(replies.map(({ text: said }) => said)).size).toBe(1);
    expect(done).toBe(before + 1);
  });

  it('has a form', async () => {
    expect(await call(raw('short'))).toMatchObject({ status: 400, json: { code: 'call-malformed' } });
  });
});

describe('the hub’s own gateway', () => {
  const url = (): string => hub.gatewayUrl ?? '';

  it('says which chain it is, to anybody', async () => {
    expect(await sendRaw(url(), { path: '/v1/gateway' })).toMatchObject({ status: 200, json: { chain: 'imi-demo', gateway: 'gateway' } });
  });

  it('describes itself', async () => {
    const { json } = await sendRaw(url(), { path: '/openapi.json' });
    expect(json).toMatchObject({ openapi: '3.1.1', servers: [{ url: url() }], paths: { '/v1/parties/{name}': { get: { responses: { 200: {}, 401: {}, 404: {} } } } } });
  });

  it('shows a party as the ledger has it, and refuses one that is not there', async () => {
    const client = clientOf(url(), 'tax-bureau');
    const { body } = must(await client.call('GET', '/v1/parties/registrar'));
    expect(body).toMatchObject({ name: 'registrar', kind: 'registrar', state: 'active', sign: Buffer.from(partySigner('registrar').key[1]).toString('base64url') });
    expect(await client.call('GET', '/v1/parties/moon-office')).toEqual({ ok: false, failure: { code: 'party-unknown', detail: '404' } });
  });

  it('gives heads and records with proofs that hold', async () => {
    const client = clientOf(url(), 'tax-bureau');
    const read = must(await client.call('GET', '/v1/ledger/records', { query: { keys: 'party/tax-bureau,party/moon-office' } }));
    expect(read.body).toMatchObject({ records: [{ key: 'party/tax-bureau' }, { key: 'party/moon-office', value: null }] });
    expect(await client.call('GET', '/v1/ledger/records', { query: { keys: 'secret/x' } })).toMatchObject({ ok: false, failure: { code: 'call-malformed' } });
    expect(must(await client.call('GET', '/v1/ledger/head')).body).toMatchObject({ head: expect.any(String) });
  });
});
