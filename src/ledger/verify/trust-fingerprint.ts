import { utf8, concatBytes, toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import type { Trust } from './head.ts';

/**
 * A trust root in few enough signs to be compared by eye: the first 128 bits of SHA-256(`imi/trust/1` ‖ CBOR of [chain, height, [[key, power] …]]),
 * as `3f2a 90c1 …`, eight groups of four. Where witnesses are trusted, the list has a fourth member: [origin, threshold, [[name, key] …]].
 */
export function trustFingerprint({ chain, height, validators, witnessing }: Trust, crypto: Crypto): string {
  const keys = validators.map(({ key, power }) => [key, power]);
  const outside = witnessing && [witnessing.origin, witnessing.threshold, witnessing.witnesses.map(({ name, key }) => [name, key])];
  const content = encodeCbor(outside === undefined ? [chain, height, keys] : [chain, height, keys, outside]);
  const digits = toHex(crypto.sha256(concatBytes(utf8('imi/trust/1'), content)).subarray(0, 16));
  return (digits.match(/.{4}/g) ?? []).join(' ');
}
