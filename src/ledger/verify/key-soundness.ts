import { Point } from '@noble/ed25519';
import type { PublicKey } from './acts.ts';
import { toHex } from './bytes.ts';
import { isCanonicalOfLargeOrder, littleEndian } from './ed25519-strict.ts';
import { decompressP256 } from './p256.ts';

/**
 * Whether a key may be registered at all. Ed25519: a canonical point of the prime-order group, neither of small nor of mixed order.
 * X25519: not one of the points whose shared secrets are all zero (RFC 7748 §6.1), high bit clear. ESP256: a point of the curve.
 */
export function isSoundKey([alg, key]: PublicKey): boolean {
  switch (alg) {
    case -19:
      return isCanonicalOfLargeOrder(key) && isKnownInPrimeOrderGroup(key);
    case -25:
      return key.length === 32 && littleEndian(key) < fieldPrime && !lowOrderUs.includes(littleEndian(key));
    case -9:
      return decompressP256(key) !== undefined;
  }
}

/** Milliseconds each, many times a signature's, and a node judges a registration that waits again after every block. */
const known = new Map<string, boolean>();
/** Some ten megabytes; a full mempool of registrations asks for 20 000. */
const mostKnown = 65_536;

function isKnownInPrimeOrderGroup(key: Uint8Array): boolean {
  const name = toHex(key);
  const before = known.get(name);
  if (before !== undefined) return before;
  const isIn = isInPrimeOrderGroup(key);
  if (known.size >= mostKnown) known.clear();
  known.set(name, isIn);
  return isIn;
}

function isInPrimeOrderGroup(key: Uint8Array): boolean {
  try {
    return Point.fromBytes(key, false).isTorsionFree();
  } catch {
    return false;
  }
}

const fieldPrime = 2n ** 255n - 19n;

/** The u-coordinates below 2^255 − 19 of the points of order 1, 2, 4 and 8, on the curve and on its twist. */
const lowOrderUs: readonly bigint[] = [
  0n,
  1n,
  fieldPrime - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];
