/** BER-TLV as ISO 7816-4 §5.2.2 has it, tags of one or two bytes. */
export interface Tlv {
  tag: number;
  value: Uint8Array;
}

export const tlv = (tag: number, ...values: readonly Uint8Array[]): Uint8Array => {
  const value = Buffer.concat(values);
  return Buffer.concat([tagBytes(tag), lengthBytes(value.length), value]);
};

/** Null where the bytes are not a whole list of TLVs. */
export function parseTlvs(bytes: Uint8Array): Tlv[] | null {
  const list: Tlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    let tag = bytes[at++] ?? 0;
    if ((tag & 0x1f) === 0x1f) tag = (tag << 8) | (bytes[at++] ?? 0);
    const length = readLength(bytes, at);
    if (length === null || length.next + length.value > bytes.length) return null;
    list.push({ tag, value: bytes.subarray(length.next, length.next + length.value) });
    at = length.next + length.value;
  }
  return list;
}

/** The value of the first such tag at the top, null where there is none or the bytes are no TLVs. */
export const valueOf = (bytes: Uint8Array, tag: number): Uint8Array | null =>
  parseTlvs(bytes)?.find((entry) => entry.tag === tag)?.value ?? null;

function readLength(bytes: Uint8Array, at: number): { value: number; next: number } | null {
  const first = bytes[at];
  if (first === undefined) return null;
  if (first < 0x80) return { value: first, next: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 2 || at + count >= bytes.length) return null;
  let value = 0;
  for (let i = 1; i <= count; i += 1) value = (value << 8) | (bytes[at + i] ?? 0);
  return { value, next: at + 1 + count };
}

const tagBytes = (tag: number): Uint8Array => (tag > 0xff ? Uint8Array.of(tag >> 8, tag & 0xff) : Uint8Array.of(tag));

function lengthBytes(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length <= 0xff) return Uint8Array.of(0x81, length);
  return Uint8Array.of(0x82, length >> 8, length & 0xff);
}
