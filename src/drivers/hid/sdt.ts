import { fail } from '../../contract/result.ts';
import type { Failure } from '../../contract/result.ts';

/** Commands of a SAM-V module (GA 467), CMD and PARA. */
export const sdtCommands = {
  reset: [0x10, 0xff],
  status: [0x11, 0xff],
  samId: [0x12, 0xff],
  find: [0x20, 0x01],
  select: [0x20, 0x02],
  /** Text and photo. */
  read: [0x30, 0x01],
} as const;
export type SdtCommand = keyof typeof sdtCommands;

/** What the module answers: three status bytes, of which the third says how it went, and data. */
export interface SdtAnswer {
  sw: readonly [number, number, number];
  data: Uint8Array;
}

/** A frame, or why something that began like one is none. */
export type SdtEvent = { answer: SdtAnswer } | { broken: 'length' | 'checksum' };

const HEAD = Uint8Array.of(0xaa, 0xaa, 0xaa, 0x96, 0x69);
const LENGTH_BYTES = 2;
/** SW1 to SW3 and the checksum. */
const SHORTEST = 4;
/** Text, photo and two fingerprints with their lengths are 2 316; more is noise that looked like a head. */
const LONGEST = 4_096;

const OK = 0x90;
const CARD_FOUND = 0x9f;
const FIND_FAILED = 0x80;
const SELECT_FAILED = 0x81;

/** `AA AA AA 96 69 | length | CMD PARA | checksum`: the length counts all that follows it, the checksum is the XOR of length, CMD and PARA. */
export function encodeSdtCommand(command: SdtCommand): Uint8Array {
  return sdtFrame(Uint8Array.from(sdtCommands[command]));
}

/** Of either direction: head, length, content and checksum. */
export function sdtFrame(content: Uint8Array): Uint8Array {
  const length = content.length + 1;
  const counted = Uint8Array.of(length >> 8, length & 0xff, ...content);
  return Uint8Array.of(...HEAD, ...counted, xorOf(counted));
}

/**
 * Puts answers together from a stream of bytes in whatever pieces they come, with whatever lies between them. A frame that turns out broken is
 * searched from behind its head on, so that a whole one inside it is not lost.
 */
export class SdtStream {
  #held = new Uint8Array(0);

  push(bytes: Uint8Array): SdtEvent[] {
    let rest = joined(this.#held, bytes);
    const events: SdtEvent[] = [];
    for (;;) {
      rest = rest.subarray(headAt(rest));
      const length = lengthOf(rest);
      if (length === null) break;
      if (length < SHORTEST || length > LONGEST) {
        events.push({ broken: 'length' });
        rest = rest.subarray(1);
        continue;
      }
      const end = HEAD.length + LENGTH_BYTES + length;
      if (rest.length < end) break;
      const counted = rest.subarray(HEAD.length, end);
      const isWhole = xorOf(counted) === 0;
      if (isWhole) events.push({ answer: answerOf(counted.slice(LENGTH_BYTES, -1)) });
      else events.push({ broken: 'checksum' });
      rest = rest.subarray(isWhole ? end : 1);
    }
    this.#held = rest.slice();
    return events;
  }

  /** Whether a frame has begun that has not ended. */
  get isInside(): boolean {
    return this.#held.length >= HEAD.length;
  }

  /** Forgets what came before: a new command is about to be sent. */
  clear(): void {
    this.#held = new Uint8Array(0);
  }
}

/**
 * Whether an answer can be one to this command. Answers do not name their command, and one that comes late must not be taken for the next one's:
 * `9F` is for find alone, `80` and `81` say which of the two failed, and a card's text has a length that nothing else has.
 */
export function fitsCommand(command: SdtCommand, { sw, data }: SdtAnswer): boolean {
  const [, , sw3] = sw;
  switch (command) {
    case 'find':
      return sw3 !== OK && sw3 !== SELECT_FAILED;
    case 'select':
      return sw3 === OK ? data.length === 8 : sw3 !== CARD_FOUND && sw3 !== FIND_FAILED;
    case 'read':
      return sw3 === OK ? data.length > 8 : sw3 !== CARD_FOUND && sw3 !== FIND_FAILED && sw3 !== SELECT_FAILED;
    case 'status':
    case 'reset':
      return sw3 === OK ? data.length === 0 : sw3 !== CARD_FOUND && sw3 !== FIND_FAILED && sw3 !== SELECT_FAILED;
    case 'samId':
      return sw3 === OK ? data.length === 16 : sw3 !== CARD_FOUND && sw3 !== FIND_FAILED && sw3 !== SELECT_FAILED;
  }
}

/** Every status that a SAM-V module is known to give instead of success. `31` to `33` are said between card and module, `10` to `24` between module and kiosk. */
export const sdtStatuses = {
  0x10: 'device-fault',
  0x11: 'device-fault',
  0x21: 'device-fault',
  0x23: 'device-fault',
  0x24: 'device-fault',
  0x31: 'identity-card-refused',
  0x32: 'identity-card-refused',
  0x33: 'identity-card-refused',
  0x40: 'identity-card-unknown',
  0x41: 'identity-card-unreadable',
  0x47: 'identity-reader-broken',
  0x60: 'identity-reader-broken',
  0x66: 'identity-reader-unauthorised',
  0x80: 'identity-card-missing',
  0x81: 'identity-card-unselected',
  0x91: 'identity-card-unreadable',
} as const;

/** Null where the answer says success. Its detail is the status in two hexadecimal digits. */
export function sdtFailure({ sw }: SdtAnswer): Failure | null {
  const [, , sw3] = sw;
  if (sw3 === OK || sw3 === CARD_FOUND) return null;
  const code = (sdtStatuses as Readonly<Record<number, (typeof sdtStatuses)[keyof typeof sdtStatuses] | undefined>>)[sw3];
  return fail(code ?? 'device-fault', sw3.toString(16).padStart(2, '0')).failure;
}

/** The text (256 bytes) in the answer to read, which two lengths of two bytes and perhaps a third for fingerprints come before. Null where they do not add up. */
export function textOfRead(data: Uint8Array): Uint8Array | null {
  if (data.length < 4) return null;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const text = view.getUint16(0);
  const photo = view.getUint16(2);
  const rest = data.length - text - photo;
  const start = rest === 4 ? 4 : 6;
  if (rest !== 4 && (rest < 6 || rest !== 6 + view.getUint16(4))) return null;
  return text === 256 ? data.slice(start, start + text) : null;
}

function answerOf(content: Uint8Array): SdtAnswer {
  const [sw1 = 0, sw2 = 0, sw3 = 0] = content;
  return { sw: [sw1, sw2, sw3], data: content.subarray(3) };
}

/** Where the head begins, whole or cut off by the end; the length of `bytes` where there is none. */
function headAt(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) {
    const part = bytes.subarray(at, at + HEAD.length);
    if (part.every((byte, i) => byte === HEAD[i])) return at;
  }
  return bytes.length;
}

function lengthOf(bytes: Uint8Array): number | null {
  const high = bytes[HEAD.length];
  const low = bytes[HEAD.length + 1];
  return high === undefined || low === undefined ? null : high * 256 + low;
}

function xorOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
