/** A command APDU, ISO 7816-4 §5.1. */
export interface Apdu {
  cla: number;
  ins: number;
  p1: number;
  p2: number;
  data: Uint8Array;
  /** How many bytes the host takes, already as a number: 256 or 65 536 for the field's zero. Null: no Le field. */
  le: number | null;
}

/** Null where Lc and the length do not fit each other. */
export function parseApdu(bytes: Uint8Array): Apdu | null {
  const [cla, ins, p1, p2] = bytes;
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) return null;
  const apdu = (data: Uint8Array, le: number | null): Apdu => ({ cla, ins, p1, p2, data, le });
  const body = bytes.subarray(4);
  const none = new Uint8Array(0);
  if (body.length === 0) return apdu(none, null);
  if (body.length === 1) return apdu(none, shortLe(body[0] ?? 0));

  const isExtended = body[0] === 0 && body.length >= 3;
  const lengthSize = isExtended ? 3 : 1;
  const lc = isExtended ? word(body, 1) : (body[0] ?? 0);
  if (isExtended && body.length === 3) return apdu(none, extendedLe(lc));
  if (lc === 0) return null;
  const data = body.subarray(lengthSize, lengthSize + lc);
  if (data.length !== lc) return null;
  const rest = body.subarray(lengthSize + lc);
  if (rest.length === 0) return apdu(data, null);
  if (rest.length === 1 && !isExtended) return apdu(data, shortLe(rest[0] ?? 0));
  if (rest.length === 2 && isExtended) return apdu(data, extendedLe(word(rest, 0)));
  return null;
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
const shortLe = (field: number): number => (field === 0 ? 256 : field);
const extendedLe = (field: number): number => (field === 0 ? 65_536 : field);
