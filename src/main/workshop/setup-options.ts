import type { DeviceStatus, DeviceSurvey } from '../../contract/device-host.ts';
import { printerSchema, type DevicesFile, type EscposFile, type IdentityReaderFile, type PrinterFile, type ScannerFile } from '../../contract/hub-file.ts';
import type { SetupDevice, SetupDeviceState, SetupOption } from '../../contract/workshop.ts';
import { never } from '../../contract/result.ts';
import { readerView } from '../visit/reader-view.ts';

/** HID usage tables: generic desktop, keyboard; bar code scanner. */
const desktopPage = 0x01;
const keyboardUsage = 0x06;
const scannerPage = 0x8c;

type HidLine = DeviceSurvey['hid'][number];

const named = ({ vendor, product, name }: HidLine): SetupOption => ({ option: `hid:${vendor}:${product}`, title: name === '' ? `${vendor}:${product}` : name, detail: `${vendor}:${product}` });

const once = (options: SetupOption[]): SetupOption[] => options.filter(({ option }, at) => options.findIndex((other) => other.option === option) === at);

/** What can be chosen on this page. `known`: what the hub's file already says of this kiosk, which is offered too. */
export function optionsFor(step: SetupDevice, status: DeviceStatus, survey: DeviceSurvey | null, known: DevicesFile, residentReader: string | undefined): SetupOption[] {
  const hid = survey?.hid ?? [];
  const offered = optionOf(step, known);
  switch (step) {
    case 'reader-resident':
    case 'reader-staff':
      return status.readers
        .filter(({ name }) => step === 'reader-resident' || name !== residentReader)
        .map(({ name, slot }) => ({ option: name, title: name, detail: null, cardIn: slot !== 'no-card' }));
    case 'identity-reader':
      return once([
        ...(offered === null ? [] : [offered]),
        ...hid.filter(({ usagePage }) => usagePage !== desktopPage && usagePage !== scannerPage).map(named),
        ...(survey?.serial ?? []).map((path): SetupOption => ({ option: `serial:${path}`, title: path.replace(/^.*\//, ''), detail: path })),
      ]);
    case 'scanner':
      // One that types is offered as well: chosen, it says how to switch it.
      return once([...(offered === null ? [] : [offered]), ...hid.filter(({ usagePage, usage }) => usagePage === scannerPage || (usagePage === desktopPage && usage === keyboardUsage)).map(named)]);
    case 'printer':
      return once([
        ...(offered === null ? [] : [offered]),
        ...(survey?.printers ?? []).flatMap((path) => [printerOption({ path, widthDots: 576 }), printerOption({ path, widthDots: 384 })]),
        ...(survey?.queues ?? []).map(({ queue, name }) => queueOption(queue, name)),
      ]);
    default:
      return never(step);
  }
}

const printerOption = ({ path, widthDots }: EscposFile): SetupOption => ({ option: `${widthDots}:${path}`, title: path.replace(/^.*\//, ''), detail: `${widthDots / 8} mm · ${path}` });

const queueOption = (queue: string, name: string): SetupOption => ({ option: `cups:${queue}`, title: name, detail: `CUPS · ${queue}` });

/** The line that stands for what a file already names; null: it names none. */
export function optionOf(step: SetupDevice, { identityReader, scanner, printer }: DevicesFile): SetupOption | null {
  switch (step) {
    case 'reader-resident':
    case 'reader-staff':
      return null;
    case 'identity-reader':
      if (identityReader === undefined) return null;
      return identityReader.connection === 'serial'
        ? { option: `serial:${identityReader.path}`, title: identityReader.path.replace(/^.*\//, ''), detail: identityReader.path }
        : { option: `hid:${identityReader.vendor}:${identityReader.product}`, title: `${identityReader.vendor}:${identityReader.product}`, detail: null };
    case 'scanner':
      return scanner === undefined ? null : { option: `hid:${scanner.vendor}:${scanner.product}`, title: `${scanner.vendor}:${scanner.product}`, detail: null };
    case 'printer':
      if (printer === undefined) return null;
      return 'queue' in printer ? queueOption(printer.queue, printer.queue) : printerOption(printer);
    default:
      return never(step);
  }
}

/** As the kiosk's file says it, of the line that was chosen; what the hub's file says of the same device (reports, serial number) is kept. */
export function devicesWith(step: Extract<SetupDevice, 'identity-reader' | 'scanner' | 'printer'>, option: string, now: DevicesFile, known: DevicesFile): DevicesFile {
  const same = optionOf(step, known)?.option === option;
  const { identityReader, scanner, printer, ...none } = now;
  switch (step) {
    case 'identity-reader': {
      const chosen = option === '' ? undefined : same ? known.identityReader : identityReaderOf(option);
      return { ...none, ...kept({ identityReader: chosen, scanner, printer }) };
    }
    case 'scanner': {
      const chosen: ScannerFile | undefined = option === '' ? undefined : same ? known.scanner : hidOf(option);
      return { ...none, ...kept({ identityReader, scanner: chosen, printer }) };
    }
    case 'printer': {
      const chosen = option === '' ? undefined : same ? known.printer : printerOf(option);
      return { ...none, ...kept({ identityReader, scanner, printer: chosen }) };
    }
    default:
      return never(step);
  }
}

const kept = ({ identityReader, scanner, printer }: { identityReader: IdentityReaderFile | undefined; scanner: ScannerFile | undefined; printer: PrinterFile | undefined }): DevicesFile => ({
  ...(identityReader === undefined ? {} : { identityReader }),
  ...(scanner === undefined ? {} : { scanner }),
  ...(printer === undefined ? {} : { printer }),
});

function hidOf(option: string): { vendor: string; product: string } | undefined {
  const [, vendor, product] = /^hid:([0-9a-f]{4}):([0-9a-f]{4})$/.exec(option) ?? [];
  return vendor === undefined || product === undefined ? undefined : { vendor, product };
}

/** `576:/dev/usb/lp0`, `cups:Counter`. */
function printerOf(option: string): PrinterFile | undefined {
  const [, dots, path] = /^(\d+):(\/.+)$/.exec(option) ?? [];
  const given = option.startsWith('cups:') ? { queue: option.slice('cups:'.length) } : { path, widthDots: Number(dots) };
  const printer = printerSchema.safeParse(given);
  return printer.success ? printer.data : undefined;
}

function identityReaderOf(option: string): IdentityReaderFile | undefined {
  const [, path] = /^serial:(\/.+)$/.exec(option) ?? [];
  if (path !== undefined) return { connection: 'serial', path };
  const hid = hidOf(option);
  return hid === undefined ? undefined : { connection: 'hid', ...hid, reports: 'counted' };
}

/** How the device of this page is, as the device host has it. null: none is chosen, or nothing is known of it. */
export function stateFor(step: SetupDevice, chosen: string | null, status: DeviceStatus): SetupDeviceState | null {
  switch (step) {
    case 'reader-resident':
    case 'reader-staff': {
      const view = readerView(status, chosen === null || chosen === '' ? '*' : chosen, false);
      if (view.view === 'fault') return { state: 'bad', code: view.code, detail: view.detail };
      return chosen === null || chosen === '' ? null : { state: 'good', code: null, detail: null };
    }
    case 'identity-reader':
      return stateOf(status.identityReader);
    case 'scanner':
      return stateOf(status.scanner);
    case 'printer':
      return stateOf(status.printer);
    default:
      return never(step);
  }
}

function stateOf(device: DeviceStatus['identityReader'] | DeviceStatus['scanner'] | DeviceStatus['printer']): SetupDeviceState | null {
  if (device === undefined) return null;
  if (device.state === 'starting') return { state: 'starting', code: null, detail: null };
  if (device.state === 'unusable') return { state: 'bad', code: device.failure.code, detail: device.failure.detail ?? null };
  return { state: 'good', code: null, detail: device.product };
}
