import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { agencyCredentials, identityClaims, identityVct } from '../../contract/claims.ts';
import type { Localized } from '../../contract/language.ts';
import { fail, ok, type Result } from '../../contract/result.ts';
import { parseVpToken, verifyAnswer, type AnswerCheck, type KnownIssuer, type VpToken } from '../../identity/answer.ts';
import { nonceHash, readAsk, signAsk, type Ask } from '../../identity/ask.ts';
import type { WantedClaims } from '../../identity/dcql.ts';
import { hashOf } from '../../identity/grant.ts';
import { isSignedBy, parseJws } from '../../identity/jws.ts';
import { openSealed } from '../../identity/sealing.ts';
import { readStatusList, statusInvalid, statusUri } from '../../identity/status-list.ts';
import type { Id, Name, PublicKey, VerificationPart } from '../../ledger/verify/acts.ts';
import { equalBytes, fromBase64url, toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { keyId } from '../../ledger/verify/envelope.ts';
import { verifyReceipt } from '../../ledger/verify/receipt.ts';
import { stateKey, type RecordKind, type Records } from '../../ledger/verify/records.ts';
import { bytesOfText } from '../api-values.ts';
import type { ClientFailure } from '../client.ts';
import { provenRecord } from '../proven-records.ts';
import { answerSchema, askSchema, responsePath } from '../routes/asks.ts';
import type { AgencyParts } from './agency.ts';

export interface AskWish {
  /** One of the agency's purposes on the ledger. */
  purpose: Name;
  /** Completes "They need it …". */
  reason: Localized;
  claims: readonly { claim: string; optional: boolean }[];
  /** Whom it waits for; null: whoever has the code or the address. */
  subject: Id | null;
  withCode: boolean;
  /** How long it can be answered. */
  seconds: number;
}

export type AskView = z.output<typeof askSchema>;

export interface AskAnswer {
  answer: 'yes' | 'no';
  /** Unix seconds. */
  at: number;
  /** `active`: a card of this ledger, and all of it was checked here. `not-applicable`: a wallet of another kind, by the gateway's signed word. */
  ledgerKey: 'active' | 'not-applicable' | null;
  subject: string | null;
  transaction: string | null;
  /** By the credential that shows them; none where they come with the gateway's word alone. */
  shown: { issuer: string; vct: string; claims: Readonly<Record<string, string>> }[];
  /** Names of all that was shown. */
  claims: string[];
  vpToken: VpToken | null;
}

type Outcome<T> = Promise<Result<T, ClientFailure>>;
type Answer = z.output<typeof answerSchema>;

/** Asks from afar, from the agency's side: makes and signs them, and believes of an answer only what receipt, credentials and card prove. */
export class AgencyAsks {
  readonly #parts: AgencyParts;

  constructor(parts: AgencyParts) {
    this.#parts = parts;
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  /** `usage`: no credential has a claim of that name, or it is more than one ask holds. */
  async ask({ purpose, reason, claims, subject, withCode, seconds }: AskWish): Outcome<AskView> {
    const { name, signer, client } = this.#parts;
    const wanted = wantedOf(claims);
    if (wanted === null) return fail('usage', 'no credential has a claim of that name');
    const gateway = await client.call('GET', '/v1/gateway');
    if (!gateway.ok) return gateway;
    const place = z.looseObject({ url: z.string() }).safeParse(gateway.value.body);
    if (!place.success) return fail('message-invalid', 'gateway');
    const at = this.#seconds();
    const [nonce, state] = [randomBytes(32), randomBytes(16)].map((bytes) => toBase64url(new Uint8Array(bytes))) as [string, string];
    try {
      const request = signAsk({ agency: name, purpose, reason, subject, nonce, state, responseUri: `${place.data.url}${responsePath}`, at, until: at + seconds, wanted }, (message) => signer.sign(message));
      const taken = await client.call('POST', '/v1/asks', { body: { request, code: withCode } });
      return taken.ok ? read(askSchema, taken.value.body) : taken;
    } catch (error) {
      if (error instanceof RangeError) return fail('usage', error.message);
      throw error;
    }
  }

  async standing(id: string): Outcome<AskView> {
    const answer = await this.#parts.client.call('GET', `/v1/asks/${id}`);
    return answer.ok ? read(askSchema, answer.value.body) : answer;
  }

  /** `ask-not-answered` while there is none. */
  async answer(id: string): Outcome<AskAnswer> {
    const called = await this.#parts.client.call('GET', `/v1/asks/${id}/answer`);
    if (!called.ok) return called;
    const found = read(answerSchema, called.value.body);
    if (!found.ok) return found;
    const { answer, at, ledgerKey, subject, transaction, claims } = found.value;
    const said: AskAnswer = { answer, at, ledgerKey, subject, transaction, claims, shown: [], vpToken: null };
    if (answer === 'no') return ok(said);
    return ledgerKey === 'active' ? this.#proven(said, found.value) : this.#byWord(said, found.value);
  }

  /** The act on the ledger names the ask, the claims and the token; the token is judged again as the gateway judged it. */
  async #proven(said: AskAnswer, { receipt, token }: Answer): Outcome<AskAnswer> {
    const { trust, crypto, name, signer } = this.#parts;
    const proof = verifyReceipt(bytesOfText(receipt ?? '') ?? new Uint8Array(0), trust, crypto);
    if (!proof.ok) return proof;
    const [act] = proof.value.body.acts;
    const part = proof.value.acts[0]?.part;
    if (act?.kind !== 'verification.answer' || part?.kind !== 'verification.answer' || part.agency !== name) return fail('proof-invalid', 'another act');
    const ask = askOf(part, signer.key, crypto.verify, said.at);
    if (ask === null || !equalBytes(nonceHash(ask), act.id)) return fail('proof-invalid', 'ask');
    const vpToken = await this.#open(token, act.id, part.token[1]);
    if (!vpToken.ok) return vpToken;
    const verified = await verifyAnswer(vpToken.value, ask, this.#check(said.at));
    if (!verified.ok) return verified;
    const { subject, shown, claims } = verified.value;
    if (subject === null || !equalBytes(subject, act.subject)) return fail('answer-subject');
    return ok({ ...said, subject: toHex(subject), shown, claims, vpToken: vpToken.value });
  }

  /** A wallet of another kind: its issuers are the gateway's to know. */
  async #byWord(said: AskAnswer, { gatewayReceipt, token }: Answer): Outcome<AskAnswer> {
    const jws = parseJws(gatewayReceipt ?? '');
    const word = wordSchema.safeParse(jws?.payload);
    if (jws === null || !word.success || word.data.aud !== this.#parts.name) return fail('proof-invalid', 'gateway-receipt');
    const gateway = await this.#record('party', stateKey.party(word.data.iss));
    if (!gateway.ok) return gateway;
    if (gateway.value?.party !== 'gateway' || !isSignedBy(jws, gateway.value.sign, this.#parts.crypto.verify)) return fail('proof-invalid', 'gateway-receipt');
    const vpToken = await this.#open(token, fromBase64url(word.data.nonce_hash) ?? new Uint8Array(0), fromBase64url(word.data.token_hash) ?? new Uint8Array(0));
    return vpToken.ok ? ok({ ...said, claims: word.data.claims, vpToken: vpToken.value }) : vpToken;
  }

  async #open(token: string | null, nonce: Uint8Array, hash: Uint8Array): Outcome<VpToken> {
    const sealed = bytesOfText(token ?? '') ?? new Uint8Array(0);
    if (!equalBytes(hashOf(sealed)[1], hash)) return fail('payload-mismatch', 'token');
    const opened = await openSealed(sealed, 'token', nonce, this.#parts.opener);
    if (!opened.ok) return opened;
    const vpToken = parseVpToken(Buffer.from(opened.value).toString('utf8'));
    return vpToken === null ? fail('answer-malformed') : ok(vpToken);
  }

  #record<K extends RecordKind>(kind: K, key: Uint8Array): Outcome<Records[K] | null> {
    return provenRecord(kind, key, this.#parts);
  }

  /** Keys and status lists as they are now: what was blocked or revoked since shows as that. */
  #check(at: number): AnswerCheck {
    const { crypto } = this.#parts;
    return {
      now: at,
      verify: crypto.verify,
      issuer: async ({ issuer, vct }) => {
        const party = asked(await this.#record('party', stateKey.party(issuer)));
        if (!party.ok) return party;
        const mayIssue = vct === identityVct ? party.value?.party === 'registrar' : agencyCredentials.some((one) => one.vct === vct && one.issuer === issuer);
        return ok(party.value !== null && mayIssue ? { name: issuer, keys: [party.value.sign], onLedger: true } : null);
      },
      holder: async (key) => {
        const record = asked(await this.#record('key', stateKey.key(keyId(key, crypto))));
        if (!record.ok) return record;
        if (record.value === null || record.value.use !== 'aut' || !('resident' in record.value.owner)) return ok({ state: 'unknown' });
        return ok(record.value.state === 'active' ? { state: 'active', resident: record.value.owner.resident } : { state: 'revoked' });
      },
      status: (issuer, place) => this.#status(issuer, place),
    };
  }

  async #status(issuer: KnownIssuer, { index, uri }: { index: number; uri: string }): ReturnType<AnswerCheck['status']> {
    const { client, crypto } = this.#parts;
    const called = await client.call('GET', `/v1/status-lists/${issuer.name}`);
    if (!called.ok || typeof called.value.body !== 'string' || uri !== statusUri(issuer.name)) return ok('unknown');
    const list = readStatusList(called.value.body, { uri, keys: issuer.keys }, crypto.verify, this.#seconds());
    if (!list.ok) return ok('unknown');
    return ok(list.value.list.at(index) === statusInvalid ? 'revoked' : 'valid');
  }
}

const wordSchema = z.looseObject({ iss: z.string(), aud: z.string(), claims: z.array(z.string()), nonce_hash: z.string(), token_hash: z.string() });

/** null: not one that this agency signed. */
function askOf({ signed }: VerificationPart, own: PublicKey, verify: Crypto['verify'], at: number): Ask | null {
  const ask = readAsk(Buffer.from(signed).toString('ascii'), own, verify, at);
  return ask.ok ? ask.value : null;
}

/** By the credential that has them; null: none has a claim of that name. */
function wantedOf(claims: AskWish['claims']): WantedClaims[] | null {
  const types = [{ vct: identityVct, claims: identityClaims as readonly string[] }, ...agencyCredentials.map(({ vct, claims: has }) => ({ vct, claims: has }))];
  const wanted = types
    .map(({ vct, claims: has }, index) => ({ id: `credential-${index}`, vcts: [vct], claims: claims.filter(({ claim }) => has.includes(claim)) }))
    .filter(({ claims: some }) => some.length > 0);
  return wanted.reduce((sum, { claims: some }) => sum + some.length, 0) === claims.length && claims.length > 0 ? wanted : null;
}

function read<T>(schema: z.ZodType<T>, body: unknown): Result<T, ClientFailure> {
  const parsed = schema.safeParse(body);
  return parsed.success ? ok(parsed.data) : fail('message-invalid', 'asks');
}

/** Whatever kept the gateway from being asked. */
const asked = <T>(result: Result<T, ClientFailure>): Result<T> => (result.ok ? result : fail('hub-unreachable', result.failure.code));
