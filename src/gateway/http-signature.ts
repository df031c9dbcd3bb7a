import { createHash } from 'node:crypto';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';
import { equalBytes, utf8 } from '../ledger/verify/bytes.ts';
import { verifiedBeside, type Crypto } from '../ledger/verify/crypto.ts';
import type { Signer } from '../ledger/verify/envelope.ts';
import { readByteSequences, readInnerLists, writeByteSequence, writeInnerList, type InnerList } from './structured-field.ts';

/** What a signature over HTTP is for: calls of parties to a gateway, and what a gateway sends to an agency of its own accord. Neither passes for the other. */
export type SignatureTag = 'imi-gateway/1' | 'imi-webhook/1';

/** From `created` to `expires` at most, in seconds. */
export const longestWindowSeconds = 60;
/** How far the two clocks may be apart, in seconds. */
export const clockSkewSeconds = 30;

/** The parts of an HTTP request that a signature may cover. */
export interface HttpMessage {
  method: string;
  /** Host, with its port where that is not the scheme's own; lower case. */
  authority: string;
  /** As in the request line, before any decoding; at least `/`. */
  path: string;
  /** With its question mark; `?` where there is none. */
  query: string;
  /** By lower-case name. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
}

export interface SignatureParams {
  /** Name of the signing party. */
  keyId: string;
  /** Unix seconds. */
  created: number;
  expires: number;
  nonce: string;
}

export interface ReadSignature extends SignatureParams {
  base: Uint8Array;
  signature: Uint8Array;
}

export type SignatureFailure = Failure<'signature-required' | 'signature-malformed'>;

/** SHA-256 of the body (RFC 9530). */
export const contentDigest = (body: Uint8Array): string => `sha-256=${writeByteSequence(new Uint8Array(createHash('sha256').update(body).digest()))}`;

/** false: none of it is of an algorithm that we know, or one of it is of another body. */
export function digestMatches(field: string, body: Uint8Array): boolean {
  const digests = readByteSequences(field);
  const sha256 = digests?.get('sha-256');
  const sha512 = digests?.get('sha-512');
  if (sha256 === undefined && sha512 === undefined) return false;
  const isOf = (algorithm: string, digest: Uint8Array | undefined): boolean => digest === undefined || equalBytes(digest, createHash(algorithm).update(body).digest());
  return isOf('sha256', sha256) && isOf('sha512', sha512);
}

/** Headers that change what a call does: where they are sent, they are signed. */
const signedWhereSent = ['content-digest', 'idempotency-key', 'last-event-id'];

/** What has to be covered: the whole request line and its authority, and of the headers those that change what it does. A body has a digest. */
const neededComponents = ({ headers, body }: HttpMessage): string[] => [
  '@method',
  '@authority',
  '@path',
  '@query',
  ...signedWhereSent.filter((name) => headers[name] !== undefined || (name === 'content-digest' && body.length > 0)),
];

function valueOf(component: string, message: HttpMessage): string | null {
  switch (component) {
    case '@method':
      return message.method;
    case '@authority':
      return message.authority;
    case '@path':
      return message.path;
    case '@query':
      return message.query;
  }
  return component.startsWith('@') ? null : (message.headers[component]?.trim() ?? null);
}

/** RFC 9421 §2.5. null: a component that is not there, or that we do not know. */
export function signatureBase(message: HttpMessage, covered: InnerList): Uint8Array | null {
  const lines: string[] = [];
  for (const component of covered.items) {
    const value = valueOf(component, message);
    if (value === null || /[\r\n]/.test(value)) return null;
    lines.push(`"${component}": ${value}`);
  }
  lines.push(`"@signature-params": ${writeInnerList(covered)}`);
  return utf8(lines.join('\n'));
}

/**
 * Finds the one signature of this tag and what it was made over. Whose key it is, whether it signed, and whether it is in time is still to be asked.
 * Other labels are other people's.
 */
export function readSignature(message: HttpMessage, tag: SignatureTag): Result<ReadSignature, SignatureFailure> {
  const { 'signature-input': inputField, signature: signatureField } = message.headers;
  if (inputField === undefined || signatureField === undefined) return fail('signature-required');
  const inputs = readInnerLists(inputField);
  const signatures = readByteSequences(signatureField);
  if (inputs === null || signatures === null) return fail('signature-malformed', 'form');
  const ours = [...inputs].filter(([, { params }]) => params.some(([name, value]) => name === 'tag' && value === tag));
  const [found] = ours;
  if (found === undefined || ours.length > 1) return fail('signature-malformed', 'tag');
  const [label, covered] = found;
  const signature = signatures.get(label);
  if (signature?.length !== 64) return fail('signature-malformed', 'signature');
  if (neededComponents(message).some((component) => !covered.items.includes(component))) return fail('signature-malformed', 'components');
  const params = new Map(covered.params);
  const [created, expires, nonce, keyId, alg] = ['created', 'expires', 'nonce', 'keyid', 'alg'].map((name) => params.get(name));
  if (typeof created !== 'number' || typeof expires !== 'number' || expires <= created || expires - created > longestWindowSeconds) return fail('signature-malformed', 'created');
  if (typeof nonce !== 'string' || !/^[A-Za-z0-9_-]{16,64}$/.test(nonce)) return fail('signature-malformed', 'nonce');
  if (typeof keyId !== 'string' || (alg !== undefined && alg !== 'ed25519')) return fail('signature-malformed', 'keyid');
  const base = signatureBase(message, covered);
  return base === null ? fail('signature-malformed', 'components') : ok({ keyId, created, expires, nonce, base, signature });
}

/** Expiry is judged by our clock; what was signed ahead of it by more than clocks differ is refused as well. */
export const isInTime = ({ created, expires }: Pick<SignatureParams, 'created' | 'expires'>, nowSeconds: number): boolean =>
  created <= nowSeconds + clockSkewSeconds && nowSeconds <= expires + clockSkewSeconds;

export const signedBy = ({ base, signature }: ReadSignature, key: PublicKey, crypto: Crypto): Promise<boolean> => (key[0] === -19 ? verifiedBeside(crypto, key, base, signature) : Promise.resolve(false));

/** The headers that sign a message; with a body its digest too. */
export async function signMessage(message: HttpMessage, tag: SignatureTag, params: SignatureParams, signer: Signer): Promise<Record<string, string>> {
  const digest: Record<string, string> = message.body.length === 0 ? {} : { 'content-digest': contentDigest(message.body) };
  const whole = { ...message, headers: { ...message.headers, ...digest } };
  const covered: InnerList = {
    items: neededComponents(whole),
    params: [
      ['created', params.created],
      ['expires', params.expires],
      ['nonce', params.nonce],
      ['keyid', params.keyId],
      ['alg', 'ed25519'],
      ['tag', tag],
    ],
  };
  const base = signatureBase(whole, covered);
  if (base === null) throw new RangeError('a header with a line break');
  const signature = await signer.sign(base);
  return { ...digest, 'signature-input': `imi=${writeInnerList(covered)}`, signature: `imi=${writeByteSequence(signature)}` };
}
