import type { HubPlace } from '../contract/hub-file.ts';
import { selfSignedCertificate } from '../ledger/client/certificate.ts';
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
  const certificate = selfSignedCertificate({ name: `imi kiosk ${kioskId}`, key: deviceKey.publicKey, sign: deviceKey.sign });
  return { tls: { ...tlsPlaceIn(hub.address), pin: hub.pin, kiosk: as === 'kiosk' ? kioskId : null, identity: { certificate, privateKey: deviceKey.tlsKey } } };
}
