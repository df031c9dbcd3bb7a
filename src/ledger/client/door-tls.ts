import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { PublicKey } from '../verify/acts.ts';
import { nodeCrypto } from './crypto.ts';
import { delegatedBy } from './door-delegation.ts';
import { encodeSpki, pinOf, publicKeyOf } from './spki.ts';

/** RFC 7301: nobody is brought to speak something else to either end. `setup`: by a kiosk that the ledger does not know yet. */
export const doorProtocols = { door: 'imi/door/1', setup: 'imi/setup/1' } as const;
export type DoorProtocol = (typeof doorProtocols)[keyof typeof doorProtocols];

/** What both ends of the hub's door want of TLS. Both know the other's key beforehand: no name, date or authority of a certificate counts. */
export const doorTls: Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'sigalgs'> = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  // The kinds of keys that stand on the ledger. BoringSSL, in Electron, takes no Ed25519 unless it is asked to.
  sigalgs: 'ed25519:ecdsa_secp256r1_sha256',
};

/** What both ends have agreed on; null: nothing that is spoken here. */
export const spokenOn = ({ alpnProtocol }: TLSSocket): DoorProtocol | null => Object.values(doorProtocols).find((protocol) => protocol === alpnProtocol) ?? null;

/** What an end of the door shows in TLS. */
export interface TlsIdentity {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. A key in a TPM stays where it is: another stands in for it, and says so in the certificate. */
  privateKey: string;
}

/** The key that the other end has just proved (RFC 8446 §4.4.3). undefined: none, or one of another kind. */
export function peerKey(socket: TLSSocket): PublicKey | undefined {
  try {
    const key = socket.getPeerX509Certificate()?.publicKey;
    return key === undefined ? undefined : publicKeyOf(key);
  } catch {
    // A certificate around what OpenSSL knows no key of.
    return undefined;
  }
}

/**
 * The device key of a kiosk at the door: the one that it has just proved, or the one that says in its certificate that this one speaks for it (door-delegation.ts).
 * undefined: neither. @param now Unix seconds.
 */
export function peerDeviceKey(socket: TLSSocket, now: number): { key: PublicKey; until: number | null } | undefined {
  const key = peerKey(socket);
  const spki = key === undefined ? undefined : encodeSpki(key);
  const certificate = socket.getPeerX509Certificate()?.raw;
  if (spki === undefined || certificate === undefined) return undefined;
  const delegate = delegatedBy(certificate, spki, now, nodeCrypto);
  if (delegate === undefined) return key === undefined ? undefined : { key, until: null };
  return delegate ?? undefined;
}

export function peerPin(socket: TLSSocket): string | undefined {
  const key = peerKey(socket);
  const spki = key === undefined ? undefined : encodeSpki(key);
  return spki === undefined ? undefined : pinOf(spki);
}
