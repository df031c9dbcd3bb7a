import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { devicesSchema, type DevicesFile } from '../../src/contract/hub-file.ts';
import { EscposPaper } from '../virtual-devices/escpos-paper.ts';
import { type HidBus, type HidPlug, startHidBus, whyNoHidBus } from '../virtual-devices/hid-bus.ts';
import { plugIdentityReader, virtualIdentityReader, virtualScanner } from '../virtual-devices/hid-devices.ts';
import { writePreloadedHost } from '../virtual-devices/preloaded-host.ts';
import { SamV } from '../virtual-devices/sam-v.ts';
import { plugSerialWire } from '../virtual-devices/serial-wire.ts';

/** The file in the folder of the devices that says what was plugged in. */
const pluggedFile = 'plugged.json';

const pluggedSchema = z.strictObject({
  /** As the kiosk's part of the hub's file names them. */
  devices: devicesSchema,
  /** The kiosk's program, and a device host beside it that sees the HID devices; null: the kiosk as it is. */
  kiosk: z.strictObject({ program: z.string(), host: z.string() }).nullable(),
});
/** What a kiosk that is to have these devices has to be told. */
export type Plugged = z.infer<typeof pluggedSchema>;

export interface PlugOptions {
  /** A folder of its own with a short path; wires and programs are laid in it. */
  dir: string;
  /** The kiosk's program, and the device host that lies beside it. */
  kiosk: { program: string; host: string };
  /** The kiosk's device host can be given an environment of its own. */
  hid: boolean;
}

/** The devices beside the card readers, plugged in. */
export interface PluggedDevices {
  readonly plugged: Plugged;
  readonly samV: SamV;
  readonly identityConnection: 'hid' | 'serial';
  /** null: there is none here, for the reason beside it. */
  readonly scanner: HidPlug | null;
  readonly whyNoScanner: string | null;
  readonly paper: EscposPaper;
  stop(): Promise<void>;
}

/**
 * Plugs an identity-card reader, a scanner and a receipt printer into this machine, and writes down for the kiosk where they are. Reader and scanner hang on HID through
 * umockdev; where that is not to be had the reader hangs on a serial line and there is no scanner. The printer is a pseudo-terminal.
 */
export async function plugDevices({ dir, kiosk, hid }: PlugOptions): Promise<PluggedDevices> {
  mkdirSync(dir, { recursive: true });
  const missing = hid ? whyNoHidBus() : 'this shell gives its device host no environment';
  const bus = missing === null ? await startHidBus() : null;
  const printerPath = join(dir, 'lp0');
  const paper = new EscposPaper((bytes) => printer.send(bytes));
  const printer = await plugSerialWire(printerPath, (bytes) => paper.hear(bytes));
  const reader = bus === null ? await serialReader(join(dir, 'sam-v')) : await hidReader(bus);
  const scanner = bus === null ? null : await bus.plug(virtualScanner);
  const { vendor, product } = virtualScanner;
  const plugged: Plugged = {
    devices: { identityReader: reader.file, ...(scanner === null ? {} : { scanner: { vendor, product } }), printer: { path: printerPath, widthDots: 576 } },
    kiosk: bus === null ? null : layKiosk(join(dir, 'kiosk'), kiosk, bus),
  };
  writeFileSync(join(dir, pluggedFile), JSON.stringify(plugged));
  return {
    plugged,
    samV: reader.samV,
    identityConnection: reader.file.connection,
    scanner,
    whyNoScanner: missing,
    paper,
    async stop() {
      await Promise.all([printer.unplug(), reader.unplug(), scanner?.unplug()]);
      await bus?.stop();
    },
  };
}

/** Reads what `plugDevices` wrote down. */
export const readPlugged = (text: string): Plugged => pluggedSchema.parse(JSON.parse(text));
export const pluggedPath = (dir: string): string => join(dir, pluggedFile);

interface Reader {
  samV: SamV;
  file: NonNullable<DevicesFile['identityReader']>;
  unplug(): Promise<void>;
}

async function hidReader(bus: HidBus): Promise<Reader> {
  const { samV, plug } = await plugIdentityReader(bus);
  const { vendor, product } = virtualIdentityReader;
  return { samV, file: { connection: 'hid', vendor, product, reports: 'counted' }, unplug: () => plug.unplug() };
}

async function serialReader(path: string): Promise<Reader> {
  const samV = new SamV((bytes) => wire.send(bytes));
  const wire = await plugSerialWire(path, (bytes) => samV.hear(bytes));
  return { samV, file: { connection: 'serial', path }, unplug: () => wire.unplug() };
}

/** The kiosk's program runs the device host that lies beside it: here one that hands on to the real host with umockdev's library loaded. */
function layKiosk(dir: string, { program, host }: PlugOptions['kiosk'], bus: HidBus): NonNullable<Plugged['kiosk']> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  const laid = join(dir, basename(program));
  symlinkSync(program, laid);
  return { program: laid, host: writePreloadedHost(dir, { hostPath: host, env: bus.env }, basename(host)) };
}
