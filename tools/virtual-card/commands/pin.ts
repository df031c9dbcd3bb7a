import { timingSafeEqual } from 'node:crypto';
import { answer, type Answer, type Card } from '../card.ts';
import { maxTries, type PinState } from '../card-state.ts';
import type { Command, PinPurpose } from '../command.ts';
import { longestPin } from '../data-objects.ts';
import { sw } from '../status-word.ts';

/** How long a new PIN may be in bytes, §4.3.1. */
export const newPinLength = {
  pw1: (length: number): boolean => length >= 6 && length <= longestPin,
  pw3: (length: number): boolean => length >= 8 && length <= longestPin,
  resetCode: (length: number): boolean => length >= 8 && length <= longestPin,
} as const;

const pinOf = ({ state }: Card, purpose: PinPurpose): PinState => (purpose === 'admin' ? state.pw3 : state.pw1);

export function verify(card: Card, { purpose, pin }: Extract<Command, { kind: 'verify' }>): Answer {
  card.session.verified[purpose] = false;
  const status = tryPin(card, pinOf(card, purpose), pin);
  card.session.verified[purpose] = status === sw.ok;
  return answer(status);
}

/** VERIFY without data: 9000 or the tries left, and no try is spent. */
export function askVerified(card: Card, { purpose }: Extract<Command, { kind: 'ask-verified' }>): Answer {
  if (card.session.verified[purpose]) return answer(sw.ok);
  const { triesLeft } = pinOf(card, purpose);
  return answer(triesLeft === 0 && card.state.style.wrongPin === '6982' ? sw.pinBlocked : sw.triesLeft(triesLeft));
}

export function forgetVerified(card: Card, { purpose }: Extract<Command, { kind: 'forget-verified' }>): Answer {
  card.session.verified[purpose] = false;
  return answer(sw.ok);
}

/** The card knows how long the old one is; what follows is the new one (§7.2.3). Whatever was verified with the old one ends. */
export function changePin(card: Card, { which, oldAndNew }: Extract<Command, { kind: 'change-pin' }>): Answer {
  const pin = card.state[which];
  const oldLength = pin.value.length / 2;
  const status = tryPin(card, pin, oldAndNew.subarray(0, oldLength));
  if (status !== sw.ok) return answer(status);
  const wanted = oldAndNew.subarray(oldLength);
  if (!newPinLength[which](wanted.length)) return answer(sw.wrongData);
  pin.value = Buffer.from(wanted).toString('hex');
  card.keep();
  if (which === 'pw3') card.session.verified.admin = false;
  else Object.assign(card.session.verified, { sign: false, user: false });
  return answer(sw.ok);
}

/** Sets a new PW1 and all its tries: after PW3 (checked before), or with the reset code in front (§7.2.4). */
export function unblockPin(card: Card, { by, data }: Extract<Command, { kind: 'unblock-pin' }>): Answer {
  let wanted = data;
  if (by === 'reset-code') {
    const { resetCode } = card.state;
    if (resetCode === null) return answer(sw.conditions);
    const codeLength = resetCode.value.length / 2;
    const status = tryPin(card, resetCode, data.subarray(0, codeLength));
    if (status !== sw.ok) return answer(status);
    wanted = data.subarray(codeLength);
  }
  if (!newPinLength.pw1(wanted.length)) return answer(sw.wrongData);
  card.state.pw1 = { value: Buffer.from(wanted).toString('hex'), triesLeft: maxTries };
  card.keep();
  return answer(sw.ok);
}

/** Spends a try where the PIN is wrong, gives all back where it is right; on disk before the host hears of it. */
function tryPin(card: Card, pin: PinState, given: Uint8Array): number {
  if (pin.triesLeft === 0) return sw.pinBlocked;
  const expected = Buffer.from(pin.value, 'hex');
  const right = given.length === expected.length && timingSafeEqual(given, expected);
  const triesLeft = right ? maxTries : pin.triesLeft - 1;
  if (triesLeft !== pin.triesLeft) {
    pin.triesLeft = triesLeft;
    card.keep();
  }
  if (right) return sw.ok;
  if (triesLeft === 0) return sw.pinBlocked;
  return card.state.style.wrongPin === '6982' ? sw.securityStatus : sw.triesLeft(triesLeft);
}
