import { resolve } from 'node:path';

export type HubAddress =
  /** Absolute path. */
  | { over: 'socket'; path: string }
  /** `host`: a name or an IP address, IPv6 without brackets. `port` 0, of a listener only: any that is free. */
  | { over: 'tls'; host: string; port: number };

/**
 * An address of a hub's file (contract/hub-file.ts), its path resolved below `dataDir`.
 *
 * @throws RangeError for what the schema lets nobody write, a port beyond 65 535 among it.
 */
export function readHubAddress(address: string, dataDir: string): HubAddress {
  if (address.startsWith('unix:')) return { over: 'socket', path: resolve(dataDir, address.slice('unix:'.length)) };
  const [, bracketed, plain, port] = /^tls:\/\/(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new RangeError(`no address of a hub: ${address}`);
  return { over: 'tls', host, port: Number(port) };
}
