import { concatBytes, equalBytes } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { nodeHash } from './node-hash.ts';

/** Merkle tree of RFC 9162 §2.1: an append-only log. */

export const leafHash = (leaf: Uint8Array, crypto: Crypto): Uint8Array => crypto.sha256(concatBytes(Uint8Array.of(0), leaf));

export const innerHash = (left: Uint8Array, right: Uint8Array, crypto: Crypto): Uint8Array => nodeHash(1, left, right, crypto);

export const emptyRoot = (crypto: Crypto): Uint8Array => crypto.sha256(new Uint8Array());

/** The root over a whole list of leaf hashes: the definition itself, for short lists. */
export function merkleRoot(leafHashes: readonly Uint8Array[], crypto: Crypto): Uint8Array {
  const [only] = leafHashes;
  if (only === undefined) return emptyRoot(crypto);
  if (leafHashes.length === 1) return only;
  const split = largestPowerOfTwoBelow(leafHashes.length);
  return innerHash(merkleRoot(leafHashes.slice(0, split), crypto), merkleRoot(leafHashes.slice(split), crypto), crypto);
}

/** For `size` ≥ 2. */
export function largestPowerOfTwoBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

export interface Inclusion {
  /** The leaf's hash. */
  leaf: Uint8Array;
  index: number;
  size: number;
  path: readonly Uint8Array[];
}

export function verifyInclusion({ root, ...inclusion }: Inclusion & { root: Uint8Array }, crypto: Crypto): boolean {
  const hash = inclusionRoot(inclusion, crypto);
  return hash !== undefined && equalBytes(hash, root);
}

/** RFC 9162 §2.1.3.2: the only root that this path leads to. Sizes up to 2^53 − 1. undefined: no path of such a leaf. */
export function inclusionRoot({ leaf, index, size, path }: Inclusion, crypto: Crypto): Uint8Array | undefined {
  if (!isCount(index) || !isCount(size) || index >= size || leaf.length !== 32) return undefined;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (sn === 0 || sibling.length !== 32) return undefined;
    if (fn % 2 === 1 || fn === sn) {
      hash = innerHash(sibling, hash, crypto);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      hash = innerHash(hash, sibling, crypto);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 ? hash : undefined;
}

/** RFC 9162 §2.1.4.2: the tree of `first` leaves is a beginning of that of `second`. Equal sizes need equal roots and an empty path; of an empty tree nothing is proven. */
export function verifyConsistency(
  {
    first,
    second,
    firstRoot,
    secondRoot,
    path,
  }: { first: number; second: number; firstRoot: Uint8Array; secondRoot: Uint8Array; path: readonly Uint8Array[] },
  crypto: Crypto,
): boolean {
  if (!isCount(first) || !isCount(second) || first > second) return false;
  if (first === 0) return false;
  if (first === second) return path.length === 0 && equalBytes(firstRoot, secondRoot);
  if (path.length === 0 || [firstRoot, ...path].some((hash) => hash.length !== 32)) return false;
  const whole = isPowerOfTwo(first) ? [firstRoot, ...path] : [...path];
  let fn = first - 1;
  let sn = second - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  const [start, ...rest] = whole;
  if (start === undefined) return false;
  let fr = start;
  let sr = start;
  for (const hash of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = innerHash(hash, fr, crypto);
      sr = innerHash(hash, sr, crypto);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = innerHash(sr, hash, crypto);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && equalBytes(fr, firstRoot) && equalBytes(sr, secondRoot);
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest > 1 && rest % 2 === 0) rest /= 2;
  return rest === 1;
}
