/**
 * HPKE, RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-GCM, one message a context.
 * The recipient's half of the key agreement is a port, so that a card can compute it and everything else runs here.
 */
import type { KeyObject } from 'node:crypto';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { gcmOpen, gcmSeal, hmacSha256 } from './symmetric.ts';
import { isAllZero, newX25519Key, newX25519KeyLater, x25519Key, x25519Point } from './x25519.ts';

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

const ascii = (text: string): Buffer => Buffer.from(text, 'ascii');
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

const nothing = new Uint8Array(0);
const kemSuite = Buffer.concat([ascii('KEM'), u16(0x0020)]);
const hpkeSuite = (aead: AeadId): Buffer => Buffer.concat([ascii('HPKE'), u16(0x0020), u16(0x0001), u16(aead)]);

/** §4, LabeledExtract. */
const labeledExtract = (suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array =>
  hmacSha256(salt, ascii('HPKE-v1'), suite, ascii(label), ikm);

/** §4, LabeledExpand, for at most one block of SHA-256. */
const labeledExpand = (suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
  hmacSha256(prk, u16(length), ascii('HPKE-v1'), suite, ascii(label), info, Uint8Array.of(1)).subarray(0, length);

/** §4.1, ExtractAndExpand. */
export function kemSecret(dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
  const prk = labeledExtract(kemSuite, nothing, 'eae_prk', dh);
  return labeledExpand(kemSuite, prk, 'shared_secret', Buffer.concat([enc, recipient]), secretLength);
}

/** A message's key and nonce. */
export interface MessageKeys {
  key: Uint8Array;
  baseNonce: Uint8Array;
}

/** §5.1, KeySchedule in base mode, without the exporter's secret, which a lone message has no use for. */
export function keySchedule(sharedSecret: Uint8Array, info: Uint8Array, aead: AeadId): MessageKeys {
  const suite = hpkeSuite(aead);
  const context = scheduleContext(suite, info, aead);
  const secret = labeledExtract(suite, sharedSecret, 'secret', nothing);
  return {
    key: labeledExpand(suite, secret, 'key', context, keyLengths[aead]),
    baseNonce: labeledExpand(suite, secret, 'base_nonce', context, nonceLength),
  };
}

/** By suite and info. Infos name what is sealed, so there are few. */
const contexts = new Map<string, Buffer>();
const mostContexts = 256;

/** §5.1, key_schedule_context: the same for every message of one info. */
function scheduleContext(suite: Uint8Array, info: Uint8Array, aead: AeadId): Buffer {
  const name = `${aead} ${Buffer.from(info).toString('latin1')}`;
  const known = contexts.get(name);
  if (known !== undefined) return known;
  const context = Buffer.concat([Uint8Array.of(0), labeledExtract(suite, nothing, 'psk_id_hash', nothing), labeledExtract(suite, nothing, 'info_hash', info)]);
  if (contexts.size >= mostContexts) contexts.clear();
  contexts.set(name, context);
  return context;
}

/**
 * Throws on a recipient of small order: the ledger's rules refuse such a key when it is registered.
 * `ephemeral` is handed in by the RFC's vectors only.
 */
export function hpkeSeal(recipient: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, aead: AeadId = aes256Gcm, ephemeral?: Uint8Array): HpkeMessage {
  const { publicKey: enc, agree } = ephemeral === undefined ? newX25519Key() : x25519Key(ephemeral);
  return sealedUnder(agree(recipientPoint(recipient)), enc, recipient, info, aad, plaintext, aead);
}

/** The same, with the two multiplications on the curve on threads of Node's own pool; rejects where that throws. */
export async function hpkeSealLater(recipient: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, aead: AeadId = aes256Gcm): Promise<HpkeMessage> {
  const { publicKey: enc, agreeLater } = await newX25519KeyLater();
  return sealedUnder(await agreeLater(recipientPoint(recipient)), enc, recipient, info, aad, plaintext, aead);
}

function sealedUnder(dh: Uint8Array | null, enc: Uint8Array, recipient: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, aead: AeadId): HpkeMessage {
  if (dh === null) throw new Error('sealing to a key of small order');
  const { key, baseNonce } = keySchedule(kemSecret(dh, enc, recipient), info, aead);
  const ciphertext = gcmSeal(key, baseNonce, aad, plaintext);
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
  const opened = gcmOpen(key, baseNonce, aad, ciphertext);
  return opened === undefined ? fail('seal-broken', 'tag') : ok(opened);
}

/** An opener whose private key is in this process. */
export function softwareOpener(secret: Uint8Array): Opener {
  const key = x25519Key(secret);
  return {
    publicKey: key.publicKey,
    agree: async (point) => {
      const shared = await key.agreeLater(x25519Point(point));
      return shared === null ? fail('space-unreadable', 'small-order') : ok(shared);
    },
  };
}
