import { createPrivateKey, createPublicKey, diffieHellman, randomBytes, type KeyObject } from 'node:crypto';

/** RFC 8410 §7: PKCS #8 and SubjectPublicKeyInfo of X25519 up to the 32 raw bytes. */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

const privateKeyObject = (secret: Uint8Array): KeyObject => {
  const der = Buffer.concat([privatePrefix, secret]);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
};

/** 32 random bytes; clamping is done by whoever computes with them (RFC 7748 §5). */
export const newX25519Secret = (): Uint8Array => new Uint8Array(randomBytes(32));

export function x25519Public(secret: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKeyObject(secret)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(publicPrefix.length));
}

/** The raw shared secret, 32 bytes; null for a point of small order, whose secret would be all zero (RFC 7748 §6.1). */
export function x25519Agree(secret: Uint8Array, point: Uint8Array): Uint8Array | null {
  if (point.length !== 32) return null;
  const publicKey = createPublicKey({ key: Buffer.concat([publicPrefix, point]), format: 'der', type: 'spki' });
  let shared: Buffer;
  try {
    shared = diffieHellman({ privateKey: privateKeyObject(secret), publicKey });
  } catch {
    // OpenSSL and BoringSSL both refuse a small-order point by failing the derivation.
    return null;
  }
  return isAllZero(shared) ? null : new Uint8Array(shared);
}

export const isAllZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
