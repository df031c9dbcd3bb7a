import { z } from 'zod';
import { highestStripDots, mostPackedChars } from './slip-limits.ts';

/** A slip (`Slip` in device-host.ts), or a strip of one, on its way through the bridge: its dots deflated (zlib), in base64. */
export const packedSlipSchema = z.strictObject({
  widthDots: z.int().min(8).max(832).multipleOf(8),
  heightDots: z.int().min(1).max(highestStripDots),
  dots: z.base64().max(mostPackedChars),
});
export type PackedSlip = z.infer<typeof packedSlipSchema>;
