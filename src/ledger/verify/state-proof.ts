import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { nodeHash } from './node-hash.ts';
import { isBytes, isEither, isList, isOneOf, isTuple } from './shape.ts';

/**
 * The authenticated map: a sparse Merkle tree over paths SHA-256(key), most significant bit first. A subtree of one leaf is that leaf
 * (so depth is about log2 of the number of keys); an empty one is 32 zero bytes.
 */
export const emptySubtree: Uint8Array = new Uint8Array(32);

export const leafNode = (path: Uint8Array, valueHash: Uint8Array, crypto: Crypto): Uint8Array => nodeHash(0, path, valueHash, crypto);

export const innerNode = (left: Uint8Array, right: Uint8Array, crypto: Crypto): Uint8Array => nodeHash(1, left, right, crypto);

/** Bit `depth` of a path: 0 goes left. */
export const pathBit = (path: Uint8Array, depth: number): 0 | 1 => (((path[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1 ? 1 : 0);

export interface StateProof {
  /** From the root downwards, one for each level; an empty subtree is null. */
  siblings: (Uint8Array | null)[];
  /** For an absence: the leaf that stands where the key's own would, if there is one: its path and value hash. */
  other: [path: Uint8Array, valueHash: Uint8Array] | null;
}

const proofShape = isTuple<[(Uint8Array | null)[], [Uint8Array, Uint8Array] | null]>(
  isList(isEither(isBytes(32), isOneOf(null)), 0, 256),
  isEither(isTuple<[Uint8Array, Uint8Array]>(isBytes(32), isBytes(32)), isOneOf(null)),
);

export const encodeStateProof = (proof: StateProof): Uint8Array => encodeCbor([proof.siblings, proof.other]);

/** true: under this root the key has this value, or, for null, has none. */
export function verifyState(
  { root, key, value, proof }: { root: Uint8Array; key: Uint8Array; value: Uint8Array | null; proof: Uint8Array },
  crypto: Crypto,
): boolean {
  const decoded = decodeCbor(proof);
  if (!proofShape(decoded)) return false;
  const [siblings, other] = decoded;
  if (siblings.some((sibling) => sibling !== null && equalBytes(sibling, emptySubtree))) return false;
  const path = crypto.sha256(key);
  let hash: Uint8Array;
  if (value !== null) {
    if (other !== null) return false;
    hash = leafNode(path, crypto.sha256(value), crypto);
  } else if (other === null) {
    hash = emptySubtree;
  } else {
    const [otherPath, otherValueHash] = other;
    if (equalBytes(otherPath, path)) return false;
    for (let depth = 0; depth < siblings.length; depth++) {
      if (pathBit(otherPath, depth) !== pathBit(path, depth)) return false;
    }
    hash = leafNode(otherPath, otherValueHash, crypto);
  }
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] ?? emptySubtree;
    hash = pathBit(path, depth) === 0 ? innerNode(hash, sibling, crypto) : innerNode(sibling, hash, crypto);
  }
  return equalBytes(hash, root);
}
