import type { CardState, KeyRole, KeyState, PinState } from './card-state.ts';
import { tlv } from './tlv.ts';

/** Longest command and answer in bytes (DO 7F66); a chain of commands counts as one. */
export const longestMessage = 2048;
export const longestCertificate = 2048;
export const longestObject = 255;
/** Longest PIN in bytes, DO C4 bytes 2 to 4. */
export const longestPin = 127;

const roles = ['sig', 'dec', 'aut'] as const satisfies readonly KeyRole[];
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const uint32 = (value: number): Buffer => {
  const field = Buffer.alloc(4);
  field.writeUInt32BE(value);
  return field;
};

/** DO C1 to C3 for a key, RFC 9580 §9.2 names the curves; RSA as modulus bits, exponent bits, import format. */
export const algorithmAttributes = {
  ed25519: bytes('162b06010401da470f01'),
  x25519: bytes('122b060104019755010501'),
  rsa2048: bytes('010800002000'),
} as const satisfies Record<KeyState['algorithm'], Buffer>;

/** D276 0001 2401, version 3.4, manufacturer, serial number, two bytes for later use (§4.2.1). */
export const applicationId = (state: CardState): Uint8Array => bytes(`d276000124010304${state.manufacturer}${state.serial}0000`);

/**
 * Historical bytes (§6): application selected by full and partial name, objects by GET DATA, no master file; chaining and
 * extended length; life cycle 05 in use, 03 terminated.
 */
export const historicalBytes = (state: CardState): Uint8Array => bytes(`0031c573c001c0${state.terminated ? '03' : '05'}9000`);

/** Answer to reset: T=1 and the historical bytes. */
export function answerToReset(state: CardState): Uint8Array {
  const body = Buffer.concat([Uint8Array.of(0x8a, 0x01), historicalBytes(state)]);
  const check = body.reduce((sum, byte) => sum ^ byte, 0);
  return Buffer.concat([Uint8Array.of(0x3b), body, Uint8Array.of(check)]);
}

/** The value of a data object that GET DATA knows, without its own tag; null where the card has none. */
export function objectValue(state: CardState, tag: number, certificate: number): Uint8Array | null {
  const { keys, holder } = state;
  switch (tag) {
    case 0x4f:
      return applicationId(state);
    case 0x5b:
      return bytes(holder.name);
    case 0x5e:
      return bytes(holder.login);
    case 0x5f2d:
      return bytes(holder.language);
    case 0x5f35:
      return bytes(holder.sex);
    case 0x5f50:
      return bytes(holder.url);
    case 0x5f52:
      return historicalBytes(state);
    case 0x65:
      return members(state, [0x5b, 0x5f2d, 0x5f35]);
    case 0x6e:
      return members(state, [0x4f, 0x5f52, 0x7f74, 0x7f66, 0x73]);
    case 0x73:
      return members(state, [0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xcd, 0xd6, 0xd7, 0xd8, 0xde]);
    case 0x7a:
      return members(state, [0x93]);
    case 0x7f21:
      return bytes(state.certificates[certificate] ?? '');
    case 0x7f66:
      return Buffer.concat([tlv(0x02, word(longestMessage)), tlv(0x02, word(longestMessage))]);
    case 0x7f74:
      return tlv(0x81, Uint8Array.of(featureButton));
    case 0x93:
      return uint32(state.signatureCount).subarray(1);
    case 0xc0:
      return extendedCapabilities(state);
    case 0xc1:
      return algorithmAttributes[keys.sig.algorithm];
    case 0xc2:
      return algorithmAttributes[keys.dec.algorithm];
    case 0xc3:
      return algorithmAttributes[keys.aut.algorithm];
    case 0xc4:
      return pinStatus(state);
    case 0xc5:
      return Buffer.concat(roles.map((role) => bytes(keys[role].fingerprint)));
    case 0xc6:
      return Buffer.concat(state.caFingerprints.map(bytes));
    case 0xcd:
      return Buffer.concat(roles.map((role) => uint32(keys[role].createdAt)));
    case 0xd6:
      return touchFlag(keys.sig);
    case 0xd7:
      return touchFlag(keys.dec);
    case 0xd8:
      return touchFlag(keys.aut);
    case 0xde:
      return Uint8Array.from(roles.flatMap((role, index) => [index + 1, keys[role].secret === null ? 0 : 1]));
    case 0xf9:
      return state.kdf === null ? bytes('810100') : bytes(state.kdf.object);
    case 0xfa:
      return algorithmInformation(state);
    case 0x0101:
    case 0x0102:
    case 0x0103:
    case 0x0104:
      return state.privateObjects === null ? null : bytes(state.privateObjects[tag - 0x0101] ?? '');
    default:
      return null;
  }
}

/** The public key template, DO 7F49. */
export const publicKeyObject = (publicKey: Uint8Array): Uint8Array => tlv(0x7f49, tlv(0x86, publicKey));

const featureButton = 0x20;
const word = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

const members = (state: CardState, tags: readonly number[]): Uint8Array =>
  Buffer.concat(tags.map((tag) => tlv(tag, objectValue(state, tag, 0) ?? new Uint8Array(0))));

/**
 * DO C0 (§4.4.3.7): GET CHALLENGE, PIN status changeable, private objects where the card has them, algorithm attributes
 * changeable, KDF. No secure messaging, no key import (keys are made on the card), no AES.
 */
function extendedCapabilities(state: CardState): Uint8Array {
  const features = 0x40 | 0x10 | (state.privateObjects === null ? 0 : 0x08) | 0x04 | 0x01;
  return Buffer.concat([Uint8Array.of(features, 0x00), word(longestObject), word(longestCertificate), word(longestObject), Uint8Array.of(0, 0)]);
}

function pinStatus({ pinPerSignature, pw1, pw3, resetCode }: CardState): Uint8Array {
  const tries = (pin: PinState | null): number => pin?.triesLeft ?? 0;
  return Uint8Array.of(pinPerSignature ? 0 : 1, longestPin, longestPin, longestPin, tries(pw1), tries(resetCode), tries(pw3));
}

const touchFlag = ({ touch }: KeyState): Uint8Array => Uint8Array.of({ off: 0, on: 1, permanent: 2 }[touch], featureButton);

function algorithmInformation({ keys }: CardState): Uint8Array {
  return Buffer.concat(roles.map((role, index) => tlv(0xc1 + index, algorithmAttributes[keys[role].algorithm])));
}
