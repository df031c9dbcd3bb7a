import type { Result } from '../../contract/result.ts';

/** One collection of a HID device as the operating system lists it. */
export interface HidInfo {
  path: string;
  vendor: number;
  product: number;
  usagePage: number;
  usage: number;
  serial: string;
  /** What the device calls itself; often empty. */
  name: string;
}

export interface HidConnection {
  /** One report without an id, of a device whose reports have none. */
  write(report: Uint8Array): Promise<Result<null>>;
  close(): Promise<void>;
}

/** The operating system's HID devices. */
export interface Hid {
  list(): Promise<Result<HidInfo[]>>;
  open(path: string, ears: { onData(bytes: Uint8Array): void; onLost(detail: string): void }): Promise<Result<HidConnection>>;
}
