import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { parseResponse } from '../cards/apdu.ts';
import { cardFailure } from './codes.ts';
import type { PcscCard } from './pcsc.ts';

/** SCARD_CTL_CODE(3400), PC/SC part 10 §2.2. */
const GET_FEATURE_REQUEST = 0x42000d48;
const FEATURE_VERIFY_PIN_DIRECT = 0x06;
const FEATURE_ENTRY_LENGTH = 6;
const SW_TIMED_OUT = 0x6400;
const SW_CANCELLED = 0x6401;
const SW_LENGTH = 0x6403;

/** What a PIN pad is told to make into a VERIFY of its own. */
export interface PinPadVerify {
  cla: number;
  ins: number;
  p1: number;
  p2: number;
  minLength: number;
  maxLength: number;
}

/** A reader that takes the PIN itself: it never reaches this computer. */
export interface PinPad {
  /** The card's status word. Cancelled or given up: `pin-pad-cancelled`; too short or too long: `pin-format`. */
  verify(command: PinPadVerify): Promise<Result<number>>;
}

/** The pad of the reader that holds the card; null where there is none, or where the reader answers nothing sensible. */
export async function findPinPad(card: PcscCard): Promise<PinPad | null> {
  const features = await card.control(GET_FEATURE_REQUEST, new Uint8Array());
  const code = features.ok ? featureCode(features.value, FEATURE_VERIFY_PIN_DIRECT) : null;
  return code === null ? null : { verify: (command) => verifyDirect(card, code, command) };
}

/** A feature's control code among the entries (tag, length 4, code in big endian) of PC/SC part 10 §2.2; null when it is not listed. */
export function featureCode(features: Uint8Array, feature: number): number | null {
  for (let at = 0; at + FEATURE_ENTRY_LENGTH <= features.length; at += FEATURE_ENTRY_LENGTH) {
    if (features[at] !== feature || features[at + 1] !== 4) continue;
    return new DataView(features.buffer, features.byteOffset + at + 2, 4).getUint32(0);
  }
  return null;
}

/** PIN_VERIFY_STRUCTURE, PC/SC part 10 §2.5.2, in host order (little endian): an ASCII PIN of any length, left-justified, ended by the OK key. */
export function verifyStructure(command: PinPadVerify): Uint8Array {
  const timeoutS = 30;
  const asciiLeftJustified = 0x82;
  const anyLength = 0x00;
  const endsByOkKey = 0x02;
  const chinese = 0x0804;
  const apdu = [command.cla, command.ins, command.p1, command.p2, 0x00];
  return Uint8Array.from([
    timeoutS,
    timeoutS,
    asciiLeftJustified,
    anyLength,
    0x00,
    ...[command.maxLength, command.minLength],
    endsByOkKey,
    0x01,
    ...[chinese & 0xff, chinese >> 8],
    0x00,
    ...[0x00, 0x00, 0x00],
    ...[apdu.length, 0x00, 0x00, 0x00],
    ...apdu,
  ]);
}

async function verifyDirect(card: PcscCard, code: number, command: PinPadVerify): Promise<Result<number>> {
  const answer = await card.control(code, verifyStructure(command));
  if (!answer.ok) return { ok: false, failure: cardFailure(answer.failure) };
  const response = parseResponse(answer.value);
  if (response === null) return fail('card-removed');
  if (response.sw === SW_TIMED_OUT || response.sw === SW_CANCELLED) return fail('pin-pad-cancelled');
  return response.sw === SW_LENGTH ? fail('pin-format') : ok(response.sw);
}
