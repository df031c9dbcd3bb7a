import { fromHex } from './bytes.ts';

/**
 * What is checked before any library is asked, so that OpenSSL (Node), BoringSSL (Electron) and @noble (pages) take and refuse the very same
 * Ed25519 signatures: S < L, canonical encodings of A and R, neither of small order. The equation itself is the cofactorless one,
 * [S]B − [k]A encodes to exactly R (RFC 8032 §5.1.7; "Taming the many EdDSAs", 2020).
 */

/** Order of the base point, RFC 8032 §5.1. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const prime = 2n ** 255n - 19n;

/** The eight points of small order in their canonical encodings, the sign bit masked: y = 1, −1, 0 (twice), and of the points of order 8 (twice each). */
const smallOrderYs: readonly string[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
];
const firstTwoBytes = new Set(smallOrderYs.map((hex) => hex.slice(0, 4)).map((hex) => Number.parseInt(hex, 16)));
const smallOrder: readonly bigint[] = smallOrderYs.map((hex) => littleEndian(fromHex(hex) ?? new Uint8Array()));

/** false: refused whatever the equation says. */
export function passesStrictChecks(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === 32 &&
    signature.length === 64 &&
    isCanonicalOfLargeOrder(publicKey) &&
    isCanonicalOfLargeOrder(signature.subarray(0, 32)) &&
    isBelowOrder(signature.subarray(32))
  );
}

/** Below 2^252, as all that anybody signs but one in 2^127, there is nothing to compute. */
const isBelowOrder = (scalar: Uint8Array): boolean => (scalar[31] ?? 255) < 0x10 || littleEndian(scalar) < order;

/**
 * A canonical encoding that is no point of small order. With y < p, the only other encoding of a point is a set sign bit where x = 0;
 * those points have y = ±1 and are of small order.
 */
export function isCanonicalOfLargeOrder(point: Uint8Array): boolean {
  if (point.length === 32 && isFarFromRefused(point)) return true;
  const y = littleEndian(point) & (2n ** 255n - 1n);
  return point.length === 32 && y < prime && !smallOrder.includes(y);
}

/** Of nearly every point two bytes and the last one say it: not among those of small order, and below 127 · 2^248, so below p. */
const isFarFromRefused = (point: Uint8Array): boolean => ((point[31] ?? 255) & 0x7f) < 0x7f && !firstTwoBytes.has(((point[0] ?? 0) << 8) | (point[1] ?? 0));

export function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
