import type { Scan } from '../../src/contract/device-host.ts';
import { bytesOfReport, reportsOf } from '../../src/drivers/hid/reports.ts';
import type { ReportForm } from '../../src/drivers/hid/reports.ts';
import type { HidBus, HidPlug, PluggedHid } from './hid-bus.ts';
import { SamV } from './sam-v.ts';
import { scanReportsOf } from './scan-reports.ts';

/** One input and one output report of 64 bytes without an id, on a page of the maker's own. */
export const virtualIdentityReader: PluggedHid = {
  vendor: '0483',
  product: '572b',
  title: 'Virtual identity-card reader',
  serial: 'SAMV-1',
  descriptor: bytes('06 00 FF 09 01 A1 01 15 00 26 FF 00 75 08 95 40 09 01 81 02 95 40 09 01 91 02 C0'),
};

/** HID POS: page 8C, usage 02, scanned data in report 02. */
export const virtualScanner: PluggedHid = {
  vendor: '0c2e',
  product: '0b61',
  title: 'Virtual scanner',
  serial: 'SCAN-1',
  descriptor: bytes('05 8C 09 02 A1 01 85 02 15 00 26 FF 00 75 08 95 3F 09 FE 81 02 C0'),
};

/** The same scanner in keyboard mode: a boot keyboard. */
export const typingScanner: PluggedHid = {
  ...virtualScanner,
  descriptor: bytes('05 01 09 06 A1 01 05 07 19 E0 29 E7 15 00 25 01 75 01 95 08 81 02 95 06 75 08 15 00 26 FF 00 05 07 19 00 2A FF 00 81 00 C0'),
};

export interface PluggedReader {
  samV: SamV;
  plug: HidPlug;
}

/** Plugs an identity-card reader in, whose module answers in reports of this form. */
export async function plugIdentityReader(bus: HidBus, form: ReportForm = 'counted'): Promise<PluggedReader> {
  let plug: HidPlug | null = null;
  const samV = new SamV((answer) => {
    for (const report of reportsOf(answer, form)) plug?.send(report);
  });
  // The report id that a program writes before a report is not part of it.
  plug = await bus.plug(virtualIdentityReader, (written) => samV.hear(bytesOfReport(written.subarray(1), form)));
  return { samV, plug };
}

/** Holds something under a scanner. */
export function scanWith(scanner: HidPlug, scan: Scan): void {
  for (const report of scanReportsOf(scan)) scanner.send(report);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}
