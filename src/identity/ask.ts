import { z } from 'zod';
import { localizedSchema, type Localized } from '../contract/language.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Id, Name, PublicKey } from '../ledger/verify/acts.ts';
import { fromBase64url, toBase64url } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { sha256, type SignBytes } from './credential.ts';
import { readDcql, writeDcql, type WantedClaims, type WantedCredential } from './dcql.ts';
import { isSignedBy, parseJws, signJws, type Jws } from './jws.ts';

/**
 * What an agency asks to see of somebody who is not at its counter: an OpenID4VP 1.0 request object (signed, `direct_post`). The agency is a pre-registered
 * client (§5.9.2): its `client_id` is its name on the ledger, and the key is the one the ledger has.
 */
export interface Ask {
  agency: Name;
  /** One of the agency's purposes on the ledger, and why it asks, in words for the resident. */
  purpose: Name;
  reason: Localized;
  /** Whom it is for; null: whoever has the code or the address. */
  subject: Id | null;
  nonce: string;
  /** Names the ask at the gateway: 16 random bytes in base64url. */
  state: string;
  /** Where the answer is posted. */
  responseUri: string;
  /** Unix seconds. */
  at: number;
  until: number;
  wanted: WantedCredential[];
}

export type AskFailure = Failure<'ask-malformed' | 'ask-signature' | 'ask-late'>;

/** As VerificationPart.signed holds it. */
export const askLimitBytes = 4096;
/** A clock may be ahead of ours by this much. */
const clockSkewSeconds = 300;
/** The longest that an ask may wait for its answer. */
export const longestAskSeconds = 30 * 86_400;

export interface AskTerms extends Omit<Ask, 'wanted'> {
  wanted: readonly WantedClaims[];
}

const signatureAlgorithms = ['EdDSA', 'ES256'];

/** The request object. Throws where it is longer than `askLimitBytes`: fewer claims, or a shorter reason. */
export function signAsk(terms: AskTerms, sign: SignBytes): string {
  const jws = signJws(
    { typ: 'oauth-authz-req+jwt', alg: 'EdDSA', kid: terms.agency },
    {
      client_id: terms.agency,
      aud: 'https://self-issued.me/v2',
      response_type: 'vp_token',
      response_mode: 'direct_post',
      response_uri: terms.responseUri,
      nonce: terms.nonce,
      state: terms.state,
      iat: terms.at,
      exp: terms.until,
      dcql_query: writeDcql(terms.wanted),
      client_metadata: { vp_formats_supported: { 'dc+sd-jwt': { 'sd-jwt_alg_values': signatureAlgorithms, 'kb-jwt_alg_values': signatureAlgorithms } } },
      imi_purpose: { id: terms.purpose, text: terms.reason },
      ...(terms.subject === null ? {} : { imi_subject: toBase64url(terms.subject) }),
    },
    sign,
  );
  if (jws.length > askLimitBytes) throw new RangeError(`an ask of ${jws.length} bytes`);
  return jws;
}

const headerSchema = z.looseObject({ typ: z.literal('oauth-authz-req+jwt'), alg: z.string(), crit: z.undefined().optional() });
const agencyName = z.string().regex(/^[a-z0-9][a-z0-9./_-]{2,79}$/);
const random16 = z.string().refine((text) => fromBase64url(text)?.length === 16);

/** Strict where a member would change what is asked or where the answer goes; what only tells the wallet more is passed over. */
const payloadSchema = z.strictObject({
  iss: z.string().optional(),
  client_id: agencyName,
  aud: z.literal('https://self-issued.me/v2'),
  response_type: z.literal('vp_token'),
  response_mode: z.literal('direct_post'),
  response_uri: z.url({ protocol: /^https?$/ }).max(500),
  // Unguessable, and short enough for a key binding that a card signs.
  nonce: z.string().regex(/^[A-Za-z0-9_-]{22,86}$/),
  state: random16,
  iat: z.int().min(0),
  exp: z.int().min(0),
  dcql_query: z.unknown(),
  client_metadata: z.looseObject({}).optional(),
  imi_purpose: z.strictObject({ id: z.string().min(3).max(80), text: localizedSchema.refine((text) => Object.values(text).every((words) => words.length <= 200)) }),
  imi_subject: random16.optional(),
});

/** Who says they ask: to know whose key to fetch, and nothing more. */
export function claimedAsker(jws: string): Name | null {
  const payload = z.looseObject({ client_id: agencyName }).safeParse(parseJws(jws)?.payload);
  return payload.success ? payload.data.client_id : null;
}

/**
 * `ask-malformed`: not a request object of this form (detail: the member), `ask-signature`: not this agency's, `ask-late`: not in time any more.
 *
 * @param key the agency's signing key on the ledger.
 * @param now Unix seconds.
 */
export function readAsk(jws: string, key: PublicKey, verify: Crypto['verify'], now: number): Result<Ask, AskFailure> {
  if (jws.length > askLimitBytes) return fail('ask-malformed', 'too-large');
  const parts = parseJws(jws);
  if (parts === null) return fail('ask-malformed', 'form');
  if (!isSignedBy(parts, key, verify)) return fail('ask-signature');
  const ask = askOf(parts);
  if (!ask.ok) return ask;
  const { at, until } = ask.value;
  if (until <= now) return fail('ask-late', 'over');
  if (at > now + clockSkewSeconds) return fail('ask-late', 'not-yet');
  if (until <= at || until - at > longestAskSeconds) return fail('ask-malformed', 'exp');
  return ask;
}

/** An ask whose signature was checked when it was taken in. */
export function openAsk(jws: string): Result<Ask, AskFailure> {
  const parts = parseJws(jws);
  return parts === null ? fail('ask-malformed', 'form') : askOf(parts);
}

function askOf({ header, payload }: Jws): Result<Ask, AskFailure> {
  if (!headerSchema.safeParse(header).success) return fail('ask-malformed', 'header');
  const read = payloadSchema.safeParse(payload);
  if (!read.success) {
    const [issue] = read.error.issues;
    return fail('ask-malformed', [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])].join('.').slice(0, 100));
  }
  const wanted = readDcql(read.data.dcql_query);
  if ('problem' in wanted) return fail('ask-malformed', `dcql_query.${wanted.problem}`);
  const { client_id: agency, imi_purpose: purpose, imi_subject: subject, response_uri: responseUri, nonce, state, iat, exp } = read.data;
  return ok({
    agency,
    purpose: purpose.id,
    reason: purpose.text,
    subject: subject === undefined ? null : (fromBase64url(subject) ?? null),
    nonce,
    state,
    responseUri,
    at: iat,
    until: exp,
    wanted,
  });
}

/** Id of the act that an answer makes: SHA-256 of the nonce as it stands in the ask. */
export const nonceHash = (ask: Pick<Ask, 'nonce'>): Uint8Array => sha256(ask.nonce);

/** All the claims that an ask could be answered with, each once. */
export const askedClaims = (ask: Pick<Ask, 'wanted'>): string[] => [...new Set(ask.wanted.flatMap(({ claims }) => claims))];
