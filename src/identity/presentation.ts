import { z } from 'zod';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Id, Name, PublicKey } from '../ledger/verify/acts.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';
import { jwsInput } from './jws.ts';
import { checkTimes, readJws, readSignedClaims, sha256, type Credential, type CredentialFailure, type VerifySignature } from './credential.ts';

/** The card's AUT key over at most 1 024 bytes: 64 bytes R ‖ S. */
export type SignWithCard = (signingInput: Uint8Array) => Promise<Result<Uint8Array>>;

/** A card whose AUT cannot sign this much is refused when it is enrolled. */
export const keyBindingLimitBytes = 1024;

/** What ties a presentation to one grant: `nonce` is the grant's id in base64url, `aud` the agency's. */
export interface GrantBinding {
  grant: Id;
  agency: Name;
}

/** What ties a presentation to one ask of a verifier: both as the ask says them. */
export interface AskBinding {
  nonce: string;
  audience: string;
}

export type Binding = GrantBinding | AskBinding;

const wordsOf = (binding: Binding): AskBinding => ('grant' in binding ? { nonce: toBase64url(binding.grant), audience: binding.agency } : binding);

/** The issuer-signed part with the disclosures of these claims only, and no other. Throws on a claim that the credential does not have. */
export function discloseClaims(credential: Credential, claims: readonly string[]): string {
  const [jwt = '', ...disclosures] = credential.sdJwt.slice(0, -1).split('~');
  const wanted = new Set(claims);
  const chosen = disclosures.filter((encoded) => wanted.delete(disclosedName(encoded)));
  if (wanted.size > 0) throw new Error(`not in the credential: ${[...wanted].join(', ')}`);
  return [jwt, ...chosen, ''].join('~');
}

const disclosedName = (encoded: string): string => (JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')) as [string, string, string])[1];

/** SD-JWT+KB of the chosen claims (RFC 9901 §4.3). The card signs once. */
export async function presentClaims(credential: Credential, claims: readonly string[], binding: Binding, now: number, sign: SignWithCard): Promise<Result<string>> {
  const disclosed = discloseClaims(credential, claims);
  const { nonce, audience } = wordsOf(binding);
  const signingInput = jwsInput({ typ: 'kb+jwt', alg: 'EdDSA' }, { iat: now, aud: audience, nonce, sd_hash: toBase64url(sha256(disclosed)) });
  if (signingInput.length > keyBindingLimitBytes) throw new Error('key binding longer than a card signs');
  const signature = await sign(Buffer.from(signingInput, 'ascii'));
  return signature.ok ? ok(`${disclosed}${signingInput}.${toBase64url(signature.value)}`) : signature;
}

/** What a verified presentation shows, and of which credential. */
export interface PresentedClaims {
  vct: string;
  issuer: Name;
  holder: Uint8Array;
  status: number;
  claims: Readonly<Record<string, string>>;
  /** Unix seconds. */
  presentedAt: number;
}

export interface PresentationCheck extends GrantBinding {
  issuer: { name: Name; key: PublicKey };
  /** Unix seconds. */
  now: number;
  verify: VerifySignature;
}

const keyBindingHeader = z.strictObject({ typ: z.literal('kb+jwt'), alg: z.literal('EdDSA') });
const keyBindingPayload = z.strictObject({ iat: z.int().min(0), aud: z.string(), nonce: z.string(), sd_hash: z.string() });

export function verifyPresentation(presentation: string, check: PresentationCheck): Result<PresentedClaims, CredentialFailure> {
  const end = presentation.lastIndexOf('~') + 1;
  const disclosed = presentation.slice(0, end);
  const signed = readSignedClaims(disclosed, check.issuer, check.verify);
  if (!signed.ok) return signed;
  const { content } = signed.value;
  const binding = readJws(presentation.slice(end), keyBindingHeader, keyBindingPayload, [-19, content.holder], check.verify);
  if (!binding.ok) return fail('credential-invalid', `key-binding-${binding.failure.detail ?? ''}`);
  if (binding.value.aud !== check.agency) return fail('credential-invalid', 'key-binding-audience');
  if (binding.value.nonce !== toBase64url(check.grant)) return fail('credential-invalid', 'key-binding-nonce');
  if (binding.value.sd_hash !== toBase64url(sha256(disclosed))) return fail('credential-invalid', 'key-binding-hash');
  const times = checkTimes(content, check.now);
  if (!times.ok) return times;
  const bound = checkTimes({ issuedAt: binding.value.iat, expiresAt: content.expiresAt }, check.now);
  if (!bound.ok) return fail('credential-invalid', `key-binding-${bound.failure.detail ?? ''}`);
  return ok({ vct: content.vct, issuer: content.issuer, holder: content.holder, status: content.status, claims: content.claims, presentedAt: binding.value.iat });
}
