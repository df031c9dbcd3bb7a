import { createPrivateKey } from 'node:crypto';
import { selfSignedCertificate } from '../ledger/client/certificate.ts';
import type { TlsIdentity } from '../ledger/client/door-tls.ts';
import { encodeSpki, pinOf } from '../ledger/client/spki.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';

export interface DoorIdentity extends TlsIdentity {
  /** As it stands in the hub's public file. */
  pin: string;
}

/** @param seed of the door's own Ed25519 key, 32 bytes. The certificate follows from it, so the pin is the same after every start. */
export function doorIdentity(seed: Uint8Array, hub: string): DoorIdentity {
  const signer = ed25519Signer(seed);
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: toBase64url(seed), x: toBase64url(signer.key[1]) };
  return {
    certificate: selfSignedCertificate({ name: `imi hub ${hub}`.slice(0, 64), ...signer }),
    privateKey: createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' }).toString(),
    pin: pinOf(encodeSpki(signer.key) ?? new Uint8Array()),
  };
}
