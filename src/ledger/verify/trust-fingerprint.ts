import { utf8, concatBytes, toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import type { Trust } from './head.ts';

/**
 * A trust root in few enough signs to be compared by eye: the first 128 bits of SHA-256(`imi/trust/1` ‖ CBOR of [chain, height, [[key, power] …]]),
 * as `3f2a 90c1 …`, eight groups of four.
 */
export function trustFingerprint({ chain, height, validators }: Trust, crypto: Crypto): string {
  const content = encodeCbor([chain, height, validators.map(({ key, power }) => [key, power])]);
  const digits = toHex(crypto.sha256(concatBytes(utf8('imi/trust/1'), content)).subarray(0, 16));
  return (digits.match(/.{4}/g) ?? []).join(' ');
}
