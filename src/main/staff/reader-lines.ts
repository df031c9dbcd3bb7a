import type { ReaderLine } from '../../contract/bridge.ts';
import type { DeviceStatus } from '../../contract/device-host.ts';
import { fits } from '../visit/reader-view.ts';

/** The readers that the hub's file names, as the device host sees them. */
export function readerLines({ readers }: DeviceStatus, resident: string, staff: string): ReaderLine[] {
  const line = (use: ReaderLine['use'], wanted: string): ReaderLine => {
    const found = readers.find(({ name }) => fits(name, wanted));
    return { use, name: found?.name ?? wanted, state: found?.slot ?? 'missing' };
  };
  return resident === staff ? [line('both', resident)] : [line('resident', resident), line('staff', staff)];
}
