import { statfsSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { DeviceStatus } from '../../contract/device-host.ts';
import type { HubFile } from '../../contract/hub-file.ts';
import { checkNames, type CheckLine, type CheckName } from '../../contract/workshop.ts';
import type { Failure, Result } from '../../contract/result.ts';
import { isSignedBy, parseJws, signJwsBy } from '../../identity/jws.ts';
import { nodeCrypto } from '../../ledger/client/crypto.ts';
import type { HubClient } from '../../ledger/client/hub-client.ts';
import type { LightClient } from '../../ledger/client/light-client.ts';
import type { PublicKey } from '../../ledger/verify/acts.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { tryDeviceKey, type DeviceKey } from '../device-key.ts';
import type { District } from '../district.ts';
import { readerView } from '../visit/reader-view.ts';
import { onDisk } from './bench.ts';

const checkSchema = z.strictObject({
  check: z.enum(checkNames),
  /** `warning`: it may be opened, and somebody should know. */
  state: z.enum(['good', 'warning', 'bad']),
  /** Of `failures.ts`, where it is one. */
  code: z.string().optional(),
  detail: z.string().optional(),
});
export type Check = z.infer<typeof checkSchema>;

const readinessSchema = z.strictObject({
  v: z.literal(1),
  kiosk: z.string(),
  hub: z.string(),
  chain: z.string(),
  /** ISO 8601 in UTC, by the kiosk's own clock. */
  at: z.iso.datetime(),
  version: z.string(),
  machine: z.string(),
  checks: z.array(checkSchema),
  /** Nothing is bad. */
  ready: z.boolean(),
});
export type Readiness = z.infer<typeof readinessSchema>;

export interface ReadinessParts {
  hubFile: HubFile;
  kioskId: string;
  dataDir: string;
  version: string;
  /** Whether the program that residents see is there to be started. */
  program: Result<null, Failure<string>>;
  deviceKey: Result<DeviceKey>;
  /** Once the device host has said what it finds. */
  devices: DeviceStatus;
  hub: Pick<HubClient, 'call'>;
  light: LightClient;
  district: Pick<District, 'checkKiosk'>;
  /** Unix milliseconds. */
  now(): number;
}

/** Of the disk, below which it is said. */
const leastFree = 0.05;
/** A head may be ahead of this machine's clock by as much as blocks and clocks differ anyway. */
const mostAheadMs = 60_000;

/** Looks at everything that a visit will need, and changes nothing. Never rejects. */
export async function checkReadiness(parts: ReadinessParts): Promise<Readiness> {
  const { hubFile, kioskId, version, now } = parts;
  const tried = parts.deviceKey.ok ? await tryDeviceKey(parts.deviceKey.value, nodeCrypto.verify) : parts.deviceKey;
  const checks = [fromResult('program', parts.program), ...ofDisk(parts), fromResult('device-key', tried), ...(await onTheWay(parts)), ...ofDevices(parts), ...ofStandIns(parts)];
  return {
    v: 1,
    kiosk: kioskId,
    hub: hubFile.id,
    chain: hubFile.trustRoot.chain,
    at: new Date(now()).toISOString(),
    version,
    machine: hostname(),
    checks,
    ready: checks.every(({ state }) => state !== 'bad'),
  };
}

/** A compact JWS by the device key, `typ` `imi-readiness+jwt`: whoever has the key from the ledger can tell that this kiosk said so. */
export const signReadiness = (report: Readiness, { publicKey, sign }: DeviceKey): Promise<Result<string>> =>
  signJwsBy({ alg: publicKey[0] === -19 ? 'EdDSA' : 'ES256', typ: 'imi-readiness+jwt' }, report, sign);

/** What a report that its kiosk could not sign says of it. */
export const signedOrNull = (signed: Result<string>): string | null => (signed.ok ? signed.value : null);

/** A report, and what its kiosk signed of it; null where it could not. */
export interface SignedReadiness {
  report: Readiness;
  signed: string | null;
}

/** As a program reads it: the report, and beside it what the kiosk signed of it. */
export const readinessJson = ({ report, signed }: SignedReadiness): string => `${JSON.stringify({ ...report, signed }, null, 2)}\n`;

/** Looks at everything, signs what was found, and leaves it in the data folder. */
export async function reportReadiness(parts: ReadinessParts): Promise<SignedReadiness> {
  const report = await checkReadiness(parts);
  const signed = parts.deviceKey.ok ? signedOrNull(await signReadiness(report, parts.deviceKey.value)) : null;
  onDisk(() => writeFileSync(join(parts.dataDir, 'readiness.json'), readinessJson({ report, signed }), { mode: 0o600 }));
  return { report, signed };
}

/** As a screen shows it. */
export const checkLineOf = ({ check, state, code, detail }: Check): CheckLine => ({ check, state, code: code ?? null, detail: detail ?? null });

/** null: not signed by this key, or no such report. */
export function readReadiness(jws: string, key: PublicKey, verify: Crypto['verify']): Readiness | null {
  const parsed = parseJws(jws);
  if (parsed === null || !isSignedBy(parsed, key, verify)) return null;
  const report = readinessSchema.safeParse(parsed.payload);
  return report.success ? report.data : null;
}

function ofDisk({ dataDir }: ReadinessParts): Check[] {
  try {
    const { mode } = statSync(dataDir);
    const { bavail, blocks } = statfsSync(dataDir);
    const free = bavail / blocks;
    const detail = `${Math.floor(free * 100)} % free`;
    return [
      (mode & 0o077) === 0 ? { check: 'data-folder', state: 'good' } : { check: 'data-folder', state: 'bad', code: 'kiosk-config', detail: 'others may read it' },
      free < leastFree ? { check: 'disk', state: 'warning', detail } : { check: 'disk', state: 'good', detail },
    ];
  } catch (error) {
    return [{ check: 'data-folder', state: 'bad', code: 'kiosk-storage', detail: error instanceof Error && 'code' in error ? String(error.code) : 'unreadable' }];
  }
}

/** Hub, ledger, clock and enrolment: each rests on the one before. Without a device key enrolment is not looked at. */
export async function onTheWay({ hub, light, district, deviceKey, kioskId, now }: Pick<ReadinessParts, 'hub' | 'light' | 'district' | 'deviceKey' | 'kioskId' | 'now'>): Promise<Check[]> {
  const named = await hub.call('hello', { kiosk: kioskId });
  if (!named.ok) return [fromResult('hub', named)];
  const head = await light.refresh();
  const checks: Check[] = [{ check: 'hub', state: 'good', detail: named.value.hub }];
  if (!head.ok) return [...checks, fromResult('ledger', head)];
  const aheadMs = head.value.timeMs - now();
  checks.push(
    { check: 'ledger', state: 'good', detail: `height ${head.value.height}` },
    aheadMs > mostAheadMs ? { check: 'clock', state: 'bad', detail: `${Math.round(aheadMs / 1000)} s behind the ledger` } : { check: 'clock', state: 'good' },
  );
  if (deviceKey.ok) checks.push(fromResult('enrolment', await district.checkKiosk(deviceKey.value.publicKey)));
  return checks;
}

function ofDevices({ hubFile, kioskId, devices }: ReadinessParts): Check[] {
  const kiosk = hubFile.kiosks[kioskId];
  if (kiosk === undefined) return [];
  const { resident, staff } = kiosk.readers;
  const reader = (check: CheckName, wanted: string): Check => {
    const view = readerView(devices, wanted, true);
    if (view.view === 'fault') return { check, state: 'bad', code: view.code, detail: view.detail ?? wanted };
    return { check, state: view.view === 'mute' || view.view === 'in-use' ? 'warning' : 'good', detail: view.view };
  };
  const device = (check: CheckName, status: DeviceStatus['identityReader'] | DeviceStatus['scanner'] | DeviceStatus['printer']): Check[] => {
    if (status === undefined) return [];
    if (status.state === 'starting') return [{ check, state: 'bad', detail: 'starting' }];
    if (status.state === 'unusable') return [fromResult(check, { ok: false, failure: status.failure })];
    return [{ check, state: status.state === 'paper-low' ? 'warning' : 'good', detail: `${status.product}, ${status.state}` }];
  };
  return [
    reader('reader-resident', resident),
    ...(staff === undefined ? [] : [reader('reader-staff', staff)]),
    ...device('identity-reader', devices.identityReader),
    ...device('scanner', devices.scanner),
    ...device('printer', devices.printer),
  ];
}

const ofStandIns = ({ hubFile, kioskId }: ReadinessParts): Check[] => (hubFile.kiosks[kioskId]?.standIns === true ? [{ check: 'stand-ins', state: 'warning', detail: 'its devices are stand-ins' }] : []);

function fromResult(check: CheckName, result: Result<unknown, Failure<string>>): Check {
  if (result.ok) return { check, state: 'good' };
  const { code, detail } = result.failure;
  return { check, state: 'bad', code, ...(detail === undefined ? {} : { detail }) };
}
