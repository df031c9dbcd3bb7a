import type { DeviceStatus, DeviceSurvey, IdentityCard, PrinterStatus, Scan, Slip } from '../contract/device-host.ts';
import type { DevicesFile, IdentityReaderFile, PrinterFile } from '../contract/hub-file.ts';
import { fail } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';
import type { Hid } from './hid/hid.ts';
import { openHidLine, openHidStream } from './hid/hid-line.ts';
import { IdentityReader } from './hid/identity-reader.ts';
import type { OpenLine } from './line.ts';
import { Scanner } from './hid/scanner.ts';
import { openSerialLine } from './hid/serial-line.ts';
import { surveyDevices } from './survey.ts';
import { CupsPrinter } from './printer/cups-printer.ts';
import { EscposPrinter } from './printer/escpos-printer.ts';
import type { Printer } from './printer/printer.ts';
import { openPrinterFile } from './printer/printer-file.ts';

export type DevicesStatus = Pick<DeviceStatus, 'identityReader' | 'scanner' | 'printer'>;

export interface DevicesEars {
  /** Something of `status` has changed. */
  onStatus(): void;
  onScan(scan: Scan): void;
}

/** Usage page and usage of a bar code scanner, HID POS usage tables. */
const scannerUsage = { usagePage: 0x8c, usage: 0x02 };

/** The devices that the hub's file names beside the card readers. */
export class Devices {
  readonly #identityReader: IdentityReader | null;
  readonly #scanner: Scanner | null;
  readonly #printer: Printer | null;
  readonly #hid: Hid;
  #status: DevicesStatus;

  constructor(named: DevicesFile, hid: Hid, ears: DevicesEars) {
    this.#hid = hid;
    const change = (changed: DevicesStatus): void => {
      this.#status = { ...this.#status, ...changed };
      ears.onStatus();
    };
    const { identityReader, scanner, printer } = named;
    this.#status = {
      ...(identityReader === undefined ? {} : { identityReader: { state: 'starting' as const } }),
      ...(scanner === undefined ? {} : { scanner: { state: 'starting' as const } }),
      ...(printer === undefined ? {} : { printer: { state: 'starting' as const } }),
    };
    this.#identityReader = identityReader === undefined ? null : new IdentityReader(openIdentityReader(identityReader, hid), (status) => change({ identityReader: status }));
    this.#scanner =
      scanner === undefined
        ? null
        : new Scanner(
            openHidLine(hid, { ...scannerUsage, ...scanner }, 'scanner-missing'),
            (status) => change({ scanner: status }),
            (scan) => ears.onScan(scan),
          );
    this.#printer = printer === undefined ? null : openPrinter(printer, (status) => change({ printer: status }));
  }

  get status(): DevicesStatus {
    return this.#status;
  }

  readIdentity(waitMs: number): Promise<Result<IdentityCard>> {
    return this.#identityReader?.read(waitMs) ?? Promise.resolve(fail('identity-reader-missing'));
  }

  print(slip: Slip): Promise<Result<null>> {
    return this.#printer?.print(slip) ?? Promise.resolve(fail('printer-missing'));
  }

  survey(): Promise<Result<DeviceSurvey>> {
    return surveyDevices(this.#hid);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#identityReader?.stop(), this.#scanner?.stop(), this.#printer?.stop()]);
  }
}

const openPrinter = (named: PrinterFile, onStatus: (status: PrinterStatus) => void): Printer =>
  'queue' in named ? new CupsPrinter(named, onStatus) : new EscposPrinter(openPrinterFile(named.path), named.widthDots, onStatus);

function openIdentityReader(named: IdentityReaderFile, hid: Hid): OpenLine {
  return named.connection === 'serial' ? openSerialLine(named.path, 'identity-reader-missing') : openHidStream(hid, named, 'identity-reader-missing', named.reports);
}
