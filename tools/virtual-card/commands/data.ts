import { answer, type Answer, type Card } from '../card.ts';
import { type CardState, factoryPw1, factoryPw3, type KeyRole, maxTries } from '../card-state.ts';
import type { Command } from '../command.ts';
import { algorithmAttributes, longestCertificate, longestObject, objectValue } from '../data-objects.ts';
import { sw } from '../status-word.ts';
import { tlv, valueOf } from '../tlv.ts';
import { newPinLength } from './pin.ts';

/** Objects that a card of the style `only-inside` gives as members of 6E only. */
const attributeTags = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xcd, 0xd6, 0xd7, 0xd8, 0xde]);
const constructedTags = new Set([0x65, 0x6e, 0x73, 0x7a]);
/** Only reachable inside 65, 7A and the like (§4.4.1). */
const memberOnlyTags = new Set([0x5b, 0x5f2d, 0x5f35, 0x93]);

export function getData({ state, session }: Card, { tag }: Extract<Command, { kind: 'get-data' }>): Answer {
  if (memberOnlyTags.has(tag)) return answer(sw.referenceNotFound);
  if (state.style.attributes === 'only-inside' && attributeTags.has(tag)) return answer(sw.referenceNotFound);
  const value = objectValue(state, tag, session.certificate);
  if (value === null) return answer(sw.referenceNotFound);
  const whole = tag === 0xfa || (constructedTags.has(tag) && state.style.constructed === 'whole');
  return answer(sw.ok, whole ? tlv(tag, value) : value);
}

/** The next certificate after the one that was read last (§7.2.7). */
export function getNextData(card: Card): Answer {
  if (card.session.certificate >= 2) return answer(sw.referenceNotFound);
  card.session.certificate += 1;
  return getData(card, { kind: 'get-data', tag: 0x7f21 });
}

export function selectData(card: Card, { occurrence }: Extract<Command, { kind: 'select-data' }>): Answer {
  card.session.certificate = occurrence;
  return answer(sw.ok);
}

/** Who may write is checked before; here only whether the object takes this value. */
export function putData(card: Card, { tag, value }: Extract<Command, { kind: 'put-data' }>): Answer {
  const status = write(card, tag, value);
  if (status === sw.ok) card.keep();
  return answer(status);
}

function write({ state, session }: Card, tag: number, value: Uint8Array): number {
  const hex = Buffer.from(value).toString('hex');
  const text = (field: keyof CardState['holder'], longest: number): number => {
    if (value.length > longest) return sw.wrongLength;
    state.holder[field] = hex;
    return sw.ok;
  };
  switch (tag) {
    case 0x5b:
      return text('name', 39);
    case 0x5e:
      return text('login', longestObject);
    case 0x5f2d:
      return value.length % 2 === 0 ? text('language', 8) : sw.wrongLength;
    case 0x5f35:
      return ['30', '31', '32', '39'].includes(hex) ? text('sex', 1) : sw.wrongData;
    case 0x5f50:
      return text('url', longestObject);
    case 0x7f21:
      if (value.length > longestCertificate) return sw.wrongLength;
      state.certificates[session.certificate] = hex;
      return sw.ok;
    case 0xc1:
      return writeAttributes(state, 'sig', value);
    case 0xc2:
      return writeAttributes(state, 'dec', value);
    case 0xc3:
      return writeAttributes(state, 'aut', value);
    case 0xc4:
      if (hex !== '00' && hex !== '01') return sw.wrongData;
      state.pinPerSignature = hex === '00';
      return sw.ok;
    case 0xc7:
    case 0xc8:
    case 0xc9:
      if (value.length !== 20) return sw.wrongLength;
      state.keys[roleAt(tag - 0xc7)].fingerprint = hex;
      return sw.ok;
    case 0xca:
    case 0xcb:
    case 0xcc:
      if (value.length !== 20) return sw.wrongLength;
      state.caFingerprints[tag - 0xca] = hex;
      return sw.ok;
    case 0xce:
    case 0xcf:
    case 0xd0:
      if (value.length !== 4) return sw.wrongLength;
      state.keys[roleAt(tag - 0xce)].createdAt = Buffer.from(value).readUInt32BE();
      return sw.ok;
    case 0xd3:
      if (value.length !== 0 && !newPinLength.resetCode(value.length)) return sw.wrongLength;
      state.resetCode = value.length === 0 ? null : { value: hex, triesLeft: maxTries };
      return sw.ok;
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return writeTouch(state, roleAt(tag - 0xd6), value);
    case 0xf9:
      return writeKdf(state, value);
    case 0x0101:
    case 0x0102:
    case 0x0103:
    case 0x0104:
      if (state.privateObjects === null) return sw.referenceNotFound;
      if (value.length > longestObject) return sw.wrongLength;
      state.privateObjects[tag - 0x0101] = hex;
      return sw.ok;
    default:
      return sw.referenceNotFound;
  }
}

const roleAt = (index: number): KeyRole => (['sig', 'dec', 'aut'] as const)[index] ?? 'sig';

/** Another algorithm ends the key (§4.4.3.9). A card of another kind stays one. */
function writeAttributes({ keys, style }: CardState, role: KeyRole, value: Uint8Array): number {
  const key = keys[role];
  if (algorithmAttributes[key.algorithm].equals(value)) return sw.ok;
  const wanted = ([role === 'dec' ? 'x25519' : 'ed25519', 'rsa2048'] as const).find((algorithm) => algorithmAttributes[algorithm].equals(value));
  if (style.attributesTaken === 'own' || wanted === undefined) return sw.wrongData;
  Object.assign(key, { algorithm: wanted, secret: null, fingerprint: '00'.repeat(20), createdAt: 0 });
  return sw.ok;
}

function writeTouch({ keys }: CardState, role: KeyRole, value: Uint8Array): number {
  const touch = (['off', 'on', 'permanent'] as const)[value[0] ?? 0xff];
  if (touch === undefined || value.length !== 2) return sw.wrongData;
  if (keys[role].touch === 'permanent' && touch !== 'permanent') return sw.conditions;
  keys[role].touch = touch;
  return sw.ok;
}

/** KDF-DO, §4.3.2: off sets the factory PINs, on sets the hashes of fields 87 and 88. */
function writeKdf(state: CardState, value: Uint8Array): number {
  const algorithm = valueOf(value, 0x81);
  if (algorithm?.length !== 1) return sw.wrongData;
  if (algorithm[0] === 0x00) {
    state.kdf = null;
    state.pw1 = { value: Buffer.from(factoryPw1).toString('hex'), triesLeft: maxTries };
    state.pw3 = { value: Buffer.from(factoryPw3).toString('hex'), triesLeft: maxTries };
    return sw.ok;
  }
  const [hash, count, salt, pw1, pw3] = [0x82, 0x83, 0x84, 0x87, 0x88].map((tag) => valueOf(value, tag));
  const digestLength = { 0x08: 32, 0x0a: 64 }[hash?.[0] ?? 0];
  if (algorithm[0] !== 0x03 || digestLength === undefined || count?.length !== 4 || salt?.length !== 8) return sw.wrongData;
  if (pw1?.length !== digestLength || pw3?.length !== digestLength) return sw.wrongData;
  state.kdf = { object: Buffer.from(value).toString('hex') };
  state.pw1 = { value: Buffer.from(pw1).toString('hex'), triesLeft: maxTries };
  state.pw3 = { value: Buffer.from(pw3).toString('hex'), triesLeft: maxTries };
  return sw.ok;
}
