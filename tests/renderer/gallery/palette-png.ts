import { constants, crc32, deflateSync } from 'node:zlib';
import type { SmallPicture } from './small-picture.ts';

/** Colours are kept in steps of this many levels, so that soft edges share a few colours. */
const step = 16;
const mostColours = 256;

/** Levels of one channel; a colour is a number of three such digits. */
const levels = 256 / step + 1;

const colourAt = (rgb: Uint8Array, at: number): number => {
  const level = (channel: number): number => Math.round((rgb[at + channel] ?? 0) / step);
  return (level(0) * levels + level(1)) * levels + level(2);
};

function distance(a: number, b: number): number {
  const digits = (colour: number): number[] => [Math.floor(colour / levels / levels), Math.floor(colour / levels) % levels, colour % levels];
  const other = digits(b);
  return digits(a).reduce((sum, digit, channel) => sum + Math.abs(digit - (other[channel] ?? 0)), 0);
}

/**
 * A PNG of colour type 3 (PNG §11.2.2): at most 256 colours, the most frequent of the picture, in an order that depends on the picture alone.
 * The frequent colours stand in the palette as they are on average, so that plain surfaces lose nothing.
 */
export function palettePng({ width, height, rgb }: SmallPicture): Buffer {
  const counts = new Uint32Array(levels ** 3);
  const sums = new Float64Array(levels ** 3 * 3);
  const colours = new Uint16Array(width * height);
  for (let pixel = 0; pixel < colours.length; pixel += 1) {
    const colour = colourAt(rgb, pixel * 3);
    colours[pixel] = colour;
    counts[colour] = (counts[colour] ?? 0) + 1;
    for (let channel = 0; channel < 3; channel += 1) sums[colour * 3 + channel] = (sums[colour * 3 + channel] ?? 0) + (rgb[pixel * 3 + channel] ?? 0);
  }
  const count = (colour: number): number => counts[colour] ?? 0;
  const ranked = [...counts.keys()]
    .filter((colour) => count(colour) > 0)
    .sort((a, b) => count(b) - count(a) || a - b)
    .slice(0, mostColours);
  const indexOf = new Map(ranked.map((colour, index) => [colour, index]));
  const index = (colour: number): number => {
    const known = indexOf.get(colour);
    if (known !== undefined) return known;
    let best = 0;
    ranked.forEach((other, candidate) => {
      if (distance(other, colour) < distance(ranked[best] ?? 0, colour)) best = candidate;
    });
    indexOf.set(colour, best);
    return best;
  };

  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows[y * (width + 1) + 1 + x] = index(colours[y * width + x] ?? 0);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.from(ranked.flatMap((colour) => [0, 1, 2].map((channel) => Math.round((sums[colour * 3 + channel] ?? 0) / count(colour)))));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(rows, { level: constants.Z_BEST_COMPRESSION })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}
