import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fail, ok, type Failure, type Result } from '../../../src/contract/result.ts';
import { doorIdentity } from '../../../src/hub/door-identity.ts';
import { openTlsDoor, type TlsDoor } from '../../../src/hub/tls-door.ts';
import { doorProtocols, doorTls } from '../../../src/ledger/client/door-tls.ts';
import { tlsPlaceIn } from '../../../src/ledger/client/hub-address.ts';
import { connectHub, type ClientTimes, type HubClient } from '../../../src/ledger/client/hub-client.ts';
import { encodeFrame } from '../../../src/ledger/client/wire.ts';
import { layCable, type Cable } from '../../fixtures/cable.ts';
import { seedOf } from '../small-district.ts';
import { refusingHandlers } from '../../hub/refusing-hub.ts';

const hubIdentity = doorIdentity(seedOf('door'), 'hub-1');
const kioskIdentity = doorIdentity(seedOf('device'), 'stands for a kiosk');

let door: TlsDoor | null;
let hub: HubClient | null;
let cable: Cable | null;
let mayComeIn: Result<string>;
let hellos: number;
let heardHello: () => void;
let news: (string | null)[];
const servers: Server[] = [];
const sockets = new Set<Socket>();

const handlers = refusingHandlers({
  hello: () => {
    hellos += 1;
    heardHello();
    return Promise.resolve(ok({ chain: 'c', hub: 'hub-1', keeper: 'k' }));
  },
  'hub.file': () => Promise.resolve(fail('hub-refused')),
  'head.get': () => new Promise(() => undefined),
  'services.list': () => Promise.resolve(ok({ services: [], held: [] })),
});

beforeEach(() => {
  door = null;
  hub = null;
  cable = null;
  mayComeIn = ok('hall-1');
  hellos = 0;
  heardHello = () => undefined;
  news = [];
});
afterEach(async () => {
  hub?.close();
  cable?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) server.close();
  await door?.close();
});

const openHub = async (port = 0, silentMs = 5000): Promise<number> => {
  const opened = await openTlsDoor({
    host: '127.0.0.1',
    port,
    identity: hubIdentity,
    admit: () => Promise.resolve(mayComeIn),
    handlers,
    setup: () => ({}),
    limits: { silentMs, closingMs: 100 },
    onFault: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.failure.detail);
  door = opened.value;
  return tlsPlaceIn(opened.value.address).port;
};

/** Asks again at once, and is impatient only where `times` say so. */
const connect = (port: number, times: Partial<ClientTimes> = {}): HubClient => {
  hub = connectHub({
    tls: { host: '127.0.0.1', port, pin: hubIdentity.pin, kiosk: 'hall-1', identity: kioskIdentity },
    times: { retryMs: { least: 10, most: 40 }, ...times },
  });
  hub.onConnection((away) => news.push(away === null ? null : wordsOf(away)));
  return hub;
};
/** When the hub lets it in the next time. */
const backOf = (client: HubClient): Promise<void> => new Promise((resolve) => void client.onConnection((away) => away === null && resolve()));
const wordsOf = ({ code, detail }: Failure): string => `${code} ${detail ?? ''}`;
const call = async (client: HubClient): Promise<string> => {
  const answer = await client.call('services.list', {});
  return answer.ok ? 'ok' : wordsOf(answer.failure);
};

/** Somebody else's server, and what it is told. */
async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test('a call is answered by the hub whose key is pinned', async () => {
  expect(await call(connect(await openHub()))).toBe('ok');
  expect(news).toEqual([null]);
});

test('a chip that does not vouch for this connection is asked again for the next one', async () => {
  const port = await openHub();
  let silent = 2;
  hub = connectHub({
    tls: { host: '127.0.0.1', port, pin: hubIdentity.pin, kiosk: 'hall-1', identity: () => Promise.resolve((silent -= 1) >= 0 ? fail('device-key-silent') : ok(kioskIdentity)) },
    times: { retryMs: { least: 10, most: 40 } },
  });
  hub.onConnection((away) => news.push(away === null ? null : wordsOf(away)));
  const there = backOf(hub);
  expect(await call(hub)).toBe('hub-unreachable device key');
  await there;
  expect(news).toEqual(['hub-unreachable device key', null]);
  expect(await call(hub)).toBe('ok');
});

test('closed while a chip vouches, it connects to nobody', async () => {
  const port = await openHub();
  const vouched = Promise.withResolvers<ReturnType<typeof ok<typeof kioskIdentity>>>();
  const client = connectHub({ tls: { host: '127.0.0.1', port, pin: hubIdentity.pin, kiosk: 'hall-1', identity: () => vouched.promise } });
  const calling = call(client);
  client.close();
  vouched.resolve(ok(kioskIdentity));
  expect(await calling).toBe('hub-unreachable closed');
  expect(client.connected).toBe(false);
});

describe('who is not the hub', () => {
  test.each([
    { name: 'shows another key', identity: doorIdentity(seedOf('another door'), 'hub-1'), said: 'hub-unreachable pin' },
    { name: 'shows the key for something else', identity: hubIdentity, protocols: ['http/1.1'], said: 'hub-unreachable tls' },
  ])('and $name is told nothing', async ({ identity, protocols, said }) => {
    const told: Buffer[] = [];
    const port = await listening(
      createTlsServer({ ...doorTls, ALPNProtocols: protocols ?? [doorProtocols.door], cert: identity.certificate, key: identity.privateKey }, (socket) => {
        socket.on('error', () => undefined).on('data', (piece: Buffer) => told.push(piece));
        // An answer before the question.
        socket.write(encodeFrame({ id: 0, ok: true, result: { chain: 'c', hub: 'hub-1', keeper: 'k' } }) ?? '');
      }).on('tlsClientError', () => undefined),
    );
    expect(await call(connect(port))).toBe(said);
    expect(told).toEqual([]);
  });

  test('and speaks TLS 1.2 is told nothing', async () => {
    const port = await listening(createTlsServer({ maxVersion: 'TLSv1.2', cert: hubIdentity.certificate, key: hubIdentity.privateKey }).on('tlsClientError', () => undefined));
    expect(await call(connect(port))).toBe('hub-unreachable tls');
  });

  test('and speaks no TLS is told nothing but that we do', async () => {
    const port = await listening(createServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(await call(connect(port))).toBe('hub-unreachable tls');
  });

  test('and says nothing is given up', async () => {
    expect(await call(connect(await listening(createServer()), { attemptMs: 150 }))).toBe('hub-unreachable no connection');
  });
});

describe('a hub that does not let the kiosk in', () => {
  test('says why, and is asked again until it does', async () => {
    mayComeIn = fail('kiosk-not-enrolled', 'unknown');
    const client = connect(await openHub());
    expect(await call(client)).toBe('kiosk-not-enrolled unknown');
    expect(client.connected).toBe(false);
    const admitted = backOf(client);
    mayComeIn = ok('hall-1');
    await admitted;
    expect(await call(client)).toBe('ok');
    // However often it was asked.
    expect(news).toEqual(['kiosk-not-enrolled unknown', null]);
  });

  test('any more says so to a call that waits', async () => {
    const client = connect(await openHub());
    expect(await call(client)).toBe('ok');
    const waiting = client.call('head.get', {});
    mayComeIn = fail('kiosk-not-enrolled', 'retired');
    await door?.recheck();
    expect(await waiting).toEqual(fail('kiosk-not-enrolled', 'retired'));
    expect(news).toEqual([null, 'kiosk-not-enrolled retired']);
  });
});

test('a hub that went and came back is found again', async () => {
  const port = await openHub();
  const client = connect(port);
  expect(await call(client)).toBe('ok');
  const gone = new Promise<void>((resolve) => void client.onConnection((away) => away !== null && resolve()));
  await door?.close();
  await gone;
  expect(await call(client)).toBe('hub-unreachable no connection');
  const back = backOf(client);
  await openHub(port);
  await back;
  expect(await call(client)).toBe('ok');
});

describe('when nothing is to be said', () => {
  /** Of both ends. The door lets go of whoever has said nothing for five times as long as the kiosk keeps quiet. */
  const silentMs = 200;
  const often = { quietMs: silentMs / 5, silentMs };
  /** The kiosk has said hello so many times more. */
  const heardMore = (times: number): Promise<void> => {
    const wanted = hellos + times;
    return new Promise((resolve) => (heardHello = () => hellos >= wanted && resolve()));
  };

  test('both ends stay, by a word now and then', async () => {
    const client = connect(await openHub(0, silentMs), often);
    expect(await call(client)).toBe('ok');
    // So long that the door would have let go in between.
    await heardMore(10);
    expect(news).toEqual([null]);
    expect(door?.connections).toBe(1);
  });

  test('both ends stay, though they stood still for longer than one of them may be silent', async () => {
    const client = connect(await openHub(0, silentMs), often);
    expect(await call(client)).toBe('ok');
    const until = performance.now() + 2 * silentMs;
    while (performance.now() < until);
    await heardMore(2);
    expect(news).toEqual([null]);
    expect(door?.connections).toBe(1);
  });

  test('and the cable is pulled, both ends notice, and meet again', async () => {
    const port = await openHub(0, silentMs);
    cable = await layCable(port);
    // What was begun while the cable was out is given up, and begun again, until it comes through.
    const client = connect(cable.port, { ...often, attemptMs: 1000 });
    expect(await call(client)).toBe('ok');
    const waiting = client.call('head.get', {});
    cable.pull();
    expect(await waiting).toEqual(fail('hub-unreachable', 'connection lost'));
    await expect.poll(() => door?.connections, { timeout: 10_000 }).toBe(0);
    expect(await call(client)).toMatch(/^hub-unreachable/);
    const back = backOf(client);
    cable.plug();
    await back;
    expect(await call(client)).toBe('ok');
  });
});
