import type { Apdu } from './apdu.ts';
import { answer, type Answer } from './card.ts';
import { publicKeyOf } from './card-state.ts';
import { ApduExchange } from './exchange.ts';
import { signEd25519 } from './key-material.ts';
import { loadPivState, savePivState, pivTries, type PivSlot, type PivState } from './piv-state.ts';
import { sw } from './status-word.ts';
import { tlv, valueOf } from './tlv.ts';

const applicationId = 'a000000308';
const pinReference = 0x80;
const slots: Readonly<Record<number, PivSlot>> = { 0x9c: 'sig', 0x9a: 'aut' };
const certificateTags: Readonly<Record<string, PivSlot>> = { '5fc10a': 'sig', '5fc105': 'aut' };
const discovery = tlv(0x7e, tlv(0x4f, Buffer.from('a000000308000010000100', 'hex')), tlv(0x5f2f, Uint8Array.of(0x40, 0x00)));
/** Written as a PIV card of YubiKey's line says it. */
const version = Uint8Array.of(5, 7, 0);

/** A PIV card (NIST SP 800-73-4) behind its contacts, as far as a host needs that signs with it: everything lasting in its file. */
export class PivCard {
  readonly state: PivState;
  readonly #path: string;
  readonly #waitForTouch: () => Promise<boolean>;
  readonly #exchange = new ApduExchange();
  #isSelected = false;
  /** Of the PIN: for 9C it serves one signature. */
  #isVerified = false;
  #mayUse: Record<PivSlot, boolean> = { sig: false, aut: false };

  /** Throws where the file is no card's. */
  constructor(path: string, waitForTouch: () => Promise<boolean>) {
    this.#path = path;
    this.state = loadPivState(path);
    this.#waitForTouch = waitForTouch;
  }

  /** T=1, no historical bytes. */
  readonly answerToReset: Uint8Array = Uint8Array.of(0x3b, 0x80, 0x01, 0x81);

  reset(): void {
    this.#isSelected = false;
    this.#isVerified = false;
    this.#mayUse = { sig: false, aut: false };
    this.#exchange.reset();
  }

  process(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#exchange.process(bytes, (apdu) => this.#execute(apdu));
  }

  #execute(apdu: Apdu): Answer | Promise<Answer> {
    if (apdu.cla !== 0x00) return answer(sw.claUnknown);
    if (apdu.ins === 0xa4) return this.#select(apdu);
    if (!this.#isSelected) return answer(sw.insUnknown);
    switch (apdu.ins) {
      case 0x20:
        return this.#verify(apdu);
      case 0x24:
        return this.#changePin(apdu);
      case 0x87:
        return this.#authenticate(apdu);
      case 0xcb:
        return this.#getData(apdu);
      case 0xf7:
        return this.#metadata(apdu);
      case 0xfd:
        return this.state.style.tellsMetadata ? answer(sw.ok, version) : answer(sw.insUnknown);
      default:
        return answer(sw.insUnknown);
    }
  }

  #select({ p1, data }: Apdu): Answer {
    const named = Buffer.from(data).toString('hex');
    if (p1 !== 0x04 || named.length < applicationId.length || !named.startsWith(applicationId)) return answer(sw.notFound);
    this.#isSelected = true;
    return answer(sw.ok, tlv(0x61, tlv(0x4f, Buffer.from('000010000100', 'hex')), tlv(0x79, tlv(0x4f, Buffer.from(applicationId, 'hex')))));
  }

  #verify({ p2, data }: Apdu): Answer {
    if (p2 !== pinReference) return answer(sw.referenceNotFound);
    if (data.length === 0) return answer(this.#isVerified ? sw.ok : this.#left());
    const status = this.#try(data);
    this.#isVerified = status === sw.ok;
    this.#mayUse = { sig: this.#isVerified, aut: this.#isVerified };
    return answer(status);
  }

  #changePin({ p2, data }: Apdu): Answer {
    if (p2 !== pinReference) return answer(sw.referenceNotFound);
    const wanted = Buffer.from(data.subarray(8)).toString('latin1').replace(/\xff+$/, '');
    if (data.length !== 16 || !/^\d{6,8}$/.test(wanted)) return answer(sw.wrongData);
    const status = this.#try(data.subarray(0, 8));
    if (status !== sw.ok) return answer(status);
    this.state.pin.digits = wanted;
    savePivState(this.#path, this.state);
    return answer(sw.ok);
  }

  /** On disk before the host hears of it. */
  #try(form: Uint8Array): number {
    const { pin } = this.state;
    if (pin.triesLeft === 0) return sw.pinBlocked;
    if (form.length !== 8) return sw.wrongData;
    const isRight = Buffer.from(form).toString('latin1') === pin.digits.padEnd(8, '\xff');
    const triesLeft = isRight ? pivTries : pin.triesLeft - 1;
    if (triesLeft !== pin.triesLeft) {
      pin.triesLeft = triesLeft;
      savePivState(this.#path, this.state);
    }
    return isRight ? sw.ok : this.#left();
  }

  #left(): number {
    const { triesLeft } = this.state.pin;
    return triesLeft === 0 ? sw.pinBlocked : sw.triesLeft(triesLeft);
  }

  async #authenticate({ p1, p2, data }: Apdu): Promise<Answer> {
    const slot = slots[p2];
    const secret = slot === undefined ? null : this.state.keys[slot];
    if (slot === undefined || secret === null || p1 !== this.state.style.ed25519) return answer(sw.wrongParameters);
    const toSign = valueOf(valueOf(data, 0x7c) ?? new Uint8Array(0), 0x81);
    if (toSign === null) return answer(sw.wrongData);
    if (!this.#mayUse[slot]) return answer(sw.securityStatus);
    // The signature key wants the PIN each time (part 1 §4.1.3).
    if (slot === 'sig') this.#mayUse.sig = false;
    if (this.state.style.touch && !(await this.#waitForTouch())) return answer(sw.securityStatus);
    const signed = this.state.style.signs === 'all' ? toSign : toSign.subarray(0, 32);
    return answer(sw.ok, tlv(0x7c, tlv(0x82, signEd25519(Buffer.from(secret, 'hex'), signed))));
  }

  #getData({ p1, p2, data }: Apdu): Answer {
    const tag = Buffer.from(valueOf(data, 0x5c) ?? []).toString('hex');
    if (p1 !== 0x3f || p2 !== 0xff) return answer(sw.wrongParameters);
    if (tag === '7e') return answer(sw.ok, discovery);
    const slot = certificateTags[tag];
    const certificate = slot === undefined ? '' : this.state.certificates[slot];
    if (certificate === '') return answer(sw.notFound);
    return answer(sw.ok, tlv(0x53, tlv(0x70, Buffer.from(certificate, 'hex')), tlv(0x71, Uint8Array.of(0)), tlv(0xfe)));
  }

  #metadata({ p2 }: Apdu): Answer {
    if (!this.state.style.tellsMetadata) return answer(sw.insUnknown);
    const slot = slots[p2];
    const secret = slot === undefined ? null : this.state.keys[slot];
    if (slot === undefined || secret === null) return answer(sw.referenceNotFound);
    const policy = Uint8Array.of(slot === 'sig' ? 3 : 2, this.state.style.touch ? 2 : 1);
    const point = tlv(0x86, publicKeyOf('ed25519', Buffer.from(secret, 'hex')));
    return answer(sw.ok, Buffer.concat([tlv(0x01, Uint8Array.of(this.state.style.ed25519)), tlv(0x02, policy), tlv(0x03, Uint8Array.of(1)), tlv(0x04, point)]));
  }
}
