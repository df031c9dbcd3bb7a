import { concatBytes, utf8 } from './bytes.ts';

/** Just what CometBFT's canonical encodings need of Protocol Buffers (gogoproto): scalars of value zero are left out. */

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const tag = (field: number, wireType: 0 | 1 | 2): Uint8Array => varint((field << 3) | wireType);

/** int64, uint32, enum. A negative value takes ten bytes. */
export const integerField = (field: number, value: number | bigint): Uint8Array =>
  BigInt(value) === 0n ? new Uint8Array() : concatBytes(tag(field, 0), varint(value));

export function sfixed64Field(field: number, value: number): Uint8Array {
  if (value === 0) return new Uint8Array();
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return concatBytes(tag(field, 1), bytes);
}

export const bytesField = (field: number, value: Uint8Array): Uint8Array => (value.length === 0 ? value : messageField(field, value));

export const textField = (field: number, value: string): Uint8Array => bytesField(field, utf8(value));

/** A message that is not nullable: written also when it is empty. */
export const messageField = (field: number, message: Uint8Array): Uint8Array => concatBytes(tag(field, 2), varint(message.length), message);
