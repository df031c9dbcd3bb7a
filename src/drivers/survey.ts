import { readdir } from 'node:fs/promises';
import type { DeviceSurvey } from '../contract/device-host.ts';
import { ok } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';
import type { Hid } from './hid/hid.ts';
import { cupsQueues } from './printer/cups-printer.ts';

/** Folders in which the kernel lists what is plugged in: serial lines by what hangs on them, and USB printers; and the socket of CUPS. */
export interface SurveyPlaces {
  serial: string;
  printers: string;
  cups: string;
}
const usualPlaces: SurveyPlaces = { serial: '/dev/serial/by-id', printers: '/dev/usb', cups: '/run/cups/cups.sock' };

/** Looks and opens nothing. As `Hid.list` fails. */
export async function surveyDevices(hid: Hid, { serial, printers, cups }: SurveyPlaces = usualPlaces): Promise<Result<DeviceSurvey>> {
  const listed = await hid.list();
  if (!listed.ok) return listed;
  const lines = new Map(listed.value.map(({ vendor, product, usagePage, usage, name }) => [`${vendor} ${product} ${usagePage} ${usage}`, { vendor: hex4(vendor), product: hex4(product), usagePage, usage, name }]));
  return ok({ hid: [...lines.values()], serial: await pathsIn(serial, /./), printers: await pathsIn(printers, /^lp\d+$/), queues: await cupsQueues(cups) });
}

const hex4 = (id: number): string => id.toString(16).padStart(4, '0');

/** None where there is no such folder: nothing of that kind is plugged in. */
async function pathsIn(folder: string, name: RegExp): Promise<string[]> {
  const found = await readdir(folder).catch(() => []);
  return found.filter((one) => name.test(one)).sort().map((one) => `${folder}/${one}`);
}
