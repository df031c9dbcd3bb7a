import type { ReaderStatus } from '../../src/contract/device-host.ts';

/** What a kiosk under watch tells its parent. */
export type KioskNews =
  | { news: 'browser'; profileDir: string }
  /** `at`: when main had the device host's message; Unix milliseconds with fractions. */
  | { news: 'readers'; at: number; readers: ReaderStatus[] };
