import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { HubPlace } from '../contract/hub-file.ts';
import { ok, type Result } from '../contract/result.ts';
import { selfSignedCertificate } from '../ledger/client/certificate.ts';
import { nodeCrypto } from '../ledger/client/crypto.ts';
import { delegationInput, delegationOid, delegationSeconds, encodeDelegation } from '../ledger/client/door-delegation.ts';
import type { TlsIdentity } from '../ledger/client/door-tls.ts';
import { encodeSpki, publicKeyOf } from '../ledger/client/spki.ts';
import { socketPathIn, tlsPlaceIn } from '../ledger/client/hub-address.ts';
import type { HubWay } from '../ledger/client/hub-client.ts';
import { signWith, type StoredDeviceKey } from './device-key.ts';

export interface KioskAtHome {
  kioskId: string;
  dataDir: string;
  deviceKey: StoredDeviceKey;
}

/**
 * How this kiosk reaches its hub: over a socket of the one machine that they are on, or over TLS as the kiosk whose device key it holds.
 *
 * @param as `setting-up`: as nobody yet, with the key that is to be enrolled.
 */
export function wayToHub(hub: HubPlace, { kioskId, dataDir, deviceKey }: KioskAtHome, as: 'kiosk' | 'setting-up' = 'kiosk'): HubWay {
  if (hub.pin === undefined) return { socketPath: socketPathIn(hub.address, dataDir) ?? '' };
  const place = { ...tlsPlaceIn(hub.address), pin: hub.pin, kiosk: as === 'kiosk' ? kioskId : null };
  const name = `imi kiosk ${kioskId}`;
  const { publicKey, tlsKey } = deviceKey;
  if (tlsKey !== null) {
    const secret = createPrivateKey(tlsKey);
    return { tls: { ...place, identity: { certificate: selfSignedCertificate({ name, key: publicKey, sign: (input) => signWith(secret, input) }), privateKey: tlsKey } } };
  }
  let standIn: { identity: TlsIdentity; renewAt: number } | null = null;
  /** Made anew when half of its time is over. */
  const identity = async (): Promise<Result<TlsIdentity>> => {
    const now = Math.floor(Date.now() / 1000);
    if (standIn !== null && now < standIn.renewAt) return ok(standIn.identity);
    const made = await standInFor(deviceKey, name, now + delegationSeconds);
    if (made.ok) standIn = { identity: made.value, renewAt: now + delegationSeconds / 2 };
    return made;
  };
  return { tls: { ...place, identity } };
}

/** A key of this process alone, for which the device key vouches. */
async function standInFor({ publicKey, sign }: StoredDeviceKey, name: string, until: number): Promise<Result<TlsIdentity>> {
  const secret = generateKeyPairSync('ed25519').privateKey;
  const key = publicKeyOf(createPublicKey(secret));
  const spki = key === undefined ? undefined : encodeSpki(key);
  if (key === undefined || spki === undefined) throw new Error('no key could be made');
  const signature = await sign(delegationInput(spki, until, nodeCrypto));
  if (!signature.ok) return signature;
  const value = encodeDelegation({ key: publicKey, until, signature: signature.value });
  const certificate = selfSignedCertificate({ name, key, sign: (input) => signWith(secret, input), extension: { oid: delegationOid, value } });
  return ok({ certificate, privateKey: secret.export({ format: 'pem', type: 'pkcs8' }).toString() });
}
