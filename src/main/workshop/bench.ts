import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceStatus } from '../../contract/device-host.ts';
import type { HubFile, KioskFile } from '../../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { DeviceHost } from '../../drivers/device-host.ts';
import { nodeCrypto } from '../../ledger/client/crypto.ts';
import { connectHub, type HubClient } from '../../ledger/client/hub-client.ts';
import { createLightClient, type LightClient } from '../../ledger/client/light-client.ts';
import type { Signer } from '../../ledger/verify/envelope.ts';
import type { StoredDeviceKey } from '../device-key.ts';
import { createDistrict, type District } from '../district.ts';
import { wayToHub } from '../way-to-hub.ts';
import { createKioskActs, type KioskActs } from './kiosk-acts.ts';

/** A kiosk that is worked on, and where its things are. */
export interface Bench {
  hubFile: HubFile;
  kioskFile: KioskFile;
  kioskId: string;
  dataDir: string;
}

/** Proof of what the ledger has of this kiosk, beside its key. */
export const enrolmentReceipt = 'enrolment.receipt';

export const keyPathOf = ({ dataDir, kioskFile }: Pick<Bench, 'dataDir' | 'kioskFile'>): string => join(dataDir, kioskFile.deviceKey);

export interface Way {
  hub: HubClient;
  light: LightClient;
  district: District;
}

/** To the hub and its ledger, as the kiosk or as one that is set up. Whoever opens it closes `hub`. */
export function openWay({ hubFile, kioskId, dataDir }: Omit<Bench, 'kioskFile'>, deviceKey: StoredDeviceKey, as: 'kiosk' | 'setting-up'): Way {
  const hub = connectHub(wayToHub(hubFile.hub, { kioskId, dataDir, deviceKey }, as));
  const light = createLightClient({ hub, trustRoot: hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: hubFile.maxHeadAgeMs });
  return { hub, light, district: createDistrict({ hub, light, crypto: nodeCrypto, kioskId, now: Date.now }) };
}

export const actsOn = (way: Way, kioskId: string): KioskActs => createKioskActs({ ...way, crypto: nodeCrypto, kioskId, now: Date.now });

/** Over a way of their own to the hub, where the kiosk need not be on the ledger: the kiosk's own line ends with its retirement, before the proof of it has come over. */
export function actsOverOwnWay(bench: Omit<Bench, 'kioskFile'>, deviceKey: StoredDeviceKey): Pick<KioskActs, 'retire' | 'standing'> {
  const over = async <T>(act: (acts: KioskActs) => Promise<T>): Promise<T> => {
    const way = openWay(bench, deviceKey, 'setting-up');
    try {
      return await act(actsOn(way, bench.kioskId));
    } finally {
      way.hub.close();
    }
  };
  return { standing: () => over((acts) => acts.standing()), retire: (technician, onTaken) => over((acts) => acts.retire(technician, onTaken)) };
}

/**
 * Enrols the kiosk where the ledger does not know it yet with this key, and keeps the proof beside the key. A technician is asked for only then:
 * what was recorded before the power went is found again; its proof may be on the ledger alone then, `already-without-proof`. As `KioskActs.enrol`; `kiosk-storage`.
 */
export async function enrolOnce(bench: Bench, key: StoredDeviceKey, technician: (act: (signer: Signer) => Promise<Result<Uint8Array>>) => Promise<Result<Uint8Array, Failure<string>>>): Promise<Result<'already' | 'already-without-proof' | 'enrolled', Failure<string>>> {
  const way = openWay(bench, key, 'setting-up');
  try {
    const already = await way.district.checkKiosk(key.publicKey);
    if (already.ok) return ok(existsSync(join(bench.dataDir, enrolmentReceipt)) ? 'already' : 'already-without-proof');
    if (already.failure.code !== 'kiosk-not-enrolled') return already;
    const receipt = await technician((signer) => actsOn(way, bench.kioskId).enrol(key.publicKey, signer));
    if (!receipt.ok) return receipt;
    const written = onDisk(() => writeFileSync(join(bench.dataDir, enrolmentReceipt), receipt.value, { mode: 0o600 }));
    return written.ok ? ok('enrolled') : written;
  } finally {
    way.hub.close();
  }
}

const statusWaitMs = 10_000;

/** What the device host finds once nothing of it is starting any more, or what it has found by then. */
export function settled(host: DeviceHost): Promise<DeviceStatus> {
  const isSettled = ({ service, identityReader, scanner, printer }: DeviceStatus): boolean => service !== 'starting' && [identityReader, scanner, printer].every((device) => device?.state !== 'starting');
  return new Promise((resolveStatus) => {
    const give = (): void => {
      clearTimeout(limit);
      unlisten();
      resolveStatus(host.status);
    };
    const limit = setTimeout(() => give(), statusWaitMs);
    const unlisten = host.onStatus((status) => {
      if (isSettled(status)) give();
    });
    if (isSettled(host.status)) give();
  });
}

export function onDisk(write: () => unknown): Result<null> {
  try {
    write();
    return ok(null);
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
}
