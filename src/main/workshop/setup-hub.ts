import { createHash, generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hubFileSchema, hubPlaceSchema, type HubFile, type HubPlace } from '../../contract/hub-file.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import type { SetupHub } from '../../contract/workshop.ts';
import { connectHub } from '../../ledger/client/hub-client.ts';
import { deviceKeyOf, type StoredDeviceKey } from '../device-key.ts';
import { wayToHub } from '../way-to-hub.ts';

/** A hub's public file on this machine, or on what was plugged into it. */
export interface FoundHub {
  path: string;
  hubFile: HubFile;
}

/** A public file has some kilobytes; what is far larger is none. */
const largestFileBytes = 256 * 1024;
/** Folders below a mounted stick that are looked into. */
const deepest = 3;
const mostFiles = 200;

/** Hub files below these folders, each hub once; what cannot be read is passed over. */
export function findHubs(folders: readonly string[]): FoundHub[] {
  const paths = folders.flatMap((folder) => jsonBelow(folder, deepest)).slice(0, mostFiles);
  const found = paths.flatMap((path): FoundHub[] => {
    const hubFile = readHubFile(path);
    return hubFile === null ? [] : [{ path, hubFile }];
  });
  return found.filter(({ hubFile }, at) => found.findIndex((other) => JSON.stringify(other.hubFile) === JSON.stringify(hubFile)) === at);
}

function jsonBelow(path: string, depth: number): string[] {
  try {
    const stat = statSync(path);
    if (stat.isFile()) return path.endsWith('.json') && stat.size <= largestFileBytes ? [path] : [];
    return stat.isDirectory() && depth > 0 ? readdirSync(path).filter((name) => !name.startsWith('.')).sort().flatMap((name) => jsonBelow(join(path, name), depth - 1)) : [];
  } catch {
    return [];
  }
}

function readHubFile(path: string): HubFile | null {
  try {
    return hubFileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data ?? null;
  } catch {
    return null;
  }
}

/** Where somebody typed that the hub is; null: in another form. A pin may be typed with the blanks in which it is shown. */
export function typedPlace(address: string, pin: string): HubPlace | null {
  return hubPlaceSchema.safeParse({ address: address.trim(), pin: pinOfTyped(pin) }).data ?? null;
}

const pinOfTyped = (text: string): string => {
  const bare = text.replaceAll(/\s/g, '');
  return bare.startsWith('sha256:') ? bare : `sha256:${bare}`;
};

/** A key for the time in which the kiosk has none: it opens no door that is open to kiosks alone. */
export function throwawayKey(): StoredDeviceKey {
  const made = deviceKeyOf(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
  if (!made.ok) throw new Error('no key could be made');
  return made.value;
}

/**
 * The public file of the hub that answers there and proves the pin: what was typed is all that is believed of it. `hub-unreachable` (detail `pin`: who answers
 * there is not that hub), `message-invalid` where what it sends is no public file.
 */
export async function fetchHubFile(place: HubPlace, dataDir: string): Promise<Result<HubFile>> {
  const hub = connectHub(wayToHub(place, { kioskId: 'new', dataDir, deviceKey: throwawayKey() }, 'setting-up'));
  try {
    const sent = await hub.call('hub.file', {});
    if (!sent.ok) return sent;
    const hubFile = readFile(sent.value.file);
    return hubFile === null ? fail('message-invalid', 'hub.file') : ok({ ...hubFile, hub: place });
  } finally {
    hub.close();
  }
}

function readFile(text: string): HubFile | null {
  try {
    return hubFileSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** What is read back of it. */
export function readBackOf({ id, name, hub, trustRoot }: HubFile): SetupHub {
  const keys = trustRoot.validators.map(({ key, power }) => `${key} ${power}`).sort();
  return { id, name, address: hub.address, pin: hub.pin ?? null, chain: trustRoot.chain, validators: createHash('sha256').update(keys.join('\n')).digest('hex').slice(0, 16) };
}
