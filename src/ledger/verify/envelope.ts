import { ok, fail, type Failure, type Result } from '../../contract/result.ts';
import type { RejectionCode } from '../../contract/failures.ts';
import { actShapes, bodyShape } from './act-shapes.ts';
import type { Act, ActKind, Body, PublicKey } from './acts.ts';
import { equalBytes } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { assembleCose, keyId, openCose, signingAlg, sigStructure, type CoseMessage, type SigningAlg } from './cose.ts';
import type { Crypto } from './crypto.ts';
import { isBytes, isTuple } from './shape.ts';

export { keyId, mostSigners, type SigningAlg } from './cose.ts';

/** What a length of 16 bits can say, as the log's entry bundles have it (ledger/tiles.ts). */
export const envelopeLimitBytes = 65_535;

export interface EnvelopeSigner {
  alg: SigningAlg;
  /** `keyId` of the signing key. */
  kid: Uint8Array;
  /** The Sig_structure that was signed. */
  readonly input: Uint8Array;
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

export const encodeBody = (body: Body): Uint8Array => encodeCbor(body);

export const transactionId = (body: Uint8Array, crypto: Crypto): Uint8Array => crypto.sha256(body);

/**
 * The Sig_structure (RFC 9052 §4.4) that signer `index` signs: below 200 bytes, so one short APDU; first byte 0x84 for a lone signer (COSE_Sign1),
 * 0x85 for one of several (COSE_Sign). All signers are to be known before the first one signs.
 */
export function signatureInput(body: Uint8Array, chain: string, signers: readonly PublicKey[], index: number, crypto: Crypto): Uint8Array {
  const key = signers[index];
  if (key === undefined) throw new RangeError(`no signer ${index}`);
  return sigStructure(crypto.sha256(body), 'imi/tx/1', chain, signingAlg(key), keyId(key, crypto), signers.length > 1);
}

/** The envelope is an array of two byte strings, the tagged COSE message and the body: a COSE library takes the first as it is. */
export function assembleEnvelope(
  body: Uint8Array,
  signers: readonly { key: PublicKey; signature: Uint8Array }[],
  crypto: Crypto,
): Uint8Array {
  return encodeCbor([assembleCose(crypto.sha256(body), signers, crypto), body]);
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

/** What an envelope shows without being taken apart: its transaction's id if its form is good, and what its signers would have signed on this chain. undefined: it is no envelope at all. */
export function outlineOf(envelope: Uint8Array, chain: string, crypto: Crypto): { id: Uint8Array; signers: EnvelopeSigner[] } | undefined {
  const outer = envelope.length > envelopeLimitBytes ? undefined : decodeCbor(envelope);
  if (!isEnvelope(outer)) return undefined;
  const [cose, bodyBytes] = outer;
  const id = transactionId(bodyBytes, crypto);
  const message = openCose(cose);
  return { id, signers: message.ok ? signersOf(message.value.signers, id, chain) : [] };
}

const signersOf = (signers: CoseMessage['signers'], digest: Uint8Array, chain: string): EnvelopeSigner[] =>
  signers.map(({ alg, kid, signature }) => ({
    alg,
    kid,
    signature,
    // Wanted once, and by then many more may wait.
    get input() {
      return sigStructure(digest, 'imi/tx/1', chain, alg, kid, signers.length > 1);
    },
  }));

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
  return ok({ id: digest, body: body.value, bodyBytes, signers: signersOf(signers, digest, body.value.chain) });
}

const isEnvelope = isTuple<[Uint8Array, Uint8Array]>(isBytes(1, envelopeLimitBytes), isBytes(1, envelopeLimitBytes));

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
