import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import type { PinChoice, RawCard } from '../../contract/device-host.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { fail, ok } from '../../contract/result.ts';
import type { Result } from '../../contract/result.ts';
import { exchange, shortOnly, SW_OK, swText } from './apdu.ts';
import type { ApduLimits, ApduTransport, CommandApdu, ResponseApdu } from './apdu.ts';
import type { CardOptions } from './card-application.ts';
import {
  AID,
  curveAttributes,
  discretionary,
  failed,
  getData,
  isCurve,
  isUnknownApplication,
  keySlots,
  LONGEST_CHALLENGE,
  OpenPgpCard,
  parsePinStatus,
  PIN_MIN,
  publicPoint,
  PW1_SIGN,
  readKdf,
  readKey,
  readLimits,
  readTries,
  SW_BLOCKED,
  SW_NOT_VERIFIED,
  triesOf,
} from './openpgp.ts';
import type { KeySlot } from './openpgp.ts';
import { factoryAdminPin, factoryPin, pinWeakness } from './pin-choice.ts';
import { tlvAt, withoutOuterTag } from './tlv.ts';

const PW3 = 0x83;
const SW_TERMINATED = 0x6285;
/** What a Sig_structure has at most (transactions.md). */
const TRIAL_SIGNATURE_LENGTH = 200;
/** More than any card gives a PIN. */
const MOST_TRIES = 16;

/** An OpenPGP card before it is anybody's: wiped, keyed, tried and locked up, over an exclusive connection. */
export class RawOpenPgpCard {
  readonly #transport: ApduTransport;
  #limits: ApduLimits;
  #isBlank = false;

  private constructor(transport: ApduTransport, limits: ApduLimits) {
    this.#transport = transport;
    this.#limits = limits;
  }

  /** No such application: `card-unknown`. A terminated card is `used`. */
  static async open(transport: ApduTransport): Promise<Result<{ card: RawOpenPgpCard; raw: RawCard }>> {
    const card = new RawOpenPgpCard(transport, shortOnly);
    const raw = await card.#look();
    return raw.ok ? ok({ card, raw: raw.value }) : raw;
  }

  /**
   * Both PINs are blocked, which makes TERMINATE DF free to everybody (OpenPGP card 3.4 §7.2.16), then ACTIVATE FILE. Broken off at any step, it goes on from there.
   */
  async wipe(): Promise<Result<RawCard>> {
    const selected = await this.#select();
    if (!selected.ok) return selected;
    if (selected.value !== SW_TERMINATED) {
      for (const p2 of [PW1_SIGN, PW3]) {
        const blocked = await this.#block(p2);
        if (!blocked.ok) return blocked;
      }
      const terminated = await this.#expect({ cla: 0x00, ins: 0xe6, p1: 0x00, p2: 0x00 }, 'card-not-wiped', 'terminate');
      if (!terminated.ok) return terminated;
    }
    const activated = await this.#expect({ cla: 0x00, ins: 0x44, p1: 0x00, p2: 0x00 }, 'card-not-wiped', 'activate');
    if (!activated.ok) return activated;
    const raw = await this.#look();
    return raw.ok && raw.value.state !== 'blank' ? fail('card-not-wiped', 'not blank after it') : raw;
  }

  /** As `card.make` says. The card that comes of it. */
  async make(adminPin: Uint8Array, resetCode: Uint8Array, options: CardOptions): Promise<Result<OpenPgpCard>> {
    const admin = Buffer.from(factoryAdminPin, 'ascii');
    try {
      if (!this.#isBlank) return fail('card-not-blank');
      this.#isBlank = false;
      const verified = await this.#send({ cla: 0x00, ins: 0x20, p1: 0x00, p2: PW3, data: Uint8Array.from(admin) });
      if (!verified.ok) return verified;
      if (verified.value.sw !== SW_OK) return fail('card-not-blank', `admin PIN ${swText(verified.value.sw)}`);
      const oneEach = await this.#putData(0xc4, Uint8Array.of(0x00), 'card-not-made');
      if (!oneEach.ok) return oneEach;
      for (const [index, slot] of [keySlots.sig, keySlots.dec, keySlots.aut].entries()) {
        const made = await this.#makeKey(slot, index);
        if (!made.ok) return made;
      }
      const card = await OpenPgpCard.open(this.#transport, options);
      if (!card.ok) return card;
      const tried = await this.#tryOut(card.value);
      if (!tried.ok) return tried;
      const locked = await this.#lockUp(admin, adminPin, resetCode);
      // Read anew: the counter and the tries have moved.
      return locked.ok ? await OpenPgpCard.open(this.#transport, options) : locked;
    } finally {
      for (const secret of [adminPin, resetCode]) secret.fill(0);
    }
  }

  async #look(): Promise<Result<RawCard>> {
    const selected = await this.#select();
    if (!selected.ok) return selected;
    if (selected.value === SW_TERMINATED) return ok({ version: '', keys: { sig: null, aut: null, dec: null }, state: 'used' });
    const answer = await getData(this.#transport, 0x6e);
    if (!answer.ok) return answer;
    if (answer.value.sw !== SW_OK) return failed(answer.value.sw);
    const application = withoutOuterTag(answer.value.data, 0x6e);
    const version = tlvAt(application, 0x4f)?.subarray(6, 8);
    const capabilities = discretionary(application, 0xc0);
    const pinStatus = parsePinStatus(discretionary(application, 0xc4));
    if (version?.length !== 2 || capabilities === null || pinStatus === null) return fail('card-error', 'application data');
    this.#limits = readLimits(application);
    const kdf = await readKdf(this.#transport, capabilities);
    if (!kdf.ok && kdf.failure.code !== 'card-unsupported') return kdf;
    const keys: RawCard['keys'] = { sig: null, aut: null, dec: null };
    for (const slot of Object.values(keySlots)) {
      if (!isCurve(discretionary(application, slot.attributes), slot.curve)) continue;
      const key = await readKey(this.#transport, slot);
      if (key.ok) keys[slot.name] = key.value;
      else if (key.failure.code !== 'card-unsupported') return key;
    }
    const hasPrints = (discretionary(application, 0xc5) ?? new Uint8Array()).some((byte) => byte !== 0);
    const hasKeys = Object.values(keys).some((key) => key !== null);
    const { pw1, pw3, resetCode } = pinStatus.tries;
    const isBlank = !hasKeys && !hasPrints && kdf.ok && kdf.value === null && pw1 >= 3 && pw3 >= 3 && resetCode === 0;
    this.#isBlank = isBlank;
    return ok({ version: `${version[0]}.${version[1]}`, keys, state: isBlank ? 'blank' : 'used' });
  }

  /** The status word, of a card that has the application at all. */
  async #select(): Promise<Result<number>> {
    const selected = await exchange(this.#transport, { cla: 0x00, ins: 0xa4, p1: 0x04, p2: 0x00, data: AID, le: 0x00 }, shortOnly);
    if (!selected.ok) return selected;
    const { sw } = selected.value;
    if (sw === SW_OK || sw === SW_TERMINATED) return ok(sw);
    return isUnknownApplication(sw) ? fail('card-unknown', swText(sw)) : failed(sw);
  }

  async #block(p2: number): Promise<Result<null>> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const wrong = Uint8Array.from(randomBytes(8), (byte) => 0x41 + (byte % 26));
      const answer = await this.#send({ cla: 0x00, ins: 0x20, p1: 0x00, p2, data: wrong });
      if (!answer.ok) return answer;
      if (answer.value.sw === SW_BLOCKED || answer.value.sw === 0x63c0) return ok(null);
    }
    return fail('card-not-wiped', `PIN ${p2.toString(16)}`);
  }

  /** Attributes, the key pair, its fingerprint and date (DO C7 to C9, CE to D0), so that other programs see a whole card. */
  async #makeKey(slot: KeySlot, index: number): Promise<Result<null>> {
    const attributes = await this.#putData(slot.attributes, Buffer.from(curveAttributes[slot.curve][0], 'hex'), 'card-wrong-curve');
    if (!attributes.ok) return attributes;
    const command: CommandApdu = { cla: 0x00, ins: 0x47, p1: 0x80, p2: 0x00, data: Uint8Array.of(slot.crt, 0x00), le: 0x00 };
    const answer = await this.#expect(command, 'card-wrong-curve', slot.name);
    if (!answer.ok) return answer;
    const point = publicPoint(answer.value.data, slot);
    if (!point.ok) return fail('card-wrong-curve', slot.name);
    const createdAt = Math.floor(Date.now() / 1000);
    const time = Buffer.alloc(4);
    time.writeUInt32BE(createdAt);
    const print = await this.#putData(0xc7 + index, fingerprint(slot, point.value, time), 'card-not-made');
    return print.ok ? await this.#putData(0xce + index, time, 'card-not-made') : print;
  }

  /** With PW1 as from the factory. What the card makes is checked here: an answer of the right length proves nothing. */
  async #tryOut(card: OpenPgpCard): Promise<Result<null>> {
    const { sig, aut, dec } = card.info.keys;
    const forSign = await this.#verifyFactory(card, 'sign');
    if (!forSign.ok) return forSign;
    const signed = randomBytes(TRIAL_SIGNATURE_LENGTH);
    const signature = await card.sign(signed);
    if (!signature.ok) return asNotMade(signature, 'sign');
    if (!isSigned(sig, signed, signature.value)) return fail('card-not-made', 'signature');
    const second = await card.sign(signed);
    if (second.ok) return fail('card-not-made', 'two signatures with one PIN');
    if (second.failure.detail !== swText(SW_NOT_VERIFIED)) return asNotMade(second, 'second signature');

    const forUser = await this.#verifyFactory(card, 'user');
    if (!forUser.ok) return forUser;
    const challenge = randomBytes(LONGEST_CHALLENGE);
    const answer = await card.authenticate(challenge);
    if (!answer.ok) return answer.failure.code === 'card-error' || answer.failure.code === 'card-unsupported' ? fail('card-aut-short', answer.failure.detail) : answer;
    if (!isSigned(aut, challenge, answer.value)) return fail('card-aut-short', 'signature');

    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    const point = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES));
    const shared = await card.agree(point);
    if (!shared.ok) return asNotMade(shared, 'agree');
    const expected = diffieHellman({ privateKey, publicKey: createPublicKey({ key: Buffer.concat([spkiHead.x25519, dec]), format: 'der', type: 'spki' }) });
    return expected.equals(shared.value) ? ok(null) : fail('card-not-made', 'agreement');
  }

  async #verifyFactory(card: OpenPgpCard, purpose: 'sign' | 'user'): Promise<Result<null>> {
    const verified = await card.verify(purpose, Uint8Array.from(Buffer.from(factoryPin, 'ascii')));
    if (!verified.ok) return verified;
    return verified.value.verified ? ok(null) : fail('card-not-blank', 'PIN');
  }

  /** The reset code first: it wants the admin PIN, which is another from then on. */
  async #lockUp(factory: Uint8Array, adminPin: Uint8Array, resetCode: Uint8Array): Promise<Result<null>> {
    const verified = await this.#expect({ cla: 0x00, ins: 0x20, p1: 0x00, p2: PW3, data: Uint8Array.from(factory) }, 'card-not-made', 'admin PIN');
    if (!verified.ok) return verified;
    const code = await this.#putData(0xd3, resetCode, 'card-not-made');
    if (!code.ok) return code;
    const data = new Uint8Array(factory.length + adminPin.length);
    data.set(factory);
    data.set(adminPin, factory.length);
    try {
      const changed = await this.#expect({ cla: 0x00, ins: 0x24, p1: 0x00, p2: PW3, data }, 'card-not-made', 'admin PIN');
      return changed.ok ? ok(null) : changed;
    } finally {
      data.fill(0);
    }
  }

  async #putData(tag: number, value: Uint8Array, otherwise: FailureCode): Promise<Result<null>> {
    const written = await this.#expect({ cla: 0x00, ins: 0xda, p1: tag >> 8, p2: tag & 0xff, data: value }, otherwise, `DO ${tag.toString(16)}`);
    return written.ok ? ok(null) : written;
  }

  async #expect(command: CommandApdu, otherwise: FailureCode, what: string): Promise<Result<ResponseApdu>> {
    const answer = await this.#send(command);
    if (!answer.ok || answer.value.sw === SW_OK) return answer;
    return fail(otherwise, `${what} ${swText(answer.value.sw)}`);
  }

  #send(command: CommandApdu): Promise<Result<ResponseApdu>> {
    return exchange(this.#transport, command, this.#limits);
  }
}

/** The person's own PIN in the place of the factory's, and verified for everything but signatures. */
export async function choosePin(card: OpenPgpCard, newPin: Uint8Array, avoid: readonly string[]): Promise<Result<PinChoice>> {
  const again = Uint8Array.from(newPin);
  try {
    const weakness = pinWeakness(Buffer.from(newPin).toString('ascii'), avoid);
    if (weakness !== null) return ok({ chosen: false, weakness });
    const changed = await card.changePin(Uint8Array.from(Buffer.from(factoryPin, 'ascii')), newPin);
    if (!changed.ok) return changed;
    if (!changed.value.verified) return fail('card-not-blank', 'PIN');
    const verified = await card.verify('user', again);
    if (!verified.ok) return verified;
    return verified.value.verified ? ok({ chosen: true }) : fail('card-not-made', 'PIN');
  } finally {
    for (const secret of [newPin, again]) secret.fill(0);
  }
}

/** RESET RETRY COUNTER with the reset code in front (OpenPGP card 3.4 §7.2.4). The last try of the code is not spent here either. */
export async function unblockPin(transport: ApduTransport, resetCode: Uint8Array, newPin: Uint8Array, avoid: readonly string[]): Promise<Result<PinChoice | { codeWrong: true; triesLeft: number }>> {
  const data = new Uint8Array(resetCode.length + newPin.length);
  try {
    const weakness = pinWeakness(Buffer.from(newPin).toString('ascii'), avoid);
    if (weakness !== null) return ok({ chosen: false, weakness });
    if (newPin.length < PIN_MIN) return fail('pin-format');
    const before = await readTries(transport);
    if (!before.ok) return before;
    if (before.value.resetCode <= 1) return fail('card-code-blocked', String(before.value.resetCode));
    data.set(resetCode);
    data.set(newPin, resetCode.length);
    const answer = await exchange(transport, { cla: 0x00, ins: 0x2c, p1: 0x00, p2: PW1_SIGN, data }, shortOnly);
    if (!answer.ok) return answer;
    const { sw } = answer.value;
    if (sw === SW_OK) return ok({ chosen: true });
    const after = await readTries(transport);
    if (!after.ok) return after;
    const isWrong = sw === SW_NOT_VERIFIED || sw === SW_BLOCKED || triesOf(sw) !== null;
    return isWrong ? ok({ codeWrong: true, triesLeft: after.value.resetCode }) : failed(sw);
  } finally {
    for (const secret of [resetCode, newPin, data]) secret.fill(0);
  }
}

const KEY_BYTES = 32;
/** SubjectPublicKeyInfo up to the key, RFC 8410. */
const spkiHead = { ed25519: Buffer.from('302a300506032b6570032100', 'hex'), x25519: Buffer.from('302a300506032b656e032100', 'hex') } as const;

const isSigned = (key: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean =>
  verify(null, data, createPublicKey({ key: Buffer.concat([spkiHead.ed25519, key]), format: 'der', type: 'spki' }), signature);

/** What the card cannot do is its own fault; that it was pulled, or wants a touch, is said as it is. */
const asNotMade = (result: { ok: false; failure: { code: FailureCode; detail?: string } }, what: string): Result<never> =>
  result.failure.code === 'card-error' || result.failure.code === 'card-unsupported' ? fail('card-not-made', `${what} ${result.failure.detail ?? ''}`) : result;

/** Version 4 (RFC 4880 §12.2), with the curve's OID and, for ECDH, the KDF that GnuPG writes (RFC 6637 §9). */
function fingerprint(slot: KeySlot, key: Uint8Array, time: Uint8Array): Uint8Array {
  const point = Buffer.concat([Buffer.from('010740', 'hex'), key]);
  const material =
    slot.curve === 'ed25519'
      ? [Buffer.from('16092b06010401da470f01', 'hex'), point]
      : [Buffer.from('120a2b060104019755010501', 'hex'), point, Buffer.from('03010807', 'hex')];
  const body = Buffer.concat([Buffer.of(0x04), time, ...material]);
  return createHash('sha1').update(Buffer.of(0x99, body.length >> 8, body.length & 0xff)).update(body).digest();
}
