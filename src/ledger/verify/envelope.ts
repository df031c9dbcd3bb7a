import { ok, fail, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import { actShapes, bodyShape } from './act-shapes.ts';
import type { Act, ActKind, Body, PublicKey } from './acts.ts';
import { concatBytes, equalBytes, utf8 } from './bytes.ts';
import { decodeCbor, encodeCbor, type CborValue } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { isBytes, isList, isOneOf, isTuple } from './shape.ts';

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
/** What a length of 16 bits can say, as the log's entry bundles have it (ledger/tiles.ts). */
export const envelopeLimitBytes = 65_535;

export type SigningAlg = -19 | -9;

export interface EnvelopeSigner {
  alg: SigningAlg;
  /** `keyId` of the signing key. */
  kid: Uint8Array;
  /** The Sig_structure that was signed. */
  input: Uint8Array;
  signature: Uint8Array;
}

export interface OpenedEnvelope {
  id: Uint8Array;
  body: Body;
  bodyBytes: Uint8Array;
  signers: EnvelopeSigner[];
}

/** A key and what signs with it: a card, a file, a security module. */
export interface Signer {
  key: PublicKey;
  sign(input: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** 32 bytes: SHA-256 of the CBOR of [alg, key]. Stands in envelopes as `kid` and in the state as `key/<hex>`. */
export const keyId = (key: PublicKey, crypto: Crypto): Uint8Array => crypto.sha256(encodeCbor(key));

export const encodeBody = (body: Body): Uint8Array => encodeCbor(body);

export const transactionId = (body: Uint8Array, crypto: Crypto): Uint8Array => crypto.sha256(body);

/**
 * The Sig_structure (RFC 9052 §4.4) that signer `index` signs: below 200 bytes, so one short APDU; first byte 0x84 for a lone signer (COSE_Sign1),
 * 0x85 for one of several (COSE_Sign). All signers are to be known before the first one signs.
 */
export function signatureInput(body: Uint8Array, chain: string, signers: readonly PublicKey[], index: number, crypto: Crypto): Uint8Array {
  const key = signers[index];
  if (key === undefined) throw new RangeError(`no signer ${index}`);
  return sigStructure(crypto.sha256(body), chain, signingAlg(key), keyId(key, crypto), signers.length > 1);
}

/** The envelope is an array of two byte strings, the tagged COSE message and the body: a COSE library takes the first as it is. */
export function assembleEnvelope(
  body: Uint8Array,
  signers: readonly { key: PublicKey; signature: Uint8Array }[],
  crypto: Crypto,
): Uint8Array {
  const digest = crypto.sha256(body);
  const [first] = signers;
  if (first === undefined) throw new RangeError('an envelope has a signer');
  const cose =
    signers.length === 1
      ? concatBytes(sign1Tag, encodeCbor([sign1Header(signingAlg(first.key), keyId(first.key, crypto)), {}, digest, first.signature]))
      : concatBytes(
          signTag,
          encodeCbor([
            signBodyHeader,
            {},
            digest,
            signers.map(({ key, signature }) => [signerHeader(signingAlg(key), keyId(key, crypto)), {}, signature]),
          ]),
        );
  return encodeCbor([cose, body]);
}

/** Encodes, has every signer sign in turn, assembles. */
export async function signEnvelope(body: Body, signers: readonly Signer[], crypto: Crypto): Promise<Uint8Array> {
  const bytes = encodeBody(body);
  const keys = signers.map((signer) => signer.key);
  const signed: { key: PublicKey; signature: Uint8Array }[] = [];
  for (const [index, signer] of signers.entries()) {
    const signature = await signer.sign(signatureInput(bytes, body.chain, keys, index, crypto));
    signed.push({ key: signer.key, signature });
  }
  return assembleEnvelope(bytes, signed, crypto);
}

/** Takes an envelope apart and checks its whole form; who the signers are and whether they signed is for the rules and for receipts. */
export function openEnvelope(envelope: Uint8Array, crypto: Crypto): Result<OpenedEnvelope, Failure<RejectionCode>> {
  if (envelope.length > envelopeLimitBytes) return fail('envelope-malformed', 'too large');
  const outer = decodeCbor(envelope);
  if (!isEnvelope(outer)) return fail('envelope-malformed', 'not [cose, body]');
  const [cose, bodyBytes] = outer;
  const message = openCose(cose);
  if (!message.ok) return message;
  const { digest, signers } = message.value;
  if (!equalBytes(digest, crypto.sha256(bodyBytes))) return fail('envelope-malformed', 'payload is not the hash of the body');
  const body = openBody(bodyBytes);
  if (!body.ok) return body;
  return ok({
    id: digest,
    body: body.value,
    bodyBytes,
    signers: signers.map(({ alg, kid, signature }) => ({
      alg,
      kid,
      signature,
      input: sigStructure(digest, body.value.chain, alg, kid, signers.length > 1),
    })),
  });
}

const isEnvelope = isTuple<[Uint8Array, Uint8Array]>(isBytes(1, envelopeLimitBytes), isBytes(1, envelopeLimitBytes));
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

interface CoseMessage {
  digest: Uint8Array;
  signers: { alg: SigningAlg; kid: Uint8Array; signature: Uint8Array }[];
}

function openCose(cose: Uint8Array): Result<CoseMessage, Failure<RejectionCode>> {
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
  write: (alg: SigningAlg, kid: Uint8Array) => Uint8Array,
): Result<{ alg: SigningAlg; kid: Uint8Array }, Failure<RejectionCode>> {
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

function openBody(bytes: Uint8Array): Result<Body, Failure<RejectionCode>> {
  const value = decodeCbor(bytes);
  if (value === undefined) return fail('body-malformed', 'not deterministic CBOR');
  if (isObject(value) && typeof value['v'] === 'number' && value['v'] !== 1) return fail('version-unknown', String(value['v']));
  if (!bodyShape(value)) return fail('body-malformed');
  if (value.acts.length < 1 || value.acts.length > 16) return fail('acts-count', String(value.acts.length));
  const acts: Act[] = [];
  for (const [index, act] of value.acts.entries()) {
    const kind = isObject(act) ? act['kind'] : undefined;
    if (typeof kind !== 'string') return fail('act-malformed', `act ${index}`);
    if (!isKnownKind(kind)) return fail('act-unknown', `act ${index}`);
    if (namesUnknownAlgorithm(act)) return fail('algorithm-unknown', `act ${index}`);
    if (!actShapes[kind](act)) return fail('act-malformed', `act ${index}`);
    acts.push(act);
  }
  const rest: Omit<Body, 'acts'> = value;
  return ok({ ...rest, acts });
}

const isObject = (value: unknown): value is { [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array) && !(value instanceof Map);

const isKnownKind = (kind: string): kind is ActKind => Object.hasOwn(actShapes, kind);

const knownAlgs: readonly unknown[] = [-16, -19, -9, -25];

/** A pair of a number and bytes is a key or a hash in every kind; its number is an algorithm's. */
function namesUnknownAlgorithm(act: unknown): boolean {
  return (
    isObject(act) &&
    Object.values(act).some((value) => Array.isArray(value) && value.length === 2 && typeof value[0] === 'number' && value[1] instanceof Uint8Array && !knownAlgs.includes(value[0]))
  );
}

function sigStructure(digest: Uint8Array, chain: string, alg: SigningAlg, kid: Uint8Array, several: boolean): Uint8Array {
  const externalAad = utf8(`imi/tx/1${chain}`);
  return several
    ? encodeCbor(['Signature', signBodyHeader, signerHeader(alg, kid), externalAad, digest])
    : encodeCbor(['Signature1', sign1Header(alg, kid), externalAad, digest]);
}

function sign1Header(alg: SigningAlg, kid: Uint8Array): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [headerAlg, alg],
      [headerKid, kid],
      [headerPayloadHashAlg, sha256Alg],
      [headerPreimageContentType, cborContentFormat],
    ]),
  );
}

const signBodyHeader = encodeCbor(
  new Map<number, CborValue>([
    [headerPayloadHashAlg, sha256Alg],
    [headerPreimageContentType, cborContentFormat],
  ]),
);

function signerHeader(alg: SigningAlg, kid: Uint8Array): Uint8Array {
  return encodeCbor(
    new Map<number, CborValue>([
      [headerAlg, alg],
      [headerKid, kid],
    ]),
  );
}

function signingAlg(key: PublicKey): SigningAlg {
  if (key[0] === -25) throw new TypeError('an X25519 key does not sign');
  return key[0];
}
