import { inflateSync } from 'node:zlib';

/** What a PNG shows, row by row: `channels` bytes a pixel, of which the first three are red, green and blue; one alone is a place in the palette. */
export interface Pixels {
  width: number;
  height: number;
  channels: 1 | 3 | 4;
  bytes: Uint8Array;
  /** Where the first pixel lies in `bytes`, and how many bytes further the next row begins. */
  start: number;
  stride: number;
  /** Red, green and blue of each colour, where there is a palette. */
  palette: Uint8Array | null;
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** By the header's colour type (PNG §11.2.2). */
const channelsOf = new Map<number, Pixels['channels']>([
  [2, 3],
  [3, 1],
  [6, 4],
]);

/**
 * Reads a PNG of the kinds that the browser takes and `smallPng` writes: eight bits a sample, not interlaced, in colour. Pictures of the screen are many and large: the pixels
 * stay where they were unpacked, so that a whole run leaves little to collect.
 *
 * @throws of a file that is no such PNG
 */
export function readPng(png: Buffer): Pixels {
  if (!png.subarray(0, 8).equals(signature)) throw new Error('this is no PNG');
  const data: Buffer[] = [];
  let header: Buffer | null = null;
  let palette: Buffer | null = null;
  for (let at = 8; at + 8 <= png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 8, at + 8 + length);
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR') header = body;
    else if (type === 'PLTE') palette = body;
    else if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  const channels = channelsOf.get(header?.[9] ?? -1);
  if (header === null || channels === undefined || header[8] !== 8 || header[12] !== 0) throw new Error('a PNG of another kind than is read here');
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const stride = width * channels + 1;
  // In one piece: unpacked in many, it would be copied once more.
  const bytes = inflateSync(data.length === 1 && data[0] !== undefined ? data[0] : Buffer.concat(data), { chunkSize: Math.max(64, stride * height + 1) });
  if (bytes.length !== stride * height) throw new Error('this PNG has other rows than it says');
  unfilter(bytes, stride, channels);
  return { width, height, channels, bytes, start: 1, stride, palette: channels === 1 ? palette : null };
}

/** Undoes each row's filter (PNG §9.2) where it stands; the byte that names it stays before the row. */
function unfilter(bytes: Uint8Array, stride: number, channels: number): void {
  for (let row = 0; row < bytes.length; row += stride) {
    const filter = bytes[row] ?? 0;
    const first = row + 1;
    const end = row + stride;
    // Above the first row, and left of the first pixel, everything is nought.
    const above = (at: number): number => (row === 0 ? 0 : (bytes[at - stride] ?? 0));
    const left = (at: number): number => (at - channels < first ? 0 : (bytes[at - channels] ?? 0));
    if (filter === 1) for (let at = first + channels; at < end; at += 1) bytes[at] = (bytes[at] ?? 0) + (bytes[at - channels] ?? 0);
    else if (filter === 2) for (let at = first; at < end; at += 1) bytes[at] = (bytes[at] ?? 0) + above(at);
    else if (filter === 3) for (let at = first; at < end; at += 1) bytes[at] = (bytes[at] ?? 0) + ((left(at) + above(at)) >> 1);
    else if (filter === 4) for (let at = first; at < end; at += 1) bytes[at] = (bytes[at] ?? 0) + paeth(left(at), above(at), at - channels < first || row === 0 ? 0 : (bytes[at - stride - channels] ?? 0));
    else if (filter !== 0) throw new Error(`this PNG has a row with the filter ${filter}`);
  }
}

/** The neighbour that is nearest to what the three of them foretell (PNG §9.4). */
function paeth(left: number, above: number, aboveLeft: number): number {
  const toLeft = Math.abs(above - aboveLeft);
  const toAbove = Math.abs(left - aboveLeft);
  const toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
  if (toLeft <= toAbove && toLeft <= toAboveLeft) return left;
  return toAbove <= toAboveLeft ? above : aboveLeft;
}
