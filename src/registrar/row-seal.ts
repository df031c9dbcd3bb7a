import { hkdfSync } from 'node:crypto';
import { hmacSha256, openAtRest, sealAtRest } from '../identity/symmetric.ts';

/** What the registrar keeps of people on a disk: found by a tag of the number, sealed under a key of the same origin. */
export interface RowSeal {
  /** HMAC-SHA-256 of an identity number, 32 bytes: whoever has the file and not the key cannot try numbers. */
  tag(identityNumber: string): Uint8Array;
  /** AES-256-GCM: nonce ‖ ciphertext ‖ tag. @param of what the row is found by: it opens in no other place. */
  seal(of: Uint8Array, content: Uint8Array): Uint8Array;
  /** undefined: altered, of another row, or under another key. */
  open(of: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** As printed on the document: 18 characters, the last may be X; written either way, it is one number. */
export const normalNumber = (identityNumber: string): string => identityNumber.replaceAll(/\s/g, '').toUpperCase();

/**
 * @param key 32 bytes, the registrar's index key.
 * @param kind of file: no two kinds share a tag or a key.
 */
export function rowSeal(key: Uint8Array, kind: 'index' | 'registration' | 'expected'): RowSeal {
  const derive = (use: 'tag' | 'seal'): Uint8Array => new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `imi/${kind}/${use}/1`, 32));
  const [tagKey, sealKey] = [derive('tag'), derive('seal')];
  return {
    tag: (identityNumber) => hmacSha256(tagKey, normalNumber(identityNumber)),
    seal: (of, content) => sealAtRest(sealKey, of, content),
    open: (of, sealed) => openAtRest(sealKey, of, sealed),
  };
}
