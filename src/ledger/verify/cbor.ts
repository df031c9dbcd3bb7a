import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import { equalBytes } from './bytes.ts';

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
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (nestsTooDeeply(plain)) return undefined;
    const value = checked(
      decode(plain, {
        strict: true,
        useMaps: true,
        rejectDuplicateMapKeys: true,
        allowIndefinite: false,
        allowUndefined: false,
        allowInfinity: false,
        allowNaN: false,
        allowBigInt: true,
      }),
    );
    // Order of keys, shortest forms of everything and well-formed UTF-8, in one comparison.
    return equalBytes(encodeCbor(value), plain) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Walks heads only, so that hostile nesting costs no stack. Assumes definite lengths; anything else is refused by the decoder. */
function nestsTooDeeply(bytes: Uint8Array): boolean {
  const open: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = bytes[at] ?? 0;
    const major = head >> 5;
    const info = head & 31;
    const width = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : 0;
    let argument = info < 24 ? info : 0;
    for (let i = 1; i <= width; i++) argument = argument * 256 + (bytes[at + i] ?? 0);
    at += 1 + width;
    if (major === 2 || major === 3) at += argument;
    const items = major === 4 ? argument : major === 5 ? 2 * argument : major === 6 ? 1 : 0;
    if (items > 0) {
      open.push(items);
      if (open.length > deepest) return true;
      continue;
    }
    while (open.length > 0) {
      const left = (open.pop() ?? 0) - 1;
      if (left > 0) {
        open.push(left);
        break;
      }
    }
  }
  return false;
}

function checked(value: unknown): CborValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint') return value;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError('a float');
    return value;
  }
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(checked);
  if (value instanceof Map) {
    const entries = Array.from(value as Map<unknown, unknown>, ([key, item]) => [key, checked(item)] as const);
    if (entries.length > 0 && entries.every(([key]) => Number.isSafeInteger(key))) return new Map(entries as [number, CborValue][]);
    const object: { [key: string]: CborValue } = {};
    for (const [key, item] of entries) {
      // As an object's member it would set the prototype.
      if (typeof key !== 'string' || key === '__proto__') throw new TypeError('keys are text');
      object[key] = item;
    }
    return object;
  }
  throw new TypeError('a type we do not use');
}
