import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPair, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

/** RFC 8410 §7: PKCS #8 and SubjectPublicKeyInfo of X25519 up to the 32 raw bytes. */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

/** A private key of this process. To take one apart costs more than to compute with it, so whoever uses it again keeps this. */
export interface X25519Key {
  publicKey: Uint8Array;
  /** The raw shared secret, 32 bytes; null for a point of small order, whose secret would be all zero (RFC 7748 §6.1). */
  agree(point: KeyObject): Uint8Array | null;
  /** The same on a thread of Node's own pool, for whoever has more to do meanwhile. */
  agreeLater(point: KeyObject): Promise<Uint8Array | null>;
}

const keyOf = (privateKey: KeyObject, publicKey: KeyObject): X25519Key => ({
  publicKey: new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')),
  agree: (point) => {
    let shared: Buffer;
    try {
      shared = diffieHellman({ privateKey, publicKey: point });
    } catch {
      // OpenSSL and BoringSSL both refuse a small-order point by failing the derivation.
      return null;
    }
    return sharedSecret(shared);
  },
  agreeLater: (point) =>
    new Promise((resolve) => {
      diffieHellman({ privateKey, publicKey: point }, (error, shared) => resolve(error === null ? sharedSecret(shared) : null));
    }),
});

const sharedSecret = (shared: Uint8Array): Uint8Array | null => (isAllZero(shared) ? null : new Uint8Array(shared));

export function x25519Key(secret: Uint8Array): X25519Key {
  const der = Buffer.concat([privatePrefix, secret]);
  try {
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return keyOf(privateKey, createPublicKey(privateKey));
  } finally {
    der.fill(0);
  }
}

/** One that is used now and never again. */
export function newX25519Key(): X25519Key {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return keyOf(privateKey, publicKey);
}

/** The same, made on a thread of Node's own pool. */
export const newX25519KeyLater = (): Promise<X25519Key> =>
  new Promise((resolve, reject) => {
    generateKeyPair('x25519', undefined, (error, publicKey, privateKey) => {
      if (error === null) resolve(keyOf(privateKey, publicKey));
      else reject(error);
    });
  });

/** Of 32 raw bytes. */
export const x25519Point = (point: Uint8Array): KeyObject => createPublicKey({ key: Buffer.concat([publicPrefix, point]), format: 'der', type: 'spki' });

/** 32 random bytes; clamping is done by whoever computes with them (RFC 7748 §5). */
export const newX25519Secret = (): Uint8Array => new Uint8Array(randomBytes(32));

export const x25519Public = (secret: Uint8Array): Uint8Array => x25519Key(secret).publicKey;

/** As `X25519Key.agree`, once. */
export const x25519Agree = (secret: Uint8Array, point: Uint8Array): Uint8Array | null => (point.length === 32 ? x25519Key(secret).agree(x25519Point(point)) : null);

export const isAllZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
