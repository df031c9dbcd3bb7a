/** Operations (RFC 8011 §5.4.15), of those that are used here. */
export const ippOperations = { printJob: 0x0002, validateJob: 0x0004, createJob: 0x0005, sendDocument: 0x0006, cancelJob: 0x0008, getJobAttributes: 0x0009, getJobs: 0x000a, getPrinterAttributes: 0x000b, getPrinters: 0x4002 } as const;

/** Delimiters (RFC 8010 §3.5.1). */
const groupTags = { operation: 0x01, job: 0x02, end: 0x03, printer: 0x04 } as const;
const lastDelimiter = 0x0f;

/** Tags of values (RFC 8010 §3.5.2). */
export const ippTags = {
  integer: 0x21,
  boolean: 0x22,
  enum: 0x23,
  text: 0x41,
  name: 0x42,
  keyword: 0x44,
  uri: 0x45,
  charset: 0x47,
  naturalLanguage: 0x48,
  mimeMediaType: 0x49,
} as const;
type Tag = keyof typeof ippTags;

export type IppValue = number | boolean | string;
export interface IppAttribute {
  name: string;
  tag: Tag;
  values: readonly IppValue[];
}

/** A request, or an answer; `code` is the operation of the one, the status of the other. The document of a request comes after it. */
export interface IppMessage {
  code: number;
  requestId: number;
  /** Of the operation, and after it of a job or of printers: a group for each of them. */
  operation: readonly IppAttribute[];
  groups: readonly { of: 'job' | 'printer'; attributes: readonly IppAttribute[] }[];
}

/** What an answer says, by group and name. Values of kinds that nobody here asks for are left out. */
export interface IppAnswer {
  code: number;
  requestId: number;
  groups: { of: number; attributes: Map<string, IppValue[]> }[];
  /** Bytes behind the attributes: a request's document. */
  rest: Uint8Array;
}

const text = new TextEncoder();

/** RFC 8010 §3.1, version 2.0. */
export function encodeIpp({ code, requestId, operation, groups }: IppMessage): Uint8Array {
  const bytes: number[] = [2, 0, code >> 8, code & 0xff, ...number32(requestId)];
  const all = [{ tag: groupTags.operation, attributes: operation }, ...groups.map(({ of, attributes }) => ({ tag: groupTags[of], attributes }))];
  for (const { tag, attributes } of all) {
    bytes.push(tag);
    for (const attribute of attributes) bytes.push(...encodeAttribute(attribute));
  }
  return Uint8Array.from([...bytes, groupTags.end]);
}

/** The values after the first have no name. */
const encodeAttribute = ({ name, tag, values }: IppAttribute): number[] =>
  values.flatMap((value, at) => {
    const encoded = encodeValue(value);
    return [ippTags[tag], ...counted(text.encode(at === 0 ? name : '')), ...counted(encoded)];
  });

function encodeValue(value: IppValue): Uint8Array {
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  return typeof value === 'number' ? Uint8Array.from(number32(value)) : text.encode(value);
}

const counted = (bytes: Uint8Array): number[] => [bytes.length >> 8, bytes.length & 0xff, ...bytes];
const number32 = (value: number): number[] => [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** null: no message of IPP, or one that breaks off. */
export function decodeIpp(bytes: Uint8Array): IppAnswer | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 9) return null;
  const answer: IppAnswer = { code: view.getUint16(2), requestId: view.getInt32(4), groups: [], rest: new Uint8Array(0) };
  let at = 8;
  let values: IppValue[] = [];
  while (at < bytes.length) {
    const tag = view.getUint8(at);
    at += 1;
    if (tag === groupTags.end) return { ...answer, rest: bytes.subarray(at) };
    if (tag <= lastDelimiter) {
      answer.groups.push({ of: tag, attributes: new Map() });
      // A further value is one of its own group's last attribute (RFC 8010 §3.1.5).
      values = [];
      continue;
    }
    const name = take(view, at);
    const value = name === null ? null : take(view, at + 2 + name.length);
    const group = answer.groups.at(-1);
    if (name === null || value === null || group === undefined) return null;
    at += 4 + name.length + value.length;
    if (name.length > 0) {
      values = [];
      group.attributes.set(new TextDecoder().decode(name), values);
    }
    const decoded = decodeValue(tag, value);
    if (decoded !== undefined) values.push(decoded);
  }
  return null;
}

/** Two bytes of length, and so many bytes. */
function take(view: DataView, at: number): Uint8Array | null {
  if (at + 2 > view.byteLength) return null;
  const length = view.getUint16(at);
  return at + 2 + length > view.byteLength ? null : new Uint8Array(view.buffer, view.byteOffset + at + 2, length);
}

function decodeValue(tag: number, value: Uint8Array): IppValue | undefined {
  switch (tag) {
    case ippTags.integer:
    case ippTags.enum:
      return value.length === 4 ? new DataView(value.buffer, value.byteOffset, 4).getInt32(0) : undefined;
    case ippTags.boolean:
      return value.length === 1 ? value[0] === 1 : undefined;
  }
  return tag >= ippTags.text && tag <= ippTags.mimeMediaType ? new TextDecoder().decode(value) : undefined;
}

/** Statuses from here on are refusals (RFC 8011 §4.1.6, appendix B). */
const firstError = 0x0400;
export const ippNotFound = 0x0406;
export const isIppError = (code: number): boolean => code >= firstError;
export const ippGroup = groupTags;
