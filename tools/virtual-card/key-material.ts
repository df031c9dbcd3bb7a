import { createPrivateKey, createPublicKey, diffieHellman, randomBytes } from 'node:crypto';
import { hashes, sign } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

hashes.sha512 = sha512;

/** PureEdDSA over the bytes as they come: 64 bytes R ‖ S. */
export const signEd25519 = (seed: Uint8Array, data: Uint8Array): Uint8Array => sign(data, seed);

/** The raw shared secret, 32 bytes; null for a point of small order (RFC 7748 §6.1). */
export function agreeX25519(scalar: Uint8Array, point: Uint8Array): Uint8Array | null {
  const privateKey = createPrivateKey({ key: Buffer.concat([Buffer.from(pkcs8Head, 'hex'), scalar]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey({ key: Buffer.concat([Buffer.from(spkiHead, 'hex'), point]), format: 'der', type: 'spki' });
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return null;
  }
}

export const newSecret = (): Uint8Array => randomBytes(32);

const pkcs8Head = '302e020100300506032b656e04220420';
const spkiHead = '302a300506032b656e032100';
