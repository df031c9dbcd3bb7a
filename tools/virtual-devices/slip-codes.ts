import { PNG } from 'pngjs';
import { readQr } from '../kiosk-driver/qr-reader.ts';

/** What stands apart on a slip, as pictures: blocks with white paper of 2 mm and more above and below. */
function blocksOf(slip: PNG): PNG[] {
  const isInked = (y: number): boolean => slip.data.subarray(4 * y * slip.width, 4 * (y + 1) * slip.width).some((byte, i) => i % 4 === 0 && byte === 0);
  const rows = Array.from({ length: slip.height }, (_, y) => y).filter(isInked);
  const starts = rows.filter((y, i) => i === 0 || y - (rows[i - 1] ?? y) > 16);
  return starts.map((from, i) => {
    const last = rows.findLast((y) => y < (starts[i + 1] ?? slip.height)) ?? from;
    const block = new PNG({ width: slip.width, height: last - from + 33, fill: true });
    block.data.fill(255);
    PNG.bitblt(slip, block, 0, from, slip.width, last - from + 1, 0, 16);
    return block;
  });
}

/** The texts of the codes on a slip. Lines of text are at most 6 mm high, and a code is larger. */
export const codesOn = (slip: PNG): string[] =>
  blocksOf(slip)
    .filter(({ height }) => height > 33 + 48 * 3)
    .map((code) => readQr(PNG.sync.write(code)));
