import { Branch, isBranch } from './state-branch.ts';
import { Bucket } from './state-bucket.ts';
import type { Crypto } from './verify/crypto.ts';

/**
 * How the tree of verify/state-proof.ts lies on the disk: in pages. A branch holds three levels of it, as the hashes of the eight subtrees at their
 * lower end; a bucket holds all leaves below one prefix, with their values, until they are too many. A page's own hash is computed from all of it.
 * Every second branch on a path lies in the page of the one above it (`isCarried`): what is read and written at random is half as much of them.
 * In memory nothing of what a page says changes but by `Branch.set`, which leaves it whole.
 */
export type Page = Branch | Bucket;

/**
 * Bytes of a page, of which there are three kinds:
 * - 0x00 and the leaves: a bucket;
 * - 0x01, a bit for each slot (lowest first) that is one leaf alone, eight hashes: a branch. Where it might carry others it is of format 1, and they lie in pages of their own;
 * - 0x02, a bit for each slot that is one leaf alone, a bit for each whose branch is carried, eight hashes, and of each carried branch its bits of lone leaves and its eight hashes.
 */
export function openPage(content: Uint8Array, depth: number, crypto: Crypto): Page {
  return isBranch(content) ? Branch.open(content, depth, crypto) : Bucket.open(content, depth, crypto);
}
