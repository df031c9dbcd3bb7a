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
  // One buffer for all; whoever is called in the middle of another's writing goes on behind it.
  const start = shared.at;
  try {
    writeValue(shared, value, 0);
    return shared.bytes.slice(start, shared.at);
  } finally {
    shared.at = start;
  }
}

interface Writer {
  bytes: Uint8Array;
  at: number;
}

const shared: Writer = { bytes: new Uint8Array(4096), at: 0 };

function writeValue(writer: Writer, value: unknown, depth: number): void {
  if (depth > deepest) throw new RangeError('nested too deeply for CBOR');
  if (value === null) writeByte(writer, 0xf6);
  else if (typeof value === 'boolean') writeByte(writer, value ? 0xf5 : 0xf4);
  else if (typeof value === 'number') writeInteger(writer, value);
  else if (typeof value === 'bigint') writeBigInteger(writer, value);
  else if (typeof value === 'string') writeText(writer, value);
  else if (value instanceof Uint8Array) writeBytes(writer, 2, value);
  else if (Array.isArray(value)) {
    writeHead(writer, 4, value.length);
    for (const item of value) writeValue(writer, item, depth + 1);
  } else if (value instanceof Map) writeNumbered(writer, value, depth);
  else if (typeof value === 'object') writeObject(writer, value, depth);
  else throw new TypeError(`not encodable: ${typeof value}`);
}

function writeObject(writer: Writer, object: object, depth: number): void {
  const members = orderedMembers(object as { readonly [name: string]: unknown });
  writeHead(writer, 5, members.length);
  for (const { name, key } of members) {
    writeRaw(writer, key);
    writeValue(writer, (object as { readonly [name: string]: unknown })[name], depth + 1);
  }
}

interface Member {
  name: string;
  /** Its encoding. */
  key: Uint8Array;
}

/** Objects come in few shapes, each with its members in one order or a few: what was sorted once is found again by the names as they come. */
interface Shape {
  next: Map<string, Shape>;
  /** In the order of their encodings. */
  members: Member[] | null;
}

const noMembers: Shape = { next: new Map(), members: [] };
let shapes = 0;
const mostShapes = 4096;

function orderedMembers(object: { readonly [name: string]: unknown }): readonly Member[] {
  let shape = noMembers;
  const names = Object.keys(object);
  for (const name of names) {
    if (object[name] === undefined) continue;
    let next = shape.next.get(name);
    if (next === undefined) {
      if (shapes >= mostShapes) return sortedMembers(names.filter((one) => object[one] !== undefined));
      next = { next: new Map(), members: null };
      shape.next.set(name, next);
      shapes += 1;
    }
    shape = next;
  }
  return (shape.members ??= sortedMembers(names.filter((one) => object[one] !== undefined)));
}

const sortedMembers = (names: readonly string[]): Member[] =>
  names.map((name) => ({ name, key: encodeCbor(name) })).sort((one, other) => compareBytes(one.key, other.key));

function writeNumbered(writer: Writer, map: ReadonlyMap<unknown, unknown>, depth: number): void {
  const members = Array.from(map, ([key, value]) => {
    if (!Number.isSafeInteger(key)) throw new TypeError('a Map has integer keys; for text keys take an object');
    return { key: encodeCbor(key), value };
  });
  members.sort((one, other) => compareBytes(one.key, other.key));
  writeHead(writer, 5, members.length);
  for (const { key, value } of members) {
    writeRaw(writer, key);
    writeValue(writer, value, depth + 1);
  }
}

function writeInteger(writer: Writer, value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`no safe integer: ${value}`);
  if (value >= 0) writeHead(writer, 0, value);
  else writeHead(writer, 1, -1 - value);
}

function writeBigInteger(writer: Writer, value: bigint): void {
  const argument = value < 0n ? -1n - value : value;
  if (argument >= 1n << 64n) throw new RangeError(`beyond 64 bits: ${value}`);
  const major = value < 0n ? 1 : 0;
  if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
    writeHead(writer, major, Number(argument));
    return;
  }
  writeByte(writer, (major << 5) | 27);
  reserve(writer, 8);
  new DataView(writer.bytes.buffer).setBigUint64(writer.at, argument);
  writer.at += 8;
}

const utf8Encoder = new TextEncoder();
/** Below it, letter by letter is faster than asking the encoder. */
const shortText = 64;

function writeText(writer: Writer, text: string): void {
  if (text.length < shortText) {
    const start = writer.at;
    writeHead(writer, 3, text.length);
    reserve(writer, text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        writer.at = start;
        break;
      }
      writer.bytes[writer.at++] = code;
    }
    if (writer.at > start) return;
  }
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate has no UTF-8');
  writeBytes(writer, 3, utf8Encoder.encode(text));
}

function writeBytes(writer: Writer, major: 2 | 3, bytes: Uint8Array): void {
  writeHead(writer, major, bytes.length);
  writeRaw(writer, bytes);
}

function writeRaw(writer: Writer, bytes: Uint8Array): void {
  reserve(writer, bytes.length);
  writer.bytes.set(bytes, writer.at);
  writer.at += bytes.length;
}

/** The argument in the shortest of its five forms; at most 2^53 − 1. */
function writeHead(writer: Writer, major: number, argument: number): void {
  const first = major << 5;
  if (argument < 24) {
    writeByte(writer, first | argument);
    return;
  }
  if (argument < 0x100) {
    writeByte(writer, first | 24);
    writeByte(writer, argument);
    return;
  }
  const width = argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8;
  writeByte(writer, first | (24 + Math.log2(width)));
  reserve(writer, width);
  let rest = argument;
  for (let i = width - 1; i >= 0; i--) {
    writer.bytes[writer.at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  writer.at += width;
}

function writeByte(writer: Writer, byte: number): void {
  reserve(writer, 1);
  writer.bytes[writer.at++] = byte;
}

function reserve(writer: Writer, count: number): void {
  if (writer.at + count <= writer.bytes.length) return;
  const wider = new Uint8Array(Math.max(2 * writer.bytes.length, writer.at + count));
  wider.set(writer.bytes.subarray(0, writer.at));
  writer.bytes = wider;
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
      return takeBytes(reader, argument);
    case 3:
      return readText(reader, argument);
    case 4:
      return readArray(reader, argument, depth);
    case 5:
      return readMap(reader, argument, depth);
    default:
      throw new NotDeterministic();
  }
}

function readText(reader: Reader, length: number | bigint): string {
  const { bytes, at } = reader;
  if (length < shortText && Number(length) <= bytes.length - at) {
    const ascii = readAscii(bytes, at, at + Number(length));
    if (ascii !== undefined) {
      reader.at += Number(length);
      return ascii;
    }
  }
  try {
    return strictUtf8.decode(take(reader, length));
  } catch (error) {
    if (error instanceof NotDeterministic) throw error;
    throw new NotDeterministic();
  }
}

/** undefined: there is more than ASCII in it. */
function readAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = '';
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Names of members come again and again: by a sum over the letters, the one that was read last. Never a value, which may be somebody's. */
const recentNames: (string | undefined)[] = Array.from({ length: 512 });

/** A key of a map. */
function readKey(reader: Reader, depth: number): CborValue {
  const { bytes, at } = reader;
  const head = bytes[at] ?? 0;
  const end = at + 1 + (head & 31);
  if (head >> 5 !== 3 || (head & 31) > 23 || end > bytes.length) return readValue(reader, depth);
  let sum = head;
  for (let i = at + 1; i < end; i++) sum = (Math.imul(sum, 31) + (bytes[i] ?? 0)) | 0;
  const place = (sum ^ (sum >>> 9)) & 511;
  const recent = recentNames[place];
  if (recent !== undefined && isText(recent, bytes, at + 1, end)) {
    reader.at = end;
    return recent;
  }
  const key = readValue(reader, depth);
  if (typeof key === 'string' && key.length === end - at - 1) recentNames[place] = key;
  return key;
}

function isText(text: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
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
  // Where the key before this one stands.
  let [from, to] = [0, 0];
  for (let i = 0; i < length; i++) {
    const start = reader.at;
    const key = readKey(reader, depth + 1);
    if (i > 0 && !isBefore(reader.bytes, from, to, start, reader.at)) throw new NotDeterministic();
    from = start;
    to = reader.at;
    const value = readValue(reader, depth + 1);
    // As an object's member, `__proto__` would set the prototype.
    if (typeof key === 'string' && key !== '__proto__' && numbered.size === 0) object[key] = value;
    else if (typeof key === 'number' && numbered.size === i) numbered.set(key, value);
    else throw new NotDeterministic();
  }
  return numbered.size > 0 ? numbered : object;
}

/** Of two encodings of keys in the same bytes: byte-wise, none of them is another's beginning. */
function isBefore(bytes: Uint8Array, from: number, to: number, otherFrom: number, otherTo: number): boolean {
  for (let i = 0; from + i < to && otherFrom + i < otherTo; i++) {
    const [one, other] = [bytes[from + i] ?? 0, bytes[otherFrom + i] ?? 0];
    if (one !== other) return one < other;
  }
  return false;
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

/** A copy: what is decoded outlives the buffer it came in. */
function takeBytes(reader: Reader, length: number | bigint): Uint8Array {
  if (length > reader.bytes.length - reader.at) throw new NotDeterministic();
  const from = reader.at;
  reader.at += Number(length);
  return reader.bytes.slice(from, reader.at);
}
