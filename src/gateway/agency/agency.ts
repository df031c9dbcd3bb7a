import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { fail, ok, type Result } from '../../contract/result.ts';
import { claimedIssuer, issueCredential } from '../../identity/credential.ts';
import { hashOf, openGrantInner } from '../../identity/grant.ts';
import type { Opener } from '../../identity/hpke.ts';
import { sealLetter, type Letter } from '../../identity/letter.ts';
import { verifyPresentation, type PresentedClaims } from '../../identity/presentation.ts';
import { openAnswers } from '../../identity/request.ts';
import { openSealed } from '../../identity/sealing.ts';
import type { Answers } from '../../identity/self-claims.ts';
import { sealCredential } from '../../identity/space.ts';
import { readStatusList, statusInvalid, statusUri } from '../../identity/status-list.ts';
import type { MemorySigner } from '../../ledger/node-signer.ts';
import type { Name, Names, Payment, RequestPart, RequestStep, RevocationPart, StepPart } from '../../ledger/verify/acts.ts';
import { equalBytes, toHex } from '../../ledger/verify/bytes.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { signEnvelope, type Signer } from '../../ledger/verify/envelope.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { signOrder, type Order } from '../../ledger/verify/order.ts';
import { decodeOpenedPart } from '../../ledger/verify/private-part.ts';
import { stateKey, type RecordKind, type Records } from '../../ledger/verify/records.ts';
import { bytesOfHex, bytesOfText } from '../api-values.ts';
import { changeSchema, type ChangeEvent } from '../change-event.ts';
import type { ClientFailure, GatewayClient } from '../client.ts';
import { provenRecord } from '../proven-records.ts';
import { serviceSchema, type Service } from '../../contract/service.ts';
import { carriedSchema, grantSchema, requestSchema } from '../routes/requests.ts';

export interface AgencyParts {
  client: GatewayClient;
  /** Name of the agency on the ledger, and its keys. */
  name: Name;
  signer: MemorySigner;
  opener: Opener;
  chain: string;
  /** From the hub's public file: heads are held against it. */
  trust: Trust;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

export type RequestView = z.output<typeof requestSchema>;
export type GrantView = z.output<typeof grantSchema>;
export type Carried = z.output<typeof carriedSchema>;

/** A request with what only the agency can open. */
export interface OpenedRequest {
  request: RequestView;
  part: RequestPart;
  answers: Answers;
}

/** One credential's claims as the resident chose to show them, and what was found when they were checked. */
export interface ShownClaims extends PresentedClaims {
  /** Of the issuer's list. `unlisted`: it publishes none, or its list could not be had. */
  revocation: 'valid' | 'unlisted';
}

export interface ReadOutcome {
  /** The recorded look: what the resident sees. */
  transaction: string;
  shown: ShownClaims[];
}

export interface StepWish {
  step: RequestStep['step'];
  decision?: NonNullable<StepPart['decision']>;
  letter?: Letter;
  payment?: Payment;
}

type Outcome<T> = Promise<Result<T, ClientFailure>>;

/** Long enough for a slow hand at a card reader. */
const orderSeconds = 600;

/**
 * An agency's side of the door: builds and signs what the gateway carries out, opens what is sealed to the agency, and believes the gateway nothing: records are
 * held against the hub's trust root, presentations against the issuers' keys.
 */
export class Agency {
  readonly #parts: AgencyParts;

  constructor(parts: AgencyParts) {
    this.#parts = parts;
  }

  get name(): Name {
    return this.#parts.name;
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  /** All of them, page after page. */
  async requests(wish: { service?: string; step?: string } = {}): Outcome<RequestView[]> {
    return this.#pages('/v1/requests', wish, requestSchema);
  }

  grants(): Outcome<GrantView[]> {
    return this.#pages('/v1/grants', {}, grantSchema);
  }

  async #pages<T>(path: string, query: Record<string, string | undefined>, schema: z.ZodType<T>): Outcome<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#get(path, z.strictObject({ items: z.array(schema), next: z.string().nullable() }), { ...query, limit: '100', cursor });
      if (!page.ok) return page;
      items.push(...page.value.items);
      cursor = page.value.next ?? undefined;
    } while (cursor !== undefined);
    return ok(items);
  }

  async open(id: string): Outcome<OpenedRequest> {
    const request = await this.#get(`/v1/requests/${id}`, requestSchema);
    return request.ok ? this.openRequest(request.value) : request;
  }

  async openRequest(request: RequestView): Outcome<OpenedRequest> {
    const { opener } = this.#parts;
    const subject = bytesOfHex(request.subject);
    const sealedPart = await openSealed(bytesOfText(request.part) ?? new Uint8Array(0), 'part', subject, opener);
    if (!sealedPart.ok) return sealedPart;
    const opened = decodeOpenedPart(sealedPart.value);
    if (opened?.part.kind !== 'request.submit') return fail('seal-broken', 'part');
    const sealed = bytesOfText(request.answers) ?? new Uint8Array(0);
    if (!equalBytes(hashOf(sealed)[1], opened.part.answers[1])) return fail('payload-mismatch');
    const answers = await openAnswers(sealed, bytesOfHex(request.id), opener);
    return answers.ok ? ok({ request, part: opened.part, answers: answers.value }) : answers;
  }

  /** Has an officer's order carried out and checks what was released: signatures of issuer and card, binding to this grant and agency, dates, the card's key on the ledger, revocation. */
  async read(grant: { id: string; subject: string }, purpose: Name, officer: Signer): Outcome<ReadOutcome> {
    const { name, opener, crypto, client } = this.#parts;
    const [subject, grantId] = [bytesOfHex(grant.subject), bytesOfHex(grant.id)];
    const order = await this.#order({ kind: 'grant.read', party: name, purpose, subject, grant: grantId, access: new Uint8Array(randomBytes(16)) }, officer);
    const released = await client.call('POST', `/v1/grants/${grant.id}/reads`, { body: { order } });
    if (!released.ok) return released;
    const said = z.strictObject({ transaction: z.string(), inner: z.string() }).safeParse(released.value.body);
    if (!said.success) return fail('message-invalid', 'reads');
    const presentations = await openGrantInner(bytesOfText(said.data.inner) ?? new Uint8Array(0), grantId, opener);
    if (!presentations.ok) return presentations;
    const resident = await this.#record('resident', stateKey.resident(subject));
    if (!resident.ok) return resident;
    const shown: ShownClaims[] = [];
    for (const presentation of presentations.value) {
      const issuerName = claimedIssuer(presentation);
      const issuer = issuerName === null ? ok(null) : await this.#record('party', stateKey.party(issuerName));
      if (!issuer.ok) return issuer;
      if (issuerName === null || issuer.value === null) return fail('credential-invalid', 'issuer');
      const verified = verifyPresentation(presentation, { grant: grantId, agency: name, issuer: { name: issuerName, key: issuer.value.sign }, now: this.#seconds(), verify: crypto.verify });
      if (!verified.ok) return verified;
      if (resident.value === null || !equalBytes(verified.value.holder, resident.value.aut[1])) return fail('credential-invalid', 'holder');
      const revocation = await this.#revocation(issuerName, issuer.value, verified.value.status);
      if (!revocation.ok) return revocation;
      shown.push({ ...verified.value, revocation: revocation.value });
    }
    return ok({ transaction: said.data.transaction, shown });
  }

  /** By the agency's own key, or by an officer's. */
  async step(request: { id: string; subject: string }, { step, decision, letter, payment }: StepWish, signer: Signer = this.#parts.signer): Outcome<Carried> {
    const subject = bytesOfHex(request.subject);
    let sealed: Uint8Array | null = null;
    if (letter !== undefined) {
      const resident = await this.#record('resident', stateKey.resident(subject));
      if (!resident.ok) return resident;
      if (resident.value === null) return fail('resident-unknown');
      sealed = sealLetter(resident.value.space[1], subject, letter);
    }
    const order = await this.#order(
      {
        kind: 'request.step',
        party: this.#parts.name,
        subject,
        request: bytesOfHex(request.id),
        step,
        ...(decision === undefined ? {} : { decision }),
        ...(sealed === null ? {} : { letter: hashOf(sealed) }),
        ...(payment === undefined ? {} : { payment }),
      },
      signer,
    );
    return this.#post(`/v1/requests/${request.id}/steps`, { order, ...(sealed === null ? {} : { letter: Buffer.from(sealed).toString('base64url') }) });
  }

  /** Issues an SD-JWT VC to the data space of whoever made this request; with `replaces`, in place of an earlier one. */
  async issue(
    request: { id: string; subject: string },
    wish: { vct: string; claims: Readonly<Record<string, string>>; status: number; days: number; replaces?: string },
  ): Outcome<Carried & { credential: string }> {
    const { name, signer } = this.#parts;
    const subject = bytesOfHex(request.subject);
    const resident = await this.#record('resident', stateKey.resident(subject));
    if (!resident.ok) return resident;
    if (resident.value === null) return fail('resident-unknown');
    const issuedAt = this.#seconds();
    const sdJwt = await issueCredential(
      { vct: wish.vct, issuer: name, holder: resident.value.aut[1], status: wish.status, issuedAt, expiresAt: issuedAt + wish.days * 86_400, claims: wish.claims },
      (message) => signer.sign(message),
    );
    const credential = new Uint8Array(randomBytes(16));
    const order = await this.#order({ kind: 'credential.issue', party: name, subject, credential, vct: wish.vct, status: wish.status, hash: hashOf(Buffer.from(sdJwt, 'ascii')) }, signer);
    const replaces = wish.replaces === undefined ? null : await this.#order({ kind: 'credential.revoke', party: name, subject, credential: bytesOfHex(wish.replaces), vct: wish.vct, reason: 'replaced' }, signer);
    const sealed = Buffer.from(sealCredential(resident.value.space[1], subject, sdJwt)).toString('base64url');
    const carried = await this.#post('/v1/credentials', { order, credential: sealed, ...(replaces === null ? {} : { replaces }) });
    return carried.ok ? ok({ ...carried.value, credential: toHex(credential) }) : carried;
  }

  async revoke(credential: string, subject: string, vct: string, reason: RevocationPart['reason']): Outcome<Carried> {
    const order = await this.#order({ kind: 'credential.revoke', party: this.#parts.name, subject: bytesOfHex(subject), credential: bytesOfHex(credential), vct, reason }, this.#parts.signer);
    return this.#post(`/v1/credentials/${credential}/revocations`, { order });
  }

  /** @param definition the service file, byte for byte. */
  async publish(definition: Uint8Array, service: Service): Outcome<Carried> {
    const { chain, signer, crypto } = this.#parts;
    const envelope = await signEnvelope(
      {
        v: 1,
        chain,
        nonce: new Uint8Array(randomBytes(16)),
        notAfter: this.#seconds() + 3600,
        acts: [
          {
            kind: 'service.publish',
            id: service.id,
            version: service.version,
            agency: service.agency,
            purpose: service.purpose.id,
            claims: service.claims.map(({ claim }) => claim),
            languages: ['zh-Hans', 'en'],
            definition: hashOf(definition),
          },
        ],
      },
      [signer],
      crypto,
    );
    return this.#post('/v1/services', { envelope: Buffer.from(envelope).toString('base64url'), definition: Buffer.from(definition).toString('base64url') });
  }

  async withdraw(id: Name): Outcome<Carried> {
    const { chain, signer, crypto } = this.#parts;
    const envelope = await signEnvelope({ v: 1, chain, nonce: new Uint8Array(randomBytes(16)), notAfter: this.#seconds() + 3600, acts: [{ kind: 'service.withdraw', id }] }, [signer], crypto);
    return this.#post('/v1/services/withdrawals', { envelope: Buffer.from(envelope).toString('base64url') });
  }

  async changes(after: number): Outcome<ChangeEvent[]> {
    const read = await this.#get('/v1/changes', z.strictObject({ items: z.array(changeSchema) }), { after: String(after) });
    return read.ok ? ok(read.value.items) : read;
  }

  /** Each change as it comes, from after this one on; comes again where the line breaks, until the signal ends it. */
  async watch(after: string | undefined, signal: AbortSignal, told: (change: ChangeEvent) => void): Outcome<null> {
    let last = after;
    while (!signal.aborted) {
      const stream = await this.#parts.client.events('/v1/events', signal, last);
      if (!stream.ok) return signal.aborted ? ok(null) : stream;
      for await (const { data } of stream.value) {
        const change = changeSchema.safeParse(JSON.parse(data));
        if (!change.success) return fail('message-invalid', 'events');
        last = String(change.data.seq);
        told(change.data);
      }
    }
    return ok(null);
  }

  /** What a party is called, as on the ledger; left out: the agency itself. */
  async names(name = this.#parts.name): Outcome<Names> {
    const party = await this.#record('party', stateKey.party(name));
    if (!party.ok) return party;
    return party.value === null ? fail('party-unknown') : ok(party.value.names);
  }

  /** What is published now and well formed, of all agencies, by id. */
  async services(): Outcome<Map<Name, Service>> {
    const read = await this.#get('/v1/services', z.strictObject({ items: z.array(z.strictObject({ id: z.string(), definition: z.string() })) }));
    if (!read.ok) return read;
    const services = new Map<Name, Service>();
    for (const { id, definition } of read.value.items) {
      const service = serviceSchema.safeParse(parsed(definition));
      if (service.success) services.set(id, service.data);
    }
    return ok(services);
  }

  async #order(order: Order, signer: Signer): Promise<string> {
    const at = this.#seconds();
    const signed = await signOrder({ v: 1, chain: this.#parts.chain, nonce: new Uint8Array(randomBytes(16)), at, notAfter: at + orderSeconds, order }, signer, this.#parts.crypto);
    return Buffer.from(signed).toString('base64url');
  }

  async #get<T>(path: string, schema: z.ZodType<T>, query: Record<string, string | undefined> = {}): Outcome<T> {
    const answer = await this.#parts.client.call('GET', path, { query });
    if (!answer.ok) return answer;
    const read = schema.safeParse(answer.value.body);
    return read.success ? ok(read.data) : fail('message-invalid', path);
  }

  async #post(path: string, body: unknown): Outcome<Carried> {
    const answer = await this.#parts.client.call('POST', path, { body });
    if (!answer.ok) return answer;
    const read = carriedSchema.safeParse(answer.value.body);
    return read.success ? ok(read.data) : fail('message-invalid', path);
  }

  #record<K extends RecordKind>(kind: K, key: Uint8Array): Outcome<Records[K] | null> {
    return provenRecord(kind, key, this.#parts);
  }

  async #revocation(issuer: Name, record: Records['party'], index: number): Outcome<ShownClaims['revocation']> {
    const { client, crypto } = this.#parts;
    const answer = await client.call('GET', `/v1/status-lists/${issuer}`);
    if (!answer.ok || typeof answer.value.body !== 'string') return ok('unlisted');
    const list = readStatusList(answer.value.body, { uri: statusUri(issuer), keys: [record.sign] }, crypto.verify, this.#seconds());
    if (!list.ok) return ok('unlisted');
    return list.value.list.at(index) === statusInvalid ? fail('credential-invalid', 'revoked') : ok('valid');
  }
}

function parsed(definition: string): unknown {
  try {
    return JSON.parse(Buffer.from(definition, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
