import { resolve } from 'node:path';

/** Of an address `unix:<path>` (contract/hub-file.ts): absolute. undefined: the other kind. */
export const socketPathIn = (address: string, dataDir: string): string | undefined =>
  address.startsWith('unix:') ? resolve(dataDir, address.slice('unix:'.length)) : undefined;

/**
 * Of an address `tls://<host>:<port>`: IPv6 without its brackets. Port 0 is a listener's only: any that is free.
 *
 * @throws RangeError for what the schema lets nobody write.
 */
export function tlsPlaceIn(address: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^tls:\/\/(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) throw new RangeError(`no address over TLS: ${address}`);
  return { host, port: Number(port) };
}
