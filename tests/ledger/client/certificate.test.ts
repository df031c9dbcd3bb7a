import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { selfSignedCertificate, type CertificateOwner } from '../../../src/ledger/client/certificate.ts';
import { encodeSpki, pinOf, publicKeyOf } from '../../../src/ledger/client/spki.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import type { PublicKey } from '../../../src/ledger/verify/acts.ts';
import { seedOf } from '../small-district.ts';

const folder = mkdtempSync(join(tmpdir(), 'imi-certificate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ed25519: CertificateOwner = { name: 'kiosk hall-1', ...ed25519Signer(seedOf('device')) };

function p256Owner(): CertificateOwner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { name: 'kiosk 大厅', key: keyOf(publicKey), sign: (input) => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }) };
}
function keyOf(key: KeyObject): PublicKey {
  const found = publicKeyOf(key);
  if (found === undefined) throw new Error('of another kind');
  return found;
}

const openssl = (pem: string, ...args: string[]): string => {
  const { stdout, stderr, status } = spawnSync('openssl', args, { input: pem, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
};

describe.each([
  { kind: 'Ed25519', owner: () => ed25519, name: 'kiosk hall-1', algorithm: 'ED25519' },
  { kind: 'P-256', owner: p256Owner, name: 'kiosk 大厅', algorithm: 'ecdsa-with-SHA256' },
])('a certificate over a key of $kind', ({ owner, name, algorithm }) => {
  const made = owner();
  const pem = selfSignedCertificate(made);

  test('is read by Node, carries the key and verifies under it', () => {
    const certificate = new X509Certificate(pem);
    expect(certificate.subject).toBe(`CN=${name}`);
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.ca).toBe(false);
    expect(publicKeyOf(certificate.publicKey)).toEqual(made.key);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validToDate.getUTCFullYear()).toBe(9999);
  });

  test('is read by openssl, which finds nothing wrong with its signature', () => {
    const text = openssl(pem, 'x509', '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus');
    expect(text).toContain('Version: 3 (0x2)');
    expect(text).toContain(`Signature Algorithm: ${algorithm}`);
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    // As its own trust anchor: chain and signature hold.
    const file = join(folder, `${algorithm}.pem`);
    writeFileSync(file, pem);
    expect(openssl('', 'verify', '-check_ss_sig', '-partial_chain', '-x509_strict', '-CAfile', file, file).trim()).toBe(`${file}: OK`);
  });

  test('whose signature was touched does not verify', () => {
    const der = new X509Certificate(pem).raw;
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    const touched = new X509Certificate(der);
    expect(touched.verify(touched.publicKey)).toBe(false);
  });
});

test('an Ed25519 key has one certificate', () => {
  expect(selfSignedCertificate(ed25519)).toBe(selfSignedCertificate(ed25519));
});

test('whatever numbers a signature has, it is one that openssl reads', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (signature) => {
      const owner = p256Owner();
      const certificate = new X509Certificate(selfSignedCertificate({ ...owner, sign: () => signature }));
      expect(publicKeyOf(certificate.publicKey)).toEqual(owner.key);
    }),
    { numRuns: 50 },
  );
});

test.each<{ name: string; owner: CertificateOwner }>([
  { name: 'a key that only seals', owner: { ...ed25519, key: [-25, new Uint8Array(32)] } },
  { name: 'a key that is no point', owner: { ...ed25519, key: [-9, new Uint8Array(33)] } },
  { name: 'no name', owner: { ...ed25519, name: '' } },
  { name: 'a name of 65 characters', owner: { ...ed25519, name: 'a'.repeat(65) } },
])('there is none over $name', ({ owner }) => {
  expect(() => selfSignedCertificate(owner)).toThrow(RangeError);
});

test.each([
  { name: 'RSA', key: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey },
  { name: 'another curve', key: () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey },
  { name: 'X25519', key: () => generateKeyPairSync('x25519').publicKey },
  { name: 'a private key', key: () => generateKeyPairSync('ed25519').privateKey },
])('$name is no key of ours', ({ key }) => {
  expect(publicKeyOf(key())).toBeUndefined();
});

test('a pin is what openssl computes', () => {
  const spki = encodeSpki(ed25519.key) ?? new Uint8Array();
  const asOthersDo = openssl(selfSignedCertificate(ed25519), 'x509', '-noout', '-pubkey');
  expect(createPublicKey(asOthersDo).export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(spki));
  const { stdout } = spawnSync('openssl', ['dgst', '-sha256', '-binary'], { input: spki });
  expect(pinOf(spki)).toBe(`sha256:${stdout.toString('base64url')}`);
});
