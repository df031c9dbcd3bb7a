import type { DeviceStatus, ReaderStatus } from '../../contract/device-host.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { never } from '../../contract/result.ts';

/** The resident's reader as the visit sees it; a kiosk that may not serve anybody has a reader out of service. */
export type ReaderView =
  | { view: 'starting' }
  | { view: 'fault'; code: Extract<FailureCode, 'reader-no-service' | 'reader-no-permission' | 'reader-missing' | 'device-host-lost' | 'kiosk-not-enrolled' | 'trust-expired' | 'ledger-split'>; detail: string | null }
  | { view: 'empty' }
  | { view: 'card'; insertion: number }
  | { view: 'mute'; insertion: number }
  | { view: 'in-use'; insertion: number };

/**
 * @param wanted the reader's exact name, or a prefix ending in `*`; of several that fit the first is taken.
 * @param wasReady the host has said before that it is ready: then `starting` means that it was lost.
 */
export function readerView(status: DeviceStatus, wanted: string, wasReady: boolean): ReaderView {
  const detail = status.detail ?? null;
  switch (status.service) {
    case 'starting':
      return wasReady ? { view: 'fault', code: 'device-host-lost', detail } : { view: 'starting' };
    case 'no-service':
      return { view: 'fault', code: 'reader-no-service', detail };
    case 'no-permission':
      return { view: 'fault', code: 'reader-no-permission', detail };
    case 'ready': {
      const reader = status.readers.find(({ name }) => fits(name, wanted));
      return reader === undefined ? { view: 'fault', code: 'reader-missing', detail } : slotView(reader);
    }
  }
  return never(status.service);
}

export const fits = (name: string, wanted: string): boolean =>
  wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;

function slotView({ slot, insertion }: ReaderStatus): ReaderView {
  switch (slot) {
    case 'no-card':
      return { view: 'empty' };
    case 'card-present':
      return { view: 'card', insertion };
    case 'card-mute':
      return { view: 'mute', insertion };
    case 'card-in-use':
      return { view: 'in-use', insertion };
  }
  return never(slot);
}

export function sameView(a: ReaderView, b: ReaderView): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
