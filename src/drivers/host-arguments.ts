import type { DevicesFile, KioskFile } from '../contract/hub-file.ts';

/** What the device host has to drive. */
export interface HostDuties {
  binding: KioskFile['pcscBinding'];
  /** Left out: card readers alone. */
  devices?: DevicesFile;
}

/** The arguments that the device host is started with, however that is done. */
export function hostArguments({ binding, devices }: HostDuties): string[] {
  return [`--binding=${binding}`, ...(devices === undefined ? [] : [`--devices=${JSON.stringify(devices)}`])];
}
