import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, ok, type Result } from '../../src/contract/result.ts';
import type { DoorHandlers } from '../../src/hub/conversation.ts';
import { doorIdentity } from '../../src/hub/door-identity.ts';
import { openTlsDoor, type TlsDoor, type TlsDoorLimits } from '../../src/hub/tls-door.ts';
import { selfSignedCertificate } from '../../src/ledger/client/certificate.ts';
import { doorProtocols, doorTls, type TlsIdentity } from '../../src/ledger/client/door-tls.ts';
import { tlsPlaceIn } from '../../src/ledger/client/hub-address.ts';
import { nodeCrypto } from '../../src/ledger/client/crypto.ts';
import { delegationInput, delegationOid, encodeDelegation } from '../../src/ledger/client/door-delegation.ts';
import { encodeSpki, publicKeyOf } from '../../src/ledger/client/spki.ts';
import { encodeFrame, FrameReader } from '../../src/ledger/client/wire.ts';
import type { PublicKey } from '../../src/ledger/verify/acts.ts';
import { equalBytes, toBase64url } from '../../src/ledger/verify/bytes.ts';
import type { CborValue } from '../../src/ledger/verify/cbor.ts';
import { seedOf } from '../ledger/small-district.ts';
import { must } from './visitor.ts';
import { refusingHandlers } from './refusing-hub.ts';

const hubIdentity = doorIdentity(seedOf('door'), 'hub-1');

interface Device extends TlsIdentity {
  key: PublicKey;
}
function deviceOf({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Device {
  const key = publicKeyOf(publicKey) ?? [-19, new Uint8Array()];
  const signature = (input: Uint8Array): Uint8Array => (key[0] === -19 ? sign(null, input, privateKey) : sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  return { key, certificate: selfSignedCertificate({ name: 'a kiosk', key, sign: signature }), privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
/** As in a TPM. */
const chip = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const kiosks = { 'hall-1': deviceOf(generateKeyPairSync('ed25519')), 'hall-2': deviceOf(chip) };

/** A key that stands in at the door for the one in the chip. @param until Unix seconds. */
function standInOf(until: number): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = publicKeyOf(publicKey) ?? [-19, new Uint8Array()];
  const signature = new Uint8Array(sign('sha256', delegationInput(encodeSpki(key) ?? new Uint8Array(), until, nodeCrypto), { key: chip.privateKey, dsaEncoding: 'ieee-p1363' }));
  const value = encodeDelegation({ key: kiosks['hall-2'].key, until, signature });
  const certificate = selfSignedCertificate({ name: 'a kiosk', key, sign: (input) => new Uint8Array(sign(null, input, privateKey)), extension: { oid: delegationOid, value } });
  return { certificate, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
const stranger = deviceOf(generateKeyPairSync('ed25519'));

let door: TlsDoor;
let retired: Set<string>;
let admitting: Promise<void>;
let isLedgerAway: boolean;
let bug: boolean;
const faults: string[] = [];

const admit = async (key: PublicKey): Promise<Result<string>> => {
  await admitting;
  if (isLedgerAway) return fail('hub-unreachable', 'ledger nodes');
  if (bug) throw new Error('a bug');
  const [id] = Object.entries(kiosks).find(([, device]) => equalBytes(device.key[1], key[1])) ?? [];
  if (id === undefined) return fail('kiosk-not-enrolled', 'unknown');
  return retired.has(id) ? fail('kiosk-not-enrolled', 'retired') : ok(id);
};
const handlers = refusingHandlers({
  hello: (_, speaker) => Promise.resolve(ok({ chain: 'c', hub: speaker ?? 'nobody', keeper: 'k' })),
  'head.get': () => new Promise(() => undefined),
  'state.get': () => {
    throw new Error('a bug');
  },
});

/** Tells the key that it is for. */
const setup = (key: PublicKey): Partial<DoorHandlers> => ({ hello: () => Promise.resolve(ok({ chain: 'c', hub: toBase64url(key[1]), keeper: 'k' })) });

const open = async (limits: Partial<TlsDoorLimits> = {}): Promise<void> => {
  door = must(await openTlsDoor({ host: '127.0.0.1', port: 0, identity: hubIdentity, admit, handlers, setup, limits: { closingMs: 200, ...limits }, onFault: (method) => faults.push(method) }));
};

const peers: Peer[] = [];
beforeEach(() => {
  retired = new Set();
  admitting = Promise.resolve();
  isLedgerAway = false;
  bug = false;
});
afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy();
  await door.close();
});

/** The other end of a connection: what it hears until it is closed. */
class Peer {
  readonly socket: Socket;
  readonly heard: CborValue[] = [];
  error: string | null = null;
  closed = false;
  readonly #reader = new FrameReader();
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    peers.push(this);
    socket.on('data', (piece: Uint8Array) => {
      this.heard.push(...(this.#reader.push(piece) ?? []));
      this.#wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  ask(id: number, method: string, params: unknown): this {
    this.socket.write(encodeFrame({ id, method, params }) ?? '');
    return this;
  }

  async hears(count: number): Promise<CborValue[]> {
    while (this.heard.length < count && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.heard;
  }

  async end(): Promise<this> {
    while (!this.closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this;
  }
}

const place = (): { host: string; port: number } => tlsPlaceIn(door.address);
const tlsPeer = (identity: TlsIdentity | null, options: ConnectionOptions = {}): Peer =>
  new Peer(connect({ ...place(), ...doorTls, ALPNProtocols: [doorProtocols.door], ...(identity && { cert: identity.certificate, key: identity.privateKey }), rejectUnauthorized: false, ...options }));
const plainPeer = (): Peer => new Peer(connectPlain(place()));
const hello = (peer: Peer): Promise<CborValue[]> => peer.ask(1, 'hello', { kiosk: 'whoever' }).hears(1);
const works = async (): Promise<void> => {
  expect(await hello(tlsPeer(kiosks['hall-1']))).toEqual([{ id: 1, ok: true, result: { chain: 'c', hub: 'hall-1', keeper: 'k' } }]);
};

describe('a kiosk', () => {
  it.each(['hall-1', 'hall-2'] as const)('%s is known by the key that it proves, whatever it calls itself', async (id) => {
    await open();
    expect(await hello(tlsPeer(kiosks[id]))).toEqual([{ id: 1, ok: true, result: { chain: 'c', hub: id, keeper: 'k' } }]);
  });

  it('whose key lies in a chip comes in by one that stands in for it, and is cut off when that one’s time is over', async () => {
    await open();
    const peer = tlsPeer(standInOf(Math.floor(Date.now() / 1000) + 2));
    expect(await hello(peer)).toEqual([{ id: 1, ok: true, result: { chain: 'c', hub: 'hall-2', keeper: 'k' } }]);
    expect((await peer.end()).heard).toHaveLength(1);
    expect((await tlsPeer(standInOf(Math.floor(Date.now() / 1000))).end()).heard).toEqual([{ id: 0, ok: false, code: 'kiosk-not-enrolled', detail: 'certificate' }]);
  });

  it('is answered what it said before it was looked up', async () => {
    let admitNow: () => void = () => undefined;
    admitting = new Promise((resolve) => (admitNow = resolve));
    await open();
    const peer = tlsPeer(kiosks['hall-1']).ask(1, 'hello', { kiosk: 'hall-1' });
    await expect.poll(() => door.connections).toBe(1);
    admitNow();
    expect(await peer.hears(1)).toMatchObject([{ id: 1, ok: true }]);
  });

  it('that retires while it is connected is told, and cut off; the others stay', async () => {
    await open();
    const [going, staying] = [tlsPeer(kiosks['hall-1']), tlsPeer(kiosks['hall-2'])];
    await Promise.all([hello(going), hello(staying)]);
    retired.add('hall-1');
    await door.recheck();
    expect((await going.end()).heard.at(-1)).toEqual({ id: 0, ok: false, code: 'kiosk-not-enrolled', detail: 'retired' });
    expect(await staying.ask(2, 'hello', { kiosk: 'hall-2' }).hears(2)).toHaveLength(2);
  });

  it('that retires while the ledger cannot be read stays until it can, and that is owed', async () => {
    await open();
    const going = tlsPeer(kiosks['hall-1']);
    await hello(going);
    retired.add('hall-1');
    isLedgerAway = true;
    await door.recheck();
    expect([door.connections, door.owesRecheck]).toEqual([1, true]);
    isLedgerAway = false;
    await door.recheck();
    expect(door.owesRecheck).toBe(false);
    expect((await going.end()).heard.at(-1)).toEqual({ id: 0, ok: false, code: 'kiosk-not-enrolled', detail: 'retired' });
  });

  it('that retires while it is looked up does not come in', async () => {
    let admitNow: () => void = () => undefined;
    admitting = new Promise((resolve) => (admitNow = resolve));
    await open();
    const peer = tlsPeer(kiosks['hall-1']);
    await expect.poll(() => door.connections).toBe(1);
    const rechecked = door.recheck();
    retired.add('hall-1');
    admitNow();
    await rechecked;
    expect((await peer.end()).heard).toEqual([{ id: 0, ok: false, code: 'kiosk-not-enrolled', detail: 'retired' }]);
  });

  it('that comes again while its old connections hang ends the oldest', async () => {
    await open({ connectionsOfOne: 2 });
    const [first, second] = [tlsPeer(kiosks['hall-1']), tlsPeer(kiosks['hall-1'])];
    await hello(first);
    await hello(second);
    await works();
    await first.end();
    expect(second.closed).toBe(false);
    expect(door.connections).toBe(2);
  });

  it('that falls silent is let go', async () => {
    await open({ silentMs: 80 });
    const peer = tlsPeer(kiosks['hall-1']);
    await hello(peer);
    await peer.end();
    await expect.poll(() => door.connections).toBe(0);
  });
});

describe('who is not let in', () => {
  it.each([
    { name: 'a stranger', identity: stranger, detail: 'unknown' },
    { name: 'who shows no certificate', identity: null, detail: 'certificate' },
  ])('$name is told why', async ({ identity, detail }) => {
    await open();
    expect((await tlsPeer(identity).end()).heard).toEqual([{ id: 0, ok: false, code: 'kiosk-not-enrolled', detail }]);
    await works();
  });

  it('by a bug of ours is told that it is one, and the others come in', async () => {
    await open();
    bug = true;
    expect((await tlsPeer(kiosks['hall-1']).end()).heard).toEqual([{ id: 0, ok: false, code: 'hub-refused', detail: 'fault' }]);
    expect(faults).toEqual(['admit']);
    bug = false;
    await works();
  });

  it('a retired kiosk is told so', async () => {
    await open();
    retired.add('hall-2');
    expect((await tlsPeer(kiosks['hall-2']).end()).heard).toEqual([{ id: 0, ok: false, code: 'kiosk-not-enrolled', detail: 'retired' }]);
  });

  it("a kiosk's certificate without its key proves nothing", async () => {
    await open();
    // OpenSSL believes the public half that stands beside the private one, so that the thief's key seems to belong to the certificate.
    const own = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'jwk' });
    const { x, y } = createPublicKey(kiosks['hall-2'].privateKey).export({ format: 'jwk' });
    const mixed = createPrivateKey({ key: { ...own, x, y }, format: 'jwk' });
    const thief = { certificate: kiosks['hall-2'].certificate, privateKey: mixed.export({ format: 'pem', type: 'pkcs8' }).toString() };
    const peer = await tlsPeer(thief).end();
    expect(peer.heard).toEqual([]);
    // RFC 8446 §4.4.3: a signature that does not verify ends the handshake with decrypt_error.
    expect(peer.error).toMatch(/DECRYPT_ERROR/);
    await works();
  });

  it.each([
    { name: 'TLS 1.2', options: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } },
    { name: 'TLS for something else', options: { ALPNProtocols: ['http/1.1'] } },
    { name: 'TLS for nothing in particular', options: { ALPNProtocols: [] } },
    { name: 'signatures of RSA only', options: { sigalgs: 'rsa_pss_rsae_sha256' } },
  ] satisfies { name: string; options: ConnectionOptions }[])('who speaks $name is turned away', async ({ options }) => {
    await open();
    expect((await tlsPeer(kiosks['hall-1'], options).end()).heard).toEqual([]);
    await works();
  });

  it('a session that is taken up again proves no key', async () => {
    await open();
    const first = tlsPeer(kiosks['hall-1']);
    const session = new Promise<Buffer>((resolve) => (first.socket as TLSSocket).once('session', resolve));
    await hello(first);
    const again = tlsPeer(kiosks['hall-1'], { session: await session });
    expect((await again.ask(1, 'hello', { kiosk: 'hall-1' }).end()).heard).toEqual([]);
  });

  it.each([
    { name: 'frames without TLS', bytes: encodeFrame({ id: 1, method: 'hello', params: { kiosk: 'hall-1' } }) ?? new Uint8Array() },
    { name: 'a web browser without TLS', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: hub\r\n\r\n') },
    { name: 'garbage', bytes: Buffer.alloc(5000, 0x5a) },
  ])('$name is cut off', async ({ bytes }) => {
    await open();
    const peer = plainPeer();
    peer.socket.write(bytes);
    expect((await peer.end()).heard).toEqual([]);
    await works();
  });
});

describe('who wastes its time', () => {
  it('with a connection that says nothing, or stops in the middle of the handshake, is cut off', async () => {
    await open({ handshakeMs: 100 });
    const silent = plainPeer();
    const stalled = plainPeer();
    stalled.socket.write(Buffer.from('16030102000100', 'hex'));
    await Promise.all([silent.end(), stalled.end()]);
    await works();
  });

  it('with many handshakes at once is not let begin more', async () => {
    await open({ handshakesFromOne: 2, handshakeMs: 60_000 });
    const [first, second] = [plainPeer(), plainPeer()];
    const third = await plainPeer().end();
    expect([first.closed, second.closed, third.closed]).toEqual([false, false, true]);
    first.socket.destroy();
    second.socket.destroy();
    await expect.poll(async () => (await hello(tlsPeer(kiosks['hall-1']))).length).toBe(1);
  });

  it('when all the room is taken, is told so', async () => {
    await open({ connections: 1 });
    await hello(tlsPeer(kiosks['hall-1']));
    expect((await tlsPeer(kiosks['hall-2']).end()).heard).toEqual([{ id: 0, ok: false, code: 'hub-busy', detail: 'connections' }]);
  });

  it('with what is no frame, or too large a one, is told so and cut off', async () => {
    await open();
    for (const bytes of [Buffer.from([0, 0, 0, 1, 0xff]), Buffer.from([0xff, 0xff, 0xff, 0xff, 0])]) {
      const peer = tlsPeer(kiosks['hall-1']);
      peer.socket.write(bytes);
      expect((await peer.end()).heard).toEqual([{ id: 0, ok: false, code: 'message-invalid', detail: 'frame' }]);
    }
  });
});

it('is closed with handshakes under way and with answers that do not come', async () => {
  await open({ handshakeMs: 60_000, closingMs: 50 });
  const stalled = plainPeer();
  const waiting = tlsPeer(kiosks['hall-1']);
  await hello(waiting);
  waiting.ask(2, 'head.get', {});
  await door.close();
  await Promise.all([stalled.end(), waiting.end()]);
  expect((await plainPeer().end()).error).toBe('ECONNREFUSED');
});

describe('a kiosk that is being set up', () => {
  const settingUp = (device: Device): Peer => tlsPeer(device, { ALPNProtocols: [doorProtocols.setup] });

  it('is heard whatever the ledger says of its key, as whoever holds that key', async () => {
    isLedgerAway = true;
    await open();
    expect(await hello(settingUp(stranger))).toEqual([{ id: 1, ok: true, result: { chain: 'c', hub: toBase64url(stranger.key[1]), keeper: 'k' } }]);
    expect(door.connections).toBe(0);
  });

  it('is told nothing but what a kiosk needs that is nobody yet', async () => {
    await open();
    const peer = settingUp(stranger).ask(1, 'asks.list', { session: new Uint8Array(16) }).ask(2, 'challenge.get', { kioskNonce: new Uint8Array(16) });
    expect(await peer.hears(2)).toMatchObject([
      { id: 1, ok: false, code: 'kiosk-not-enrolled', detail: 'setting-up' },
      { id: 2, ok: false, code: 'kiosk-not-enrolled', detail: 'setting-up' },
    ]);
  });

  it('of many only some at once, and none keeps an enrolled one out', async () => {
    await open({ settingUp: 1 });
    await hello(settingUp(stranger));
    expect(await settingUp(stranger).hears(1)).toMatchObject([{ id: 0, ok: false, code: 'hub-busy', detail: 'setting-up' }]);
    await works();
  });

  it('is cut off in the end', async () => {
    await open({ settingUpMs: 50 });
    const peer = settingUp(stranger);
    await hello(peer);
    expect((await peer.end()).closed).toBe(true);
  });
});

it.each([
  { name: 'a port that is taken', at: () => place(), code: 'in-use' },
  { name: 'an address that is not of this machine', at: () => ({ host: '192.0.2.1', port: 0 }), code: 'unusable' },
])('does not open on $name', async ({ at, code }) => {
  await open();
  expect(await openTlsDoor({ ...at(), identity: hubIdentity, admit, handlers, setup, onFault: () => undefined })).toMatchObject({ ok: false, failure: { code } });
});
