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

export interface RangeInclusion {
  /** Hashes of the leaves from `first` on, at least one. */
  leaves: readonly Uint8Array[];
  first: number;
  size: number;
  /** Inclusion paths of the first and of the last of these leaves. */
  firstPath: readonly Uint8Array[];
  lastPath: readonly Uint8Array[];
}

/** The only root that these leaves, one behind the other, lead to with what stands to the left of the first and to the right of the last. undefined: no such paths. */
export function rangeRoot({ leaves, first, size, firstPath, lastPath }: RangeInclusion, crypto: Crypto): Uint8Array | undefined {
  const end = first + leaves.length;
  if (!isCount(first) || !isCount(size) || leaves.length === 0 || end > size) return undefined;
  const left = siblings(first, size, firstPath);
  const right = siblings(end - 1, size, lastPath);
  if (left === undefined || right === undefined) return undefined;
  const over = (from: number, to: number): Uint8Array | undefined => {
    if (to <= first) return left.get(`${from}-${to}`);
    if (from >= end) return right.get(`${from}-${to}`);
    if (to - from === 1) return leaves[from - first];
    const middle = from + largestPowerOfTwoBelow(to - from);
    const [before, after] = [over(from, middle), over(middle, to)];
    return before === undefined || after === undefined ? undefined : innerHash(before, after, crypto);
  };
  return over(0, size);
}

/** The hashes of an inclusion path by the leaves that they stand over. undefined: it has another length. */
function siblings(index: number, size: number, path: readonly Uint8Array[]): Map<string, Uint8Array> | undefined {
  const found = new Map<string, Uint8Array>();
  let [from, to] = [0, size];
  for (const hash of path.toReversed()) {
    if (to - from <= 1 || hash.length !== 32) return undefined;
    const middle = from + largestPowerOfTwoBelow(to - from);
    found.set(index < middle ? `${middle}-${to}` : `${from}-${middle}`, hash);
    if (index < middle) to = middle;
    else from = middle;
  }
  return to - from === 1 ? found : undefined;
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
