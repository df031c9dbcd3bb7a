import type { SpawnHost } from '../contract/device-host.ts';

export interface NodeHostOptions {
  /** Path of `host.ts`, or of what it was built to. */
  hostPath: string;
  binding: 'smartcard' | 'pcsclite';
  /** Socket of the PC/SC daemon, where it is not the system's own. Default: as in this process's environment. */
  pcscSocket?: string;
}
