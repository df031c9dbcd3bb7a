import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { socketPathIn, tlsPlaceIn } from '../ledger/client/hub-address.ts';
import type { ConversationParts } from './conversation.ts';
import { onDisk } from './data-folder.ts';
import { openDoor, type Door } from './door.ts';
import { doorHandlers, setupHandlers } from './door-handlers.ts';
import { doorIdentity, type DoorIdentity } from './door-identity.ts';
import type { HubFailure, HubParts, HubSetup } from './hub.ts';
import { readKeyFile, writeKeyFile, type KeyFailure } from './key-file.ts';
import { admitKiosk, changesKiosks } from './kiosk-admission.ts';
import { openTlsDoor } from './tls-door.ts';

export interface Doors {
  doors: readonly Door[];
  /** Absolute; empty where it listens on none. */
  socketPath: string;
  /** Of the key that it shows over TLS; null where it speaks none. */
  pin: string | null;
  close(): Promise<void>;
}

/** Every address that the server's file names, or the public one: all of them, or none where one cannot be opened. `door-pin`: kiosks are told another key than the hub has. */
export async function openDoors(setup: Pick<HubSetup, 'hubFile' | 'serverFile' | 'dataDir'>, parts: HubParts, onFault: ConversationParts['onFault']): Promise<Result<Doors, HubFailure>> {
  const { hubFile, serverFile, dataDir } = setup;
  const addresses = serverFile.door.listen ?? [hubFile.hub.address];
  const handlers = doorHandlers(parts);
  const doors: Door[] = [];
  const unlisten: (() => void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of unlisten) end();
    await Promise.all(doors.map((door) => door.close()));
  };

  let identity: DoorIdentity | null = null;
  if (addresses.some((address) => socketPathIn(address, dataDir) === undefined)) {
    const read = readDoorIdentity(setup);
    if (!read.ok) return read;
    identity = read.value;
    if (hubFile.hub.pin !== undefined && hubFile.hub.pin !== identity.pin) return fail('door-pin', `the hub's file has another pin than this hub: ${identity.pin}`);
  }

  let socketPath = '';
  for (const address of addresses) {
    const path = socketPathIn(address, dataDir);
    if (path !== undefined) {
      const door = await openDoor({ socketPath: path, handlers, onFault });
      if (!door.ok) {
        await close();
        return door;
      }
      socketPath = path;
      doors.push(door.value);
    } else if (identity !== null) {
      const admit: Parameters<typeof openTlsDoor>[0]['admit'] = (key) => admitKiosk(parts.ledger, parts.names.hub, key);
      const door = await openTlsDoor({ ...tlsPlaceIn(address), identity, admit, handlers, setup: (key) => setupHandlers(handlers, parts, key), onFault });
      if (!door.ok) {
        await close();
        return door;
      }
      doors.push(door.value);
      unlisten.push(parts.ledger.onBlock((block) => void ((door.value.owesRecheck || changesKiosks(block)) && door.value.recheck())));
    }
  }
  return ok({ doors, socketPath, pin: identity?.pin ?? null, close });
}

function readDoorIdentity({ serverFile, dataDir }: Pick<HubSetup, 'serverFile' | 'dataDir'>): Result<DoorIdentity, KeyFailure> {
  const path = resolve(dataDir, serverFile.door.key);
  const keys = readKeyFile(path);
  if (!keys.ok) return keys;
  return keys.value.sign === undefined ? fail('key-unreadable', `${path}: sign`) : ok(doorIdentity(keys.value.sign, serverFile.hub));
}

/** The pin by which kiosks know this hub over TLS. Makes the hub's key for it where there is none. */
export function readOrMakePin(setup: Pick<HubSetup, 'serverFile' | 'dataDir'>): Result<string, KeyFailure | Failure<'hub-storage'>> {
  const path = resolve(setup.dataDir, setup.serverFile.door.key);
  if (!existsSync(path)) {
    const made = onDisk(path, () => writeKeyFile(path, { sign: new Uint8Array(randomBytes(32)) }));
    if (!made.ok) return made;
  }
  const identity = readDoorIdentity(setup);
  return identity.ok ? ok(identity.value.pin) : identity;
}
