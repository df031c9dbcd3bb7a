import { z } from 'zod';
import { fromBase64url, fromHex } from '../ledger/verify/bytes.ts';

/** How ledger values are written in JSON: ids and hashes in lower-case hexadecimal, other bytes in base64url without padding, times in Unix seconds. */
export const idText = z.string().regex(/^[0-9a-f]{32}$/);
export const hashText = z.string().regex(/^[0-9a-f]{64}$/);
export const nameText = z.string().regex(/^[a-z0-9][a-z0-9./_-]{2,79}$/);
export const bytesText = z.string().regex(/^[A-Za-z0-9_-]*$/);
export const secondsValue = z.int().min(0).max(2 ** 40);

/** Of a text that fits `idText` or `hashText`. */
export function bytesOfHex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new RangeError('not hexadecimal');
  return bytes;
}

/** undefined: stray bits at the end, which no pattern sees. */
export const bytesOfText = (text: string): Uint8Array | undefined => fromBase64url(text);
