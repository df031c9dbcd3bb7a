import { readPng } from './png-pixels.ts';

/** RGB, three bytes a pixel, row by row. */
export interface SmallPicture {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/** How many pixels of the screen, across and down, make one pixel of a picture that is kept. */
export const shrinkBy = 3;

/** A screenshot, each `shrinkBy` × `shrinkBy` pixels averaged into one. */
export function shrink(screenshot: Buffer): SmallPicture {
  const { width: fullWidth, height: fullHeight, channels, bytes, start, stride } = readPng(screenshot);
  if (channels === 1) throw new Error('a screenshot with a palette');
  const width = Math.floor(fullWidth / shrinkBy);
  const height = Math.floor(fullHeight / shrinkBy);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let dy = 0; dy < shrinkBy; dy += 1) {
        let at = start + (y * shrinkBy + dy) * stride + x * shrinkBy * channels;
        for (let dx = 0; dx < shrinkBy; dx += 1, at += channels) {
          red += bytes[at] ?? 0;
          green += bytes[at + 1] ?? 0;
          blue += bytes[at + 2] ?? 0;
        }
      }
      const to = (y * width + x) * 3;
      const count = shrinkBy * shrinkBy;
      rgb[to] = Math.round(red / count);
      rgb[to + 1] = Math.round(green / count);
      rgb[to + 2] = Math.round(blue / count);
    }
  }
  return { width, height, rgb };
}

export function readPicture(png: Buffer): SmallPicture {
  const { width, height, channels, bytes, start, stride, palette } = readPng(png);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0, at = start + y * stride; x < width; x += 1, at += channels, to += 3) {
      const colours = palette ?? bytes;
      const from = palette === null ? at : (bytes[at] ?? 0) * 3;
      rgb[to] = colours[from] ?? 0;
      rgb[to + 1] = colours[from + 1] ?? 0;
      rgb[to + 2] = colours[from + 2] ?? 0;
    }
  }
  return { width, height, rgb };
}
