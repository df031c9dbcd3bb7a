import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { PublicKey } from '../../../src/ledger/verify/acts.ts';
import { concatBytes, fromBase64url, fromHex } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../src/ledger/verify/cbor.ts';
import type { Crypto } from '../../../src/ledger/verify/crypto.ts';
import { isSoundKey } from '../../../src/ledger/verify/key-soundness.ts';
import { nobleCrypto } from '../../../src/ledger/verify/noble-crypto.ts';
import { sealKeyOf, signerOf } from '../small-district.ts';
import { haveVectors, readVector, vectorsReason } from '../vectors.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array();
const cryptos: { name: string; crypto: Crypto }[] = [
  { name: 'node:crypto', crypto: nodeCrypto },
  { name: '@noble', crypto: nobleCrypto },
];

describe.skipIf(!haveVectors)(`published edge cases${vectorsReason}`, () => {
  interface EdgeCase {
    message: string;
    pub_key: string;
    signature: string;
  }
  const edgeCases = haveVectors ? readVector<EdgeCase[]>('ed25519-speccheck.json') : [];
  interface Wycheproof {
    testGroups: { publicKey: { pk: string }; tests: { tcId: number; comment: string; msg: string; sig: string; result: string }[] }[];
  }
  const wycheproof = haveVectors ? readVector<Wycheproof>('wycheproof/ed25519_test.json').testGroups : [];

  describe.each(cryptos)('$name', ({ crypto }) => {
    test('of the twelve, only number 3 is a signature', () => {
      const taken = edgeCases.map(({ message, pub_key, signature }) => crypto.verify([-19, bytes(pub_key)], bytes(message), bytes(signature)));
      expect(taken).toEqual(Array.from({ length: 12 }, (_, i) => i === 3));
    });

    test('Wycheproof agrees', () => {
      const wrong = wycheproof.flatMap(({ publicKey, tests }) =>
        tests
          .filter(({ msg, sig, result }) => crypto.verify([-19, bytes(publicKey.pk)], bytes(msg), bytes(sig)) !== (result === 'valid'))
          .map(({ tcId, comment }) => `${tcId} ${comment}`),
      );
      expect(wrong).toEqual([]);
      expect(wycheproof.flatMap(({ tests }) => tests).length).toBeGreaterThan(140);
    });

    test.each([
      { name: 'sign-pass-01', verifies: true },
      { name: 'sign-pass-02', verifies: true },
      { name: 'sign-pass-03', verifies: true },
      { name: 'sign-fail-01', verifies: false },
      { name: 'sign-fail-02', verifies: false },
      { name: 'sign-fail-03', verifies: false },
      { name: 'sign-fail-04', verifies: false },
      { name: 'sign-fail-06', verifies: false },
      { name: 'sign-fail-07', verifies: false },
    ])('COSE $name', ({ name, verifies }) => {
      interface Example {
        input: { sign0: { key: { x: string; y: string }; external?: string } };
        output: { cbor: string };
      }
      const { input, output } = readVector<Example>(`cose/sign1-tests/${name}.json`);
      const { key, external } = input.sign0;
      const y = fromBase64url(key.y) ?? new Uint8Array();
      const compressed: PublicKey = [-9, concatBytes(Uint8Array.of(2 + ((y.at(-1) ?? 0) & 1)), fromBase64url(key.x) ?? new Uint8Array())];
      expect(verifiesSign1(bytes(output.cbor), compressed, bytes(external ?? ''), crypto)).toBe(verifies);
    });

    test.each(['eddsa-01', 'eddsa-sig-01'])('COSE %s', (name) => {
      interface Example {
        input: { sign0?: { key: { x_hex: string } }; sign?: { signers: { key: { x_hex: string } }[] } };
        intermediates: { ToBeSign_hex?: string; signers?: { ToBeSign_hex: string }[] };
        output: { cbor: string };
      }
      const { input, intermediates, output } = readVector<Example>(`cose/eddsa-examples/${name}.json`);
      const key = bytes(input.sign0?.key.x_hex ?? input.sign?.signers[0]?.key.x_hex ?? '');
      const toBeSigned = bytes(intermediates.ToBeSign_hex ?? intermediates.signers?.[0]?.ToBeSign_hex ?? '');
      const signature = bytes(output.cbor).subarray(-64);
      expect(crypto.verify([-19, key], toBeSigned, signature)).toBe(true);
      expect(crypto.verify([-19, key], toBeSigned.subarray(1), signature)).toBe(false);
    });
  });

  test('on another thread Node says the same of each', async () => {
    const cases = [
      ...edgeCases.map(({ message, pub_key, signature }) => ({ key: pub_key, message, signature })),
      ...wycheproof.flatMap(({ publicKey, tests }) => tests.map(({ msg, sig }) => ({ key: publicKey.pk, message: msg, signature: sig }))),
    ];
    const said = await Promise.all(cases.map(({ key, message, signature }) => nodeCrypto.verifyLater([-19, bytes(key)], bytes(message), bytes(signature))));
    expect(said).toEqual(cases.map(({ key, message, signature }) => nodeCrypto.verify([-19, bytes(key)], bytes(message), bytes(signature))));
    expect(new Set(said)).toEqual(new Set([true, false]));
  });

  test('weak keys of the edge cases are not registered: small order, mixed order, another encoding', () => {
    // Cases 0, 1, 10 and 11 have keys of small order or in another encoding, 4 and 5 of mixed order.
    const sound = edgeCases.map(({ pub_key }) => isSoundKey([-19, bytes(pub_key)]));
    expect([0, 1, 4, 5, 10, 11].map((i) => sound[i])).toEqual([false, false, false, false, false, false]);
  });
});

/** RFC 9052 §4.4, as a reader of COSE_Sign1 with ES256 does it: tagged or not, the algorithm in either header. */
function verifiesSign1(message: Uint8Array, key: PublicKey, external: Uint8Array, crypto: Crypto): boolean {
  const parts = decodeCbor(message[0] === 0xd2 ? message.subarray(1) : message);
  if (!Array.isArray(parts)) return false;
  const [header, unprotected, payload, signature] = parts;
  if (!(header instanceof Uint8Array) || !(unprotected instanceof Map) || !(signature instanceof Uint8Array)) return false;
  const protectedMap = decodeCbor(header);
  const alg = (protectedMap instanceof Map ? protectedMap.get(1) : undefined) ?? unprotected.get(1);
  const protectedBytes = header.length === 1 ? new Uint8Array() : header;
  return alg === -7 && crypto.verify(key, encodeCbor(['Signature1', protectedBytes, external, payload]), signature);
}

describe.each(cryptos)('ESP256 with $name', ({ crypto }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const y = fromBase64url(jwk.y ?? '') ?? new Uint8Array();
  const key: PublicKey = [-9, concatBytes(Uint8Array.of(2 + ((y.at(-1) ?? 0) & 1)), fromBase64url(jwk.x ?? '') ?? new Uint8Array())];
  const message = new TextEncoder().encode('a kiosk attests');
  const signature = new Uint8Array(sign('sha256', message, { key: createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })), dsaEncoding: 'ieee-p1363' }));

  test('takes a signature and no changed one', async () => {
    expect(await Promise.all([message, message.subarray(1)].map((one) => nodeCrypto.verifyLater(key, one, signature)))).toEqual([true, false]);
    expect(isSoundKey(key)).toBe(true);
    expect(crypto.verify(key, message, signature)).toBe(true);
    expect(crypto.verify(key, message.subarray(1), signature)).toBe(false);
    expect(crypto.verify(key, message, signature.map((byte, i) => (i === 63 ? byte ^ 1 : byte)))).toBe(false);
    expect(crypto.verify(key, message, new Uint8Array(64))).toBe(false);
    expect(crypto.verify([-9, new Uint8Array(33)], message, signature)).toBe(false);
  });
});

test.each(cryptos)('$name knows no other algorithm, and malformed input is false', ({ crypto }) => {
  const signer = signerOf('anybody');
  const message = new Uint8Array(3);
  const signature = signer.sign(message);
  expect(crypto.verify(signer.key, message, signature)).toBe(true);
  expect(crypto.verify([-25, signer.key[1]], message, signature)).toBe(false);
  expect(crypto.verify([-19, signer.key[1].subarray(1)], message, signature)).toBe(false);
  expect(crypto.verify(signer.key, message, signature.subarray(1))).toBe(false);
});

test('what was said of a key is said again of the same bytes, and of no others', () => {
  const [, key] = signerOf('asked twice').key;
  // Of mixed order: the point of order two added.
  const mixed = Point.fromBytes(key).add(Point.fromAffine({ x: 0n, y: 2n ** 255n - 20n })).toBytes();
  const asked = key.slice();
  expect([isSoundKey([-19, asked]), isSoundKey([-19, mixed])]).toEqual([true, false]);
  expect([isSoundKey([-19, asked]), isSoundKey([-19, mixed])]).toEqual([true, false]);
  asked.set(mixed);
  expect(isSoundKey([-19, asked])).toBe(false);
});

test('sound keys', () => {
  expect(isSoundKey(signerOf('anybody').key)).toBe(true);
  expect(isSoundKey(sealKeyOf('anybody'))).toBe(true);
  expect(isSoundKey([-25, new Uint8Array(32)])).toBe(false);
  expect(isSoundKey([-25, bytes('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')])).toBe(false);
  expect(isSoundKey([-25, bytes('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')])).toBe(false);
});
