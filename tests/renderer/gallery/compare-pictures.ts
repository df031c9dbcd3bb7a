import { shrinkBy, type SmallPicture } from './small-picture.ts';

/** Side of the squares that are judged each by itself, in pixels of the kept picture: 9 mm of the screen. */
const cell = 12;

/**
 * Mean difference of a square, of 255, from which it counts as changed. Measured on the kiosk's own screens: what the palette loses stays below 3.5,
 * everything moved by one pixel below 9; the least that a part moved by 8 px makes is 12.6 (a row of thin rings), a line of text 24.
 */
export const cellLimit = 10;

/** A place on the screen, in its pixels. */
export interface ChangedPlace {
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** Mean difference of its worst square, of 255. */
  difference: number;
}

/** The places where two pictures of one size differ by more than soft edges do; `null` for pictures of two sizes. */
export function changedPlaces(approved: SmallPicture, seen: SmallPicture): ChangedPlace[] | null {
  if (approved.width !== seen.width || approved.height !== seen.height) return null;
  const { width, height } = approved;
  const before = blurred(approved);
  const now = blurred(seen);
  const places: ChangedPlace[] = [];
  for (let top = 0; top < height; top += cell) {
    for (let left = 0; left < width; left += cell) {
      const right = Math.min(left + cell, width);
      const bottom = Math.min(top + cell, height);
      let sum = 0;
      for (let y = top; y < bottom; y += 1) {
        for (let x = left; x < right; x += 1) {
          const at = (y * width + x) * 3;
          const red = Math.abs((before[at] ?? 0) - (now[at] ?? 0));
          const green = Math.abs((before[at + 1] ?? 0) - (now[at + 1] ?? 0));
          const blue = Math.abs((before[at + 2] ?? 0) - (now[at + 2] ?? 0));
          sum += Math.max(red, green, blue);
        }
      }
      const difference = sum / ((right - left) * (bottom - top));
      if (difference > cellLimit) join(places, { left: left * shrinkBy, top: top * shrinkBy, right: right * shrinkBy, bottom: bottom * shrinkBy, difference });
    }
  }
  return places;
}

/** Squares beside one another are one place. */
function join(places: ChangedPlace[], place: ChangedPlace): void {
  const near = places.find((one) => one.left <= place.right && one.right >= place.left && one.top <= place.bottom && one.bottom >= place.top);
  if (near === undefined) {
    places.push(place);
    return;
  }
  near.left = Math.min(near.left, place.left);
  near.top = Math.min(near.top, place.top);
  near.right = Math.max(near.right, place.right);
  near.bottom = Math.max(near.bottom, place.bottom);
  near.difference = Math.max(near.difference, place.difference);
}

/** Each pixel the mean of the nine around it. */
function blurred({ width, height, rgb }: SmallPicture): Float32Array {
  const across = new Float32Array(rgb.length);
  const stride = width * 3;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      for (let channel = 0; channel < 3; channel += 1) {
        const row = y * stride + channel;
        across[row + x * 3] = ((rgb[row + left * 3] ?? 0) + (rgb[row + x * 3] ?? 0) + (rgb[row + right * 3] ?? 0)) / 3;
      }
    }
  }
  const both = new Float32Array(rgb.length);
  for (let y = 0; y < height; y += 1) {
    const above = Math.max(0, y - 1) * stride;
    const below = Math.min(height - 1, y + 1) * stride;
    for (let x = 0; x < stride; x += 1) both[y * stride + x] = ((across[above + x] ?? 0) + (across[y * stride + x] ?? 0) + (across[below + x] ?? 0)) / 3;
  }
  return both;
}
