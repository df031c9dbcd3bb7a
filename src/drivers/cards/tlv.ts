/** One data object of BER-TLV as ISO 7816-4 §5.2.2 uses it: definite lengths only. */
export interface Tlv {
  /** The tag's bytes as one number: 0x4F, 0x7F49, 0x5F52. */
  tag: number;
  value: Uint8Array;
}

const MORE_TAG_BYTES = 0x1f;
const LONGEST_TAG = 3;
/** A card's data object never needs more: 83 and three bytes reach 16 MiB. */
const LONGEST_LENGTH_FIELD = 3;

/** The data objects side by side in `bytes`, or null when any of it is malformed or cut off. Values are views, not copies. */
export function parseTlv(bytes: Uint8Array): Tlv[] | null {
  const objects: Tlv[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tagged = readTag(bytes, at);
    if (tagged === null) return null;
    const sized = readLength(bytes, tagged.next);
    if (sized === null || sized.next + sized.length > bytes.length) return null;
    objects.push({ tag: tagged.tag, value: bytes.subarray(sized.next, sized.next + sized.length) });
    at = sized.next + sized.length;
  }
  return objects;
}

/** The value at a path of tags, each inside the one before; null when there is none or the bytes are malformed on the way. */
export function tlvAt(bytes: Uint8Array, ...path: number[]): Uint8Array | null {
  let value: Uint8Array = bytes;
  for (const tag of path) {
    const found = parseTlv(value)?.find((object) => object.tag === tag);
    if (found === undefined) return null;
    value = found.value;
  }
  return value;
}

/** The content of a data object that one card sends with its outer tag and another without. */
export function withoutOuterTag(bytes: Uint8Array, tag: number): Uint8Array {
  const objects = parseTlv(bytes);
  const only = objects?.length === 1 ? objects[0] : undefined;
  return only?.tag === tag ? only.value : bytes;
}

/** Shortest length form: one byte up to 0x7F, then 81, 82, 83. */
export function encodeTlv(tag: number, value: Uint8Array): Uint8Array {
  return Uint8Array.from([...bigEndian(tag), ...encodeLength(value.length), ...value]);
}

function encodeLength(length: number): number[] {
  if (length <= 0x7f) return [length];
  const bytes = bigEndian(length);
  if (bytes.length > LONGEST_LENGTH_FIELD) throw new RangeError(`no card takes ${length} bytes`);
  return [0x80 | bytes.length, ...bytes];
}

function bigEndian(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes.length === 0 ? [0] : bytes;
}

function readTag(bytes: Uint8Array, start: number): { tag: number; next: number } | null {
  const first = bytes[start];
  if (first === undefined) return null;
  if ((first & MORE_TAG_BYTES) !== MORE_TAG_BYTES) return { tag: first, next: start + 1 };
  let tag = first;
  for (let at = start + 1; at < start + LONGEST_TAG; at++) {
    const byte = bytes[at];
    if (byte === undefined) return null;
    tag = tag * 256 + byte;
    if ((byte & 0x80) === 0) return { tag, next: at + 1 };
  }
  return null;
}

function readLength(bytes: Uint8Array, start: number): { length: number; next: number } | null {
  const first = bytes[start];
  if (first === undefined) return null;
  if (first <= 0x7f) return { length: first, next: start + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > LONGEST_LENGTH_FIELD || start + 1 + count > bytes.length) return null;
  let length = 0;
  for (const byte of bytes.subarray(start + 1, start + 1 + count)) length = length * 256 + byte;
  return { length, next: start + 1 + count };
}
