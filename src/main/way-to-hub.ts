import { createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import type { HubPlace } from '../contract/hub-file.ts';
import { selfSignedCertificate } from '../ledger/client/certificate.ts';
import { nodeCrypto } from '../ledger/client/crypto.ts';
import { delegationInput, delegationOid, delegationSeconds, encodeDelegation } from '../ledger/client/door-delegation.ts';
import type { TlsIdentity } from '../ledger/client/door-tls.ts';
import { encodeSpki, publicKeyOf } from '../ledger/client/spki.ts';
import { socketPathIn, tlsPlaceIn } from '../ledger/client/hub-address.ts';
import type { HubWay } from '../ledger/client/hub-client.ts';
import type { StoredDeviceKey } from './device-key.ts';

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
  const { publicKey, sign, tlsKey } = deviceKey;
  if (tlsKey !== null) return { tls: { ...place, identity: { certificate: selfSignedCertificate({ name, key: publicKey, sign }), privateKey: tlsKey } } };
  let standIn: { identity: TlsIdentity; renewAt: number } | null = null;
  return {
    tls: {
      ...place,
      /** Asked for at each connection: made anew when half of its time is over. */
      get identity() {
        const now = Math.floor(Date.now() / 1000);
        if (standIn === null || now >= standIn.renewAt) standIn = { identity: standInFor(deviceKey, name, now + delegationSeconds), renewAt: now + delegationSeconds / 2 };
        return standIn.identity;
      },
    },
  };
}

/** A key of this process alone, for which the device key vouches. */
function standInFor({ publicKey, sign }: StoredDeviceKey, name: string, until: number): TlsIdentity {
  const secret = generateKeyPairSync('ed25519').privateKey;
  const key = publicKeyOf(createPublicKey(secret));
  const spki = key === undefined ? undefined : encodeSpki(key);
  if (key === undefined || spki === undefined) throw new Error('no key could be made');
  const signature = sign(delegationInput(spki, until, nodeCrypto));
  const value = encodeDelegation({ key: publicKey, until, signature });
  const certificate = selfSignedCertificate({ name, key, sign: (input) => new Uint8Array(signBytes(null, input, secret)), extension: { oid: delegationOid, value } });
  return { certificate, privateKey: secret.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
