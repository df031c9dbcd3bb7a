import { fromBase64, toBase64 } from '../ledger/verify/bytes.ts';

/** Of RFC 9651 what message signatures and digests need: dictionaries of inner lists with parameters, and of byte sequences. */
export type BareItem = string | number | Uint8Array;

export interface InnerList {
  /** Names of components, without parameters of their own: none is understood here. */
  items: string[];
  params: [name: string, value: BareItem][];
}

const longestField = 4096;
const mostMembers = 8;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): string | null {
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }

  get ended(): boolean {
    return this.#at === this.#text.length;
  }
}

const key = /[a-z*][a-z0-9_.*-]{0,63}/;

function readString(reader: Reader): string | null {
  const quoted = reader.take(/"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/);
  return quoted === null ? null : quoted.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
}

function readBareItem(reader: Reader): BareItem | null {
  const text = readString(reader);
  if (text !== null) return text;
  const bytes = reader.take(/:[A-Za-z0-9+/=]*:/);
  if (bytes !== null) return fromBase64(bytes.slice(1, -1)) ?? null;
  const integer = reader.take(/-?[0-9]{1,15}/);
  return integer === null ? null : Number(integer);
}

function readInnerList(reader: Reader): InnerList | null {
  if (reader.take(/\(/) === null) return null;
  const items: string[] = [];
  reader.take(/ */);
  while (reader.take(/\)/) === null) {
    const item = readString(reader);
    if (item === null || items.includes(item)) return null;
    items.push(item);
    if (reader.take(/ +/) === null && reader.take(/(?=\))/) === null) return null;
  }
  const params: InnerList['params'] = [];
  while (reader.take(/; */) !== null) {
    const name = reader.take(key);
    if (name === null || params.some(([known]) => known === name)) return null;
    const value = reader.take(/=/) === null ? null : readBareItem(reader);
    if (value === null) return null;
    params.push([name, value]);
  }
  return { items, params };
}

function readDictionary<T>(text: string, readValue: (reader: Reader) => T | null): Map<string, T> | null {
  if (text.length > longestField) return null;
  const reader = new Reader(text.trim());
  const members = new Map<string, T>();
  do {
    const name = reader.take(key);
    const value = name === null || reader.take(/=/) === null ? null : readValue(reader);
    if (name === null || value === null || members.has(name) || members.size === mostMembers) return null;
    members.set(name, value);
  } while (reader.take(/[ \t]*,[ \t]*/) !== null);
  return reader.ended ? members : null;
}

/** null: not of this form, a member twice, or longer than anybody needs. */
export const readInnerLists = (text: string): Map<string, InnerList> | null => readDictionary(text, readInnerList);

export const readByteSequences = (text: string): Map<string, Uint8Array> | null =>
  readDictionary(text, (reader) => {
    const value = readBareItem(reader);
    return value instanceof Uint8Array ? value : null;
  });

const writeString = (text: string): string => `"${text.replaceAll(/(["\\])/g, '\\$1')}"`;

export const writeByteSequence = (bytes: Uint8Array): string => `:${toBase64(bytes)}:`;

function writeBareItem(item: BareItem): string {
  if (typeof item === 'string') return writeString(item);
  return typeof item === 'number' ? String(item) : writeByteSequence(item);
}

/** Strictly as RFC 9651 §4.1 serializes it: what stands in the signature base. */
export const writeInnerList = ({ items, params }: InnerList): string =>
  `(${items.map(writeString).join(' ')})${params.map(([name, value]) => `;${name}=${writeBareItem(value)}`).join('')}`;
