/**
 * HPKE, RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-GCM, one message a context.
 * The recipient's half of the key agreement is a port, so that a card can compute it and everything else runs here.
 */
import { createCipheriv, createDecipheriv, hash, type KeyObject } from 'node:crypto';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { isAllZero, newX25519Key, x25519Key, x25519Point } from './x25519.ts';

/** X25519 of the recipient's private key with a public point of 32 bytes: the raw shared secret, 32 bytes. */
export type Agree = (point: Uint8Array) => Promise<Result<Uint8Array>>;

/** Whoever can open what is sealed to a public key. */
export interface Opener {
  publicKey: Uint8Array;
  agree: Agree;
}

export interface HpkeMessage {
  /** The ephemeral public key, 32 bytes. */
  enc: Uint8Array;
  /** With the tag of 16 bytes at its end. */
  ciphertext: Uint8Array;
}

/** `seal-broken`: not sealed to this key, for this purpose, or altered. Anything else is the agreement's own failure. */
export type OpenFailure = Failure | Failure<'seal-broken'>;

/** RFC 9180 §7.3. */
export type AeadId = 1 | 2;
export const aes128Gcm: AeadId = 1;
export const aes256Gcm: AeadId = 2;

const keyLengths: Record<AeadId, 16 | 32> = { 1: 16, 2: 32 };
const nonceLength = 12;
const tagLength = 16;
const secretLength = 32;
const [hashBlock, hashLength] = [64, 32];

const ascii = (text: string): Buffer => Buffer.from(text, 'ascii');
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
/** RFC 2104 over SHA-256, for keys of at most one block. Eight of them make one message, and Node's own object for each costs four times what this does. */
function hmac(key: Uint8Array, ...parts: Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, hashBlock);
  const [inner, outer] = [Buffer.alloc(length, 0x36), Buffer.alloc(hashBlock + hashLength, 0x5c)];
  for (const [i, byte] of key.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  let at = hashBlock;
  for (const part of parts) {
    inner.set(part, at);
    at += part.length;
  }
  outer.set(hash('sha256', inner, 'buffer'), hashBlock);
  const mac = hash('sha256', outer, 'buffer');
  inner.fill(0);
  outer.fill(0);
  return mac;
}

const kemSuite = Buffer.concat([ascii('KEM'), u16(0x0020)]);
const hpkeSuite = (aead: AeadId): Buffer => Buffer.concat([ascii('HPKE'), u16(0x0020), u16(0x0001), u16(aead)]);

/** §4, LabeledExtract. */
const labeledExtract = (suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer =>
  hmac(salt, ascii('HPKE-v1'), suite, ascii(label), ikm);

/** §4, LabeledExpand, for at most one block of SHA-256. */
const labeledExpand = (suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Buffer =>
  hmac(prk, u16(length), ascii('HPKE-v1'), suite, ascii(label), info, Uint8Array.of(1)).subarray(0, length);

/** §4.1, ExtractAndExpand. */
export function kemSecret(dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
  const prk = labeledExtract(kemSuite, new Uint8Array(0), 'eae_prk', dh);
  return labeledExpand(kemSuite, prk, 'shared_secret', Buffer.concat([enc, recipient]), secretLength);
}

/** §5.1, KeySchedule in base mode. */
export function keySchedule(sharedSecret: Uint8Array, info: Uint8Array, aead: AeadId): { key: Uint8Array; baseNonce: Uint8Array; exporterSecret: Uint8Array } {
  const suite = hpkeSuite(aead);
  const empty = new Uint8Array(0);
  const context = Buffer.concat([
    Uint8Array.of(0),
    labeledExtract(suite, empty, 'psk_id_hash', empty),
    labeledExtract(suite, empty, 'info_hash', info),
  ]);
  const secret = labeledExtract(suite, sharedSecret, 'secret', empty);
  return {
    key: labeledExpand(suite, secret, 'key', context, keyLengths[aead]),
    baseNonce: labeledExpand(suite, secret, 'base_nonce', context, nonceLength),
    exporterSecret: labeledExpand(suite, secret, 'exp', context, secretLength),
  };
}

/**
 * Throws on a recipient of small order: the ledger's rules refuse such a key when it is registered.
 * `ephemeral` is handed in by the RFC's vectors only.
 */
export function hpkeSeal(recipient: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, aead: AeadId = aes256Gcm, ephemeral?: Uint8Array): HpkeMessage {
  const { publicKey: enc, agree } = ephemeral === undefined ? newX25519Key() : x25519Key(ephemeral);
  const dh = agree(recipientPoint(recipient));
  if (dh === null) throw new Error('sealing to a key of small order');
  const { key, baseNonce } = keySchedule(kemSecret(dh, enc, recipient), info, aead);
  const cipher = createCipheriv(aead === aes128Gcm ? 'aes-128-gcm' : 'aes-256-gcm', key, baseNonce);
  cipher.setAAD(aad);
  const ciphertext = new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  dh.fill(0);
  return { enc, ciphertext };
}

/** Parties and residents are sealed to again and again. */
const recipients = new Map<string, KeyObject>();
const mostRecipients = 4096;

function recipientPoint(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('latin1');
  const known = recipients.get(name);
  if (known !== undefined) return known;
  const point = x25519Point(publicKey);
  if (recipients.size >= mostRecipients) recipients.clear();
  recipients.set(name, point);
  return point;
}

export async function hpkeOpen(message: HpkeMessage, opener: Opener, info: Uint8Array, aad: Uint8Array, aead: AeadId = aes256Gcm): Promise<Result<Uint8Array, OpenFailure>> {
  const { enc, ciphertext } = message;
  if (enc.length !== 32 || ciphertext.length < tagLength) return fail('seal-broken', 'length');
  const dh = await opener.agree(enc);
  if (!dh.ok) return dh;
  if (dh.value.length !== 32 || isAllZero(dh.value)) return fail('seal-broken', 'small-order');
  const { key, baseNonce } = keySchedule(kemSecret(dh.value, enc, opener.publicKey), info, aead);
  dh.value.fill(0);
  const decipher = createDecipheriv(aead === aes128Gcm ? 'aes-128-gcm' : 'aes-256-gcm', key, baseNonce);
  decipher.setAAD(aad);
  decipher.setAuthTag(ciphertext.subarray(-tagLength));
  try {
    return ok(new Uint8Array(Buffer.concat([decipher.update(ciphertext.subarray(0, -tagLength)), decipher.final()])));
  } catch {
    return fail('seal-broken', 'tag');
  }
}

/** An opener whose private key is in this process. */
export function softwareOpener(secret: Uint8Array): Opener {
  const key = x25519Key(secret);
  return {
    publicKey: key.publicKey,
    agree: (point) => {
      const shared = key.agree(x25519Point(point));
      return Promise.resolve(shared === null ? fail('space-unreadable', 'small-order') : ok(shared));
    },
  };
}
