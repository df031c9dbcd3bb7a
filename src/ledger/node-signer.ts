import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { PublicKey } from './verify/acts.ts';

/** A private key in this process: validators, parties, kiosks, tests. Residents' and staff's keys are in their cards. */
export interface MemorySigner {
  key: PublicKey;
  sign(message: Uint8Array): Uint8Array;
}

// DER of PrivateKeyInfo up to the seed itself (RFC 8410 §7).
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `seed`: the 32 bytes of RFC 8032 §5.1.5. */
export function ed25519Signer(seed: Uint8Array): MemorySigner {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes');
  const privateKey = createPrivateKey({ key: Buffer.concat([ed25519Pkcs8, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    key: [-19, new Uint8Array(spki.subarray(-32))],
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}
