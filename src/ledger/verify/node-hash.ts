import type { Crypto } from './crypto.ts';

const preimage = new Uint8Array(65);

/** SHA-256 of a prefix byte and two times 32 bytes: a node of a Merkle tree. Nothing is allocated but the hash: trees are nothing but these. */
export function nodeHash(prefix: 0 | 1, first: Uint8Array, second: Uint8Array, crypto: Crypto): Uint8Array {
  if (first.length !== 32 || second.length !== 32) throw new RangeError('a node is made of two hashes');
  preimage[0] = prefix;
  preimage.set(first, 1);
  preimage.set(second, 33);
  return crypto.sha256(preimage);
}

/** The same of two hashes that stand one behind the other in `pair`, from `at` on: put into `target` from `to` on, which may be the same bytes. */
export function putNodeHash(prefix: 0 | 1, pair: Uint8Array, at: number, target: Uint8Array, to: number, crypto: Crypto): void {
  if (at + 64 > pair.length || to + 32 > target.length) throw new RangeError('a node is made of two hashes');
  preimage[0] = prefix;
  // Cheaper than a view of so few bytes.
  for (let i = 0; i < 64; i++) preimage[i + 1] = pair[at + i] ?? 0;
  if (crypto.putSha256 === undefined) target.set(crypto.sha256(preimage), to);
  else crypto.putSha256(preimage, target, to);
}
