import { encode, rfc8949EncodeOptions } from 'cborg';
import { compareBytes } from './bytes.ts';

/** What a decoder hands out. Integers beyond 2^53 are bigint; a map with text keys is an object, one with integer keys a Map. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CborValue[]
  | { [key: string]: CborValue }
  | Map<number, CborValue>;

/** Deeper nesting is refused before anything recurses into it. */
const deepest = 16;

/**
 * Deterministic CBOR (RFC 8949 §4.2.1) of null, booleans, integers, text, bytes, arrays, objects and Maps with integer keys;
 * a member that is undefined is left out. Throws on anything else, floats and ill-formed text included: that is a bug of the caller.
 */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(encodable(value, 0), rfc8949EncodeOptions);
}

function encodable(value: unknown, depth: number): unknown {
  if (depth > deepest) throw new RangeError('nested too deeply for CBOR');
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`no safe integer: ${value}`);
    return Object.is(value, -0) ? 0 : value;
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no UTF-8');
    return value;
  }
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map((item) => encodable(item, depth + 1));
  if (value instanceof Map) {
    return new Map(Array.from(value as Map<unknown, unknown>, ([key, item]) => {
      if (!Number.isSafeInteger(key)) throw new TypeError('a Map has integer keys; for text keys take an object');
      return [key, encodable(item, depth + 1)];
    }));
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return new Map(entries.map(([key, item]) => [encodable(key, depth + 1), encodable(item, depth + 1)]));
  }
  throw new TypeError(`not encodable: ${typeof value}`);
}

/** undefined: these bytes are not the deterministic encoding of any value that `encodeCbor` takes. Never throws. */
export function decodeCbor(bytes: Uint8Array): CborValue | undefined {
  const reader: Reader = { bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 };
  try {
    const value = readValue(reader, 0);
    return reader.at === reader.bytes.length ? value : undefined;
  } catch (error) {
    if (error instanceof NotDeterministic) return undefined;
    throw error;
  }
}

/** Ends a decoding from whatever depth; never leaves this file. */
class NotDeterministic extends Error {}

interface Reader {
  bytes: Uint8Array;
  at: number;
}

/** A byte order mark is text like any other. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readValue(reader: Reader, depth: number): CborValue {
  if (depth > deepest) throw new NotDeterministic();
  const head = takeByte(reader);
  const [major, info] = [head >> 5, head & 31];
  if (major === 7) return readSimple(info);
  const argument = readArgument(reader, info);
  switch (major) {
    case 0:
      return argument;
    case 1:
      return negative(argument);
    case 2:
      // A copy: what is decoded outlives the buffer it came in.
      return take(reader, argument).slice();
    case 3:
      return readText(take(reader, argument));
    case 4:
      return readArray(reader, argument, depth);
    case 5:
      return readMap(reader, argument, depth);
    default:
      throw new NotDeterministic();
  }
}

function readText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new NotDeterministic();
  }
}

function readSimple(info: number): boolean | null {
  if (info === 20) return false;
  if (info === 21) return true;
  if (info === 22) return null;
  throw new NotDeterministic();
}

/** In the shortest of its five forms, or not at all. */
function readArgument(reader: Reader, info: number): number | bigint {
  if (info < 24) return info;
  if (info > 27) throw new NotDeterministic();
  if (info === 27) return readLongArgument(reader);
  const width = 1 << (info - 24);
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + takeByte(reader);
  if (value < (width === 1 ? 24 : 2 ** (4 * width))) throw new NotDeterministic();
  return value;
}

function readLongArgument(reader: Reader): number | bigint {
  const value = take(reader, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (value < 1n << 32n) throw new NotDeterministic();
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
  const value = -1n - BigInt(argument);
  return value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : value;
}

function readArray(reader: Reader, length: number | bigint, depth: number): CborValue[] {
  // An item takes a byte at least: a promised length is never believed further than that.
  if (length > reader.bytes.length - reader.at) throw new NotDeterministic();
  const items: CborValue[] = [];
  for (let i = 0; i < length; i++) items.push(readValue(reader, depth + 1));
  return items;
}

/** Keys in the order of their encodings (§4.2.1), each once, all text or all integers. */
function readMap(reader: Reader, length: number | bigint, depth: number): CborValue {
  const object: { [key: string]: CborValue } = {};
  const numbered = new Map<number, CborValue>();
  let last: Uint8Array | null = null;
  for (let i = 0; i < length; i++) {
    const start = reader.at;
    const key = readValue(reader, depth + 1);
    const encoded = reader.bytes.subarray(start, reader.at);
    if (last !== null && compareBytes(last, encoded) >= 0) throw new NotDeterministic();
    last = encoded;
    const value = readValue(reader, depth + 1);
    // As an object's member, `__proto__` would set the prototype.
    if (typeof key === 'string' && key !== '__proto__' && numbered.size === 0) object[key] = value;
    else if (typeof key === 'number' && numbered.size === i) numbered.set(key, value);
    else throw new NotDeterministic();
  }
  return numbered.size > 0 ? numbered : object;
}

function takeByte(reader: Reader): number {
  const byte = reader.bytes[reader.at];
  if (byte === undefined) throw new NotDeterministic();
  reader.at += 1;
  return byte;
}

function take(reader: Reader, length: number | bigint): Uint8Array {
  if (length > reader.bytes.length - reader.at) throw new NotDeterministic();
  const taken = reader.bytes.subarray(reader.at, reader.at + Number(length));
  reader.at += taken.length;
  return taken;
}
