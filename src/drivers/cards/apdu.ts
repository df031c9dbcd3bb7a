import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';

export interface CommandApdu {
  cla: number;
  ins: number;
  p1: number;
  p2: number;
  data?: Uint8Array;
  /** Le as in ISO 7816-4 §5.1: 0 means 256, or 65 536 in extended form; absent when no data is expected. */
  le?: number;
}

export interface ResponseApdu {
  data: Uint8Array;
  /** SW1 and SW2 as one number, 0x9000. */
  sw: number;
}

/** What carries one APDU to the card and its answer back. Its failures are those of reader and card, never a status word. */
export interface ApduTransport {
  /** T=0 has no Le beside data; the card then offers its answer with 61xx. */
  readonly protocol: 't0' | 't1';
  transmit(command: Uint8Array): Promise<Result<Uint8Array>>;
}

/** What the card says it takes. Until it has said so, only short APDUs are sent. */
export interface ApduLimits {
  chaining: boolean;
  extended: boolean;
  /** Longest whole command in extended form, bytes. */
  longestCommand: number;
}

export const shortOnly: ApduLimits = { chaining: false, extended: false, longestCommand: 261 };

export const SW_OK = 0x9000;
const SHORT_DATA = 255;
const CLA_CHAIN = 0x10;
const INS_GET_RESPONSE = 0xc0;
/** One answer in pieces of 256; a card that goes on longer is broken. */
const LONGEST_ANSWER = 65_536;

/** Short form up to 255 bytes of data and Le up to 256, ISO 7816-4 §5.1 cases 1 to 4. */
export function encodeShort(command: CommandApdu): Uint8Array {
  const { data = new Uint8Array(), le } = command;
  if (data.length > SHORT_DATA) throw new RangeError(`${data.length} bytes do not fit a short APDU`);
  return assemble(command, data.length === 0 ? [] : [data.length], le === undefined ? [] : [le]);
}

/** Extended form: 00 before the first length, two bytes each, ISO 7816-4 §5.1. */
export function encodeExtended(command: CommandApdu): Uint8Array {
  const { data = new Uint8Array(), le } = command;
  if (data.length > 0xffff) throw new RangeError(`${data.length} bytes do not fit an APDU`);
  const leBytes = le === undefined ? [] : [...(data.length > 0 ? [] : [0]), le >> 8, le & 0xff];
  return assemble(command, data.length === 0 ? [] : [0, data.length >> 8, data.length & 0xff], leBytes);
}

/** Written in place, so that no other copy of a PIN comes to be. */
function assemble(command: CommandApdu, lc: number[], le: number[]): Uint8Array {
  const before = [command.cla, command.ins, command.p1, command.p2, ...lc];
  for (const byte of [...before, ...le]) if (!Number.isInteger(byte) || byte < 0 || byte > 0xff) throw new RangeError(`${byte} is no byte`);
  const data = command.data ?? new Uint8Array();
  const bytes = new Uint8Array(before.length + data.length + le.length);
  bytes.set(before);
  bytes.set(data, before.length);
  bytes.set(le, before.length + data.length);
  return bytes;
}

/** Null when there is no status word: the card went away in the middle (hardware.md A4). */
export function parseResponse(bytes: Uint8Array): ResponseApdu | null {
  const [sw1, sw2] = [bytes.at(-2), bytes.at(-1)];
  if (sw1 === undefined || sw2 === undefined) return null;
  return { data: bytes.subarray(0, -2), sw: sw1 * 256 + sw2 };
}

/** `6a82`, for a failure's detail. */
export function swText(sw: number): string {
  return sw.toString(16).padStart(4, '0');
}

/**
 * One command and its whole answer: data that is too long goes in a chain or in extended form, an answer in pieces is fetched (61xx), a wrong
 * Le is corrected once (6Cxx). An answer without a status word is `card-removed`; data that the card cannot take is `card-unsupported`.
 */
export async function exchange(transport: ApduTransport, command: CommandApdu, limits: ApduLimits): Promise<Result<ResponseApdu>> {
  const parts = split(command, limits, transport.protocol);
  if (!parts.ok) return parts;
  let answer: ResponseApdu = { data: new Uint8Array(), sw: SW_OK };
  for (const part of parts.value) {
    if (answer.sw !== SW_OK) break;
    const sent = await sendPart(transport, part);
    if (!sent.ok) return sent;
    answer = sent.value;
  }
  return collect(transport, command.cla, answer);
}

interface Part {
  command: CommandApdu;
  form: 'short' | 'extended';
}

function split(command: CommandApdu, limits: ApduLimits, protocol: 't0' | 't1'): Result<Part[]> {
  const { data = new Uint8Array(), le, ...head } = command;
  const lastLe = protocol === 't0' && data.length > 0 ? undefined : le;
  if (data.length <= SHORT_DATA) return ok([{ command: { ...head, data, le: lastLe }, form: 'short' }]);
  if (limits.chaining) {
    const parts: Part[] = [];
    for (let at = 0; at < data.length; at += SHORT_DATA) {
      const piece = data.subarray(at, at + SHORT_DATA);
      const isLast = at + SHORT_DATA >= data.length;
      parts.push({ command: isLast ? { ...head, data: piece, le: lastLe } : { ...head, cla: head.cla | CLA_CHAIN, data: piece }, form: 'short' });
    }
    return ok(parts);
  }
  if (limits.extended && protocol === 't1' && encodeExtended(command).length <= limits.longestCommand) return ok([{ command, form: 'extended' }]);
  return fail('card-unsupported', `command of ${data.length} bytes`);
}

async function sendPart(transport: ApduTransport, part: Part): Promise<Result<ResponseApdu>> {
  const answer = await send(transport, part.form === 'short' ? encodeShort(part.command) : encodeExtended(part.command));
  const wantsOtherLe = answer.ok && answer.value.sw >> 8 === 0x6c && part.form === 'short';
  return wantsOtherLe ? send(transport, encodeShort({ ...part.command, le: answer.value.sw & 0xff })) : answer;
}

async function collect(transport: ApduTransport, cla: number, first: ResponseApdu): Promise<Result<ResponseApdu>> {
  const pieces = [first.data];
  let [length, sw] = [first.data.length, first.sw];
  while (sw >> 8 === 0x61) {
    const more = await send(transport, encodeShort({ cla, ins: INS_GET_RESPONSE, p1: 0, p2: 0, le: sw & 0xff }));
    if (!more.ok) return more;
    const stalls = more.value.data.length === 0 && more.value.sw >> 8 === 0x61;
    length += more.value.data.length;
    if (stalls || length > LONGEST_ANSWER) return fail('card-error', 'endless answer');
    pieces.push(more.value.data);
    sw = more.value.sw;
  }
  return ok({ data: pieces.length === 1 ? first.data : new Uint8Array(Buffer.concat(pieces)), sw });
}

/** Overwrites what it sent, since it may have been a PIN. */
async function send(transport: ApduTransport, bytes: Uint8Array): Promise<Result<ResponseApdu>> {
  try {
    const answer = await transport.transmit(bytes);
    if (!answer.ok) return answer;
    const response = parseResponse(answer.value);
    return response === null ? fail('card-removed') : ok(response);
  } finally {
    bytes.fill(0);
  }
}
