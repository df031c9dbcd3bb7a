import type { Scan, ScannerStatus } from '../../contract/device-host.ts';
import { ScanReports } from './hid-pos.ts';
import { KeptLine } from '../line.ts';
import type { OpenLine } from '../line.ts';

/** A bar code scanner on HID POS: told what it sees, asked nothing. */
export class Scanner {
  readonly #kept: KeptLine;
  #reports = new ScanReports();

  constructor(open: OpenLine, onStatus: (status: ScannerStatus) => void, onScan: (scan: Scan) => void, lookEveryMs = 1_000) {
    this.#kept = new KeptLine(
      open,
      {
        onUp: ({ product }) => {
          this.#reports = new ScanReports();
          onStatus({ state: 'ready', product });
        },
        onBytes: (report) => {
          const scan = this.#reports.push(report, performance.now());
          if (scan !== null) onScan(scan);
        },
        onDown: (failure) => onStatus({ state: 'unusable', failure }),
      },
      lookEveryMs,
    );
  }

  stop(): Promise<void> {
    return this.#kept.stop();
  }
}
