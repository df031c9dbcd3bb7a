import { z } from 'zod';

/** A slip (`Slip` in device-host.ts) on its way through the bridge: its dots deflated (zlib), in base64. */
export const packedSlipSchema = z.strictObject({
  widthDots: z.int().min(8).max(832).multipleOf(8),
  heightDots: z.int().min(1).max(6_000),
  dots: z.base64().max(48_000),
});
export type PackedSlip = z.infer<typeof packedSlipSchema>;
