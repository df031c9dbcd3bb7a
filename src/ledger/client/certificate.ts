import { hash } from 'node:crypto';
import type { PublicKey } from '../verify/acts.ts';
import { concatBytes, utf8 } from '../verify/bytes.ts';
import { encodeSpki } from './spki.ts';

export interface CertificateOwner {
  /** Common name, 1 to 64 characters: for whoever looks at a connection with other tools. Nobody decides anything by it. */
  name: string;
  key: PublicKey;
  /** 64 bytes: R ‖ S. Alone, so that a key that never leaves its chip can have a certificate. */
  sign(input: Uint8Array): Uint8Array;
  /** One extension more, DER of its object id and what its OCTET STRING holds. */
  extension?: { oid: Uint8Array; value: Uint8Array };
}

/**
 * A self-signed X.509 certificate in PEM (RFC 5280; Ed25519 as in RFC 8410, ECDSA with SHA-256 as in RFC 5758 §3.2). It only carries a key into TLS:
 * both sides know the key from elsewhere, so it names no issuer that anybody trusts, has no end (§4.1.2.5), and the same Ed25519 key always has the same one.
 *
 * @throws RangeError for a key that TLS cannot use.
 */
export function selfSignedCertificate({ name, key, sign, extension }: CertificateOwner): string {
  const spki = encodeSpki(key);
  if (spki === undefined || name.length === 0 || name.length > 64) throw new RangeError('no certificate for such a key or name');
  const algorithm = key[0] === -19 ? ed25519 : ecdsaWithSha256;
  const names = sequence(tlv(0x31, sequence(commonName, tlv(0x0c, utf8(name)))));
  const tbs = sequence(tlv(0xa0, version3), serialOf(spki), algorithm, names, validity, names, spki, extensionsWith(extension));
  const signature = key[0] === -19 ? sign(tbs) : ecdsaSignature(sign(tbs));
  const certificate = sequence(tbs, algorithm, bitString(signature));
  return `-----BEGIN CERTIFICATE-----\n${lines(Buffer.from(certificate).toString('base64'))}-----END CERTIFICATE-----\n`;
}

function tlv(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const content = concatBytes(...contents);
  const { length } = content;
  const form = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...form), content);
}

const sequence = (...contents: Uint8Array[]): Uint8Array => tlv(0x30, ...contents);
const bitString = (bytes: Uint8Array): Uint8Array => tlv(0x03, Uint8Array.of(0), bytes);

/** An unsigned number, as few bytes as it takes; a leading 0 where it would look negative. */
function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  return (digits[0] ?? 0) < 0x80 ? tlv(0x02, digits) : tlv(0x02, Uint8Array.of(0), digits);
}

const objectId = (hex: string): Uint8Array => tlv(0x06, Uint8Array.from(Buffer.from(hex, 'hex')));

const version3 = integer(Uint8Array.of(2));
/** 1.3.101.112 */
const ed25519 = sequence(objectId('2b6570'));
/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
/** 2.5.4.3 */
const commonName = objectId('550403');
const validity = sequence(tlv(0x17, utf8('260101000000Z')), tlv(0x18, utf8('99991231235959Z')));
/** keyUsage (2.5.29.15), critical: digitalSignature and nothing else. */
const keyUsage = sequence(objectId('551d0f'), tlv(0x01, Uint8Array.of(0xff)), tlv(0x04, tlv(0x03, Uint8Array.of(7, 0x80))));
const extensionsWith = (more: CertificateOwner['extension']): Uint8Array => tlv(0xa3, sequence(keyUsage, ...(more === undefined ? [] : [sequence(more.oid, tlv(0x04, more.value))])));

/** Positive, and another for another key (§4.1.2.2): 16 bytes of the key's hash, the first bit fixed so that it is never 0. */
function serialOf(spki: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(hash('sha256', spki, 'buffer')).slice(0, 16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return integer(bytes);
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3). */
const ecdsaSignature = (signature: Uint8Array): Uint8Array => sequence(integer(signature.subarray(0, 32)), integer(signature.subarray(32)));

const lines = (base64: string): string => base64.replace(/.{1,64}/g, '$&\n');
