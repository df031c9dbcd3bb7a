import { createHash } from 'node:crypto';
import { tlvAt, withoutOuterTag } from './tlv.ts';

/** DO F9 of OpenPGP card 3.4 §4.3.2: the card keeps a hash in the place of the PIN. Only PW1 is of use here. */
export interface PinKdf {
  hash: 'sha256' | 'sha512';
  /** Bytes hashed in all, salt and PIN over and over (RFC 4880 §3.7.1.3, the count already decoded). */
  byteCount: number;
  salt: Uint8Array;
}

const ALGORITHM_NONE = 0x00;
const ALGORITHM_ITERATED_SALTED = 0x03;
const SALT_LENGTH = 8;
/** The largest count that the one-byte form of RFC 4880 can name; a card that asks for more would stall the sign-in. */
const LARGEST_BYTE_COUNT = 65_011_712;

/** Salt and PIN are hashed in chunks of about this many bytes: one by one, 65 MB would take seconds. */
const CHUNK = 16_384;

/** Null: the PIN goes to the card as typed. `unsupported`: the object names what this host cannot compute. */
export function parseKdf(bytes: Uint8Array): PinKdf | null | 'unsupported' {
  const content = withoutOuterTag(bytes, 0xf9);
  if (content.length === 0) return null;
  const algorithm = tlvAt(content, 0x81)?.at(0);
  if (algorithm === ALGORITHM_NONE) return null;
  const hash = hashName(tlvAt(content, 0x82)?.at(0));
  const count = tlvAt(content, 0x83);
  const salt = tlvAt(content, 0x84);
  if (algorithm !== ALGORITHM_ITERATED_SALTED || hash === null || count?.length !== 4 || salt?.length !== SALT_LENGTH) return 'unsupported';
  const byteCount = count.reduce((sum, byte) => sum * 256 + byte, 0);
  return byteCount > LARGEST_BYTE_COUNT ? 'unsupported' : { hash, byteCount, salt: Uint8Array.from(salt) };
}

/** What goes into VERIFY in the PIN's place: 32 or 64 bytes. The caller overwrites it after use. */
export function derivePin(kdf: PinKdf, pin: Uint8Array): Uint8Array {
  const length = kdf.salt.length + pin.length;
  const repeated = new Uint8Array(length * Math.ceil(CHUNK / length));
  for (let at = 0; at < repeated.length; at += length) {
    repeated.set(kdf.salt, at);
    repeated.set(pin, at + kdf.salt.length);
  }
  const hash = createHash(kdf.hash);
  let left = Math.max(kdf.byteCount, length);
  for (; left >= repeated.length; left -= repeated.length) hash.update(repeated);
  hash.update(repeated.subarray(0, left));
  repeated.fill(0);
  const digest = hash.digest();
  const form = new Uint8Array(digest);
  digest.fill(0);
  return form;
}

function hashName(id: number | undefined): 'sha256' | 'sha512' | null {
  if (id === 0x08) return 'sha256';
  return id === 0x0a ? 'sha512' : null;
}
