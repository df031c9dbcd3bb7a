import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import type { PublicKey } from './verify/acts.ts';
import { concatBytes } from './verify/bytes.ts';
import type { Crypto, VerifyLater } from './verify/crypto.ts';
import { passesStrictChecks } from './verify/ed25519-strict.ts';

// DER of SubjectPublicKeyInfo up to the key itself: RFC 8410 §4 and RFC 5480 §2 (P-256, compressed point).
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex');
const p256Spki = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');

/** What Node is to check, once everything that it is lenient about has been looked at; undefined: it is no signature of this key. */
function checkOf([alg, key]: PublicKey, signature: Uint8Array): { digest: 'sha256' | null; key: KeyObject | { key: KeyObject; dsaEncoding: 'ieee-p1363' } } | undefined {
  switch (alg) {
    case -19: {
      const point = passesStrictChecks(key, signature) ? openKey(ed25519Spki, key) : undefined;
      return point === undefined ? undefined : { digest: null, key: point };
    }
    case -9: {
      const point = key.length === 33 && signature.length === 64 ? openKey(p256Spki, key) : undefined;
      return point === undefined ? undefined : { digest: 'sha256', key: { key: point, dsaEncoding: 'ieee-p1363' } };
    }
    case -25:
      return undefined;
  }
}

/** On a thread of Node's own pool: the caller's has 7 µs of it where `verify` takes 100. */
const nodeVerifyLater: VerifyLater = (key, message, signature) => {
  const check = checkOf(key, signature);
  if (check === undefined) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(check.digest, message, check.key, signature, (error, isGood) => {
      if (error === null) resolve(isGood);
      else reject(error);
    });
  });
};

export const nodeCrypto = {
  sha256,
  putSha256,
  verify: (key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean => {
    const check = checkOf(key, signature);
    return check !== undefined && verify(check.digest, message, check.key, signature);
  },
  verifyLater: nodeVerifyLater,
} satisfies Crypto;

/** As text and back: Node's buffer for a digest has memory of its own, which costs twice what hashing a node of a tree does. */
function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(32);
  putSha256(bytes, digest, 0);
  return digest;
}

function putSha256(bytes: Uint8Array, target: Uint8Array, at: number): void {
  const text = hash('sha256', bytes, 'binary');
  for (let i = 0; i < 32; i++) target[at + i] = text.charCodeAt(i);
}

/** Taking a key apart costs half of what a check with it does, and gateways, keepers and kiosks sign again and again. */
const openedKeys = new Map<string, KeyObject>();
const mostOpenedKeys = 4096;

function openKey(spki: Uint8Array, key: Uint8Array): KeyObject | undefined {
  const der = Buffer.from(concatBytes(spki, key));
  const name = der.toString('latin1');
  const known = openedKeys.get(name);
  if (known !== undefined) return known;
  try {
    const opened = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (openedKeys.size >= mostOpenedKeys) openedKeys.clear();
    openedKeys.set(name, opened);
    return opened;
  } catch {
    // Not a point of the curve.
    return undefined;
  }
}
