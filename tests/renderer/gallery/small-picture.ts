import { PNG } from 'pngjs';

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
  const { width: fullWidth, height: fullHeight, data } = PNG.sync.read(screenshot);
  const width = Math.floor(fullWidth / shrinkBy);
  const height = Math.floor(fullHeight / shrinkBy);
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let dy = 0; dy < shrinkBy; dy += 1) {
        let at = ((y * shrinkBy + dy) * fullWidth + x * shrinkBy) * 4;
        for (let dx = 0; dx < shrinkBy; dx += 1, at += 4) {
          red += data[at] ?? 0;
          green += data[at + 1] ?? 0;
          blue += data[at + 2] ?? 0;
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
  const { width, height, data } = PNG.sync.read(png);
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = data[from] ?? 0;
    rgb[to + 1] = data[from + 1] ?? 0;
    rgb[to + 2] = data[from + 2] ?? 0;
  }
  return { width, height, rgb };
}
