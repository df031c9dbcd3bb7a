import { createHash, randomBytes } from 'node:crypto';
import { SDJwtVcInstance, type SdJwtVcPayload } from '@sd-jwt/sd-jwt-vc';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import { equalBytes, fromBase64url, toBase64url } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { parseJws } from './jws.ts';

/** The strict signature check of ledger/verify. */
export type VerifySignature = Crypto['verify'];

/** Signs bytes with Ed25519: 64 bytes R ‖ S. */
export type SignBytes = (message: Uint8Array) => Uint8Array;

export interface CredentialContent {
  vct: string;
  issuer: Name;
  /** Raw Ed25519 key of the card's AUT, 32 bytes. */
  holder: Uint8Array;
  /** Index in the issuer's status list, as in `credential.anchor`. */
  status: number;
  /** Unix seconds. */
  issuedAt: number;
  expiresAt: number;
  /** Each one selectively disclosable. A date is ISO 8601. */
  claims: Readonly<Record<string, string>>;
}

/** A credential whose signature, holder and dates were checked. */
export interface Credential extends CredentialContent {
  /** As issued, all disclosures with it. */
  sdJwt: string;
}

export type CredentialFailure = Failure<'credential-invalid'>;

export const sha256 = (data: string | Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(data).digest());

const ownNames = new Set(['iss', 'nbf', 'exp', 'iat', 'cnf', 'vct', 'vct#integrity', 'status', 'sub', 'aud', 'jti', '_sd', '_sd_alg', '...']);

/**
 * The library issues; it does not verify here: 0.19 lets a disclosure through that no digest refers to (fixed in its 0.20 by #380, which does not install),
 * and reaches for the network when a credential names a status list.
 */
const sdJwtVc = (sign: SignBytes): SDJwtVcInstance =>
  new SDJwtVcInstance({
    hasher: (data) => sha256(typeof data === 'string' ? data : new Uint8Array(data)),
    hashAlg: 'sha-256',
    saltGenerator: () => toBase64url(randomBytes(16)),
    signAlg: 'EdDSA',
    signer: (input) => toBase64url(sign(Buffer.from(input, 'ascii'))),
  });

/** SD-JWT VC (draft-18): `typ` dc+sd-jwt, EdDSA, `cnf` the card's AUT key as a JWK. */
export async function issueCredential(content: CredentialContent, sign: SignBytes): Promise<string> {
  const names = Object.keys(content.claims);
  const reserved = names.find((name) => ownNames.has(name));
  if (reserved !== undefined) throw new Error(`a claim cannot be called ${reserved}`);
  const payload: SdJwtVcPayload = {
    ...content.claims,
    vct: content.vct,
    iss: content.issuer,
    iat: content.issuedAt,
    exp: content.expiresAt,
    cnf: { jwk: { kty: 'OKP', crv: 'Ed25519', x: toBase64url(content.holder) } },
    status: { status_list: { idx: content.status, uri: `urn:imi:status:${content.issuer}` } },
  };
  // The library's frame type has no room for claims whose names are not known at compile time.
  return sdJwtVc(sign).issue(payload, { _sd: names } as Parameters<SDJwtVcInstance['issue']>[1]);
}

const headerSchema = z.strictObject({ typ: z.literal('dc+sd-jwt'), alg: z.literal('EdDSA') });
const payloadSchema = z.strictObject({
  vct: z.string().min(1).max(200),
  iss: z.string().min(1).max(40),
  iat: z.int().min(0),
  exp: z.int().min(0),
  cnf: z.strictObject({ jwk: z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }) }),
  status: z.strictObject({ status_list: z.strictObject({ idx: z.int().min(0), uri: z.string() }) }),
  _sd: z.array(z.string()).max(200),
  _sd_alg: z.literal('sha-256'),
});

const disclosureSchema = z.tuple([z.string().min(16), z.string().min(1), z.unknown()]);

/** Each must be one of the digests that the issuer signed, each once, under a name of its own. */
export function readDisclosures(encodedDisclosures: readonly string[], signed: readonly string[]): Result<{ encoded: string; name: string; value: unknown }[], CredentialFailure> {
  const digests = new Set(signed);
  if (digests.size !== signed.length) return fail('credential-invalid', 'digest-twice');
  const names = new Set<string>();
  const disclosures: { encoded: string; name: string; value: unknown }[] = [];
  for (const encoded of encodedDisclosures) {
    if (!digests.delete(toBase64url(sha256(encoded)))) return fail('credential-invalid', 'disclosure-unreferenced');
    const disclosure = disclosureSchema.safeParse(parseJson(fromBase64url(encoded)));
    if (!disclosure.success) return fail('credential-invalid', 'disclosure-form');
    const [, name, value] = disclosure.data;
    if (ownNames.has(name) || names.has(name)) return fail('credential-invalid', 'disclosure-name');
    names.add(name);
    disclosures.push({ encoded, name, value });
  }
  return ok(disclosures);
}

/** What a credential's issuer part says and which disclosures lie beside it, signature checked, holder and time not yet. */
export interface SignedClaims {
  jwt: string;
  content: CredentialContent;
  disclosures: { encoded: string; name: string }[];
}

/**
 * Reads the issuer-signed part and its disclosures. Every disclosure must be one of the digests that the issuer signed, each once,
 * under a name of its own (RFC 9901 §7.1): one that is unreferenced, repeated, altered or reserved refuses the whole.
 */
export function readSignedClaims(withoutKeyBinding: string, issuer: { name: Name; key: PublicKey }, verify: VerifySignature): Result<SignedClaims, CredentialFailure> {
  const invalid = (detail: string): Result<SignedClaims, CredentialFailure> => fail('credential-invalid', detail);
  if (!withoutKeyBinding.endsWith('~')) return invalid('form');
  const [jwt = '', ...encodedDisclosures] = withoutKeyBinding.slice(0, -1).split('~');
  const signed = readJws(jwt, headerSchema, payloadSchema, issuer.key, verify);
  if (!signed.ok) return signed;
  const payload = signed.value;
  if (payload.iss !== issuer.name) return invalid('issuer');

  const disclosures = readDisclosures(encodedDisclosures, payload._sd);
  if (!disclosures.ok) return disclosures;
  const claims: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, value } of disclosures.value) {
    if (typeof value !== 'string') return invalid('disclosure-form');
    claims[name] = value;
  }
  const holder = fromBase64url(payload.cnf.jwk.x);
  if (holder?.length !== 32) return invalid('holder');
  return ok({
    jwt,
    disclosures: disclosures.value.map(({ encoded, name }) => ({ encoded, name })),
    content: { vct: payload.vct, issuer: payload.iss, holder, status: payload.status.status_list.idx, issuedAt: payload.iat, expiresAt: payload.exp, claims: { ...claims } },
  });
}

export interface CredentialCheck {
  /** The issuing party's key as its record on the ledger says. */
  issuer: { name: Name; key: PublicKey };
  /** The AUT key of the card in hand. */
  holder: Uint8Array;
  /** Unix seconds. */
  now: number;
  verify: VerifySignature;
}

/** Checks a credential as it lies in a data space. */
export function openCredential(sdJwt: string, check: CredentialCheck): Result<Credential, CredentialFailure> {
  const signed = readSignedClaims(sdJwt, check.issuer, check.verify);
  if (!signed.ok) return signed;
  const { content } = signed.value;
  if (!equalBytes(content.holder, check.holder)) return fail('credential-invalid', 'holder');
  const times = checkTimes(content, check.now);
  return times.ok ? ok({ ...content, sdJwt }) : times;
}

/** A kiosk's and an issuer's clock may differ by this much. */
const clockSkewSeconds = 300;

export function checkTimes(content: { issuedAt: number; expiresAt: number }, now: number): Result<null, CredentialFailure> {
  if (content.issuedAt > now + clockSkewSeconds) return fail('credential-invalid', 'not-yet-valid');
  if (content.expiresAt <= now) return fail('credential-invalid', 'expired');
  return ok(null);
}

/** Which party claims to have issued it: to know whose key to fetch, and nothing more, since nothing is checked yet. */
export function claimedIssuer(sdJwt: string): Name | null {
  const payload = z.looseObject({ iss: z.string().max(40) }).safeParse(parseJson(fromBase64url(sdJwt.split('.')[1] ?? '')));
  return payload.success ? payload.data.iss : null;
}

/** A compact JWS by one Ed25519 key: header and payload as the schemas say, signature strict. */
export function readJws<T>(jws: string, header: z.ZodType, payload: z.ZodType<T>, key: PublicKey, verify: VerifySignature): Result<T, CredentialFailure> {
  const parts = parseJws(jws);
  if (parts === null) return fail('credential-invalid', 'form');
  if (!verify(key, parts.signingInput, parts.signature)) return fail('credential-invalid', 'signature');
  if (!header.safeParse(parts.header).success) return fail('credential-invalid', 'header');
  const read = payload.safeParse(parts.payload);
  return read.success ? ok(read.data) : fail('credential-invalid', 'payload');
}

function parseJson(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
