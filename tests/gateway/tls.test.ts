import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hubServerFileSchema } from '../../src/contract/hub-file.ts';
import { ok } from '../../src/contract/result.ts';
import { gatewayClient } from '../../src/gateway/client.ts';
import { openGatewayDoor, type GatewayDoor } from '../../src/gateway/door.ts';
import { openGatewayStore, type GatewayStore } from '../../src/gateway/gateway-store.ts';
import { answered, route } from '../../src/gateway/route.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { must } from '../hub/visitor.ts';

describe('where a gateway may listen', () => {
  const listening = (gateway: object): boolean => hubServerFileSchema.safeParse({ hub: 'h', ledger: { engine: 'embedded' }, keeper: {}, registrar: {}, gateway }).success;
  const tls = { certificate: 'a.pem', key: 'b.pem' };
  it.each<{ name: string; gateway: object; allowed: boolean }>([
    { name: 'in the clear on loopback', gateway: { listen: 'http://127.0.0.1:7480' }, allowed: true },
    { name: 'in the clear on IPv6 loopback', gateway: { listen: 'http://[::1]:0' }, allowed: true },
    { name: 'in the clear on every address', gateway: { listen: 'http://0.0.0.0:7480' }, allowed: false },
    { name: 'in the clear under a name', gateway: { listen: 'http://gateway.example:80' }, allowed: false },
    { name: 'over TLS on every address', gateway: { listen: 'https://0.0.0.0:443', tls }, allowed: true },
    { name: 'over TLS without a certificate', gateway: { listen: 'https://0.0.0.0:443' }, allowed: false },
    { name: 'in the clear with a certificate', gateway: { listen: 'http://127.0.0.1:7480', tls }, allowed: false },
    { name: 'below a path', gateway: { listen: 'http://127.0.0.1:7480/v1' }, allowed: false },
    { name: 'with webhooks in the clear to another machine', gateway: { listen: 'http://127.0.0.1:7480', loopbackWebhooks: ['http://10.0.0.1:80'] }, allowed: false },
  ])('$name: $allowed', ({ gateway, allowed }) => {
    expect(listening(gateway)).toBe(allowed);
  });
});

describe('a gateway over TLS', () => {
  let dir: string;
  let store: GatewayStore;
  let door: GatewayDoor;
  let cert: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'imi-gateway-tls-'));
    const [certPath, keyPath] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyPath, '-out', certPath, '-days', '2', '-subj', '/CN=gateway', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' });
    cert = readFileSync(certPath, 'utf8');
    store = must(openGatewayStore(join(dir, 'gateway.sqlite')));
    const here = route({ method: 'GET', path: '/here', auth: 'none', summary: 'Here', answers: { 200: { description: 'Here', schema: z.strictObject({ here: z.literal(true) }) } }, handle: async () => answered(200, { here: true as const }) });
    door = must(
      await openGatewayDoor({
        host: '127.0.0.1',
        port: 0,
        tls: { cert, key: readFileSync(keyPath, 'utf8') },
        authorities: [],
        routes: () => [here],
        check: { ledger: { values: () => Promise.resolve(ok([null])) }, queue: null, store, tagKey: new Uint8Array(32), crypto: nodeCrypto },
        store,
        rate: { perSecond: 10, burst: 10 },
        now: Date.now,
        onFault: (where, error) => {
          throw new Error(where, { cause: error });
        },
      }),
    );
  });
  afterAll(async () => {
    await door.close();
    store.close();
    rmSync(dir, { recursive: true });
  });

  it('answers whoever trusts its authority, and nobody is talked into another', async () => {
    expect(door.url).toMatch(/^https:/);
    const trusting = gatewayClient({ url: door.url, party: null, now: Date.now, ca: cert });
    expect(await trusting.call('GET', '/here')).toEqual({ ok: true, value: { status: 200, body: { here: true } } });
    const stranger = gatewayClient({ url: door.url, party: null, now: Date.now });
    expect(await stranger.call('GET', '/here')).toMatchObject({ ok: false, failure: { code: 'hub-unreachable' } });
  });

  it('speaks nothing older than TLS 1.3', async () => {
    const { hostname, port } = new URL(door.url);
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port), ca: cert, maxVersion: 'TLSv1.2' }, () => resolve('connected'));
      socket.on('error', () => resolve('refused'));
    });
    expect(outcome).toBe('refused');
  });
});
