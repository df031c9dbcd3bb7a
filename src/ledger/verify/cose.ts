import { ok, fail, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import type { PublicKey } from './acts.ts';
import { concatBytes, equalBytes, utf8 } from './bytes.ts';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { isBytes, isList, isOneOf, isTuple } from './shape.ts';

/** What a signature is for: transactions of the ledger (envelope.ts), what somebody else is to carry out (order.ts), and what a keeper has stored (storage-receipt.ts). None passes for another. */
export type SigningContext = 'imi/tx/1' | 'imi/order/1' | 'imi/stored/1';

export type SigningAlg = -19 | -9;

// RFC 9052 §3.1, and RFC 9995 §4 for the hash envelope.
const headerAlg = 1;
const headerKid = 4;
const headerPayloadHashAlg = 258;
const headerPreimageContentType = 259;

const sha256Alg = -16;
/** CoAP content format of application/cbor (RFC 7252 §12.3). */
const cborContentFormat = 60;

const sign1Tag = Uint8Array.of(0xd2);
const signTag = Uint8Array.of(0xd8, 0x62);

export const mostSigners = 16;

/** 32 bytes: SHA-256 of the CBOR of [alg, key]. Stands in envelopes as `kid` and in the state as `key/<hex>`. */
export const keyId = (key: PublicKey, crypto: Crypto): Uint8Array => crypto.sha256(encodeCbor(key));

/** The tagged message: COSE_Sign1 for a lone signer, COSE_Sign for several. */
export function assembleCose(digest: Uint8Array, signers: readonly { key: PublicKey; signature: Uint8Array }[], crypto: Crypto): Uint8Array {
  const [first] = signers;
  if (first === undefined) throw new RangeError('a message has a signer');
  if (signers.length === 1) {
    return concatBytes(sign1Tag, encodeCbor([sign1Header(signingAlg(first.key), keyId(first.key, crypto)), {}, digest, first.signature]));
  }
  const signatures = signers.map(({ key, signature }) => [signerHeader(signingAlg(key), keyId(key, crypto)), {}, signature]);
  return concatBytes(signTag, encodeCbor([signBodyHeader, {}, digest, signatures]));
}

const isEmptyMap = (value: unknown): value is { [key: string]: CborValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array) && !(value instanceof Map) && Object.keys(value).length === 0;
const isSign1 = isTuple<[Uint8Array, { [key: string]: CborValue }, Uint8Array, Uint8Array]>(isBytes(1, 200), isEmptyMap, isBytes(32), isBytes(64));
const isSignature = isTuple<[Uint8Array, { [key: string]: CborValue }, Uint8Array]>(isBytes(1, 200), isEmptyMap, isBytes(64));
const isSign = isTuple<[Uint8Array, { [key: string]: CborValue }, Uint8Array, [Uint8Array, { [key: string]: CborValue }, Uint8Array][]]>(
  isBytes(1, 200),
  isEmptyMap,
  isBytes(32),
  isList(isSignature, 2, mostSigners),
);
const isAlg = isOneOf<SigningAlg>(-19, -9);
const isKid = isBytes(32);

export interface CoseMessage {
  digest: Uint8Array;
  signers: { alg: SigningAlg; kid: Uint8Array; signature: Uint8Array }[];
}

/** Takes a message apart and checks its whole form. Whether it was signed is not known by this. */
export function openCose(cose: Uint8Array): Result<CoseMessage, Failure<RejectionCode>> {
  if (equalBytes(cose.subarray(0, sign1Tag.length), sign1Tag)) {
    const message = decodeCbor(cose.subarray(sign1Tag.length));
    if (!isSign1(message)) return fail('envelope-malformed', 'COSE_Sign1');
    const [header, , digest, signature] = message;
    const named = openHeader(header, sign1Header);
    if (!named.ok) return named;
    return ok({ digest, signers: [{ ...named.value, signature }] });
  }
  if (equalBytes(cose.subarray(0, signTag.length), signTag)) {
    const message = decodeCbor(cose.subarray(signTag.length));
    if (!isSign(message)) return fail('envelope-malformed', 'COSE_Sign');
    const [header, , digest, list] = message;
    if (!equalBytes(header, signBodyHeader)) return fail(hashAlgUnknown(header) ? 'algorithm-unknown' : 'envelope-malformed', 'header');
    const signers: CoseMessage['signers'] = [];
    for (const [signerBytes, , signature] of list) {
      const named = openHeader(signerBytes, signerHeader);
      if (!named.ok) return named;
      signers.push({ ...named.value, signature });
    }
    const kids = signers.map(({ kid }) => kid);
    if (kids.some((kid, i) => kids.slice(0, i).some((earlier) => equalBytes(earlier, kid)))) return fail('envelope-malformed', 'a signer twice');
    return ok({ digest, signers });
  }
  return fail('envelope-malformed', 'neither COSE_Sign1 nor COSE_Sign');
}

/** A header is good when writing it again gives the same bytes: then it holds these members and no other. */
function openHeader(
  bytes: Uint8Array,
  write: HeaderWriter,
): Result<{ alg: SigningAlg; kid: Uint8Array }, Failure<RejectionCode>> {
  for (const [alg, form] of write.forms) if (isOfForm(bytes, form)) return ok({ alg, kid: bytes.slice(kidAt, kidAt + kidBytes) });
  const header = decodeCbor(bytes);
  if (!(header instanceof Map)) return fail('envelope-malformed', 'header');
  const alg = header.get(headerAlg);
  const kid = header.get(headerKid);
  if ((typeof alg === 'number' && !isAlg(alg)) || hashAlgUnknown(bytes)) return fail('algorithm-unknown', 'header');
  if (!isAlg(alg) || !isKid(kid) || !equalBytes(bytes, write(alg, kid))) return fail('envelope-malformed', 'header');
  return ok({ alg, kid });
}

function hashAlgUnknown(bytes: Uint8Array): boolean {
  const header = decodeCbor(bytes);
  if (!(header instanceof Map)) return false;
  const alg = header.get(headerPayloadHashAlg);
  return alg !== undefined && alg !== sha256Alg;
}

/** The Sig_structure (RFC 9052 §4.4) of one signer; `external_aad` is the context and the chain, one behind the other. */
export function sigStructure(digest: Uint8Array, context: SigningContext, chain: string, alg: SigningAlg, kid: Uint8Array, several: boolean): Uint8Array {
  const externalAad = utf8(`${context}${chain}`);
  return several
    ? encodeCbor(['Signature', signBodyHeader, signerHeader(alg, kid), externalAad, digest])
    : encodeCbor(['Signature1', sign1Header(alg, kid), externalAad, digest]);
}

/** Writes a signer's header. `forms`: its bytes for each algorithm, the key id left empty. */
interface HeaderWriter {
  (alg: SigningAlg, kid: Uint8Array): Uint8Array;
  forms: ReadonlyMap<SigningAlg, Uint8Array>;
}

/** Behind the map's own head, `1: alg` and the head of `4: kid`, each of one form. */
const kidAt = 6;
const kidBytes = 32;

function headerWriter(more: readonly (readonly [number, CborValue])[]): HeaderWriter {
  const formOf = (alg: SigningAlg): Uint8Array => encodeCbor(new Map<number, CborValue>([[headerAlg, alg], [headerKid, new Uint8Array(kidBytes)], ...more]));
  const forms = new Map<SigningAlg, Uint8Array>([
    [-19, formOf(-19)],
    [-9, formOf(-9)],
  ]);
  const write = (alg: SigningAlg, kid: Uint8Array): Uint8Array => {
    const header = (forms.get(alg) ?? formOf(alg)).slice();
    header.set(kid, kidAt);
    return header;
  };
  return Object.assign(write, { forms });
}

function isOfForm(header: Uint8Array, form: Uint8Array): boolean {
  if (header.length !== form.length) return false;
  for (let i = 0; i < form.length; i++) if (header[i] !== form[i] && (i < kidAt || i >= kidAt + kidBytes)) return false;
  return true;
}

const sign1Header = headerWriter([
  [headerPayloadHashAlg, sha256Alg],
  [headerPreimageContentType, cborContentFormat],
]);

const signerHeader = headerWriter([]);

const signBodyHeader = encodeCbor(
  new Map<number, CborValue>([
    [headerPayloadHashAlg, sha256Alg],
    [headerPreimageContentType, cborContentFormat],
  ]),
);

/** Throws on a key that does not sign. */
export function signingAlg(key: PublicKey): SigningAlg {
  if (key[0] === -25) throw new TypeError('an X25519 key does not sign');
  return key[0];
}
