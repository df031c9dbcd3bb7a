import { hash, type KeyObject } from 'node:crypto';
import type { PublicKey } from '../verify/acts.ts';
import { concatBytes, toBase64url } from '../verify/bytes.ts';
import { decompressP256 } from '../verify/p256.ts';

// DER of SubjectPublicKeyInfo up to the key itself: RFC 8410 §4, and RFC 5480 §2 for a point of P-256 in uncompressed form, the only one that TLS takes.
const ed25519Prefix = Uint8Array.from(Buffer.from('302a300506032b6570032100', 'hex'));
const p256Prefix = Uint8Array.from(Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'));

/** DER of SubjectPublicKeyInfo. undefined: a key that signs nothing, or no point of its curve. */
export function encodeSpki([algorithm, key]: PublicKey): Uint8Array | undefined {
  switch (algorithm) {
    case -19:
      return key.length === 32 ? concatBytes(ed25519Prefix, key) : undefined;
    case -9: {
      const point = decompressP256(key);
      return point === undefined ? undefined : concatBytes(p256Prefix, coordinate(point.x), coordinate(point.y));
    }
    case -25:
      return undefined;
  }
}

const coordinate = (value: bigint): Uint8Array => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));

/** As keys stand in acts: Ed25519, or P-256 in SEC1 compressed form. undefined: a key of another kind. */
export function publicKeyOf(key: KeyObject): PublicKey | undefined {
  if (key.type !== 'public') return undefined;
  const { crv, x, y } = key.asymmetricKeyType === 'ed25519' || key.asymmetricKeyType === 'ec' ? key.export({ format: 'jwk' }) : {};
  if (crv === 'Ed25519' && x !== undefined) return [-19, new Uint8Array(Buffer.from(x, 'base64url'))];
  if (crv !== 'P-256' || x === undefined || y === undefined) return undefined;
  const odd = ((Buffer.from(y, 'base64url').at(-1) ?? 0) & 1) === 1;
  return [-9, new Uint8Array(Buffer.concat([Uint8Array.of(odd ? 3 : 2), Buffer.from(x, 'base64url')]))];
}

/** How a hub's file names the key of its hub: `sha256:` and SHA-256 of the SubjectPublicKeyInfo in base64url. */
export const pinOf = (spki: Uint8Array): string => `sha256:${toBase64url(new Uint8Array(hash('sha256', spki, 'buffer')))}`;
