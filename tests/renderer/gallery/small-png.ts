import { constants, crc32, deflateSync } from 'node:zlib';
import type { SmallPicture } from './small-picture.ts';

/** A colour that fills at least this many pixels is a surface and kept as it is. */
const surfacePixels = 64;

/** All other colours are those of soft edges, kept in steps of this many levels. */
const step = 16;

/** A small PNG (PNG §11.2): of up to 256 colours with a palette, of more without. What comes out depends on the picture alone. */
export function smallPng({ width, height, rgb }: SmallPicture): Buffer {
  const colours = new Uint32Array(width * height);
  const counts = new Map<number, number>();
  for (let pixel = 0; pixel < colours.length; pixel += 1) {
    const colour = ((rgb[pixel * 3] ?? 0) << 16) | ((rgb[pixel * 3 + 1] ?? 0) << 8) | (rgb[pixel * 3 + 2] ?? 0);
    colours[pixel] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const keptAs = new Map([...counts].map(([colour, count]) => [colour, count >= surfacePixels ? colour : edgeColour(colour)]));
  const kept = [...new Set(keptAs.values())].sort((a, b) => a - b);
  const withPalette = kept.length <= 256;
  const indexOf = new Map(kept.map((colour, index) => [colour, index]));

  // Each row begins with its filter: none.
  const pixelBytes = withPalette ? 1 : 3;
  const rows = Buffer.alloc(height * (width * pixelBytes + 1));
  colours.forEach((exact, pixel) => {
    const colour = keptAs.get(exact) ?? exact;
    const at = Math.floor(pixel / width) + 1 + pixel * pixelBytes;
    if (withPalette) rows[at] = indexOf.get(colour) ?? 0;
    else rows.writeUIntBE(colour, at, 3);
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, withPalette ? 3 : 2, 0, 0, 0], 8);
  const palette = Buffer.alloc(kept.length * 3);
  kept.forEach((colour, index) => palette.writeUIntBE(colour, index * 3, 3));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...(withPalette ? [chunk('PLTE', palette)] : []),
    chunk('IDAT', deflateSync(rows, { level: constants.Z_BEST_COMPRESSION })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function edgeColour(colour: number): number {
  const level = (shift: number): number => Math.min(255, Math.round(((colour >> shift) & 255) / step) * step);
  return (level(16) << 16) | (level(8) << 8) | level(0);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  whole.set(body, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}
