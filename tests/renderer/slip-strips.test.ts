import { deflateSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PackedSlip } from '../../src/contract/bridge.ts';
import { IntentDoor } from '../../src/main/bridge.ts';
import { joinStrips } from '../../src/main/printing.ts';
import { stripsOf } from '../../src/renderer/slip-strips.ts';

const widthDots = 576;
const rowBytes = widthDots / 8;

/** Dots that do not pack, as many as fill so many rows; blank ones behind them. */
function slipOf(heightDots: number, noisyRows = 0): Uint8Array {
  const dots = new Uint8Array(rowBytes * heightDots);
  for (let i = 0; i < noisyRows * rowBytes; i += 32) dots.set(createHash('sha256').update(String(i)).digest().subarray(0, Math.min(32, dots.length - i)), i);
  return dots;
}

const packer = (dots: Uint8Array) => (top: number, rows: number): Promise<PackedSlip> =>
  Promise.resolve({ widthDots, heightDots: rows, dots: deflateSync(dots.subarray(top * rowBytes, (top + rows) * rowBytes)).toString('base64') });

describe('a slip in strips', () => {
  test.each([
    { name: 'as high as a message may be', heightDots: 6_000, noisyRows: 0, strips: 1 },
    { name: 'a row more', heightDots: 6_001, noisyRows: 0, strips: 2 },
    { name: 'three metres', heightDots: 24_000, noisyRows: 0, strips: 4 },
    { name: 'of dots that do not pack', heightDots: 2_000, noisyRows: 2_000, strips: 8 },
  ])('$name: every one goes through the bridge, and together they are the slip', async ({ heightDots, noisyRows, strips: expected }) => {
    const dots = slipOf(heightDots, noisyRows);
    const strips = (await stripsOf(heightDots, packer(dots))) ?? [];
    expect(strips).toHaveLength(expected);
    const door = new IntentDoor(() => 0);
    for (const [i, slip] of strips.entries()) {
      const strip = strips.length === 1 ? {} : { strip: { number: i + 1, of: strips.length } };
      expect(door.receive(JSON.stringify({ intent: 'receipt.print', slip, ...strip })).kind).toBe('intent');
    }
    const joined = joinStrips(strips);
    expect(joined.ok && Buffer.compare(joined.value.dots, dots)).toBe(0);
  });

  test.each([
    { name: 'more than three metres', heightDots: 24_001, noisyRows: 0 },
    { name: 'more dots than the strips hold', heightDots: 24_000, noisyRows: 24_000 },
  ])('$name is none', async ({ heightDots, noisyRows }) => {
    expect(await stripsOf(heightDots, packer(slipOf(heightDots, noisyRows)))).toBeNull();
  });
});
