import { fail, ok, type Result } from '../contract/result.ts';
import { aes256Gcm, hpkeOpen, hpkeSeal, hpkeSealLater, type HpkeMessage, type OpenFailure, type Opener } from './hpke.ts';

/**
 * What a sealed thing is. It goes into HPKE's info, so that nothing sealed as one can be passed off as another.
 * The context beside it is the id that the thing belongs to: the resident's for what lies in a data space and for private parts,
 * the grant's for presentations, the request's for answers, a case's for its body, an ask's for what was asked and answered, a kiosk's name for its journal,
 * the resident's for a matter that is handed off.
 */
export type SealPurpose = 'space-key' | 'recovery' | 'part' | 'grant-agency' | 'grant-keeper' | 'answers' | 'self' | 'credential' | 'former-key' | 'index' | 'letter' | 'token' | 'case' | 'case-share' | 'draft' | 'ask' | 'mute' | 'admin-pin' | 'journal' | 'hand-off';

/** First byte of every sealed thing: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Another suite gets another number. */
const suite = 1;
const encLength = 32;
const lengthLength = 4;
const smallest = 512;

export const sealInfo = (purpose: SealPurpose): Uint8Array => Buffer.from(`imi/seal/1 ${purpose}`, 'ascii');

/**
 * Padmé (Nikitin et al., PETS 2019, §4): at most 12 % longer, and a length tells O(log log n) bits. Nothing is shorter than 512 bytes.
 * Worked: 700 → 704, 3 122 → 3 200.
 */
export function paddedLength(length: number): number {
  if (length <= smallest) return smallest;
  const exponent = Math.floor(Math.log2(length));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - kept);
  return Math.ceil(length / step) * step;
}

/** Seals to an X25519 public key: suite byte ‖ enc ‖ ciphertext of (length u32 BE ‖ content ‖ zeros). */
export function sealTo(publicKey: Uint8Array, purpose: SealPurpose, context: Uint8Array, content: Uint8Array): Uint8Array {
  const padded = paddedContent(content);
  try {
    return encodeSealed(hpkeSeal(publicKey, sealInfo(purpose), context, padded, aes256Gcm));
  } finally {
    padded.fill(0);
  }
}

/** The same, for who seals much and has more to do meanwhile. */
export async function sealToLater(publicKey: Uint8Array, purpose: SealPurpose, context: Uint8Array, content: Uint8Array): Promise<Uint8Array> {
  const padded = paddedContent(content);
  try {
    return encodeSealed(await hpkeSealLater(publicKey, sealInfo(purpose), context, padded, aes256Gcm));
  } finally {
    padded.fill(0);
  }
}

function paddedContent(content: Uint8Array): Buffer {
  const padded = Buffer.alloc(paddedLength(lengthLength + content.length));
  padded.writeUInt32BE(content.length);
  padded.set(content, lengthLength);
  return padded;
}

const encodeSealed = ({ enc, ciphertext }: HpkeMessage): Uint8Array => new Uint8Array(Buffer.concat([Uint8Array.of(suite), enc, ciphertext]));

export async function openSealed(sealed: Uint8Array, purpose: SealPurpose, context: Uint8Array, opener: Opener): Promise<Result<Uint8Array, OpenFailure>> {
  if (sealed[0] !== suite || sealed.length < 1 + encLength) return fail('seal-broken', 'suite');
  const message = { enc: sealed.subarray(1, 1 + encLength), ciphertext: sealed.subarray(1 + encLength) };
  const opened = await hpkeOpen(message, opener, sealInfo(purpose), context, aes256Gcm);
  if (!opened.ok) return opened;
  const padded = Buffer.from(opened.value.buffer, opened.value.byteOffset, opened.value.length);
  const length = padded.length < lengthLength ? Number.POSITIVE_INFINITY : padded.readUInt32BE(0);
  if (lengthLength + length > padded.length) return fail('seal-broken', 'padding');
  return ok(new Uint8Array(padded.subarray(lengthLength, lengthLength + length)));
}
