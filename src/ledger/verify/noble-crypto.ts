import { hash, hashes, Point } from '@noble/ed25519';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import type { PublicKey } from './acts.ts';
import { concatBytes, equalBytes } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { littleEndian, passesStrictChecks } from './ed25519-strict.ts';
import { verifyP256 } from './p256.ts';

hashes.sha512 = sha512;

/** For pages, where no Node is. About 3 ms a signature. */
export const nobleCrypto: Crypto = {
  sha256: (bytes) => sha256(bytes),
  verify: ([alg, key]: PublicKey, message, signature) => {
    switch (alg) {
      case -19:
        return passesStrictChecks(key, signature) && holdsCofactorless(key, message, signature);
      case -9:
        return verifyP256(key, sha256(message), signature);
      case -25:
        return false;
    }
  },
};

/** @noble's own `verify` multiplies by the cofactor and takes what OpenSSL refuses; here [S]B − [k]A has to encode to exactly R. */
function holdsCofactorless(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const { n } = Point.CURVE();
  const s = littleEndian(signature.subarray(32));
  const k = littleEndian(hash(concatBytes(r, key, message))) % n;
  try {
    const a = Point.fromBytes(key, false);
    const expected = times(Point.BASE, s).subtract(times(a, k));
    return equalBytes(expected.toBytes(), r);
  } catch {
    // Not a point of the curve.
    return false;
  }
}

const times = (point: Point, scalar: bigint): Point => (scalar === 0n ? Point.ZERO : point.multiply(scalar, false));
