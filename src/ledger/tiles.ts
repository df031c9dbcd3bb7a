import type { TransactionLog } from './log.ts';
import { concatBytes } from './verify/bytes.ts';
import { fromDecimal } from './verify/checkpoint.ts';

/** The log as C2SP tlog-tiles serves it: files that never change, from which anybody computes every proof. */
export type TileLog = Pick<TransactionLog, 'at' | 'subtreeHash'>;

/** 256 hashes of level `level · 8` of the tree, or 256 entries: from `index · 256` on, the first `width` of them. */
export interface Tile {
  level: number | 'entries';
  index: number;
  width: number;
}

const fullWidth = 256;
const bitsPerLevel = 8;

/** `tile/<L>/<N>` or `tile/entries/<N>`, with `.p/<W>` behind where it is partial. */
export const tilePath = ({ level, index, width }: Tile): string => `tile/${level}/${indexPath(index)}${width === fullWidth ? '' : `.p/${width}`}`;

/** undefined: not the one path of a tile. */
export function tileAt(path: string): Tile | undefined {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  if (match === null) return undefined;
  const [, of = '', groups = '', partial] = match;
  const level = of === 'entries' ? of : (fromDecimal(of) ?? 64);
  const tile: Tile = { level, index: Number(groups.replaceAll(/[x/]/g, '')), width: partial === undefined ? fullWidth : Number(partial) };
  const isTile = level === 'entries' || level < 64;
  const isWide = tile.width >= 1 && (tile.width < fullWidth || partial === undefined);
  return isTile && isWide && tilePath(tile) === path ? tile : undefined;
}

/**
 * Of a log of `size` entries. Hashes stand one behind the other, 32 bytes each; entries behind their lengths, u16 big-endian.
 * undefined: the log is not that long.
 */
export function readTile({ level, index, width }: Tile, log: TileLog, size: number): Uint8Array | undefined {
  const depth = level === 'entries' ? 0 : level;
  const first = index * fullWidth;
  if ((first + width) * 2 ** (bitsPerLevel * depth) > size) return undefined;
  const positions = Array.from({ length: width }, (_, i) => first + i);
  return concatBytes(...positions.flatMap((position) => (level === 'entries' ? entryAt(position, log) : [log.subtreeHash(bitsPerLevel * depth, position)])));
}

function entryAt(position: number, log: TileLog): Uint8Array[] {
  const envelope = log.at(position)?.envelope;
  if (envelope === undefined) throw new Error(`log entry ${position} is missing`);
  const length = new Uint8Array(2);
  new DataView(length.buffer).setUint16(0, envelope.length);
  return [length, envelope];
}

/** In groups of three digits, an x before each but the last: 1234067 is `x001/x234/067`. */
function indexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/[0-9]{3}/g) ?? [];
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
}
