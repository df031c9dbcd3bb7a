import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStatusList, signStatusList, StatusList, statusUri } from '../../src/identity/status-list.ts';
import { signJws } from '../../src/identity/jws.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';

const registrar = ed25519Signer(Buffer.alloc(32, 1));
const other = ed25519Signer(Buffer.alloc(32, 2));
const now = 1_800_000_000;
const of = { uri: statusUri('registrar'), keys: [registrar.key] };
const read = (token: string, at = now) => readStatusList(token, of, nodeCrypto.verify, at);

describe('a status list', () => {
  // draft-ietf-oauth-status-list §4.1 and §4.2.
  it.each([
    { bits: 1 as const, bytes: [0xb9, 0xa3], values: [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1] },
    { bits: 2 as const, bytes: [0xc9, 0x44, 0xf9], values: [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3] },
  ])("has the draft's $bits-bit example bit for bit", ({ bits, bytes, values }) => {
    const list = new StatusList(bits, new Uint8Array(bytes.length));
    for (const [index, value] of values.entries()) list.set(index, value);
    expect([...list.bytes]).toEqual(bytes);
    expect(values.map((_, index) => list.at(index))).toEqual(values);
    expect(list.at(values.length)).toBeUndefined();
  });

  it('says of each index what was set last, and of no other', () => {
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const), fc.array(fc.tuple(fc.nat(255), fc.nat(3))), (bits, changes) => {
        const list = new StatusList(bits, new Uint8Array(32 * bits));
        const expected = new Array<number>(256).fill(0);
        for (const [index, value] of changes) {
          list.set(index, value % 2 ** bits);
          expected[index] = value % 2 ** bits;
        }
        expect(expected.map((_, index) => list.at(index))).toEqual(expected);
      }),
    );
  });

  it('comes through its token as it was', () => {
    const list = StatusList.withRoomFor(10);
    list.set(7, 1);
    const opened = read(signStatusList(list, 'registrar', now, registrar.sign));
    expect(opened.ok && [opened.value.at, opened.value.list.at(6), opened.value.list.at(7), opened.value.list.length]).toEqual([now, 0, 1, 65_536]);
  });

  it('of a million credentials, two in a hundred of them revoked, is below 50 KB', () => {
    const list = StatusList.withRoomFor(1_000_000);
    // Spread without a pattern that a packer could find (Lehmer's generator).
    let state = 1;
    for (let revoked = 0; revoked < 20_000; revoked += 1) {
      state = (state * 48_271) % 2_147_483_647;
      list.set(state % 1_000_000, 1);
    }
    const token = signStatusList(list, 'registrar', now, registrar.sign);
    expect(token.length).toBeLessThanOrEqual(50_000);
    expect(read(token).ok).toBe(true);
  });

  it('of sixteen million is taken still', () => {
    const list = new StatusList(1, Uint8Array.from({ length: 2 * 1024 * 1024 }, (_, i) => (i * i) % 251));
    const opened = read(signStatusList(list, 'registrar', now, registrar.sign));
    expect(opened.ok && opened.value.list.length).toBe(16_777_216);
  });

  const signed = (change: object, header: object = {}): string =>
    signJws(
      { typ: 'statuslist+jwt', alg: 'EdDSA', ...header },
      { sub: of.uri, iat: now, status_list: { bits: 1, lst: deflateSync(new Uint8Array(8)).toString('base64url') }, ...change },
      registrar.sign,
    );

  it.each([
    { name: "another's signature", token: signStatusList(StatusList.withRoomFor(1), 'registrar', now, other.sign), detail: 'signature' },
    { name: "another's list", token: signStatusList(StatusList.withRoomFor(1), 'tax-bureau', now, registrar.sign), detail: 'another list' },
    { name: 'another type', token: signed({}, { typ: 'JWT' }), detail: 'payload' },
    { name: 'a time that is over', token: signed({ exp: now }), detail: 'expired' },
    { name: 'a width that is none', token: signed({ status_list: { bits: 3, lst: '' } }), detail: 'payload' },
    { name: 'what is not packed', token: signed({ status_list: { bits: 1, lst: 'AAAA' } }), detail: 'zlib' },
    { name: 'a bomb', token: signed({ status_list: { bits: 1, lst: deflateSync(new Uint8Array(2 * 1024 * 1024 + 1)).toString('base64url') } }), detail: 'zlib' },
    { name: 'no token', token: 'x', detail: 'form' },
  ])('is refused with $name', ({ token, detail }) => {
    const opened = read(token);
    expect(!opened.ok && opened.failure.detail).toBe(detail);
  });
});
