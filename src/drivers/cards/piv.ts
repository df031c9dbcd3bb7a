import { X509Certificate } from 'node:crypto';
import type { PinResult, PivInfo } from '../../contract/device-host.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { exchange, SW_OK, swText } from './apdu.ts';
import type { ApduLimits, ApduTransport, CommandApdu, ResponseApdu } from './apdu.ts';
import type { CardApplication, CardOptions } from './card-application.ts';
import { guardLastTry } from './last-try.ts';
import { failed, isUnknownApplication, LONGEST_CHALLENGE, SW_BLOCKED, SW_NOT_VERIFIED, triesOf } from './openpgp.ts';
import { encodeTlv, tlvAt } from './tlv.ts';

/** NIST SP 800-73-4 part 1 §2.2, without the version. */
const AID = Uint8Array.of(0xa0, 0x00, 0x00, 0x03, 0x08);
/** Of the cardholder: the application's own PIN (part 1 §3.3, table 3). */
const PIN_REFERENCE = 0x80;
const PIN_LENGTH = 8;
const PIN_MIN = 6;
const PIN_PADDING = 0xff;

const SW_CONDITIONS = 0x6985;
const SW_BAD_DATA = 0x6a80;
const SW_BAD_PARAMETERS = 0x6a86;
const SIGNATURE_LENGTH = 64;
const KEY_LENGTH = 32;
/** RFC 8410 §4, up to the key. */
const spkiHead = '302a300506032b6570032100';

/** Chaining is every PIV card's (part 2 §2.4.2); extended length is not. */
const limits: ApduLimits = { chaining: true, extended: false, longestCommand: 261 };

interface Slot {
  name: 'sig' | 'aut';
  /** Key reference, part 1 table 4b. */
  reference: number;
  /** Tag of its certificate, part 1 table 3. */
  certificate: readonly number[];
}

/** Digital signature, which wants the PIN before each signature, and PIV authentication, which wants it once. */
const slots = {
  sig: { name: 'sig', reference: 0x9c, certificate: [0x5f, 0xc1, 0x0a] },
  aut: { name: 'aut', reference: 0x9a, certificate: [0x5f, 0xc1, 0x05] },
} as const satisfies Record<string, Slot>;

/** Ed25519 has no number in the standard: YubiKey 5.7 and CanoKey, Nitrokey, SoloKeys and older. */
const ed25519Ids = [0xe0, 0xe2, 0x22] as const;

interface PivKey {
  point: Uint8Array;
  /** null: the card does not say which number it gave Ed25519. */
  algorithm: number | null;
  touch: boolean;
}

/** A PIV card (NIST SP 800-73-4) with Ed25519 in 9C and 9A, over an exclusive connection: for people at work. Nothing can be sealed to it, and it counts no signatures. */
export class PivCard implements CardApplication {
  readonly info: PivInfo;
  readonly #transport: ApduTransport;
  readonly #options: CardOptions;
  readonly #keys: Record<Slot['name'], PivKey>;

  private constructor(transport: ApduTransport, options: CardOptions, keys: Record<Slot['name'], PivKey>, info: PivInfo) {
    this.#transport = transport;
    this.#options = options;
    this.#keys = keys;
    this.info = info;
  }

  /** No such application: `card-unknown`; a key that is not Ed25519, or none: `card-unsupported`. No PIN try is spent. */
  static async open(transport: ApduTransport, options: CardOptions): Promise<Result<PivCard>> {
    const selected = await exchange(transport, { cla: 0x00, ins: 0xa4, p1: 0x04, p2: 0x00, data: AID, le: 0x00 }, limits);
    if (!selected.ok) return selected;
    const { sw } = selected.value;
    if (sw !== SW_OK) return isUnknownApplication(sw) ? fail('card-unknown', swText(sw)) : failed(sw);
    const sig = await readKey(transport, slots.sig);
    if (!sig.ok) return sig;
    const aut = await readKey(transport, slots.aut);
    if (!aut.ok) return aut;
    const triesLeft = await readTries(transport);
    if (!triesLeft.ok) return triesLeft;
    const version = await readVersion(transport);
    if (!version.ok) return version;
    const info: PivInfo = {
      application: 'piv',
      version: version.value,
      keys: { sig: sig.value.point, aut: aut.value.point },
      tries: { pw1: triesLeft.value, resetCode: 0, pw3: 0 },
      pinPerSignature: true,
      pinMinLength: PIN_MIN,
      pinMaxLength: PIN_LENGTH,
      // A pad pads with what its reader was told, and not all of them know FF.
      pinPad: false,
      touch: { sig: sig.value.touch, aut: aut.value.touch, dec: false },
    };
    return ok(new PivCard(transport, options, { sig: sig.value, aut: aut.value }, info));
  }

  async verify(_purpose: 'user' | 'sign', pin: Uint8Array | null): Promise<Result<PinResult>> {
    try {
      if (pin === null || !isPinLength(pin)) return fail('pin-format');
      const guard = await guardLastTry(() => readTries(this.#transport));
      if (!guard.ok) return guard;
      const data = padded(pin);
      return await this.#withPins(0x20, data, [data]);
    } finally {
      pin?.fill(0);
    }
  }

  /** CHANGE REFERENCE DATA of the PIN (part 2 §3.2.2). */
  async changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<Result<PinResult>> {
    try {
      if (!isPinLength(oldPin) || !isPinLength(newPin)) return fail('pin-format');
      const guard = await guardLastTry(() => readTries(this.#transport));
      if (!guard.ok) return guard;
      const [before, after] = [padded(oldPin), padded(newPin)];
      const data = new Uint8Array(2 * PIN_LENGTH);
      data.set(before);
      data.set(after, PIN_LENGTH);
      return await this.#withPins(0x24, data, [before, after, data]);
    } finally {
      oldPin.fill(0);
      newPin.fill(0);
    }
  }

  /** @param secrets zero afterwards, whatever came of it. */
  async #withPins(ins: number, data: Uint8Array, secrets: readonly Uint8Array[]): Promise<Result<PinResult>> {
    try {
      const answer = await this.#exchange({ cla: 0x00, ins, p1: 0x00, p2: PIN_REFERENCE, data });
      return answer.ok ? await this.#pinResult(answer.value.sw) : answer;
    } finally {
      for (const secret of secrets) secret.fill(0);
    }
  }

  sign(data: Uint8Array): Promise<Result<Uint8Array>> {
    return this.#compute(slots.sig, data);
  }

  async authenticate(data: Uint8Array): Promise<Result<Uint8Array>> {
    if (data.length > LONGEST_CHALLENGE) throw new RangeError(`a challenge of ${data.length} bytes`);
    return this.#compute(slots.aut, data);
  }

  agree(): Promise<Result<Uint8Array>> {
    return Promise.resolve(fail('card-unsupported', 'piv'));
  }

  count(): Promise<Result<{ signatureCount: number; triesLeft: number }>> {
    return Promise.resolve(fail('card-unsupported', 'piv'));
  }

  /** GENERAL AUTHENTICATE (part 2 §3.2.4): 7C { 82: what is wanted, 81: what is signed }. Where the card does not say its number of Ed25519, those that are known are tried; an unknown one costs nothing. */
  async #compute({ name, reference }: Slot, data: Uint8Array): Promise<Result<Uint8Array>> {
    const { algorithm, touch } = this.#keys[name];
    const template = encodeTlv(0x7c, new Uint8Array(Buffer.concat([encodeTlv(0x82, new Uint8Array()), encodeTlv(0x81, data)])));
    if (touch) this.#options.onTouchWanted();
    for (const id of algorithm === null ? ed25519Ids : [algorithm]) {
      const answer = await this.#exchange({ cla: 0x00, ins: 0x87, p1: id, p2: reference, data: template, le: 0x00 });
      if (!answer.ok) return answer;
      const { sw, data: answered } = answer.value;
      if (algorithm === null && (sw === SW_BAD_PARAMETERS || sw === SW_BAD_DATA)) continue;
      if (touch && (sw === SW_CONDITIONS || sw === SW_NOT_VERIFIED)) return fail('card-touch-missed', swText(sw));
      if (sw !== SW_OK) return failed(sw);
      this.#keys[name].algorithm = id;
      const signature = tlvAt(answered, 0x7c, 0x82);
      return signature?.length === SIGNATURE_LENGTH ? ok(Uint8Array.from(signature)) : fail('card-error', `signature of ${signature?.length ?? 0} bytes`);
    }
    return fail('card-unsupported', `algorithm of ${name}`);
  }

  async #pinResult(sw: number): Promise<Result<PinResult>> {
    if (sw === SW_OK) return ok({ verified: true });
    if (sw === SW_BLOCKED) return fail('pin-blocked', swText(sw));
    if (sw === SW_BAD_DATA) return fail('pin-format', swText(sw));
    const tries = triesOf(sw) === null && sw === SW_NOT_VERIFIED ? await readTries(this.#transport) : ok(triesOf(sw));
    if (!tries.ok) return tries;
    if (tries.value === null) return failed(sw);
    return tries.value === 0 ? fail('pin-blocked', swText(sw)) : ok({ verified: false, triesLeft: tries.value });
  }

  #exchange(command: CommandApdu): Promise<Result<ResponseApdu>> {
    return exchange(this.#transport, command, limits);
  }
}

const isPinLength = (pin: Uint8Array): boolean => pin.length >= PIN_MIN && pin.length <= PIN_LENGTH;

/** Part 2 §3.2.1: 8 bytes, the rest FF. A copy: the caller overwrites it. */
function padded(pin: Uint8Array): Uint8Array {
  const form = new Uint8Array(PIN_LENGTH).fill(PIN_PADDING);
  form.set(pin);
  return form;
}

/** An empty VERIFY. A card that answers that it is verified was not reset, which the connection does: so its tries are whole. */
async function readTries(transport: ApduTransport): Promise<Result<number>> {
  const answer = await exchange(transport, { cla: 0x00, ins: 0x20, p1: 0x00, p2: PIN_REFERENCE }, limits);
  if (!answer.ok) return answer;
  const { sw } = answer.value;
  if (sw === SW_BLOCKED) return ok(0);
  if (sw === SW_OK) return ok(3);
  const tries = triesOf(sw);
  return tries === null ? failed(sw) : ok(tries);
}

/** GET VERSION, which is its makers' and not the standard's: a card without it says nothing. */
async function readVersion(transport: ApduTransport): Promise<Result<string | null>> {
  const answer = await exchange(transport, { cla: 0x00, ins: 0xfd, p1: 0x00, p2: 0x00, le: 0x00 }, limits);
  if (!answer.ok) return answer;
  const { sw, data } = answer.value;
  return ok(sw === SW_OK && data.length === 3 ? [...data].join('.') : null);
}

/** From the key's metadata where the card has them, from its certificate elsewhere; neither wants a PIN. */
async function readKey(transport: ApduTransport, slot: Slot): Promise<Result<PivKey>> {
  const metadata = await exchange(transport, { cla: 0x00, ins: 0xf7, p1: 0x00, p2: slot.reference, le: 0x00 }, limits);
  if (!metadata.ok) return metadata;
  if (metadata.value.sw === SW_OK) return keyOfMetadata(metadata.value.data, slot);
  const data = encodeTlv(0x5c, Uint8Array.from(slot.certificate));
  const certificate = await exchange(transport, { cla: 0x00, ins: 0xcb, p1: 0x3f, p2: 0xff, data, le: 0x00 }, limits);
  if (!certificate.ok) return certificate;
  if (certificate.value.sw !== SW_OK) return fail('card-unsupported', `no key ${slot.name} (${swText(certificate.value.sw)})`);
  const point = pointOfCertificate(certificate.value.data);
  return point === null ? fail('card-unsupported', `certificate of ${slot.name}`) : ok({ point, algorithm: null, touch: false });
}

/** 01 algorithm, 02 PIN and touch policy (01: no touch), 04 public key with the point in 86. */
function keyOfMetadata(data: Uint8Array, { name }: Slot): Result<PivKey> {
  const algorithm = tlvAt(data, 0x01)?.[0];
  if (algorithm === undefined || !(ed25519Ids as readonly number[]).includes(algorithm)) return fail('card-unsupported', `algorithm of ${name}`);
  const point = tlvAt(data, 0x04, 0x86);
  if (point?.length !== KEY_LENGTH) return fail('card-unsupported', `key ${name} of ${point?.length ?? 0} bytes`);
  const touch = (tlvAt(data, 0x02)?.[1] ?? 1) > 1;
  return ok({ point: Uint8Array.from(point), algorithm, touch });
}

/** 53 { 70: X.509, 71: 00 uncompressed }. null: none that is read here, or of another kind of key. */
function pointOfCertificate(data: Uint8Array): Uint8Array | null {
  const [der, packed] = [tlvAt(data, 0x53, 0x70), tlvAt(data, 0x53, 0x71)];
  if (der === null || (packed?.[0] ?? 0) !== 0) return null;
  try {
    const spki = new X509Certificate(der).publicKey.export({ format: 'der', type: 'spki' });
    return spki.toString('hex').startsWith(spkiHead) && spki.length === spkiHead.length / 2 + KEY_LENGTH ? new Uint8Array(spki.subarray(-KEY_LENGTH)) : null;
  } catch {
    return null;
  }
}
