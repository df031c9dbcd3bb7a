import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agency, RequestView } from '../../src/gateway/agency/agency.ts';
import { openQueueBook } from '../../src/gateway/queue/queue-book.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { demoParties } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { agencyOf, clientOf, sendRaw, signedHeaders } from './gateway-in-test.ts';

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
const faults: unknown[] = [];
let folder: string;
let world: World;
let hub: Hub;
let lin: Visitor;
let visit: OpenVisit;
let tax: Agency;

const url = (): string => hub.gatewayUrl ?? '';
const queue = () => clientOf(url(), 'queue:hall');
const door = () => callDirectly(hub);
const start = async (): Promise<Hub> => must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir, onFault: (where, error) => faults.push([where, error]) }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'imi-queue-'));
  world = await seedWorld(folder);
  hub = await start();
  lin = new Visitor(world, 'lin', (method, params) => door()(method, params));
  visit = await lin.signIn();
  tax = agencyOf(url(), 'tax-bureau', world);
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
  expect(faults).toEqual([]);
});

async function handedOff(): Promise<{ code: string; ticket: string }> {
  const { code } = must(await door()('hand-off.put', { session: visit.session, sealed: new Uint8Array(60).fill(7) }));
  const { place } = must(await door()('hand-off.place', { session: visit.session, code, waitMs: 0 }));
  return { code, ticket: place?.ticket ?? '' };
}

async function requested(kiosk = 'hall-1'): Promise<RequestView> {
  const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers, { kiosk });
  must(await door()('transaction.submit', submission));
  must(await door()('transaction.receipt', { transaction: id, waitMs: 5000 }));
  const request = must(await tax.requests()).find(({ transaction }) => transaction === toHex(id));
  if (request === undefined) throw new Error('no request');
  return request;
}

interface Followed {
  seq: number;
  reference: string;
  step: string;
}
const followed = async (after?: number): Promise<Followed[]> => (must(await queue().call('GET', '/v1/queue/requests', { query: { after: after === undefined ? undefined : String(after) } })).body as { items: Followed[] }).items;
const waiting = async (): Promise<unknown[]> => (must(await queue().call('GET', '/v1/queue/tickets')).body as { items: unknown[] }).items;

describe('numbers', () => {
  it('wait from the hand-off on, are called to a counter that the resident is shown, and end with the matter', async () => {
    const { code, ticket } = await handedOff();
    expect(ticket).toMatch(/^K[0-9]{3}$/);
    expect(await waiting()).toContainEqual({ ticket, state: 'waiting', counter: null, until: expect.any(Number) });
    const shown = door()('hand-off.place', { session: visit.session, code, known: null, waitMs: 10_000 });
    const called = must(await queue().call('PUT', `/v1/queue/tickets/${ticket}/counter`, { body: { counter: '3' } }));
    expect(called.body).toMatchObject({ ticket, state: 'called', counter: '3' });
    expect(must(await shown).place).toEqual({ ticket, counter: '3' });
    expect(must(await queue().call('PUT', `/v1/queue/tickets/${ticket}/counter`, { body: { counter: '12' } })).body).toMatchObject({ counter: '12' });
    must(await door()('hand-off.drop', { session: visit.session, code }));
    expect(await waiting()).toEqual([]);
    expect(await queue().call('PUT', `/v1/queue/tickets/${ticket}/counter`, { body: { counter: '3' } })).toEqual({ ok: false, failure: { code: 'ticket-unknown', detail: '404' } });
  });

  it('are told to nobody but the resident of the matter', async () => {
    const { code } = await handedOff();
    const zhao = await new Visitor(world, 'zhao', door()).signIn();
    expect(must(await door()('hand-off.place', { session: zhao.session, code, waitMs: 0 }))).toEqual({ place: null });
    expect(await door()('hand-off.place', { session: new Uint8Array(16), code, waitMs: 0 })).toMatchObject({ ok: false, failure: { code: 'hub-refused' } });
    must(await door()('hand-off.drop', { session: visit.session, code }));
  });
});

describe('requests', () => {
  it('made at a kiosk of this hub are followed by a reference of their own, also over a restart', async () => {
    const before = (await followed()).at(-1)?.seq ?? 0;
    const request = await requested();
    const [first, ...more] = await followed(before);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ seq: before + 1, step: 'submitted', reference: expect.stringMatching(/^[0-9a-f]{16}$/) });
    must(await tax.step(request, { step: 'received' }));
    await hub.close();
    hub = await start();
    tax = agencyOf(url(), 'tax-bureau', world);
    visit = await lin.signIn();
    must(await tax.step(request, { step: 'needs-more' }));
    expect(await followed(before)).toMatchObject([{ seq: before + 3, step: 'needs-more', reference: first?.reference }]);
  });

  it('come as events, from the last one on, with the numbers that wait first', async () => {
    const before = (await followed()).at(-1)?.seq ?? 0;
    const request = await requested();
    const { code, ticket } = await handedOff();
    const end = new AbortController();
    const stream = must(await queue().events('/v1/queue/events', end.signal, String(before)));
    const seen: unknown[] = [];
    for await (const { id, event, data } of stream) {
      seen.push([id, event, (JSON.parse(data) as { step?: string; state?: string }).step ?? (JSON.parse(data) as { state?: string }).state]);
      if (seen.length === 2) {
        must(await tax.step(request, { step: 'received' }));
        must(await queue().call('PUT', `/v1/queue/tickets/${ticket}/counter`, { body: { counter: '5' } }));
        must(await door()('hand-off.drop', { session: visit.session, code }));
      }
      if (seen.length === 5) break;
    }
    end.abort();
    expect(seen.slice(0, 2)).toEqual([['', 'ticket', 'waiting'], [String(before + 1), 'request', 'submitted']]);
    expect(seen.slice(2)).toEqual(expect.arrayContaining([[String(before + 2), 'request', 'received'], ['', 'ticket', 'called'], ['', 'ticket', 'ended']]));
  });

  it('of a kiosk of another hub are none of its business', async () => {
    const book = must(openQueueBook({ path: join(folder, 'other.sqlite'), ledger: hub.ledger, hub: 'dongshan-hub', key: new Uint8Array(32), crypto: nodeCrypto, now: Date.now, onFault: (where, error) => faults.push([where, error]) }));
    must(await book.follow());
    expect(must(book.requests(0, 100))).toEqual([]);
    expect((await followed()).length).toBeGreaterThan(0);
    await book.close();
  });
});

describe('who tries to learn more', () => {
  it('with the queue’s key is refused at every other door, and at the queue’s own with every other key', async () => {
    const { paths } = (await sendRaw(url(), { path: '/openapi.json' })).json as { paths: Record<string, Record<string, { 'x-parties': string[]; security: unknown[] }>> };
    const operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { 'x-parties': kinds, security }]) => ({ path: path.replaceAll(/\{[a-z_]+\}/g, 'K001'), method: method.toUpperCase(), kinds, signed: security.length > 0 })));
    const ask = async (party: string, { method, path }: { method: string; path: string }) => {
      const call = { method, path, ...(method === 'GET' || method === 'DELETE' ? {} : { body: '{}', headers: { 'content-type': 'application/json' } }) };
      const { status, json } = await sendRaw(url(), { ...call, headers: await signedHeaders(url(), party, call) });
      return { status, code: (json as { code?: string }).code };
    };
    const others = operations.filter(({ kinds, signed }) => signed && !kinds.includes('queue'));
    const own = operations.filter(({ kinds }) => kinds.includes('queue'));
    expect(others.length).toBeGreaterThan(20);
    expect(own).toHaveLength(4);
    for (const operation of others) expect(await ask('queue:hall', operation), operation.path).toEqual({ status: 403, code: 'party-not-admitted' });
    for (const { id } of demoParties) for (const operation of own) expect(await ask(id, operation), `${id} ${operation.path}`).toEqual({ status: 403, code: 'party-not-admitted' });
    for (const name of ['queue:other', 'queue:', 'queue:hall2']) expect(await ask(name, { method: 'GET', path: '/v1/queue/tickets' })).toEqual({ status: 401, code: 'signature-refused' });
    const forged = await signedHeaders(url(), 'tax-bureau', { path: '/v1/queue/tickets' }, { keyId: 'queue:hall' });
    expect(await sendRaw(url(), { path: '/v1/queue/tickets', headers: forged })).toMatchObject({ status: 401, json: { code: 'signature-refused' } });
  });

  it('finds in its answers and in its file no id of the ledger, and no word of whom, what or with whom', async () => {
    const request = await requested();
    must(await tax.step(request, { step: 'received' }));
    const { code, ticket } = await handedOff();
    const end = new AbortController();
    const stream = must(await queue().events('/v1/queue/events', end.signal, '0'));
    const told: string[] = [];
    for await (const { data } of stream) {
      told.push(data);
      if (told.length > (await followed()).length) break;
    }
    end.abort();
    const texts = [...told, JSON.stringify(await waiting()), JSON.stringify(await followed()), JSON.stringify(must(await queue().call('PUT', `/v1/queue/tickets/${ticket}/counter`, { body: { counter: '1' } })))].join('\n');
    const ids = [toHex(lin.resident), request.id, request.transaction, code];
    for (const word of [...ids, 'tax', 'property', 'hall-1', 'lin']) expect(texts).not.toContain(word);

    const files = readdirSync(world.hubDir).filter((name) => name.startsWith('queue.sqlite'));
    expect(files).toContain('queue.sqlite');
    const bytes = Buffer.concat(files.map((name) => join(world.hubDir, name)).filter((path) => statSync(path).isFile()).map((path) => readFileSync(path)));
    for (const id of ids.slice(0, 3)) expect(bytes.includes(Buffer.from(id, 'hex')) || bytes.includes(id)).toBe(false);
    for (const word of [code, ticket, 'tax-bureau', 'property-tax', 'hall-1']) expect(bytes.includes(word)).toBe(false);
    must(await door()('hand-off.drop', { session: visit.session, code }));
  });
});

it('without a queue in the hub’s file no number is drawn, and nobody is let in', async () => {
  await hub.close();
  const { queue: _, ...gateway } = world.serverFile.gateway ?? { listen: '' };
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: { ...world.serverFile, gateway: gateway as NonNullable<World['serverFile']['gateway']> }, dataDir: world.hubDir, onFault: (where, error) => faults.push([where, error]) }));
  visit = await lin.signIn();
  expect(await handedOff()).toMatchObject({ ticket: '' });
  expect(await queue().call('GET', '/v1/queue/tickets')).toMatchObject({ ok: false, failure: { code: 'path-unknown' } });
  expect(await queue().call('GET', '/v1/requests')).toMatchObject({ ok: false, failure: { code: 'signature-refused' } });
});
