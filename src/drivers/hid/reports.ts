/** Bytes of a report of the devices we drive. */
export const REPORT_BYTES = 64;

/** A report that counts has 63 bytes of its own at most; FF stands for "received" or "go on" and carries none. */
const LONGEST_COUNT = REPORT_BYTES - 1;

/** `counted`: the first byte says how many follow that count. `plain`: the bytes themselves, padded with zeros. */
export type ReportForm = 'counted' | 'plain';

/** Reports of 64 bytes that carry these bytes to a device. */
export function reportsOf(bytes: Uint8Array, form: ReportForm): Uint8Array[] {
  const room = form === 'counted' ? LONGEST_COUNT : REPORT_BYTES;
  const reports: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += room) {
    const part = bytes.subarray(at, at + room);
    const report = new Uint8Array(REPORT_BYTES);
    report.set(form === 'counted' ? [part.length, ...part] : part);
    reports.push(report);
  }
  return reports;
}

/** What one report carries; nothing for a count that cannot be. */
export function bytesOfReport(report: Uint8Array, form: ReportForm): Uint8Array {
  if (form === 'plain') return report;
  const [count = 0] = report;
  return count <= LONGEST_COUNT && count < report.length ? report.subarray(1, 1 + count) : new Uint8Array(0);
}

/**
 * Cuts what a device sent into its reports. hidraw hands over one at a time, but a terminal in its place joins those that come fast and may split
 * one. A piece that is whole reports by itself begins anew: what was left of an earlier one is of a report that was cut off.
 */
export class ReportSplitter {
  #held = new Uint8Array(0);

  push(piece: Uint8Array): Uint8Array[] {
    const isWhole = piece.length % REPORT_BYTES === 0;
    const bytes = isWhole ? piece : Uint8Array.of(...this.#held, ...piece);
    const reports: Uint8Array[] = [];
    let at = 0;
    for (; at + REPORT_BYTES <= bytes.length; at += REPORT_BYTES) reports.push(bytes.slice(at, at + REPORT_BYTES));
    this.#held = bytes.slice(at);
    return reports;
  }
}
