import { z } from 'zod';
import type { AnswerRefusalCode, FailureCode } from '../contract/failures.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { Id, PublicKey } from '../ledger/verify/acts.ts';
import { equalBytes, toBase64url } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { Ask } from './ask.ts';
import { readDisclosures, sha256, type Credential } from './credential.ts';
import { isOneOfSets, isRequired, leastSet, setWithin, type WantedCredential } from './dcql.ts';
import { isSignedBy, keyOfJwk, parseJws, type Jws } from './jws.ts';
import { presentClaims, type SignWithCard } from './presentation.ts';

/** The parameter `vp_token` (OpenID4VP 1.0 §8.1): presentations by the id of the query that each one answers. */
export type VpToken = Record<string, string[]>;

export const vpTokenLimitBytes = 48 * 1024;

/** A credential that can answer one query, and what it would show. */
export interface AnswerPart {
  wanted: WantedCredential;
  credential: Credential;
  claims: { claim: string; value: string; optional: boolean }[];
}

/** For each query the credential that answers it, the first that fits. `missing`: queries that nothing here answers. */
export function matchAsk(ask: Pick<Ask, 'wanted'>, credentials: readonly Credential[]): { parts: AnswerPart[]; missing: WantedCredential[] } {
  const parts: AnswerPart[] = [];
  const missing: WantedCredential[] = [];
  for (const wanted of ask.wanted) {
    const credential = credentials.find(({ vct, claims }) => wanted.vcts.includes(vct) && setWithin(wanted, Object.keys(claims)) !== null);
    if (credential === undefined) missing.push(wanted);
    else {
      const claims = wanted.claims.flatMap((claim) => {
        const value = credential.claims[claim];
        return value === undefined ? [] : [{ claim, value, optional: !isRequired(wanted, claim) }];
      });
      parts.push({ wanted, credential, claims });
    }
  }
  return { parts, missing };
}

/** What need not be shown: all but the smallest set that each query would take. */
export function notNeeded(parts: readonly AnswerPart[]): string[] {
  const needed = new Set(parts.flatMap(({ wanted, claims }) => leastSet(wanted, claims.map(({ claim }) => claim)) ?? []));
  return parts.flatMap(({ claims }) => claims.map(({ claim }) => claim).filter((claim) => !needed.has(claim)));
}

/** Whether each query would take what is left. */
export const isAnswered = (parts: readonly AnswerPart[], leftOut: readonly string[]): boolean => parts.every((part) => shownSet(part, leftOut) !== null);

/** What is shown of a credential when this is left out: one of the sets that its query takes, which need not be all that is left. null: nothing that it would take is left. */
export const shownSet = ({ wanted, claims }: AnswerPart, leftOut: readonly string[]): string[] | null =>
  setWithin(wanted, claims.map(({ claim }) => claim).filter((claim) => !leftOut.includes(claim)));

/**
 * What is left out once a claim is turned on or off: all that is not shown then. Where no set has it beside all that was shown, it is the set with this claim
 * that shows least of what was not.
 */
export function turned(parts: readonly AnswerPart[], leftOut: readonly string[], claim: string, isOn: boolean): string[] {
  const others = leftOut.filter((other) => other !== claim);
  const next = isOn ? others : [...others, claim];
  const left = new Set(next);
  for (const part of parts.filter(({ claims }) => claims.some((one) => one.claim === claim))) {
    const within = shownSet(part, next);
    const set = isOn && within?.includes(claim) !== true ? nearestSet(part, shownSet(part, leftOut) ?? [], claim) : within;
    if (set === null) continue;
    const elsewhere = parts.filter((other) => other !== part).flatMap((other) => shownSet(other, next) ?? []);
    for (const { claim: held } of part.claims) {
      if (set.includes(held)) left.delete(held);
      else if (!elsewhere.includes(held)) left.add(held);
    }
  }
  return [...left];
}

function nearestSet({ wanted, claims }: AnswerPart, shown: readonly string[], claim: string): string[] | null {
  const more = (set: readonly string[]): number => set.filter((one) => one !== claim && !shown.includes(one)).length;
  const sets = wanted.sets.filter((set) => set.includes(claim) && set.every((one) => claims.some((held) => held.claim === one)));
  return sets.toSorted((a, b) => more(a) - more(b) || b.length - a.length)[0] ?? null;
}

/** Each credential's presentation is signed once by the card. Throws where `leftOut` leaves no set that the ask would take (`isAnswered`). */
export async function answerAsk(
  ask: Ask,
  parts: readonly AnswerPart[],
  leftOut: readonly string[],
  now: number,
  sign: SignWithCard,
): Promise<Result<{ vpToken: VpToken; claims: string[] }>> {
  const vpToken: VpToken = {};
  const claims = new Set<string>();
  for (const part of parts) {
    const { wanted, credential } = part;
    const set = shownSet(part, leftOut);
    if (set === null) throw new Error(`nothing of ${wanted.id} may be shown`);
    const presented = await presentClaims(credential, set, { nonce: ask.nonce, audience: ask.agency }, now, sign);
    if (!presented.ok) return presented;
    vpToken[wanted.id] = [presented.value];
    for (const claim of set) claims.add(claim);
  }
  return ok({ vpToken, claims: [...claims] });
}

/** An issuer whose credentials count: a party of the ledger, or one that the hub's server file names. */
export interface KnownIssuer {
  name: string;
  keys: readonly PublicKey[];
  /** false: it is not of this ledger, so neither are those whose wallets its credentials are in. */
  onLedger: boolean;
}

export interface ClaimedCredential {
  issuer: string;
  vct: string;
}

export interface AnswerCheck {
  /** Unix seconds. */
  now: number;
  verify: Crypto['verify'];
  /** null: nobody whose credentials of this type count. */
  issuer(claimed: ClaimedCredential): Promise<Result<KnownIssuer | null>>;
  /** What the ledger says of a holder's key. */
  holder(key: PublicKey): Promise<Result<{ state: 'active'; resident: Id } | { state: 'read-only' } | { state: 'revoked' } | { state: 'unknown' }>>;
  /** What the issuer's newest status list says of an index; `unknown`: there is none, or none that can be relied on. */
  status(issuer: KnownIssuer, at: { index: number; uri: string }): Promise<Result<'valid' | 'revoked' | 'unknown'>>;
}

export type AnswerRefusal = Failure<AnswerRefusalCode>;

export interface ShownCredential {
  /** Id of the query that it answers. */
  query: string;
  vct: string;
  issuer: string;
  claims: Readonly<Record<string, string>>;
}

export interface VerifiedAnswer {
  /** Whose key it is on the ledger; null: a wallet of another kind, `ledger key: not applicable`. */
  subject: Id | null;
  shown: ShownCredential[];
  /** Names of all that was shown, each once. */
  claims: string[];
}

const vpTokenSchema = z.record(z.string().max(60), z.array(z.string().max(vpTokenLimitBytes)).length(1));

/** Reads the form parameter. null: not one presentation for each query. */
export function parseVpToken(text: string): VpToken | null {
  if (text.length > vpTokenLimitBytes) return null;
  try {
    const read = vpTokenSchema.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

/**
 * Whether an answer is one to this ask: all that a verifier may know without asking anybody but the ledger, with a code for each defect.
 * Whether the ask was answered before is for whoever keeps asks.
 */
export async function verifyAnswer(vpToken: VpToken, ask: Ask, check: AnswerCheck): Promise<Result<VerifiedAnswer, AnswerRefusal | Failure<FailureCode>>> {
  if (check.now >= ask.until) return fail('answer-late');
  const queries = Object.keys(vpToken);
  if (queries.length !== ask.wanted.length || !ask.wanted.every(({ id }) => queries.includes(id))) return fail('answer-claims', 'queries');
  const shown: ShownCredential[] = [];
  const subjects: (Id | null)[] = [];
  const holders: PublicKey[] = [];
  for (const wanted of ask.wanted) {
    const read = await verifyOne(vpToken[wanted.id]?.[0] ?? '', wanted, ask, check);
    if (!read.ok) return read;
    shown.push(read.value.shown);
    subjects.push(read.value.subject);
    holders.push(read.value.holder);
  }
  const subject = subjects[0] ?? null;
  const isSame = subjects.every((other) => (subject === null || other === null ? other === subject : equalBytes(other, subject)));
  // Where the ledger does not say whose the keys are, only one and the same key shows that it is one person.
  const isOneKey = holders.every(([algorithm, key]) => algorithm === holders[0]?.[0] && equalBytes(key, holders[0][1]));
  if (!isSame || (subject === null && !isOneKey)) return fail('answer-subject', 'several');
  if (ask.subject !== null && (subject === null || !equalBytes(subject, ask.subject))) return fail('answer-subject', 'another');
  return ok({ subject, shown, claims: [...new Set(shown.flatMap(({ claims }) => Object.keys(claims)))] });
}

const issuerPayload = z.looseObject({
  vct: z.string().min(1).max(200),
  iss: z.string().min(1).max(200),
  iat: z.int().min(0).optional(),
  nbf: z.int().min(0).optional(),
  exp: z.int().min(0).optional(),
  cnf: z.looseObject({ jwk: z.unknown() }),
  status: z.looseObject({ status_list: z.looseObject({ idx: z.int().min(0), uri: z.string().max(500) }) }).optional(),
  _sd: z.array(z.string()).max(200).optional(),
  _sd_alg: z.literal('sha-256').optional(),
});
const issuerHeader = z.looseObject({ typ: z.literal('dc+sd-jwt') });
const bindingHeader = z.looseObject({ typ: z.literal('kb+jwt') });
const bindingPayload = z.looseObject({ iat: z.int().min(0), aud: z.string(), nonce: z.string(), sd_hash: z.string() });
const clockSkewSeconds = 300;

type Verified = Result<{ shown: ShownCredential; subject: Id | null; holder: PublicKey }, AnswerRefusal | Failure<FailureCode>>;

async function verifyOne(presentation: string, wanted: WantedCredential, ask: Ask, check: AnswerCheck): Promise<Verified> {
  const end = presentation.lastIndexOf('~') + 1;
  const disclosed = presentation.slice(0, end);
  const [jwt = '', ...disclosures] = disclosed.slice(0, -1).split('~');
  const issued = parseJws(jwt);
  const payload = issuerPayload.safeParse(issued?.payload);
  if (issued === null || !payload.success || !issuerHeader.safeParse(issued.header).success) return fail('answer-malformed', 'credential');
  const { iss, vct, cnf, status, exp, nbf, iat, _sd: digests = [] } = payload.data;

  const issuer = await check.issuer({ issuer: iss, vct });
  if (!issuer.ok) return issuer;
  const known = issuer.value;
  if (known === null) return fail('answer-issuer-unknown');
  if (!known.keys.some((key) => isSignedBy(issued, key, check.verify))) return fail('answer-issuer-signature');

  const holder = keyOfJwk(cnf.jwk);
  if (holder === null) return fail('answer-malformed', 'cnf');
  const bound = checkBinding(parseJws(presentation.slice(end)), holder, disclosed, ask, check);
  if (bound !== null) return { ok: false, failure: bound };

  const read = readDisclosures(disclosures, digests);
  if (!read.ok) return read.failure.detail === 'disclosure-unreferenced' ? fail('answer-disclosure-unreferenced') : fail('answer-malformed', read.failure.detail);
  const claims: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, value } of read.value) claims[name] = textOf(value) ?? '';
  if (read.value.some(({ value }) => textOf(value) === null)) return fail('answer-malformed', 'claim-form');
  // What an issuer leaves open is shown to whoever sees the credential: it counts where it was asked for.
  for (const name of wanted.claims) {
    const open = textOf((payload.data as Record<string, unknown>)[name]);
    if (!(name in claims) && open !== null) claims[name] = open;
  }
  if (!wanted.vcts.includes(vct)) return fail('answer-claims', 'vct');
  if (!isOneOfSets(wanted, Object.keys(claims))) return fail('answer-claims', Object.keys(claims).length > wanted.claims.length ? 'more' : 'set');

  if (exp !== undefined && exp <= check.now) return fail('answer-credential-expired');
  if ((nbf ?? iat ?? 0) > check.now + clockSkewSeconds) return fail('answer-credential-expired', 'not-yet-valid');
  const subject = await holderOf(holder, known, check);
  if (!subject.ok) return subject;
  const current = status === undefined ? ok('valid' as const) : await check.status(known, { index: status.status_list.idx, uri: status.status_list.uri });
  if (!current.ok) return current;
  if (current.value === 'revoked') return fail('answer-credential-revoked');
  if (current.value === 'unknown' || (status === undefined && known.onLedger)) return fail('answer-status-unknown');
  return ok({ subject: subject.value, holder, shown: { query: wanted.id, vct, issuer: known.name, claims: { ...claims } } });
}

/** In the order in which a verifier would see through a lie: another's key, another's ask, then what was changed after it was signed. */
function checkBinding(binding: Jws | null, holder: PublicKey, disclosed: string, ask: Ask, check: AnswerCheck): AnswerRefusal | null {
  if (binding === null || !bindingHeader.safeParse(binding.header).success || !isSignedBy(binding, holder, check.verify)) return { code: 'answer-key-binding' };
  const read = bindingPayload.safeParse(binding.payload);
  if (!read.success) return { code: 'answer-malformed', detail: 'key-binding' };
  const { iat, aud, nonce, sd_hash: hash } = read.data;
  if (aud !== ask.agency) return { code: 'answer-audience' };
  if (nonce !== ask.nonce) return { code: 'answer-nonce' };
  if (hash !== toBase64url(sha256(disclosed))) return { code: 'answer-disclosure-tampered' };
  if (iat < ask.at - clockSkewSeconds || iat > check.now + clockSkewSeconds) return { code: 'answer-key-binding', detail: 'iat' };
  return null;
}

/** The ledger's word on the key; where the issuer is none of the ledger's, so is the holder. */
async function holderOf(key: PublicKey, issuer: KnownIssuer, check: AnswerCheck): Promise<Result<Id | null, AnswerRefusal | Failure<FailureCode>>> {
  if (!issuer.onLedger) return ok(null);
  const holder = await check.holder(key);
  if (!holder.ok) return holder;
  switch (holder.value.state) {
    case 'active':
      return ok(holder.value.resident);
    case 'read-only':
      return fail('key-read-only');
    case 'revoked':
      return fail('answer-key-revoked');
    case 'unknown':
      return fail('answer-key-unknown');
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null);

/** Where an answer or a refusal goes, as `direct_post` (§8.2) wants it. */
export const answerForm = (ask: Pick<Ask, 'state'>, answer: { vpToken: VpToken } | { error: 'access_denied' }): URLSearchParams =>
  new URLSearchParams('error' in answer ? { error: answer.error, state: ask.state } : { vp_token: JSON.stringify(answer.vpToken), state: ask.state });

