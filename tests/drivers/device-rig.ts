import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceStatus, ReaderStatus, SlotState } from '../../src/contract/device-host.ts';
import { DeviceHost } from '../../src/drivers/device-host.ts';
import type { DeviceHostTimes } from '../../src/drivers/device-host.ts';
import { spawnNodeHost } from '../../src/drivers/spawn-node-host.ts';
import type { NodeHostOptions } from '../../src/drivers/spawn-node-host.ts';
import { startPcscd } from '../../tools/pcscd.ts';
import type { Pcscd } from '../../tools/pcscd.ts';
import { newCardState, saveCardState } from '../../tools/virtual-card/card-state.ts';
import type { NewCard } from '../../tools/virtual-card/card-state.ts';
import { startVirtualCard } from '../../tools/virtual-card/hand.ts';
import type { CardHand } from '../../tools/virtual-card/hand.ts';

export const hostPath = join(import.meta.dirname, '../../src/drivers/host.ts');

/** Why a real reader cannot be driven here, or null. */
export function whyNoReaders(): string | null {
  const wanted = ['/usr/sbin/pcscd', '/usr/lib/pcsc/drivers/serial/libifdvpcd.so', join(import.meta.dirname, '../../.runtime/vpcd-shim.so')];
  const missing = wanted.find((path) => !existsSync(path));
  return missing === undefined ? null : `${missing} is missing`;
}

/** A private pcscd, the virtual card before it, and device hosts as the kiosk runs them. */
export interface Rig {
  pcscd: Pcscd;
  hand: CardHand;
  /** PC/SC name of the reader that cards go into. */
  reader: string;
  /** A new card in a file of its own; its path. */
  card(card?: Partial<NewCard>): string;
  host(binding: NodeHostOptions['binding'], times?: Partial<DeviceHostTimes>): DeviceHost;
  stop(): Promise<void>;
}

export async function startRig(): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'devices-'));
  const pcscd = await startPcscd({ dir });
  const hand = await startVirtualCard({ ports: pcscd.ports });
  const hosts: DeviceHost[] = [];
  let cards = 0;
  return {
    pcscd,
    hand,
    reader: pcscd.readerNames.resident,
    card(card = {}) {
      cards += 1;
      const path = join(dir, `card-${cards}.json`);
      saveCardState(path, newCardState({ label: `card-${cards}`, seed: new Uint8Array(32).fill(cards), ...card }));
      return path;
    },
    host(binding, times) {
      const host = new DeviceHost(spawnNodeHost({ hostPath, binding, pcscSocket: pcscd.socketPath }), times);
      hosts.push(host);
      return host;
    },
    async stop() {
      for (const host of hosts) host.stop();
      await hand.close();
      await pcscd.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Longer than a host that hangs in the service's own library needs until it is missed, ended and there again. */
const patienceMs = 15_000;

/** Resolves with the first status, the present one included, that is as wished; rejects with the last one that was not. */
export function statusWhere(host: DeviceHost, isWished: (status: DeviceStatus) => boolean): Promise<DeviceStatus> {
  if (isWished(host.status)) return Promise.resolve(host.status);
  return new Promise((resolve, reject) => {
    const overdue = AbortSignal.timeout(patienceMs);
    const stop = host.onStatus((status) => {
      if (!isWished(status)) return;
      overdue.onabort = null;
      stop();
      resolve(status);
    });
    overdue.onabort = () => {
      stop();
      reject(new Error(`the device host still says ${JSON.stringify(host.status)}`));
    };
  });
}

/** Resolves once this reader's slot is in this state, of an insertion after `after`. */
export async function slotIs(host: DeviceHost, reader: string, slot: SlotState, after = 0): Promise<ReaderStatus> {
  const find = (status: DeviceStatus): ReaderStatus | undefined =>
    status.readers.find((candidate) => candidate.name === reader && candidate.slot === slot && candidate.insertion >= after);
  const found = find(await statusWhere(host, (status) => find(status) !== undefined));
  if (found === undefined) throw new Error('unreachable');
  return found;
}
