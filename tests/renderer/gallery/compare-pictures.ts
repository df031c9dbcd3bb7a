import { shrinkBy, type SmallPicture } from './small-picture.ts';

/** Side of the squares that are judged each by itself, in pixels of the kept picture: 9 mm of the screen. */
const cell = 12;

/**
 * Mean difference of a square, of 255, from which it counts as changed. Measured on the kiosk's own screens: a line in the smallest and palest letters moved by 8 px makes 10.1,
 * a row of thin rings 11.5, plain text and buttons over 20; everything one pixel lower makes 6.9, what the kept picture has lost 3.
 */
export const cellLimit = 9;

/** Where a square may be found instead, in pixels of the kept picture across and down: up to two pixels of the screen further, in steps of half a one, as text lies in another version of the browser. */
const steps = [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((step) => step / 2 / shrinkBy);
const nearby = steps.flatMap((x) => steps.map((y) => [x, y] as const));

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
  const squares = squaresThatMayDiffer(approved, seen);
  if (squares.length === 0) return [];
  const before = blurred(approved);
  const now = blurred(seen);
  const places: ChangedPlace[] = [];
  for (const square of squares) {
    let difference = squareDifference(before, now, width, height, square, 0, 0);
    if (difference > cellLimit) difference = Math.min(...nearby.map(([x, y]) => squareDifference(before, now, width, height, square, x, y)));
    if (difference > cellLimit) join(places, { left: square.left * shrinkBy, top: square.top * shrinkBy, right: square.right * shrinkBy, bottom: square.bottom * shrinkBy, difference });
  }
  return places;
}

interface Square {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * The squares that the soft edges have yet to decide, row by row. A blurred pixel is a mean of nine, so a square's blurred difference is at most the plain one summed over
 * the square and one pixel around it, those on the picture's edge counted for the neighbours that they stand in for. Two pictures of one screen are nearly always done here.
 */
function squaresThatMayDiffer(approved: SmallPicture, seen: SmallPicture): Square[] {
  const { width, height } = approved;
  const squares: Square[] = [];
  const row = new Uint32Array(width);
  for (let top = 0; top < height; top += cell) {
    const bottom = Math.min(top + cell, height);
    row.fill(0);
    for (let y = top - 1; y <= bottom; y += 1) addDifferences(row, approved, seen, Math.max(0, Math.min(height - 1, y)));
    for (let left = 0; left < width; left += cell) {
      const right = Math.min(left + cell, width);
      let sum = 0;
      for (let x = left - 1; x <= right; x += 1) sum += row[Math.max(0, Math.min(width - 1, x))] ?? 0;
      if (sum / ((right - left) * (bottom - top)) > cellLimit) squares.push({ left, top, right, bottom });
    }
  }
  return squares;
}

/** Adds, for each pixel of one line, the channel that differs most. */
function addDifferences(sums: Uint32Array, one: SmallPicture, other: SmallPicture, line: number): void {
  for (let x = 0, at = line * one.width * 3; x < one.width; x += 1, at += 3) {
    const red = Math.abs((one.rgb[at] ?? 0) - (other.rgb[at] ?? 0));
    const green = Math.abs((one.rgb[at + 1] ?? 0) - (other.rgb[at + 1] ?? 0));
    const blue = Math.abs((one.rgb[at + 2] ?? 0) - (other.rgb[at + 2] ?? 0));
    sums[x] = (sums[x] ?? 0) + Math.max(red, green, blue);
  }
}

/** Mean over the square of the channel that differs most, `now` looked at `x` further to the right and `y` further down, between its pixels too. */
function squareDifference(before: Float32Array, now: Float32Array, width: number, height: number, { left, top, right, bottom }: Square, x: number, y: number): number {
  const wholeX = Math.floor(x);
  const wholeY = Math.floor(y);
  const partX = x - wholeX;
  const partY = y - wholeY;
  const inside = (value: number, end: number): number => Math.max(0, Math.min(end - 1, value));
  let sum = 0;
  for (let row = top; row < bottom; row += 1) {
    const upper = inside(row + wholeY, height) * width;
    const lower = inside(row + wholeY + 1, height) * width;
    for (let column = left; column < right; column += 1) {
      const first = inside(column + wholeX, width);
      const second = inside(column + wholeX + 1, width);
      let most = 0;
      for (let channel = 0; channel < 3; channel += 1) {
        const at = (place: number): number => now[place * 3 + channel] ?? 0;
        const above = at(upper + first) * (1 - partX) + at(upper + second) * partX;
        const below = at(lower + first) * (1 - partX) + at(lower + second) * partX;
        most = Math.max(most, Math.abs((before[(row * width + column) * 3 + channel] ?? 0) - above * (1 - partY) - below * partY));
      }
      sum += most;
    }
  }
  return sum / ((right - left) * (bottom - top));
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
