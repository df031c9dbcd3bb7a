import type { Scan, Symbology } from '../../src/contract/device-host.ts';

/** AIM identifiers, ISO/IEC 15424. */
const aimOf: Readonly<Record<Symbology, string>> = {
  qr: ']Q1',
  'data-matrix': ']d1',
  pdf417: ']L0',
  aztec: ']z0',
  'code-128': ']C0',
  'code-39': ']A0',
  'code-93': ']G0',
  ean: ']E0',
  'interleaved-2-of-5': ']I0',
  codabar: ']F0',
  other: ']X0',
};
const ROOM = 56;

/** The reports of 64 bytes in which a HID POS scanner tells a scan, with the line end that it adds. */
export function scanReportsOf({ text, symbology }: Scan, encoded: Uint8Array = new TextEncoder().encode(text)): Uint8Array[] {
  const data = Uint8Array.of(...encoded, 0x0d);
  const reports: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += ROOM) {
    const part = data.subarray(at, at + ROOM);
    const report = new Uint8Array(64);
    report.set([0x02, part.length, ...new TextEncoder().encode(aimOf[symbology]), ...part]);
    report[63] = at + ROOM < data.length ? 1 : 0;
    reports.push(report);
  }
  return reports;
}
