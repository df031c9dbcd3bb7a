import { describe, expect, test } from 'vitest';
import { devicesSchema, hubPlaceSchema, hubServerFileSchema, isPrivateWay } from '../../src/contract/hub-file.ts';
import { socketPathIn, tlsPlaceIn } from '../../src/ledger/client/hub-address.ts';

const pin = `sha256:${'a'.repeat(43)}`;

describe('where a kiosk finds its hub', () => {
  test.each([
    { place: { address: 'unix:../hub.sock' }, means: '/data/hub.sock' },
    { place: { address: 'unix:/run/imi/hub.sock' }, means: '/run/imi/hub.sock' },
    { place: { address: 'tls://hub.example.org:7443', pin }, means: { host: 'hub.example.org', port: 7443 } },
    { place: { address: 'tls://127.0.0.1:7443', pin }, means: { host: '127.0.0.1', port: 7443 } },
    { place: { address: 'tls://[2001:db8::7]:443', pin }, means: { host: '2001:db8::7', port: 443 } },
  ])('$place.address', ({ place, means }) => {
    const { address } = hubPlaceSchema.parse(place);
    expect(socketPathIn(address, '/data/hall-1') ?? tlsPlaceIn(address)).toEqual(means);
  });

  const form = /^an address is unix:<path> or tls:/;
  const both = /^\{ address: "unix:<path>" \} or/;
  test.each([
    { name: 'a network without TLS', place: { address: 'tcp://192.0.2.7:7443' }, said: form },
    { name: 'loopback without TLS', place: { address: 'tcp://127.0.0.1:7443', pin }, said: form },
    { name: 'the web', place: { address: 'https://hub.example.org', pin }, said: form },
    { name: 'a bare host and port', place: { address: '127.0.0.1:7443', pin }, said: form },
    { name: 'no port', place: { address: 'tls://127.0.0.1', pin }, said: form },
    { name: 'a path behind the port', place: { address: 'tls://127.0.0.1:7443/hub', pin }, said: form },
    { name: 'a socket without a path', place: { address: 'unix:' }, said: form },
    { name: 'a port that is none', place: { address: 'tls://127.0.0.1:65536', pin }, said: /^a port is at most/ },
    { name: 'TLS without a pin', place: { address: 'tls://127.0.0.1:7443' }, said: both },
    { name: 'a socket with a pin, which nobody would check', place: { address: 'unix:hub.sock', pin }, said: both },
    { name: 'TLS with the pin of nothing', place: { address: 'tls://127.0.0.1:7443', pin: 'sha256:' }, said: /^a pin is what/ },
  ])('is not $name', ({ place, said }) => {
    expect(hubPlaceSchema.safeParse(place).error?.issues[0]?.message).toMatch(said);
  });

  test('an address that no schema saw is a bug', () => {
    expect(() => tlsPlaceIn('tcp://127.0.0.1:7443')).toThrow(RangeError);
  });
});

describe('where a hub listens', () => {
  const parse = (door: object) => hubServerFileSchema.safeParse({ hub: 'north-hub', ledger: { engine: 'embedded' }, keeper: {}, registrar: {}, door });

  test('is its own business, and its key has a name', () => {
    expect(parse({ listen: ['unix:hub.sock', 'tls://0.0.0.0:7443'] }).data?.door).toEqual({ listen: ['unix:hub.sock', 'tls://0.0.0.0:7443'], key: 'door.key.json' });
  });

  test.each([{ listen: [] }, { listen: ['tcp://0.0.0.0:7443'] }, { listen: ['0.0.0.0:7443'] }])('is not $listen', (door) => {
    expect(parse(door).success).toBe(false);
  });
});

describe('a ledger of many agencies', () => {
  const parse = (nodes: string[]) => hubServerFileSchema.safeParse({ hub: 'north-hub', ledger: { engine: 'cometbft', nodes }, keeper: {}, registrar: {} });

  test('is reached through its nodes, and the hub keeps what it has promised to bring', () => {
    const nodes = ['https://node.tax.example.org:26657', 'http://127.0.0.1:26657', 'http://[::1]:26657'];
    expect(parse(nodes).data?.ledger).toEqual({ engine: 'cometbft', nodes, queue: 'submissions.sqlite' });
  });

  test.each([
    { name: 'no node', nodes: [] },
    { name: 'a node over a network in the clear', nodes: ['http://192.0.2.7:26657'] },
    { name: 'a name that only looks like this machine', nodes: ['http://127.0.0.1.example.org:26657'] },
    { name: 'a node twice', nodes: ['http://127.0.0.1:26657', 'http://127.0.0.1:26657'] },
    { name: 'an address that is none', nodes: ['127.0.0.1:26657'] },
  ])('is not $name', ({ nodes }) => {
    expect(parse(nodes).success).toBe(false);
  });

  test('has no genesis and no validator key at the hub', () => {
    expect(hubServerFileSchema.safeParse({ hub: 'north-hub', ledger: { engine: 'cometbft', nodes: ['https://node.example.org'], genesis: 'genesis.cbor' }, keeper: {}, registrar: {} }).success).toBe(false);
  });
});

describe('where the data spaces lie', () => {
  const parse = (keeper: unknown) => hubServerFileSchema.safeParse({ hub: 'north-hub', ledger: { engine: 'embedded' }, keeper, registrar: {} });
  const key = 'keeper.key.json';

  test.each([
    { name: 'nothing said', keeper: {}, means: { key, path: 'keeper.sqlite' } },
    { name: 'a file', keeper: { path: 'spaces.sqlite', key: 'k.json' }, means: { key: 'k.json', path: 'spaces.sqlite' } },
    { name: 'a server over a socket', keeper: 'postgres:///imi?host=/run/postgresql&user=imi', means: { key, url: 'postgres:///imi?host=/run/postgresql&user=imi' } },
    { name: 'a server on this machine', keeper: 'postgresql://imi@127.0.0.1:5433/imi', means: { key, url: 'postgresql://imi@127.0.0.1:5433/imi' } },
    { name: 'one with an authority of its own', keeper: 'postgres://imi@db.example/imi?sslmode=verify-full&sslrootcert=/etc/imi/db-ca.pem', means: { key, url: 'postgres://imi@db.example/imi?sslmode=verify-full&sslrootcert=/etc/imi/db-ca.pem' } },
    { name: 'one on another', keeper: { url: 'postgres://imi@db.example/imi?sslmode=verify-full', key: 'k.json' }, means: { key: 'k.json', url: 'postgres://imi@db.example/imi?sslmode=verify-full' } },
  ])('is told by $name', ({ keeper, means }) => {
    expect(parse(keeper).data?.keeper).toEqual(means);
  });

  test.each([
    { name: 'another kind of server', keeper: 'mysql://imi@127.0.0.1/imi', said: /^a shared keeper is postgres:/ },
    { name: 'a path', keeper: 'keeper.sqlite', said: /^a shared keeper is postgres:/ },
    { name: 'a server nowhere', keeper: 'postgres:///imi', said: /names a host/ },
    { name: 'a server over a network in the clear', keeper: 'postgres://imi@db.example/imi', said: /sslmode=verify-full$/ },
    { name: 'one that anybody can pretend to be', keeper: 'postgres://imi@db.example/imi?sslmode=no-verify', said: /sslmode=verify-full$/ },
    { name: 'a host that only looks like this machine', keeper: { url: 'postgres://imi@localhost.example/imi' }, said: /sslmode=verify-full$/ },
    { name: 'a host in the query that is not this machine', keeper: 'postgres://imi@localhost/imi?host=db.example', said: /sslmode=verify-full$/ },
    { name: 'one whose TLS is taken back', keeper: 'postgres://imi@db.example/imi?sslmode=verify-full&sslmode=disable', said: /^nothing stands twice/ },
    { name: 'one that is on another machine after all', keeper: 'postgres://imi@localhost/imi?host=localhost&host=db.example', said: /^nothing stands twice/ },
    { name: 'one whose authority lies wherever the hub was started', keeper: 'postgres://imi@db.example/imi?sslmode=verify-full&sslrootcert=db-ca.pem', said: /named from the root/ },
    { name: 'one that is read in two ways for its blank', keeper: 'postgres://imi:pass word@db.evil.example/imi?h%6Fst=/run/postgresql', said: /has no blanks/ },
    { name: 'one whose parameter is written in another way', keeper: 'postgres://imi@db.evil.example/imi?sslm%6Fde=verify-full', said: /plain letters$/ },
    { name: 'one with a stray percent sign', keeper: 'postgres://imi:50%@db.example/imi?sslmode=verify-full', said: /two hexadecimal digits/ },
    { name: 'one that takes back what the keeper asks of the server', keeper: 'postgres://imi@localhost/imi?options=-c%20search_path%3Dpublic', said: /nothing stands but host, port/ },
    { name: 'one that is read as libpq does', keeper: 'postgres://imi@db.example/imi?sslmode=verify-full&uselibpqcompat=true', said: /nothing stands but host, port/ },
    { name: 'a file and a server', keeper: { path: 'keeper.sqlite', url: 'postgres://imi@127.0.0.1/imi' }, said: /^a keeper has a path or a url$/ },
    { name: 'something unknown beside it', keeper: { uri: 'postgres://imi@127.0.0.1/imi' }, said: /uri/ },
  ])('is not $name', ({ keeper, said }) => {
    expect(parse(keeper).error?.issues[0]?.message).toMatch(said);
  });
});

describe('the devices of a kiosk', () => {
  const parse = (devices: object) => devicesSchema.safeParse(devices);
  const reader = { connection: 'hid', vendor: '0483', product: '572b' };

  test('are none where the file names none', () => {
    expect(parse({}).data).toEqual({});
  });

  test('are named as lsusb names them, and what is left out has its usual form', () => {
    const devices = { identityReader: reader, scanner: { vendor: '0c2e', product: '0b61', usagePage: 0x8c, usage: 2 }, printer: { path: '/dev/usb/lp0' } };
    expect(parse(devices).data).toEqual({
      identityReader: { ...reader, reports: 'counted' },
      scanner: devices.scanner,
      printer: { path: '/dev/usb/lp0', widthDots: 576 },
    });
  });

  test.each([
    { name: 'a reader of no kind', devices: { identityReader: { vendor: '0483', product: '572b' } } },
    { name: 'an id in capitals', devices: { identityReader: { ...reader, product: '572B' } } },
    { name: 'an id as a number', devices: { scanner: { vendor: 1155, product: '572b' } } },
    { name: 'a serial line below the folder of the moment', devices: { identityReader: { connection: 'serial', path: 'ttyS0' } } },
    { name: 'a line of dots that ends within a byte', devices: { printer: { path: '/dev/usb/lp0', widthDots: 570 } } },
  ])('are not $name', ({ devices }) => {
    expect(parse(devices).success).toBe(false);
  });
});

describe('the way to a PostgreSQL server', () => {
  test.each([
    { url: 'postgres:///imi?host=/run/postgresql&user=imi', isPrivate: true },
    { url: 'postgres://imi:p%20w@127.0.0.1:5433/imi?application_name=a%20b', isPrivate: true },
    { url: 'postgres://imi@db.example/imi?sslmode=verify-full', isPrivate: true },
    { url: 'postgres://imi@db.evil.example/imi?host=/run/pg&host=db.evil.example', isPrivate: false },
    { url: 'postgres://imi:pass word@db.evil.example/imi?h%6Fst=/run/postgresql', isPrivate: false },
    { url: 'postgres://imi@db.evil.example/imi?sslm%6Fde=verify-full&application_name=a b', isPrivate: false },
    { url: 'postgres://imi@db.evil.example/imi?sslmode=verify-full&sslm%6Fde=disable&application_name=a\tb', isPrivate: false },
    { url: 'postgres://imi@localhost/imi?options=-c%20enable_seqscan%3Don', isPrivate: false },
    { url: 'postgres://imi@localhost/imi?host=db.example', isPrivate: false },
    { url: 'no address', isPrivate: false },
  ])('is private or not: $url', ({ url, isPrivate }) => {
    expect(isPrivateWay(url)).toBe(isPrivate);
  });
});
