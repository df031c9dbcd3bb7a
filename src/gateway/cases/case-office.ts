import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import { openCaseBody, openCaseShare, sealCase, type CaseMember } from '../../identity/case-body.ts';
import type { Opener } from '../../identity/hpke.ts';
import { openSealed, sealTo } from '../../identity/sealing.ts';
import type { Act, Body, CaseOpen, CasePart, Id, Name, OpenedPart, PublicKey } from '../../ledger/verify/acts.ts';
import { equalBytes, toBase64url, toHex } from '../../ledger/verify/bytes.ts';
import { decodeCbor } from '../../ledger/verify/cbor.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import { bodyOf, completed, decodeDraft, draftId, encodeDraft, inputFor, newDraft, withSignature, type Draft } from '../../ledger/verify/draft.ts';
import { signEnvelope, type Signer } from '../../ledger/verify/envelope.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { signOrder } from '../../ledger/verify/order.ts';
import { commitPart, decodeOpenedPart, encodeOpenedPart, opensAct } from '../../ledger/verify/private-part.ts';
import { stateKey, type CaseRecord, type RecordKind, type Records } from '../../ledger/verify/records.ts';
import { bytesOfHex, bytesOfText, bytesText, hashText, idText, nameText } from '../api-values.ts';
import type { ClientFailure, GatewayClient } from '../client.ts';
import { provenRecord } from '../proven-records.ts';
import { casesSchema } from '../routes/cases.ts';

export interface CaseOfficeParts {
  client: GatewayClient;
  /** The party that calls, and its sealing key: an auditor's office, the second officer's, or a member of the authority. */
  name: Name;
  opener: Opener;
  chain: string;
  /** From the hub's public file. */
  trust: Trust;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

export interface CaseWish {
  /** The law it rests on. */
  basis: string;
  subjects: Id[];
  kinds: string[];
  /** ISO 8601, of the activity that may be read. */
  from: string;
  to: string;
  /** Unix seconds: no read from then on, and due for unsealing from then on. */
  until: number;
  opensAt: number;
  /** Members of the authority who hold a piece of the body's key, and how many of them open it. */
  members: Name[];
  threshold: number;
}

/** A case on its way: signed by the auditor, not yet by the second officer. */
export interface BegunCase {
  id: Id;
  draft: Draft;
  opened: OpenedPart;
  sealed: { keeper: Uint8Array; authority: Uint8Array };
  second: { staff: Id; party: Name };
}

export interface CaseEntry {
  transaction: string;
  act: number;
  kind: string;
  /** Unix seconds. */
  at: number;
  part: OpenedPart;
}

export interface WaitingDraft {
  id: string;
  kind: string;
  signed: { staff: string; party: string }[];
  until: number;
}

type Outcome<T> = Promise<Result<T, ClientFailure>>;

const draftsSchema = z.object({ items: z.array(z.object({ id: hashText, kind: z.string(), signed: z.array(z.object({ staff: idText, party: nameText })), until: z.int() })) });
const draftSchema = z.object({ draft: bytesText, notes: z.array(bytesText) });
const signedSchema = z.object({ state: z.string(), code: z.string().optional() });
const readSchema = z.object({ transaction: hashText, sealed: bytesText });
const bodySchema = z.object({ authority: bytesText });
const doneSchema = z.object({ transaction: hashText });

/** A card at hand is slow, and a second officer is elsewhere. */
const openSeconds = 24 * 3600;
const actSeconds = 3600;
const orderSeconds = 600;

/** The overseer's side of the door: opens, reads, closes and unseals cases, and believes the gateway nothing: records are proved, what is opened is held against the ledger. */
export class CaseOffice {
  readonly #parts: CaseOfficeParts;

  constructor(parts: CaseOfficeParts) {
    this.#parts = parts;
  }

  get name(): Name {
    return this.#parts.name;
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  #record<K extends RecordKind>(kind: K, key: Uint8Array): Outcome<Records[K] | null> {
    return provenRecord(kind, key, this.#parts);
  }

  /** Whom the second signature is asked of: staff of another office, active. `staff-unknown`, `role-unfit`. */
  async second(staff: Id): Outcome<Records['staff']> {
    const record = await this.#record('staff', stateKey.staff(staff));
    if (!record.ok) return record;
    if (record.value?.state !== 'active' || record.value.until <= this.#seconds()) return fail('staff-unknown');
    return record.value.party === this.name || (record.value.role !== 'auditor' && record.value.role !== 'officer') ? fail('role-unfit', record.value.role) : ok(record.value);
  }

  /** The auditor's half. Members of the authority who belong to the auditor's own office are refused: `authority-own`. */
  async begin(wish: CaseWish, auditor: Signer, second: Id, keeper: Name): Outcome<BegunCase> {
    const { crypto, chain, name } = this.#parts;
    const other = await this.second(second);
    if (!other.ok) return other;
    const members = await this.#members(wish.members);
    if (!members.ok) return members;
    const keeperParty = await this.#record('party', stateKey.party(keeper));
    if (!keeperParty.ok) return keeperParty;
    if (keeperParty.value?.party !== 'keeper' || keeperParty.value.state !== 'active') return fail('party-unknown', keeper);
    const id = new Uint8Array(randomBytes(16));
    const part: CasePart = { kind: 'case.open', basis: wish.basis, subjects: wish.subjects, kinds: wish.kinds, from: wish.from, to: wish.to };
    const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part };
    const act: CaseOpen = { kind: 'case.open', id, office: name, until: wish.until, opensAt: wish.opensAt, private: commitPart(opened.salt, part, crypto) };
    const body: Body = { v: 1, chain, nonce: new Uint8Array(randomBytes(16)), notAfter: this.#seconds() + openSeconds, acts: [act] };
    const draft = await signDraft(newDraft(body, [auditor.key, other.value.sig]), auditor, crypto);
    if (!draft.ok) return draft;
    const sealed = await sealCase(opened, id, keeperParty.value.seal[1], members.value, wish.threshold);
    return ok({ id, draft: draft.value, opened, sealed, second: { staff: second, party: other.value.party } });
  }

  /** The second officer is here: both signatures go off at once. */
  async finish({ draft, sealed }: BegunCase, second: Signer): Outcome<string> {
    const signed = await signDraft(draft, second, this.#parts.crypto);
    if (!signed.ok) return signed;
    const envelope = completed(signed.value, this.#parts.crypto);
    if (envelope === null) return fail('signer-missing');
    const done = await this.#post('/v1/cases', { envelope: toBase64url(envelope), keeper: toBase64url(sealed.keeper), authority: toBase64url(sealed.authority) }, doneSchema);
    return done.ok ? ok(done.value.transaction) : done;
  }

  /** The second officer is elsewhere: the hub keeps the draft for 24 hours, with what it is about sealed to that office. */
  async leave({ draft, sealed, opened, second }: BegunCase): Outcome<string> {
    const { crypto } = this.#parts;
    const office = await this.#record('party', stateKey.party(second.party));
    if (!office.ok) return office;
    if (office.value === null) return fail('party-unknown', second.party);
    const id = draftId(draft, crypto);
    const note = sealTo(office.value.seal[1], 'draft', id.slice(0, 16), encodeOpenedPart(opened));
    const left = await this.#post(
      '/v1/drafts',
      {
        draft: toBase64url(encodeDraft(draft)),
        payloads: [
          { act: 0, what: 'case', to: 'keeper', sealed: toBase64url(sealed.keeper) },
          { act: 0, what: 'case', to: 'authority', sealed: toBase64url(sealed.authority) },
        ],
        notes: [{ party: second.party, sealed: toBase64url(note) }],
      },
      z.object({ id: hashText }),
    );
    return left.ok ? ok(left.value.id) : left;
  }

  async drafts(): Outcome<WaitingDraft[]> {
    const listed = await this.#get('/v1/drafts', draftsSchema);
    return listed.ok ? ok(listed.value.items) : listed;
  }

  /** What a draft says, and its private part held against its act: nobody signs what was only told. `part-mismatch`: they differ. */
  async draft(id: string): Outcome<{ draft: Draft; act: CaseOpen; part: CasePart }> {
    const { crypto, opener } = this.#parts;
    const found = await this.#draft(id, 'case.open');
    if (!found.ok) return found;
    const { draft, act, notes } = found.value;
    const [note] = notes;
    if (note === undefined) return fail('part-missing');
    const sealed = await openSealed(bytesOfText(note) ?? new Uint8Array(0), 'draft', draftId(draft, crypto).slice(0, 16), opener);
    if (!sealed.ok) return sealed;
    const opened = decodeOpenedPart(sealed.value);
    if (opened?.part.kind !== 'case.open' || !opensAct(act, opened, crypto)) return fail('part-mismatch');
    return ok({ draft, act, part: opened.part });
  }

  /** The unsealing that other members of the authority have begun. */
  async unsealingBegun(id: string): Outcome<{ draft: Draft; case: Id }> {
    const found = await this.#draft(id, 'case.unseal');
    return found.ok ? ok({ draft: found.value.draft, case: found.value.act.id }) : found;
  }

  /** Of one act of this kind, and the very one that was asked for. */
  async #draft<K extends 'case.open' | 'case.unseal'>(id: string, kind: K): Outcome<{ draft: Draft; act: Extract<Act, { kind: K }>; notes: string[] }> {
    const { crypto } = this.#parts;
    const found = await this.#get(`/v1/drafts/${id}`, draftSchema);
    if (!found.ok) return found;
    const draft = decodeDraft(bytesOfText(found.value.draft) ?? new Uint8Array(0), crypto);
    const body = draft === undefined ? undefined : bodyOf(draft, crypto);
    const [act, ...others] = body?.ok === true ? body.value.acts : [];
    if (draft === undefined || act?.kind !== kind || others.length > 0 || !equalBytes(draftId(draft, crypto), bytesOfHex(id))) return fail('part-mismatch', 'draft');
    return ok({ draft, act: act as Extract<Act, { kind: K }>, notes: found.value.notes });
  }

  /** What became of it with this signature: `waiting` for more, or as the ledger has it. */
  async sign(draft: Draft, signer: Signer): Outcome<{ state: string; code?: string }> {
    const { crypto } = this.#parts;
    const input = inputFor(draft, signer.key, crypto);
    if (input === undefined) return fail('signer-superfluous');
    const signature = await signer.sign(input);
    const done = await this.#post(`/v1/drafts/${toHex(draftId(draft, crypto))}/signatures`, { alg: signer.key[0], key: toBase64url(signer.key[1]), signature: toBase64url(signature) }, signedSchema);
    return done.ok ? ok({ state: done.value.state, ...(done.value.code === undefined ? {} : { code: done.value.code }) }) : done;
  }

  /** null: the ledger has no such case. */
  case(id: Id): Outcome<CaseRecord | null> {
    return this.#record('case', stateKey.case(id));
  }

  /** The office's own, sealed or not, each as the ledger has it. */
  async cases(): Outcome<CaseRecord[]> {
    const listed = await this.#get('/v1/cases', casesSchema);
    return listed.ok ? this.#cases(listed.value.items.map(bytesOfHex)) : listed;
  }

  /** Cases that are still sealed, of every office. */
  async sealed(): Outcome<CaseRecord[]> {
    const record = await this.#record('sealed', stateKey.sealed());
    return record.ok ? this.#cases(record.value?.cases ?? []) : record;
  }

  async #cases(ids: readonly Id[]): Outcome<CaseRecord[]> {
    const cases: CaseRecord[] = [];
    for (const id of ids) {
      const found = await this.case(id);
      if (!found.ok) return found;
      if (found.value !== null) cases.push(found.value);
    }
    return ok(cases);
  }

  /** Of one resident what the case covers. The look is recorded in the resident's list before anything comes back. */
  async read(id: Id, subject: Id, auditor: Signer): Outcome<{ transaction: string; entries: CaseEntry[] }> {
    const { name, chain, crypto, opener } = this.#parts;
    const access = new Uint8Array(randomBytes(16));
    const at = this.#seconds();
    const order = await signOrder({ v: 1, chain, nonce: new Uint8Array(randomBytes(16)), at, notAfter: at + orderSeconds, order: { kind: 'case.read', party: name, case: id, subject, access } }, auditor, crypto);
    const entries: CaseEntry[] = [];
    // One look, however many pages it has.
    for (let after = 0; ; ) {
      const answer = await this.#post(`/v1/cases/${toHex(id)}/reads`, { order: toBase64url(order), after }, readSchema);
      if (!answer.ok) return answer;
      const opened = await openSealed(bytesOfText(answer.value.sealed) ?? new Uint8Array(0), 'case', access, opener);
      if (!opened.ok) return opened;
      const page = pageOf(decodeCbor(opened.value));
      if (page === undefined || (page.next !== undefined && page.next <= after)) return fail('message-invalid', 'entries');
      entries.push(...page.entries);
      if (page.next === undefined) return ok({ transaction: answer.value.transaction, entries });
      after = page.next;
    }
  }

  async close(id: Id, auditor: Signer): Outcome<string> {
    const { chain, crypto } = this.#parts;
    const envelope = await signEnvelope({ v: 1, chain, nonce: new Uint8Array(randomBytes(16)), notAfter: this.#seconds() + actSeconds, acts: [{ kind: 'case.close', id }] }, [auditor], crypto);
    const done = await this.#post(`/v1/cases/${toHex(id)}/closings`, { envelope: toBase64url(envelope) }, doneSchema);
    return done.ok ? ok(done.value.transaction) : done;
  }

  /** A member's own piece of the body's key, to be brought to the others. */
  async share(id: Id): Outcome<Uint8Array> {
    const authority = await this.#authorityBody(id);
    return authority.ok ? openCaseShare(authority.value, id, this.name, this.#parts.opener) : authority;
  }

  /** What the case was about, from as many pieces as it takes, held against the ledger. */
  async body(id: Id, pieces: readonly Uint8Array[]): Outcome<CasePart> {
    const authority = await this.#authorityBody(id);
    if (!authority.ok) return authority;
    const record = await this.case(id);
    if (!record.ok) return record;
    const opened = await openCaseBody(authority.value, id, pieces);
    if (!opened.ok) return opened;
    const { salt, part } = opened.value;
    if (record.value === null || part.kind !== 'case.open' || !equalBytes(record.value.private[1], commitPart(salt, part, this.#parts.crypto)[1])) return fail('part-mismatch');
    return ok(part);
  }

  /** By the keys of the authority, all of them here. Where some are elsewhere: `beginUnsealing`, and the others sign the draft. */
  async unseal(id: Id, signers: readonly Signer[]): Outcome<string> {
    const envelope = await signEnvelope(this.#unsealing(id), signers, this.#parts.crypto);
    const done = await this.#post(`/v1/cases/${toHex(id)}/unsealings`, { envelope: toBase64url(envelope) }, doneSchema);
    return done.ok ? ok(done.value.transaction) : done;
  }

  /** @param others keys of the authority that are to sign with this one. */
  async beginUnsealing(id: Id, first: Signer, others: readonly PublicKey[]): Outcome<string> {
    const draft = await signDraft(newDraft(this.#unsealing(id), [first.key, ...others]), first, this.#parts.crypto);
    if (!draft.ok) return draft;
    const left = await this.#post('/v1/drafts', { draft: toBase64url(encodeDraft(draft.value)), payloads: [], notes: [] }, z.object({ id: hashText }));
    return left.ok ? ok(left.value.id) : left;
  }

  #unsealing(id: Id): Body {
    return { v: 1, chain: this.#parts.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: this.#seconds() + openSeconds, acts: [{ kind: 'case.unseal', id }] };
  }

  async #authorityBody(id: Id): Outcome<Uint8Array> {
    const body = await this.#get(`/v1/cases/${toHex(id)}/body`, bodySchema);
    return body.ok ? ok(bytesOfText(body.value.authority) ?? new Uint8Array(0)) : body;
  }

  async #members(names: readonly Name[]): Outcome<CaseMember[]> {
    const members: CaseMember[] = [];
    for (const name of names) {
      if (name === this.name) return fail('authority-own', name);
      const record = await this.#record('party', stateKey.party(name));
      if (!record.ok) return record;
      if (record.value?.party !== 'authority' || record.value.state !== 'active') return fail('party-kind', name);
      members.push({ party: name, seal: record.value.seal[1] });
    }
    return ok(members);
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Outcome<T> {
    return parsed(await this.#parts.client.call('GET', path), schema, path);
  }

  async #post<T>(path: string, body: unknown, schema: z.ZodType<T>): Outcome<T> {
    return parsed(await this.#parts.client.call('POST', path, { body }), schema, path);
  }
}

function parsed<T>(answer: Awaited<ReturnType<GatewayClient['call']>>, schema: z.ZodType<T>, path: string): Result<T, ClientFailure> {
  if (!answer.ok) return answer;
  const read = schema.safeParse(answer.value.body);
  return read.success ? ok(read.data) : fail('message-invalid', path);
}

async function signDraft(draft: Draft, signer: Signer, crypto: Crypto): Promise<Result<Draft, Failure<string>>> {
  const input = inputFor(draft, signer.key, crypto);
  return input === undefined ? fail('signer-superfluous') : withSignature(draft, signer.key, await signer.sign(input), crypto);
}

/** undefined: not what the keeper hands out. An entry whose part cannot be read is left out by nobody: then none is believed. */
/** undefined: not of this form. */
function pageOf(value: unknown): { entries: CaseEntry[]; next: number | undefined } | undefined {
  if (typeof value !== 'object' || value === null || !('entries' in value) || !Array.isArray(value.entries)) return undefined;
  const next = 'next' in value ? value.next : undefined;
  if (next !== undefined && typeof next !== 'number') return undefined;
  const entries: CaseEntry[] = [];
  for (const entry of value.entries as unknown[]) {
    if (typeof entry !== 'object' || entry === null) return undefined;
    const { transaction, act, kind, at, part } = entry as { [name: string]: unknown };
    const opened = part instanceof Uint8Array ? decodeOpenedPart(part) : undefined;
    if (!(transaction instanceof Uint8Array) || typeof act !== 'number' || typeof kind !== 'string' || typeof at !== 'number' || opened === undefined) return undefined;
    entries.push({ transaction: toHex(transaction), act, kind, at, part: opened });
  }
  return { entries, next };
}
