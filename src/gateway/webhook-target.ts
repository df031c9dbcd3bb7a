import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Where nothing of anybody else's is to be reached through us: this machine, its network, and what no network has (RFC 6890). */
const inside = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  inside.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  inside.addSubnet(network, prefix, 'ipv6');

/** `::ffff:a.b.c.d` is judged as the IPv4 address that it stands for. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return family === 4 ? !inside.check(address, 'ipv4') : !inside.check(address, 'ipv6') && !/^::ffff:/i.test(address);
}

/** Whether a webhook may go there at all: https without a name and password in it, not to a private address; or an origin that the hub's file allows. */
export function mayBeTold(url: string, loopbackOrigins: readonly string[]): boolean {
  let target: URL;
  try {
    target = new URL(url);
  } catch {
    return false;
  }
  if (target.username !== '' || target.password !== '' || target.hash !== '') return false;
  if (loopbackOrigins.some((origin) => new URL(origin).origin === target.origin)) return true;
  if (target.protocol !== 'https:') return false;
  const host = target.hostname.replaceAll(/[[\]]/g, '');
  return isIP(host) === 0 ? host.includes('.') && !/\.(?:local|internal|localhost)$/.test(host) : isPublicAddress(host);
}

/** Resolves a name to public addresses only, at the moment of connecting: what a name means may have changed since it was allowed. */
export const publicLookup: LookupFunction = (hostname, options, answer) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      answer(error, [], 0);
      return;
    }
    const allowed = addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = allowed;
    if (first === undefined || allowed.length < addresses.length) {
      answer(Object.assign(new Error('an address of a private network'), { code: 'EACCES' }), [], 0);
      return;
    }
    if (options.all === true) answer(null, allowed);
    else answer(null, first.address, first.family);
  });
};
