import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { PublicKey } from './acts.ts';
import { concatBytes, equalBytes, fromBase64, fromHex, toBase64, toHex, utf8 } from './bytes.ts';
import type { Crypto } from './crypto.ts';

/** Signed notes as C2SP signed-note v1.0.0 has them: a text, and under it who signed it. */
export interface Note {
  /** Ends in a newline; may hold empty lines. */
  text: string;
  signatures: NoteSignature[];
}

export interface NoteSignature {
  name: string;
  /** 4 bytes. */
  keyId: Uint8Array;
  /** What stands behind the key id: 64 bytes of Ed25519, or 72 of a cosignature (cosignature.ts). */
  bytes: Uint8Array;
}

/** Type 1: Ed25519 over the text. Type 4: cosignature/v1. */
export type NoteKeyType = 1 | 4;

export interface NoteKey {
  name: string;
  type: NoteKeyType;
  /** Ed25519, 32 bytes. */
  key: Uint8Array;
}

/** Of an Ed25519 key in this process. */
export interface NoteSigner {
  key: PublicKey;
  sign(message: Uint8Array): Uint8Array;
}

/** `note-malformed`: no signed note, or not in its one form. `note-refused`: a key that is known has not signed this, or none that is known has signed. */
export type NoteFailure = Failure<'note-malformed' | 'note-refused'>;

const mostBytes = 65_536;
/** Readers have to take 16. */
const mostSignatures = 64;
const newline = 0x0a;
const dash = '\u2014';

const isName = (text: string): boolean => /^[^\p{White_Space}+]+$/u.test(text);

/** The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key). */
export const noteKeyId = ({ name, type, key }: NoteKey, crypto: Crypto): Uint8Array =>
  crypto.sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), key)).slice(0, 4);

/** `<name>+<key id, hex>+<base64 of type and key>`: the form in which keys are handed round. */
export const encodeNoteKey = (key: NoteKey, crypto: Crypto): string =>
  `${key.name}+${toHex(noteKeyId(key, crypto))}+${toBase64(concatBytes(Uint8Array.of(key.type), key.key))}`;

/** undefined: not the one form of such a key, or a key id that is not its own. */
export function decodeNoteKey(text: string, crypto: Crypto): NoteKey | undefined {
  const [name = '', id = '', ...rest] = text.split('+');
  // Base64 has plus signs of its own.
  const content = fromBase64(rest.join('+'));
  const type = content?.[0];
  if (!isName(name) || content?.length !== 33 || (type !== 1 && type !== 4)) return undefined;
  const key: NoteKey = { name, type, key: content.slice(1) };
  const carried = fromHex(id);
  return carried !== undefined && id === id.toLowerCase() && equalBytes(carried, noteKeyId(key, crypto)) ? key : undefined;
}

export const encodeNote = ({ text, signatures }: Note): Uint8Array => utf8(`${text}\n${signatures.map(encodeSignatureLine).join('')}`);

/** With its newline. */
export const encodeSignatureLine = ({ name, keyId, bytes }: NoteSignature): string => `${dash} ${name} ${toBase64(concatBytes(keyId, bytes))}\n`;

/** Its form only: whom to believe, the caller says. */
export function decodeNote(bytes: Uint8Array): Result<Note, NoteFailure> {
  if (bytes.length > mostBytes) return malformed('too large');
  if (bytes.some((byte) => byte < 0x20 && byte !== newline)) return malformed('a control character');
  const whole = textOf(bytes);
  if (whole === undefined) return malformed('not UTF-8');
  // What is signed goes to the last empty line.
  const end = whole.lastIndexOf('\n\n');
  if (end < 0) return malformed('no empty line before the signatures');
  const signatures = decodeSignatureLines(whole.slice(end + 2));
  return signatures.ok ? ok({ text: whole.slice(0, end + 1), signatures: signatures.value }) : signatures;
}

/** One or more of them: what stands under a note, or what a witness answers. */
export function decodeSignatureLines(text: string): Result<NoteSignature[], NoteFailure> {
  if (!text.endsWith('\n')) return malformed('no newline at the end');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > mostSignatures) return malformed('too many signatures');
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [mark, name = '', encoded = '', ...more] = line.split(' ');
    const content = fromBase64(encoded);
    if (mark !== dash || more.length > 0 || !isName(name) || content === undefined || content.length < 5) return malformed('a signature line');
    const keyId = content.slice(0, 4);
    if (signatures.some((other) => isBy(other, name, keyId))) return malformed('a key signed twice');
    signatures.push({ name, keyId, bytes: content.slice(4) });
  }
  return ok(signatures);
}

/** Key type 1. */
export function signNote(text: string, name: string, signer: NoteSigner, crypto: Crypto): NoteSignature {
  return { name, keyId: noteKeyId({ name, type: 1, key: signer.key[1] }, crypto), bytes: signer.sign(utf8(text)) };
}

/**
 * Which of `keys` have signed; keys of another type and signatures by other keys are passed over. One by a known key that does not hold refuses
 * the whole, and so does a note that none of them signed.
 */
export function verifyNote(note: Note, keys: readonly NoteKey[], crypto: Crypto): Result<NoteKey[], NoteFailure> {
  const message = utf8(note.text);
  const signed: NoteKey[] = [];
  for (const key of keys) {
    const signature = key.type === 1 ? signatureBy(note.signatures, key, crypto) : undefined;
    if (signature === undefined) continue;
    if (!crypto.verify([-19, key.key], message, signature.bytes)) return fail('note-refused', `signature of ${key.name}`);
    signed.push(key);
  }
  return signed.length > 0 ? ok(signed) : fail('note-refused', 'signed by none of the keys that are known');
}

/** By name and key id; undefined: there is none. */
export function signatureBy(signatures: readonly NoteSignature[], key: NoteKey, crypto: Crypto): NoteSignature | undefined {
  const keyId = noteKeyId(key, crypto);
  return signatures.find((signature) => isBy(signature, key.name, keyId));
}

const isBy = (signature: NoteSignature, name: string, keyId: Uint8Array): boolean => signature.name === name && equalBytes(signature.keyId, keyId);

const malformed = (detail: string): { readonly ok: false; readonly failure: Failure<'note-malformed'> } => fail('note-malformed', detail);

function textOf(bytes: Uint8Array): string | undefined {
  try {
    // A byte order mark is a part of the text, and makes it another one.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
