import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceSchema } from '../../src/contract/service.ts';
import type { Agency, RequestView } from '../../src/gateway/agency/agency.ts';
import { readSignature, signedBy, type HttpMessage } from '../../src/gateway/http-signature.ts';
import { isPublicAddress, mayBeTold } from '../../src/gateway/webhook-target.ts';
import { pauseAfter } from '../../src/gateway/webhooks.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { decodeLetter } from '../../src/identity/letter.ts';
import { openSealed } from '../../src/identity/sealing.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { signOrder, type Order, type OrderBody } from '../../src/ledger/verify/order.ts';
import { decodeRecord, stateKey } from '../../src/ledger/verify/records.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { must, soon, Visitor } from '../hub/visitor.ts';
import { agencyOf, clientOf, partySigner, sendRaw } from './gateway-in-test.ts';
import { connectHub, type HubClient } from '../../src/ledger/client/hub-client.ts';

let dataDir: string;
let world: World;
let hub: Hub;
let client: HubClient;
let tax: Agency;
let lin: Visitor;
const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
const service = 'tax/property-tax-certificate';
const purpose = 'tax.property-certificate';

const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    received.push({ headers: request.headers, body, method: request.method ?? '', url: request.url ?? '' });
    response.statusCode = takes ? 204 : 503;
    response.end();
    arrival.resolve();
    arrival = Promise.withResolvers();
  });
});
let received: { headers: NodeJS.Dict<string | string[]>; body: string; method: string; url: string }[] = [];
let takes = true;
let arrival = Promise.withResolvers<void>();

beforeAll(async () => {
  await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
  dataDir = mkdtempSync(join(tmpdir(), 'imi-agency-'));
  world = await seedWorld(dataDir);
  const { gateway } = world.serverFile;
  if (gateway === undefined) throw new Error('no gateway');
  gateway.loopbackWebhooks = [receiverUrl()];
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  client = connectHub({ socketPath: hub.socketPath });
  tax = agencyOf(url(), 'tax-bureau', world);
  lin = new Visitor(world, 'lin', (method, params) => client.call(method, params));
});
afterAll(async () => {
  client.close();
  await hub.close();
  receiver.close();
  rmSync(dataDir, { recursive: true });
});
const url = (): string => hub.gatewayUrl ?? '';
const receiverUrl = (): string => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const officer = () => cardInMemory(world.cards['officer-mai'] ?? '').sig;

/** The resident at the kiosk asks for the service; the request as the agency then finds it. */
async function requested(): Promise<{ request: RequestView; grant: { id: string; subject: string } }> {
  const { id, submission } = await lin.request(await lin.signIn(), service, answers);
  must(await client.call('transaction.submit', submission));
  must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
  const request = must(await tax.requests()).find(({ transaction }) => transaction === toHex(id));
  if (request === undefined) throw new Error('not found at the agency');
  return { request, grant: { id: request.grants[0] ?? '', subject: request.subject } };
}

describe('an agency', () => {
  it('finds a request, opens what was typed, reads what is granted, and the look is recorded before', async () => {
    const { request, grant } = await requested();
    expect(request).toMatchObject({ service, step: 'submitted' });
    const opened = must(await tax.open(request.id));
    expect(opened.answers).toEqual(answers);
    expect(opened.part).toMatchObject({ agency: 'tax-bureau', service });
    const read = must(await tax.read(grant, purpose, officer()));
    expect(read.shown[0]?.claims).toMatchObject({ name: '林悦' });
    expect(read.shown[0]).toMatchObject({ issuer: 'registrar', revocation: 'valid' });
    expect(must(await hub.ledger.state(Buffer.from(read.transaction, 'hex'))).state).toMatch(/recorded|witnessed/);
    expect(must(await tax.grants()).find(({ id }) => id === grant.id)).toMatchObject({ state: 'live', purpose });
  });

  it('takes a request to its end, with a letter that only the resident opens', async () => {
    const { request } = await requested();
    const letter = { title: 'Your certificate', text: 'It is enclosed.' };
    must(await tax.step(request, { step: 'received', payment: { reference: 'TX-2026-0001', amountFen: 500 } }));
    expect(must(await tax.step(request, { step: 'decided', decision: 'approved', letter }, officer()))).toMatchObject({ state: 'recorded' });
    expect(must(await tax.open(request.id)).request.step).toBe('decided');
    const visit = await lin.signIn();
    const sealed = visit.opened.objects.filter(({ name }) => name.startsWith('letter/')).at(-1)?.sealed ?? new Uint8Array(0);
    expect(decodeLetter(must(await openSealed(sealed, 'letter', lin.resident, visit.space.opener)))).toEqual(letter);
    expect(await tax.step(request, { step: 'received' })).toMatchObject({ ok: false, failure: { code: 'step-illegal' } });
  });

  it('is refused once the resident has ended the grant', async () => {
    const { grant } = await requested();
    must(await tax.read(grant, purpose, officer()));
    const visit = await lin.signIn();
    must(await client.call('transaction.submit', await lin.end(visit, Buffer.from(grant.id, 'hex'), 'tax-bureau')));
    await expect.poll(async () => must(await hub.ledger.values([stateKey.grant(Buffer.from(grant.id, 'hex'))])).map((value) => value && decodeRecord('grant', value).state)).toEqual(['ended']);
    expect(await tax.read(grant, purpose, officer())).toEqual({ ok: false, failure: { code: 'grant-ended', detail: '409' } });
  });

  it('issues a credential to a space whose card is elsewhere, replaces it, and revokes it', async () => {
    const { request } = await requested();
    const vct = 'urn:imi:credential:taxpayer:1';
    const first = must(await tax.issue(request, { vct, claims: { taxpayer_number: '4401060000' }, status: 101, days: 365 }));
    const found = async () => (await lin.signIn()).contents.credentials.filter((credential) => Buffer.from(credential.split('.')[1] ?? '', 'base64url').toString().includes(vct));
    expect(await found()).toHaveLength(1);
    const second = must(await tax.issue(request, { vct, claims: { taxpayer_number: '4401060001' }, status: 102, days: 365, replaces: first.credential }));
    expect(await found()).toHaveLength(1);
    must(await tax.revoke(second.credential, request.subject, vct, 'ended'));
    expect(await found()).toHaveLength(0);
    expect(await tax.revoke(second.credential, request.subject, vct, 'ended')).toMatchObject({ ok: false, failure: { code: 'credential-revoked' } });
  });

  it('publishes a next version of a service, which kiosks then have, and withdraws it', async () => {
    const known = must(await hub.catalogue.list()).find(({ id }) => id === service)?.definition ?? new Uint8Array(0);
    const current = serviceSchema.parse(JSON.parse(Buffer.from(known).toString()));
    const next = { ...current, version: current.version + 1, title: { ...current.title, en: 'Property tax certificate, new' } };
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(next)));
    expect(await agencyOf(url(), 'civil-affairs', world).publish(bytes, next)).toMatchObject({ ok: false, failure: { code: 'signer-role' } });
    must(await tax.publish(bytes, next));
    const offered = async () => must(await client.call('services.list', {})).services.find(({ id }) => id === service)?.definition;
    expect(await offered()).toEqual(bytes);
    expect(await tax.publish(bytes, next)).toMatchObject({ ok: false, failure: { code: 'service-known' } });
    must(await tax.withdraw(service));
    expect(await offered()).toBeUndefined();
    const again = { ...next, version: next.version + 1 };
    must(await tax.publish(new Uint8Array(Buffer.from(JSON.stringify(again))), again));
  });
});

describe('an order', () => {
  const order = async (of: Order, signer = officer(), change: Partial<OrderBody> = {}): Promise<string> =>
    Buffer.from(await signOrder({ v: 1, chain: 'imi-demo', nonce: new Uint8Array(randomBytes(16)), at: soon(), notAfter: soon() + 600, order: of, ...change }, signer, nodeCrypto)).toString('base64url');
  const reading = (grant: { id: string; subject: string }, change: Partial<Extract<Order, { kind: 'grant.read' }>> = {}): Order => ({
    kind: 'grant.read',
    party: 'tax-bureau',
    purpose,
    subject: Buffer.from(grant.subject, 'hex'),
    grant: Buffer.from(grant.id, 'hex'),
    access: new Uint8Array(randomBytes(16)),
    ...change,
  });
  const read = async (grant: string, body: string, party = 'tax-bureau') => clientOf(url(), party).call('POST', `/v1/grants/${grant}/reads`, { body: { order: body } });
  let grant: { id: string; subject: string };
  beforeAll(async () => {
    grant = (await requested()).grant;
  });

  it('that is repeated is carried out once', async () => {
    const body = await order(reading(grant));
    const [first, second] = [must(await read(grant.id, body)), must(await read(grant.id, body))];
    expect(second.body).toMatchObject({ transaction: (first.body as { transaction: string }).transaction });
  });

  it('that is repeated at once by many is carried out once', async () => {
    const other = (await requested()).grant;
    const body = await order(reading(other));
    const replies = await Promise.all(Array.from({ length: 6 }, () => read(other.id, body)));
    expect(new Set(replies.map((reply) => (must(reply).body as { transaction: string }).transaction)).size).toBe(1);
  });

  it.each<{ name: string; code: string; make: () => Promise<string>; party?: string }>([
    { name: 'for another purpose of its own', code: 'purpose-mismatch', make: () => order(reading(grant, { purpose: 'tax.other' })) },
    { name: 'of a grant that is none', code: 'grant-unknown', make: () => order(reading({ id: '00'.repeat(16), subject: grant.subject })) },
    { name: "of another resident's grant", code: 'grant-unknown', make: () => order(reading({ id: grant.id, subject: '00'.repeat(16) })) },
    { name: "of the agency's key and no officer's", code: 'signer-role', make: () => order(reading(grant), partySigner('tax-bureau')) },
    { name: "of another agency's officer", code: 'signer-role', make: () => order(reading(grant), cardInMemory(world.cards['officer-luo'] ?? '').sig) },
    { name: 'of a key that nobody knows', code: 'signer-unknown', make: () => order(reading(grant), partySigner('moon-office')) },
    { name: 'that is late', code: 'expired', make: () => order(reading(grant), officer(), { at: soon() - 700, notAfter: soon() - 100 }) },
    { name: 'that is early', code: 'order-too-early', make: () => order(reading(grant), officer(), { at: soon() + 900, notAfter: soon() + 1000 }) },
    { name: 'that lasts too long', code: 'not-after-too-far', make: () => order(reading(grant), officer(), { notAfter: soon() + 7200 }) },
    { name: 'of another chain', code: 'chain-wrong', make: () => order(reading(grant), officer(), { chain: 'imi-other' }) },
    { name: 'of another agency', code: 'addressee-mismatch', make: () => order(reading(grant, { party: 'water-works' })) },
    { name: 'that another agency brings', code: 'addressee-mismatch', make: () => order(reading(grant)), party: 'water-works' },
    { name: 'of another kind', code: 'act-unknown', make: () => order({ kind: 'request.step', party: 'tax-bureau', subject: Buffer.from(grant.subject, 'hex'), request: Buffer.from(grant.id, 'hex'), step: 'received' }) },
    { name: 'that is none', code: 'envelope-malformed', make: async () => 'AAAA' },
    { name: 'with a bit turned', code: 'signature-invalid', make: async () => forged(await order(reading(grant))) },
  ])('$name is refused: $code', async ({ code, make, party }) => {
    const body = await make();
    const id = code === 'grant-unknown' && body !== '' ? grantOf(body) : grant.id;
    expect(await read(id, body, party)).toMatchObject({ ok: false, failure: { code } });
  });
  const forged = (body: string): string => {
    const bytes = Buffer.from(body, 'base64url');
    // Within the signature, which ends the COSE message before the body.
    const at = bytes.indexOf(Buffer.from([0x58, 0x40])) + 10;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes.toString('base64url');
  };
  const grantOf = (body: string): string => (Buffer.from(body, 'base64url').includes(Buffer.from(grant.id, 'hex')) ? grant.id : '00'.repeat(16));

  it('leaks nothing: what is unknown and what is another agency’s are answered alike', async () => {
    const { request } = await requested();
    const civil = agencyOf(url(), 'civil-affairs', world);
    const [foreign, unknown] = await Promise.all([civil.open(request.id), civil.open('00'.repeat(16))]);
    expect(foreign).toEqual({ ok: false, failure: { code: 'request-unknown', detail: '404' } });
    expect(unknown).toEqual(foreign);
    const luo = cardInMemory(world.cards['officer-luo'] ?? '').sig;
    const asCivil = async (id: string) => clientOf(url(), 'civil-affairs').call('POST', `/v1/grants/${id}/reads`, { body: { order: await order(reading({ id, subject: grant.subject }, { party: 'civil-affairs' }), luo) } });
    expect(await asCivil(grant.id)).toEqual(await asCivil('00'.repeat(16)));
    expect(must(await civil.requests())).toEqual([]);
    const keysOf = async (query: string) => clientOf(url(), 'civil-affairs').call('GET', `/v1/residents/${request.subject}`, { query: { request: query } });
    expect(await keysOf(request.id)).toEqual(await keysOf('00'.repeat(16)));
  });
});

describe('what is new', () => {
  it('comes as a stream, from the last event on, and to whom it concerns only', async () => {
    const before = must(await tax.changes(0)).length;
    const end = new AbortController();
    const stream = must(await clientOf(url(), 'tax-bureau').events('/v1/events', end.signal, String(before)));
    const other = must(await clientOf(url(), 'water-works').events('/v1/events', end.signal));
    const { request } = await requested();
    const kinds: string[] = [];
    for await (const { id, event, data } of stream) {
      kinds.push(event);
      expect(Number(id)).toBe(before + kinds.length);
      expect(JSON.parse(data)).toMatchObject({ seq: before + kinds.length, transaction: request.transaction });
      if (kinds.length === 2) break;
    }
    expect(kinds.toSorted()).toEqual(['grant.give', 'request.submit']);
    end.abort();
    const nothing: unknown[] = [];
    for await (const event of other) nothing.push(event);
    expect(nothing).toEqual([]);
  });

  it('is brought to an address, signed by the gateway, in order, and again until it is taken', async () => {
    const tell = clientOf(url(), 'tax-bureau');
    received = [];
    takes = false;
    const made = must(await tell.call('POST', '/v1/webhooks', { body: { url: `${receiverUrl()}/told?by=imi`, after: 0 } }));
    expect(made.status).toBe(201);
    if (received.length === 0) await arrival.promise;
    const [first] = received;
    const message: HttpMessage = { method: first?.method ?? '', authority: String(first?.headers.host), path: '/told', query: '?by=imi', headers: first?.headers as HttpMessage['headers'], body: Buffer.from(first?.body ?? '') };
    expect(await signedBy(must(readSignature(message, 'imi-webhook/1')), partySigner('gateway').key, nodeCrypto)).toBe(true);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ agency: 'tax-bureau', events: expect.arrayContaining([expect.objectContaining({ seq: 1 }), expect.objectContaining({ seq: 2 })]) });
    await expect.poll(async () => must(await tell.call('GET', '/v1/webhooks')).body).toMatchObject({ items: [{ failures: 1, lastStatus: 503, after: 0 }] });
    takes = true;
    const { id } = made.body as { id: string };
    expect(await clientOf(url(), 'water-works').call('DELETE', `/v1/webhooks/${id}`)).toMatchObject({ ok: false, failure: { code: 'request-unknown' } });
    must(await tell.call('DELETE', `/v1/webhooks/${id}`));
    expect(must(await tell.call('GET', '/v1/webhooks')).body).toEqual({ items: [] });
    must(await tell.call('POST', '/v1/webhooks', { body: { url: `${receiverUrl()}/again`, after: 1 } }));
    await expect.poll(() => JSON.parse(received.at(-1)?.body ?? '{}') as { events?: { seq: number }[] }).toMatchObject({ events: expect.arrayContaining([expect.objectContaining({ seq: 2 })]) });
  });

  it.each(['http://example.org/', 'https://127.0.0.1/', 'https://10.1.2.3/', 'https://[::1]/', 'https://[fd00::1]/', 'https://[::ffff:127.0.0.1]/', 'https://localhost/', 'https://hub.internal/', 'https://a:b@example.org/', 'https://0x7f.1/', 'ftp://example.org/', 'no address'])(
    'is brought to no address like %s',
    (address) => {
      expect(mayBeTold(address, ['http://127.0.0.1:9'])).toBe(false);
    },
  );

  it('is brought to public addresses and to those that the hub’s file allows', () => {
    expect([mayBeTold('https://example.org/x', []), mayBeTold('http://127.0.0.1:9/x', ['http://127.0.0.1:9']), mayBeTold('http://127.0.0.1:10/x', ['http://127.0.0.1:9'])]).toEqual([true, true, false]);
    expect(['169.254.169.254', '224.0.0.1', '8.8.8.8', '2001:db8::1', '2606:4700::1111'].map(isPublicAddress)).toEqual([false, false, true, false, true]);
    expect([1, 2, 3, 30].map(pauseAfter)).toEqual([5, 10, 20, 21_600]);
  });

  it('says so where a webhook may not go', async () => {
    expect(await clientOf(url(), 'tax-bureau').call('POST', '/v1/webhooks', { body: { url: 'https://10.0.0.1/' } })).toMatchObject({ ok: false, failure: { code: 'address-refused' } });
  });
});

it('lists page by page, and takes no cursor of another', async () => {
  const page = async (query: Record<string, string>, party = 'tax-bureau') => clientOf(url(), party).call('GET', '/v1/requests', { query });
  const all = must(await tax.requests()).map(({ id }) => id);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const { items, next } = must(await page({ limit: '2', ...(cursor === null ? {} : { cursor }) })).body as { items: RequestView[]; next: string | null };
    seen.push(...items.map(({ id }) => id));
    if (next !== null) expect(await page({ limit: '2', cursor: next }, 'water-works')).toMatchObject({ ok: false, failure: { code: 'cursor-invalid' } });
    cursor = next;
  } while (cursor !== null);
  expect(seen).toEqual(all);
  expect(await sendRaw(url(), { path: '/v1/requests' })).toMatchObject({ status: 401 });
});
