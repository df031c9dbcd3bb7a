import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';

// A key goes to Node as an object: of bytes it first throws and catches to find out that they are none, which costs three times what a short message does.

const nonceLength = 12;
const tagLength = 16;

/** HMAC-SHA-256, 32 bytes, over the parts one after the other. */
export function hmacSha256(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const mac = createHmac('sha256', createSecretKey(key));
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}

/**
 * AES-GCM: the ciphertext with its tag of 16 bytes.
 *
 * @param key 16 or 32 bytes.
 * @param nonce 12 bytes, once under a key.
 */
export function gcmSeal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, content: Uint8Array): Uint8Array {
  const cipher = createCipheriv(gcmOf(key), createSecretKey(key), nonce);
  cipher.setAAD(associated);
  return new Uint8Array(Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]));
}

/** undefined: too short, altered, under another key, or of something else than `associated`. */
export function gcmOpen(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < tagLength) return undefined;
  try {
    const decipher = createDecipheriv(gcmOf(key), createSecretKey(key), nonce);
    decipher.setAAD(associated);
    decipher.setAuthTag(sealed.subarray(-tagLength));
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()]));
  } catch {
    return undefined;
  }
}

/** With a nonce of its own before it: for what is sealed again and again under one key, below 2^32 times. */
export function sealAtRest(key: Uint8Array, associated: Uint8Array, content: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(randomBytes(nonceLength));
  return new Uint8Array(Buffer.concat([nonce, gcmSeal(key, nonce, associated, content)]));
}

/** As `gcmOpen`. */
export const openAtRest = (key: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined =>
  sealed.length < nonceLength + tagLength ? undefined : gcmOpen(key, sealed.subarray(0, nonceLength), associated, sealed.subarray(nonceLength));

const gcmOf = (key: Uint8Array): 'aes-128-gcm' | 'aes-256-gcm' => (key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm');
