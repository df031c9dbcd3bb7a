import { inflateSync } from 'node:zlib';
import type { PackedSlip } from '../contract/bridge.ts';
import type { Slip } from '../contract/device-host.ts';
import { fail, ok } from '../contract/result.ts';
import type { Result } from '../contract/result.ts';

/** A slip as the screen drew it, unpacked; `message-invalid` where its dots are not as many as it says. */
export function unpackSlip({ widthDots, heightDots, dots }: PackedSlip): Result<Slip> {
  const expected = (widthDots / 8) * heightDots;
  try {
    const unpacked = inflateSync(Buffer.from(dots, 'base64'), { maxOutputLength: expected });
    return unpacked.length === expected ? ok({ widthDots, heightDots, dots: new Uint8Array(unpacked) }) : fail('message-invalid', 'slip');
  } catch {
    return fail('message-invalid', 'slip');
  }
}
