import { fail, ok, type Result } from '../../contract/result.ts';
import { concatBytes, u64, utf8 } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { noteKeyId, signatureBy, type NoteFailure, type NoteKey, type NoteSignature, type NoteSigner } from './note.ts';

/**
 * C2SP tlog-cosignature v1, key type 4: a witness has found this checkpoint to continue everything that it saw of the log before,
 * and at this time it was the newest.
 */
export interface Cosignature {
  witness: NoteKey;
  /** Unix seconds. */
  time: number;
  /** Ed25519, 64 bytes, over `cosignedMessage`. */
  signature: Uint8Array;
}

/** What a witness signs; `text` is the checkpoint's. */
export const cosignedMessage = (text: string, time: number): Uint8Array => utf8(`cosignature/v1\ntime ${time}\n${text}`);

/** `time`: Unix seconds. */
export function cosign(text: string, time: number, name: string, signer: NoteSigner, crypto: Crypto): NoteSignature {
  const signature = signer.sign(cosignedMessage(text, time));
  return { name, keyId: noteKeyId({ name, type: 4, key: signer.key[1] }, crypto), bytes: concatBytes(u64(time), signature) };
}

/** As a line under a note. */
export const cosignatureLine = ({ witness, time, signature }: Cosignature, crypto: Crypto): NoteSignature => ({
  name: witness.name,
  keyId: noteKeyId(witness, crypto),
  bytes: concatBytes(u64(time), signature),
});

/** Those of `witnesses` among the signatures, in the order of `witnesses`; others are passed over. One by a known witness that does not hold refuses the whole. */
export function verifyCosignatures(
  { text, signatures }: { text: string; signatures: readonly NoteSignature[] },
  witnesses: readonly NoteKey[],
  crypto: Crypto,
): Result<Cosignature[], NoteFailure> {
  const held: Cosignature[] = [];
  for (const witness of witnesses) {
    const line = witness.type === 4 ? signatureBy(signatures, witness, crypto) : undefined;
    if (line === undefined) continue;
    const cosignature = openCosignature(line.bytes, witness);
    if (cosignature === undefined || !crypto.verify([-19, witness.key], cosignedMessage(text, cosignature.time), cosignature.signature)) {
      return fail('note-refused', `cosignature of ${witness.name}`);
    }
    held.push(cosignature);
  }
  return ok(held);
}

/** u64 of the time, 64 bytes of the signature. */
function openCosignature(bytes: Uint8Array, witness: NoteKey): Cosignature | undefined {
  if (bytes.length !== 72) return undefined;
  const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return time <= BigInt(Number.MAX_SAFE_INTEGER) ? { witness, time: Number(time), signature: bytes.slice(8) } : undefined;
}
