import type { CardKeys, OpenPgpInfo, PinResult } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Failure, Result } from '../../contract/result.ts';
import { exchange, shortOnly, SW_OK, swText } from './apdu.ts';
import type { ApduLimits, ApduTransport, CommandApdu, ResponseApdu } from './apdu.ts';
import type { CardApplication, CardOptions } from './card-application.ts';
import { guardLastTry } from './last-try.ts';
import { derivePin, parseKdf } from './openpgp-kdf.ts';
import type { PinKdf } from './openpgp-kdf.ts';
import { tlvAt, withoutOuterTag } from './tlv.ts';

/** AID up to the application; version, manufacturer and serial follow (OpenPGP card 3.4 §4.2.1). */
export const AID = Uint8Array.of(0xd2, 0x76, 0x00, 0x01, 0x24, 0x01);

export const PW1_SIGN = 0x81;
const PW1_USER = 0x82;
export const PIN_MIN = 6;
const KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;
export const LONGEST_CHALLENGE = 1024;

const SW_TOUCH_MISSED = 0x6600;
const SW_WRONG_LENGTH = 0x6700;
export const SW_NOT_VERIFIED = 0x6982;
export const SW_BLOCKED = 0x6983;
const SW_CONDITIONS = 0x6985;
const SW_BAD_DATA = 0x6a80;
const SW_NO_APPLICATION = 0x6a82;
const SW_NO_INSTRUCTION = 0x6d00;
const SW_NO_CLASS = 0x6e00;

type KeyName = keyof CardKeys;

export interface KeySlot {
  name: KeyName;
  /** Control reference template of GENERATE ASYMMETRIC KEY PAIR. */
  crt: number;
  /** Algorithm attributes, inside 73. */
  attributes: number;
  /** User interaction flag. */
  touch: number;
  curve: 'ed25519' | 'x25519';
}

export const keySlots = {
  sig: { name: 'sig', crt: 0xb6, attributes: 0xc1, touch: 0xd6, curve: 'ed25519' },
  dec: { name: 'dec', crt: 0xb8, attributes: 0xc2, touch: 0xd7, curve: 'x25519' },
  aut: { name: 'aut', crt: 0xa4, attributes: 0xc3, touch: 0xd8, curve: 'ed25519' },
} as const satisfies Record<KeyName, KeySlot>;

/** Algorithm attributes without the optional last byte (import format): EdDSA or ECDH, and the curve's OID in its GnuPG or its RFC 8410 form. */
export const curveAttributes = {
  ed25519: ['162b06010401da470f01', '162b6570'],
  x25519: ['122b060104019755010501', '122b656e'],
} as const;

/** An OpenPGP card 3.4 with Ed25519 in SIG and AUT and X25519 in DEC, over an exclusive connection. */
export class OpenPgpCard implements CardApplication {
  readonly info: OpenPgpInfo;
  readonly #transport: ApduTransport;
  readonly #options: CardOptions;
  readonly #limits: ApduLimits;
  readonly #kdf: PinKdf | null;

  private constructor(transport: ApduTransport, options: CardOptions, profile: Profile) {
    this.#transport = transport;
    this.#options = options;
    this.#limits = profile.limits;
    this.#kdf = profile.kdf;
    this.info = profile.info;
  }

  /** No such application: `card-unknown`; another algorithm, or a key that was never made: `card-unsupported`. */
  static async open(transport: ApduTransport, options: CardOptions): Promise<Result<OpenPgpCard>> {
    const profile = await readProfile(transport, options.pinPad !== null);
    return profile.ok ? ok(new OpenPgpCard(transport, options, profile.value)) : profile;
  }

  /** `pin` null: at the reader's pad. The bytes of `pin` are zero afterwards, whatever came of it. */
  async verify(purpose: 'user' | 'sign', pin: Uint8Array | null): Promise<Result<PinResult>> {
    const p2 = purpose === 'user' ? PW1_USER : PW1_SIGN;
    try {
      if (pin !== null && !this.#isPinLength(pin)) return fail('pin-format');
      const guard = await guardLastTry(() => this.#pinTries());
      if (!guard.ok) return guard;
      const sw = pin === null ? await this.#verifyAtPad(p2) : await this.#verifyTyped(p2, pin);
      return sw.ok ? await this.#pinResult(p2, sw.value) : sw;
    } finally {
      pin?.fill(0);
    }
  }

  /** CHANGE REFERENCE DATA of PW1. Both PINs are zero afterwards. A wrong old PIN costs a try, and the last one is not spent here either. */
  async changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<Result<PinResult>> {
    try {
      if (!this.#isPinLength(oldPin) || !this.#isPinLength(newPin)) return fail('pin-format');
      const guard = await guardLastTry(() => this.#pinTries());
      if (!guard.ok) return guard;
      const [oldForm, newForm] = [this.#cardForm(oldPin), this.#cardForm(newPin)];
      const data = new Uint8Array(oldForm.length + newForm.length);
      data.set(oldForm);
      data.set(newForm, oldForm.length);
      const sw = await this.#withPins({ cla: 0x00, ins: 0x24, p1: 0x00, p2: PW1_SIGN, data }, [oldForm, newForm, data]);
      return sw.ok ? await this.#pinResult(PW1_SIGN, sw.value) : sw;
    } finally {
      oldPin.fill(0);
      newPin.fill(0);
    }
  }

  /** PSO: COMPUTE DIGITAL SIGNATURE by SIG over `data` as given, after PW1-81. */
  sign(data: Uint8Array): Promise<Result<Uint8Array>> {
    return this.#compute('sig', { cla: 0x00, ins: 0x2a, p1: 0x9e, p2: 0x9a, data, le: 0x00 }, SIGNATURE_LENGTH);
  }

  /** INTERNAL AUTHENTICATE by AUT over `data` as given, after PW1-82. */
  async authenticate(data: Uint8Array): Promise<Result<Uint8Array>> {
    if (data.length > LONGEST_CHALLENGE) throw new RangeError(`a challenge of ${data.length} bytes`);
    return this.#compute('aut', { cla: 0x00, ins: 0x88, p1: 0x00, p2: 0x00, data, le: 0x00 }, SIGNATURE_LENGTH);
  }

  /** PSO: DECIPHER by DEC, after PW1-82: X25519 of the card's key and `point`. */
  async agree(point: Uint8Array): Promise<Result<Uint8Array>> {
    if (point.length !== KEY_LENGTH) throw new RangeError(`a point of ${point.length} bytes`);
    const data = Uint8Array.of(0xa6, 0x25, 0x7f, 0x49, 0x22, 0x86, 0x20, ...point);
    return this.#compute('dec', { cla: 0x00, ins: 0x2a, p1: 0x80, p2: 0x86, data, le: 0x00 }, KEY_LENGTH);
  }

  async count(): Promise<Result<{ signatureCount: number; triesLeft: number }>> {
    const tries = await readTries(this.#transport);
    if (!tries.ok) return tries;
    const signatureCount = await readSignatureCount(this.#transport);
    return signatureCount.ok ? ok({ signatureCount: signatureCount.value, triesLeft: tries.value.pw1 }) : signatureCount;
  }

  #isPinLength(pin: Uint8Array): boolean {
    return pin.length >= PIN_MIN && pin.length <= this.info.pinMaxLength;
  }

  async #pinTries(): Promise<Result<number>> {
    const tries = await readTries(this.#transport);
    return tries.ok ? ok(tries.value.pw1) : tries;
  }

  async #verifyTyped(p2: number, pin: Uint8Array): Promise<Result<number>> {
    const data = this.#cardForm(pin);
    return this.#withPins({ cla: 0x00, ins: 0x20, p1: 0x00, p2, data }, [data]);
  }

  /** The status word. @param secrets zero afterwards, whatever came of it. */
  async #withPins(command: CommandApdu, secrets: readonly Uint8Array[]): Promise<Result<number>> {
    try {
      const answer = await this.#exchange(command);
      return answer.ok ? ok(answer.value.sw) : answer;
    } finally {
      for (const secret of secrets) secret.fill(0);
    }
  }

  async #verifyAtPad(p2: number): Promise<Result<number>> {
    if (this.#options.pinPad === null) throw new Error('this reader has no PIN pad');
    return this.#options.pinPad.verify({ cla: 0x00, ins: 0x20, p1: 0x00, p2, minLength: PIN_MIN, maxLength: this.info.pinMaxLength });
  }

  /** A copy or its hash: the caller overwrites it. */
  #cardForm(pin: Uint8Array): Uint8Array {
    return this.#kdf === null ? Uint8Array.from(pin) : derivePin(this.#kdf, pin);
  }

  /** Real cards answer a wrong PIN with 63Cx or with 6982 alone; the second says nothing of the tries left, an empty VERIFY does. */
  async #pinResult(p2: number, sw: number): Promise<Result<PinResult>> {
    if (sw === SW_OK) return ok({ verified: true });
    if (sw === SW_BLOCKED) return fail('pin-blocked', swText(sw));
    if (sw === SW_WRONG_LENGTH || sw === SW_BAD_DATA) return fail('pin-format', swText(sw));
    const triesLeft = triesOf(sw) ?? (sw === SW_NOT_VERIFIED ? await this.#triesByEmptyVerify(p2) : null);
    if (triesLeft === null) return failed(sw);
    if (typeof triesLeft === 'object') return triesLeft;
    return triesLeft === 0 ? fail('pin-blocked', swText(sw)) : ok({ verified: false, triesLeft });
  }

  async #triesByEmptyVerify(p2: number): Promise<number | { ok: false; failure: Failure }> {
    const answer = await this.#exchange({ cla: 0x00, ins: 0x20, p1: 0x00, p2, le: 0x00 });
    if (!answer.ok) return answer;
    if (answer.value.sw === SW_BLOCKED) return 0;
    const triesLeft = triesOf(answer.value.sw);
    if (triesLeft !== null) return triesLeft;
    const tries = await readTries(this.#transport);
    return tries.ok ? tries.value.pw1 : tries;
  }

  async #compute(key: KeyName, command: CommandApdu, length: number): Promise<Result<Uint8Array>> {
    const needsTouch = this.info.touch[key];
    if (needsTouch) this.#options.onTouchWanted();
    const answer = await this.#exchange(command);
    if (!answer.ok) return answer;
    const { sw, data } = answer.value;
    if (sw === SW_TOUCH_MISSED || (needsTouch && sw === SW_CONDITIONS)) return fail('card-touch-missed', swText(sw));
    if (sw !== SW_OK) return failed(sw);
    return data.length === length ? ok(Uint8Array.from(data)) : fail('card-error', `${data.length} bytes`);
  }

  #exchange(command: CommandApdu): Promise<Result<ResponseApdu>> {
    return exchange(this.#transport, command, this.#limits);
  }
}

interface Profile {
  info: OpenPgpInfo;
  limits: ApduLimits;
  kdf: PinKdf | null;
}

/** In few commands, since a person waits: SELECT, 6E, three public keys, 7A; F9 and D6 to D8 only where the card says that it has them. */
async function readProfile(transport: ApduTransport, hasPinPad: boolean): Promise<Result<Profile>> {
  const selected = await exchange(transport, { cla: 0x00, ins: 0xa4, p1: 0x04, p2: 0x00, data: AID, le: 0x00 }, shortOnly);
  if (!selected.ok) return selected;
  if (selected.value.sw !== SW_OK) return isUnknownApplication(selected.value.sw) ? fail('card-unknown', swText(selected.value.sw)) : failed(selected.value.sw);

  const applicationData = await readApplicationData(transport);
  if (!applicationData.ok) return applicationData;
  const application = applicationData.value;
  const version = tlvAt(application, 0x4f)?.subarray(6, 8);
  const capabilities = discretionary(application, 0xc0);
  const pinStatus = parsePinStatus(discretionary(application, 0xc4));
  if (version?.length !== 2 || capabilities === null || pinStatus === null) return fail('card-error', 'application data');
  for (const slot of Object.values(keySlots)) {
    if (!isCurve(discretionary(application, slot.attributes), slot.curve)) return fail('card-unsupported', `algorithm of ${slot.name}`);
  }

  const kdf = await readKdf(transport, capabilities);
  if (!kdf.ok) return kdf;
  const keys = await readKeys(transport);
  if (!keys.ok) return keys;
  const touch = await readTouch(transport, application);
  if (!touch.ok) return touch;
  const signatureCount = await readSignatureCount(transport);
  if (!signatureCount.ok) return signatureCount;

  const info: OpenPgpInfo = {
    application: 'openpgp',
    version: `${version[0]}.${version[1]}`,
    keys: keys.value,
    tries: pinStatus.tries,
    pinPerSignature: pinStatus.pinPerSignature,
    pinMinLength: PIN_MIN,
    pinMaxLength: pinStatus.pinMaxLength,
    // A pad sends what was typed, and a card with a KDF wants its hash.
    pinPad: hasPinPad && kdf.value === null,
    touch: touch.value,
    signatureCount: signatureCount.value,
  };
  return ok({ info, limits: readLimits(application), kdf: kdf.value });
}

export function getData(transport: ApduTransport, tag: number): Promise<Result<ResponseApdu>> {
  return exchange(transport, { cla: 0x00, ins: 0xca, p1: tag >> 8, p2: tag & 0xff, le: 0x00 }, shortOnly);
}

async function readApplicationData(transport: ApduTransport): Promise<Result<Uint8Array>> {
  const answer = await getData(transport, 0x6e);
  if (!answer.ok) return answer;
  return answer.value.sw === SW_OK ? ok(withoutOuterTag(answer.value.data, 0x6e)) : failed(answer.value.sw);
}

/** An object that the specification puts into 73, which some cards leave out around it. */
export function discretionary(application: Uint8Array, tag: number): Uint8Array | null {
  return tlvAt(application, 0x73, tag) ?? tlvAt(application, tag);
}

interface PinStatus {
  pinPerSignature: boolean;
  pinMaxLength: number;
  tries: OpenPgpInfo['tries'];
}

/** DO C4: validity of PW1-81, three longest lengths (bit 8 names a PIN block format), three tries left. */
export function parsePinStatus(bytes: Uint8Array | null): PinStatus | null {
  if (bytes === null || bytes.length < 7) return null;
  const [validity = 0, longest = 0, , , pw1 = 0, resetCode = 0, pw3 = 0] = bytes;
  return { pinPerSignature: validity === 0, pinMaxLength: longest & 0x7f, tries: { pw1, resetCode, pw3 } };
}

/** C4 alone; from inside 6E on cards that give it nowhere else. */
export async function readTries(transport: ApduTransport): Promise<Result<OpenPgpInfo['tries']>> {
  const alone = await getData(transport, 0xc4);
  if (!alone.ok) return alone;
  const status = alone.value.sw === SW_OK ? parsePinStatus(withoutOuterTag(alone.value.data, 0xc4)) : null;
  if (status !== null) return ok(status.tries);
  const application = await readApplicationData(transport);
  if (!application.ok) return application;
  const inside = parsePinStatus(discretionary(application.value, 0xc4));
  return inside === null ? fail('card-error', 'PIN status') : ok(inside.tries);
}

async function readSignatureCount(transport: ApduTransport): Promise<Result<number>> {
  const answer = await getData(transport, 0x7a);
  if (!answer.ok) return answer;
  if (answer.value.sw !== SW_OK) return failed(answer.value.sw);
  const counter = tlvAt(withoutOuterTag(answer.value.data, 0x7a), 0x93);
  return counter?.length === 3 ? ok(counter.reduce((sum, byte) => sum * 256 + byte, 0)) : fail('card-error', 'signature counter');
}

export function isCurve(attributes: Uint8Array | null, curve: KeySlot['curve']): boolean {
  if (attributes === null) return false;
  const text = Buffer.from(attributes).toString('hex');
  return curveAttributes[curve].some((wanted) => text === wanted || text === `${wanted}ff`);
}

async function readKeys(transport: ApduTransport): Promise<Result<CardKeys>> {
  const sig = await readKey(transport, keySlots.sig);
  if (!sig.ok) return sig;
  const aut = await readKey(transport, keySlots.aut);
  if (!aut.ok) return aut;
  const dec = await readKey(transport, keySlots.dec);
  return dec.ok ? ok({ sig: sig.value, aut: aut.value, dec: dec.value }) : dec;
}

/** GENERATE ASYMMETRIC KEY PAIR with P1 = 81 reads the public half; no PIN is needed. */
export async function readKey(transport: ApduTransport, slot: KeySlot): Promise<Result<Uint8Array>> {
  const command: CommandApdu = { cla: 0x00, ins: 0x47, p1: 0x81, p2: 0x00, data: Uint8Array.of(slot.crt, 0x00), le: 0x00 };
  const answer = await exchange(transport, command, shortOnly);
  if (!answer.ok) return answer;
  if (answer.value.sw !== SW_OK) return fail('card-unsupported', `no key ${slot.name} (${swText(answer.value.sw)})`);
  return publicPoint(answer.value.data, slot);
}

/** Of the answer to GENERATE ASYMMETRIC KEY PAIR. */
export function publicPoint(data: Uint8Array, slot: KeySlot): Result<Uint8Array> {
  const point = tlvAt(data, 0x7f49, 0x86);
  // GnuPG's prefix for a point in native form (RFC 9580 §11.2.2); most cards leave it out.
  const key = point?.length === KEY_LENGTH + 1 && point[0] === 0x40 ? point.subarray(1) : point;
  return key?.length === KEY_LENGTH ? ok(Uint8Array.from(key)) : fail('card-unsupported', `key ${slot.name} of ${key?.length ?? 0} bytes`);
}

const CAPABILITY_KDF = 0x01;

export async function readKdf(transport: ApduTransport, capabilities: Uint8Array): Promise<Result<PinKdf | null>> {
  if (((capabilities[0] ?? 0) & CAPABILITY_KDF) === 0) return ok(null);
  const answer = await getData(transport, 0xf9);
  if (!answer.ok) return answer;
  const kdf = answer.value.sw === SW_OK ? parseKdf(answer.value.data) : null;
  return kdf === 'unsupported' ? fail('card-unsupported', 'KDF') : ok(kdf);
}

const FEATURE_BUTTON = 0x20;

/** The flags stand in 6E on most cards; a card that has a button (7F74) and does not list them is asked for each. */
async function readTouch(transport: ApduTransport, application: Uint8Array): Promise<Result<OpenPgpInfo['touch']>> {
  const features = tlvAt(application, 0x7f74, 0x81) ?? tlvAt(application, 0x73, 0x7f74, 0x81);
  const hasButton = ((features?.[0] ?? 0) & FEATURE_BUTTON) !== 0;
  const touch: OpenPgpInfo['touch'] = { sig: false, dec: false, aut: false };
  for (const slot of Object.values(keySlots)) {
    let flag = discretionary(application, slot.touch);
    if (flag === null && hasButton) {
      const answer = await getData(transport, slot.touch);
      if (!answer.ok) return answer;
      flag = answer.value.sw === SW_OK ? withoutOuterTag(answer.value.data, slot.touch) : null;
    }
    touch[slot.name] = (flag?.[0] ?? 0) !== 0;
  }
  return ok(touch);
}

const COMPACT_CAPABILITIES = 0x73;
const CARD_CHAINING = 0x80;
const CARD_EXTENDED = 0x40;

/** Historical bytes (5F52), the card capabilities among their COMPACT-TLV objects (ISO 7816-4 §8.1.1.2.7), and the longest command (7F66). */
export function readLimits(application: Uint8Array): ApduLimits {
  const third = cardCapabilities(tlvAt(application, 0x5f52) ?? new Uint8Array())?.[2] ?? 0;
  const lengths = tlvAt(application, 0x7f66) ?? tlvAt(application, 0x73, 0x7f66);
  const longest = lengths === null ? null : tlvAt(lengths, 0x02);
  return {
    chaining: (third & CARD_CHAINING) !== 0,
    extended: (third & CARD_EXTENDED) !== 0,
    longestCommand: longest === null ? shortOnly.longestCommand : longest.reduce((sum, byte) => sum * 256 + byte, 0),
  };
}

function cardCapabilities(historical: Uint8Array): Uint8Array | null {
  for (let at = 1; at < historical.length; ) {
    const head = historical[at] ?? 0;
    const next = at + 1 + (head & 0x0f);
    if (head === COMPACT_CAPABILITIES) return historical.subarray(at + 1, next);
    at = next;
  }
  return null;
}

/** 63Cx: x tries left. */
export function triesOf(sw: number): number | null {
  return (sw & 0xfff0) === 0x63c0 ? sw & 0x0f : null;
}

export function isUnknownApplication(sw: number): boolean {
  return sw === SW_NO_APPLICATION || sw === SW_NO_INSTRUCTION || sw === SW_NO_CLASS;
}

export function failed(sw: number): { ok: false; failure: Failure } {
  return fail(sw === SW_BLOCKED ? 'pin-blocked' : 'card-error', swText(sw));
}
