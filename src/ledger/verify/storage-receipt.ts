import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { Hash, Name, PublicKey } from './acts.ts';
import { hashShape, nameShape, timeShape } from './act-shapes.ts';
import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { assembleCose, keyId, openCose, signingAlg, sigStructure } from './cose.ts';
import type { Crypto } from './crypto.ts';
import type { Signer } from './envelope.ts';
import { isBytes, isInt, isList, isMap, isOneOf, isText, isTuple, type Shape } from './shape.ts';

/** One ciphertext that is kept: which act it came with, what it is and whom it is sealed to. */
export interface StoredPayload {
  act: number;
  what: string;
  to: string;
  hash: Hash;
}

/** What a keeper says it has on disk: whoever stored it can hold the keeper to that, with nobody's help. */
export interface StorageNote {
  v: 1;
  chain: string;
  keeper: Name;
  transaction: Uint8Array;
  /** Unix seconds, by the keeper's clock. */
  at: number;
  /** In the order in which they were brought. */
  payloads: StoredPayload[];
}

const context = 'imi/stored/1';
/** 64 payloads and their words. */
const limitBytes = 16_384;

/** As an order: an array of two byte strings, the tagged COSE_Sign1 (hash envelope, RFC 9995) and the note. */
export async function signStorageNote(note: StorageNote, { key, sign }: Signer, crypto: Crypto): Promise<Uint8Array> {
  const bytes = encodeCbor({ ...note, payloads: note.payloads.map((payload) => ({ ...payload })) });
  const digest = crypto.sha256(bytes);
  const signature = await sign(sigStructure(digest, context, note.chain, signingAlg(key), keyId(key, crypto), false));
  return encodeCbor([assembleCose(digest, [{ key, signature }], crypto), bytes]);
}

/** `proof-invalid`: no such note, or not signed by this key for this chain. */
export function openStorageNote(signed: Uint8Array, keeper: PublicKey, chain: string, crypto: Crypto): Result<StorageNote, Failure<'proof-invalid'>> {
  const outer = signed.length > limitBytes ? undefined : decodeCbor(signed);
  if (!isSigned(outer)) return fail('proof-invalid', 'form');
  const [cose, bytes] = outer;
  const message = openCose(cose);
  const [signer, ...others] = message.ok ? message.value.signers : [];
  if (!message.ok || signer === undefined || others.length > 0) return fail('proof-invalid', 'form');
  const digest = crypto.sha256(bytes);
  const isKeepers = equalBytes(signer.kid, keyId(keeper, crypto)) && signer.alg === keeper[0] && equalBytes(message.value.digest, digest);
  if (!isKeepers || !crypto.verify(keeper, sigStructure(digest, context, chain, signer.alg, signer.kid, false), signer.signature)) return fail('proof-invalid', 'signature');
  const note: unknown = decodeCbor(bytes);
  if (!noteShape(note) || note.chain !== chain) return fail('proof-invalid', 'note');
  return ok(note);
}

const isSigned = isTuple<[Uint8Array, Uint8Array]>(isBytes(1, limitBytes), isBytes(1, limitBytes));
const isWord = isText(/^[a-z]{1,20}$/);

const noteShape: Shape<StorageNote> = isMap({
  v: isOneOf(1),
  chain: isText(/^[a-z0-9-]{1,20}$/),
  keeper: nameShape,
  transaction: isBytes(32),
  at: timeShape,
  payloads: isList(isMap({ act: isInt(0, 15), what: isWord, to: isWord, hash: hashShape }), 0, 64),
});
