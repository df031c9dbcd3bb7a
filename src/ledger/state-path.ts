import { compareBytes, equalBytes } from './verify/bytes.ts';
import { emptySubtree } from './verify/state-proof.ts';

export const levelsOfBranch = 3;
export const slotsOfBranch = 1 << levelsOfBranch;

/** A page's number holds no more of the path: a bucket as deep as this takes all there is. */
export const deepestPage = 48;

/** SHA-256 of a key, and the key's value. */
export interface StateLeaf {
  path: Uint8Array;
  value: Uint8Array;
}

/** A path's first `deepestPage` bits as a number, wherever it begins: nearly all paths differ in so much of them. */
export function beginOfPath(bytes: Uint8Array, at = 0): number {
  let begin = 0;
  for (let i = at; i < at + deepestPage / 8; i++) begin = begin * 256 + (bytes[i] ?? 0);
  return begin;
}

interface BegunPath {
  begin: number;
  path: Uint8Array;
}

export const comparePaths = (one: BegunPath, other: BegunPath): number => one.begin - other.begin || compareBytes(one.path, other.path);

/** A subtree from outside. One leaf alone stands for its whole subtree, at whatever depth. */
export interface Subtree {
  hash: Uint8Array;
  isLeaf: boolean;
}

export const noSubtree: Subtree = { hash: emptySubtree, isLeaf: false };
export const isNone = ({ hash }: Subtree): boolean => equalBytes(hash, emptySubtree);

/** Two hashes where they lie. */
export function isSameHash(one: Uint8Array, oneAt: number, other: Uint8Array, otherAt: number): boolean {
  for (let i = 0; i < 32; i++) if (one[oneAt + i] !== other[otherAt + i]) return false;
  return true;
}

/** Which of a branch's eight slots, at `depth`, a path goes through. */
export const slotOf = (path: Uint8Array, depth: number): number => {
  const [first, second] = [path[depth >> 3] ?? 0, path[(depth >> 3) + 1] ?? 0];
  return (((first << 8) | second) >> (16 - levelsOfBranch - (depth & 7))) & (slotsOfBranch - 1);
};

export const codesOfDepth = 32;

/** The path's first `depth` bits, filled up with zeros to 48, then five bits of depth / 3: pages lie in the order of their paths, each before those below it. */
export const pageId = (path: Uint8Array, depth: number): number => pageIdOf(beginOfPath(path), depth);

/** The same of a path's `beginOfPath`. */
export function pageIdOf(begin: number, depth: number): number {
  return (begin - (begin % (widths[depth] ?? 1))) * codesOfDepth + depth / levelsOfBranch;
}

/** By a page's depth, how many of the paths' beginnings are below it. */
const widths: readonly number[] = Array.from({ length: deepestPage + 1 }, (_, depth) => 2 ** (deepestPage - depth));
