import type { PackedSlip } from '../contract/bridge.ts';
import { highestSlipDots, highestStripDots, mostPackedChars, mostStrips } from '../contract/slip-limits.ts';

/**
 * A slip in strips that go through the bridge, from the top down: one where that does, and each half as high as long as its dots do not pack into a
 * message. `pack` draws and packs `rows` rows from row `top` on. null: it is more than a slip may be.
 */
export async function stripsOf(heightDots: number, pack: (top: number, rows: number) => Promise<PackedSlip>): Promise<PackedSlip[] | null> {
  if (heightDots > highestSlipDots) return null;
  const strips: PackedSlip[] = [];
  let most = highestStripDots;
  for (let top = 0; top < heightDots; ) {
    if (strips.length === mostStrips) return null;
    const strip = await pack(top, Math.min(most, heightDots - top));
    if (strip.dots.length > mostPackedChars && strip.heightDots > 1) {
      most = Math.ceil(strip.heightDots / 2);
      continue;
    }
    strips.push(strip);
    top += strip.heightDots;
  }
  return strips;
}
