import type { RefusalCode, RejectionCode } from '../contract/failures.ts';
import { ok, type Result } from '../contract/result.ts';
import type { Payload } from '../contract/hub-door.ts';
import { hashOf, openGrantOuter, sameHash } from '../identity/grant.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed } from '../identity/sealing.ts';
import { placeName } from '../identity/space.ts';
import type { ActivityAct, CredentialAnchor, CredentialPart, GrantGive, GrantPart, Hash, Id, PrivatePart, RequestSubmit } from '../ledger/verify/acts.ts';
import { equalBytes, toHex } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId, openEnvelope, type OpenedEnvelope } from '../ledger/verify/envelope.ts';
import { decodeOpenedPart, opensAct } from '../ledger/verify/private-part.ts';
import { stateKey, type KeyOwner, type PartyRecord, type ServiceRecord } from '../ledger/verify/records.ts';
import { readRecord, type LedgerView } from './ledger-records.ts';
import type { KeeperStore, KeptPayload, KeptTransaction } from './store.ts';

/** As over the door, and what an issuer inside the hub adds. */
export type IncomingPayload = Payload | (Omit<Payload, 'what'> & { what: 'credential' });

export interface Incoming {
  envelope: Uint8Array;
  payloads: readonly IncomingPayload[];
}

export interface CheckingKeeper {
  ledger: LedgerView;
  store: Pick<KeeperStore, 'payload'>;
  /** The keeper's sealing key. */
  opener: Opener;
  crypto: Crypto;
}

export type Verdict =
  | { verdict: 'sound'; transaction: KeptTransaction }
  /** `signed`: the signatures were good, so a counter value of this card is spent; null where nothing was proven. */
  | { verdict: 'refused'; code: RefusalCode | RejectionCode; signed: Pick<KeptTransaction, 'id' | 'resident' | 'counter'> | null };

export const payloadLimitBytes = 64 * 1024;
export const mostReads = 32;
/** A kiosk's clock may be ahead of ours by this much when it computes the longest expiry. */
const clockSkewSeconds = 300;

/** Thrown and caught in this file only: a check in the middle of a walk over many. */
class Refusal extends Error {
  readonly code: RefusalCode | RejectionCode;
  constructor(code: RefusalCode | RejectionCode) {
    super(code);
    this.code = code;
  }
}
const refuse = (code: RefusalCode | RejectionCode): never => {
  throw new Refusal(code);
};
class StorageFailed extends Error {
  readonly failure: Result<never>;
  constructor(failure: Result<never>) {
    super('storage');
    this.failure = failure;
  }
}
const must = <T>(result: Result<T>): T => {
  if (!result.ok) throw new StorageFailed(result);
  return result.value;
};

/**
 * What the rules cannot see: that the private parts are the ones committed to, that they keep within purpose and service, and that every
 * ciphertext is the one they name. Signatures are checked first, so that nobody else's submission costs space or spends a counter.
 *
 * @param now Unix seconds.
 */
export async function checkSubmission(incoming: Incoming, keeper: CheckingKeeper, now: number): Promise<Result<Verdict>> {
  let signed: Pick<KeptTransaction, 'id' | 'resident' | 'counter'> | null = null;
  try {
    const opened = openEnvelope(incoming.envelope, keeper.crypto);
    if (!opened.ok) return ok({ verdict: 'refused', code: opened.failure.code, signed });
    const envelope = opened.value;
    if (envelope.body.chain !== keeper.ledger.chain) refuse('chain-wrong');
    const owners = await verifiedOwners(envelope, keeper);
    const resident = owners.find((owner) => 'resident' in owner)?.resident ?? null;
    signed = { id: envelope.id, resident, counter: resident === null ? null : (envelope.body.counter ?? null) };
    const payloads = await checkPayloads(envelope, incoming.payloads, owners, keeper, now);
    return ok({ verdict: 'sound', transaction: { ...signed, envelope: incoming.envelope, payloads } });
  } catch (error) {
    if (error instanceof Refusal) return ok({ verdict: 'refused', code: error.code, signed });
    if (error instanceof StorageFailed) return error.failure;
    throw error;
  }
}

async function verifiedOwners({ body, signers }: OpenedEnvelope, keeper: CheckingKeeper): Promise<KeyOwner[]> {
  const owners: KeyOwner[] = [];
  for (const { kid, input, signature } of signers) {
    const record = must(await readRecord(keeper.ledger, 'key', stateKey.key(kid)));
    // A card that is just being registered has its key in the act itself.
    const registering = body.acts.find((act) => act.kind === 'resident.register' && equalBytes(keyId(act.sig, keeper.crypto), kid));
    if (record === null && registering?.kind !== 'resident.register') return refuse('signer-unknown');
    if (record !== null && record.state !== 'active') return refuse('signer-revoked');
    const key = record?.key ?? (registering?.kind === 'resident.register' ? registering.sig : refuse('signer-unknown'));
    if (!keeper.crypto.verify(key, input, signature)) return refuse('signature-invalid');
    owners.push(record?.owner ?? (registering?.kind === 'resident.register' ? { resident: registering.id } : refuse('signer-unknown')));
  }
  return owners;
}

const slot = (act: number, what: KeptPayload['what'], to: KeptPayload['to']): string => `${act} ${what} ${to}`;

/** The payloads by slot; each is taken out by the act that names it, and what remains is superfluous. */
class Bundle {
  readonly #left = new Map<string, IncomingPayload>();
  readonly taken: KeptPayload[] = [];

  constructor(payloads: readonly IncomingPayload[]) {
    for (const payload of payloads) {
      if (payload.sealed.length > payloadLimitBytes) refuse('payload-too-large');
      const at = slot(payload.act, payload.what, payload.to);
      if (this.#left.has(at)) refuse('payload-superfluous');
      this.#left.set(at, payload);
    }
  }

  take(index: number, act: ActivityAct, what: KeptPayload['what'], to: KeptPayload['to'], place: string | null): Uint8Array {
    const at = slot(index, what, to);
    const payload = this.#left.get(at) ?? refuse(what === 'part' ? 'part-missing' : 'payload-missing');
    this.#left.delete(at);
    this.taken.push({ act: index, what, to, sealed: payload.sealed, subject: act.subject, actId: act.id, place });
    return payload.sealed;
  }

  finish(): KeptPayload[] {
    if (this.#left.size > 0) refuse('payload-superfluous');
    return this.taken;
  }
}

interface Walk {
  transaction: Uint8Array;
  bundle: Bundle;
  keeper: CheckingKeeper;
  owners: readonly KeyOwner[];
  now: number;
  /** Grants of this body that were found sound, by id. */
  grants: Map<string, GrantPart>;
}

async function checkPayloads({ id, body: { acts } }: OpenedEnvelope, payloads: readonly IncomingPayload[], owners: readonly KeyOwner[], keeper: CheckingKeeper, now: number): Promise<KeptPayload[]> {
  const walk: Walk = { transaction: id, bundle: new Bundle(payloads), keeper, owners, now, grants: new Map() };
  // In order: a request may rest on a grant before it in the body only.
  for (const [index, act] of acts.entries()) {
    switch (act.kind) {
      case 'grant.give':
        await checkGrant(index, act, walk);
        break;
      case 'request.submit':
        await checkRequest(index, act, walk);
        break;
      case 'credential.anchor':
        await checkCredential(index, act, walk);
        break;
      case 'credential.revoke':
      case 'grant.end':
      case 'request.step':
      case 'request.withdraw':
      case 'verification.answer':
      case 'access.record':
      case 'access.lookup':
      case 'case.open':
        // Not taken in at this door.
        refuse('act-unknown');
        break;
      case 'party.enrol':
      case 'party.rotate':
      case 'party.suspend':
      case 'party.retire':
      case 'staff.enrol':
      case 'staff.retire':
      case 'validator.set':
      case 'kiosk.enrol':
      case 'kiosk.retire':
      case 'service.publish':
      case 'service.withdraw':
      case 'status.publish':
      case 'resident.register':
      case 'resident.replace':
      case 'resident.block':
      case 'resident.retire':
      case 'case.unseal':
      case 'case.close':
        // Public altogether: the rules see all of it.
        break;
    }
  }
  return walk.bundle.finish();
}

/** Takes the copies of the private part; opens the keeper's own and holds it against the commitment. */
async function openPart<K extends PrivatePart['kind']>(index: number, act: ActivityAct & { kind: K }, walk: Walk, addressee: boolean): Promise<Extract<PrivatePart, { kind: K }>> {
  const { bundle, keeper } = walk;
  bundle.take(index, act, 'part', 'space', placeName({ kind: 'part', transaction: walk.transaction, act: index }));
  const sealed = bundle.take(index, act, 'part', 'keeper', null);
  if (addressee) bundle.take(index, act, 'part', 'agency', null);
  const opened = await openSealed(sealed, 'part', act.subject, keeper.opener);
  const part = opened.ok ? decodeOpenedPart(opened.value) : undefined;
  if (part === undefined) return refuse('part-unreadable');
  if (!opensAct(act, part, keeper.crypto)) return refuse('part-mismatch');
  return part.part as Extract<PrivatePart, { kind: K }>;
}

async function checkGrant(index: number, act: GrantGive, walk: Walk): Promise<void> {
  const { bundle, keeper, now } = walk;
  const part = await openPart(index, act, walk, true);
  const outer = bundle.take(index, act, 'grant', 'keeper', null);
  if (!sameHash(hashOf(outer), part.outer)) refuse('payload-mismatch');
  const inner = await openGrantOuter(outer, act.id, keeper.opener);
  if (!inner.ok || !sameHash(hashOf(inner.value), part.inner)) refuse('payload-mismatch');

  const agency = await activeAgency(part.agency, keeper);
  const purpose = agency.purposes.find(({ id }) => id === part.purpose) ?? refuse('purpose-not-owned');
  if (part.claims.some((claim) => !purpose.claims.includes(claim))) refuse('claims-beyond-purpose');
  const service = await publishedService(part.service, keeper);
  if (service.agency !== part.agency || service.purpose !== part.purpose) refuse('service-mismatch');
  if (part.claims.some((claim) => !service.claims.includes(claim))) refuse('claims-beyond-service');
  if (Date.parse(part.until) !== act.until * 1000) refuse('until-mismatch');
  if (act.until <= now) refuse('until-past');
  if (act.until > now + purpose.longestDays * 86_400 + clockSkewSeconds) refuse('until-too-far');
  if (act.reads > mostReads) refuse('reads-too-many');
  walk.grants.set(toHex(act.id), part);
}

async function checkRequest(index: number, act: RequestSubmit, walk: Walk): Promise<void> {
  const { bundle, keeper } = walk;
  const part = await openPart(index, act, walk, true);
  await activeAgency(part.agency, keeper);
  const service = await publishedService(part.service, keeper);
  if (service.agency !== part.agency || service.version !== part.version || !sameHash(service.definition, part.definition)) refuse('service-mismatch');
  for (const grant of act.refs ?? []) {
    const given = walk.grants.get(toHex(grant)) ?? (await recordedGrant(act.subject, grant, keeper));
    if (given.agency !== part.agency || given.service !== part.service) refuse('service-mismatch');
  }
  takeNamed(bundle, index, act, 'answers', 'agency', null, part.answers);
  if (part.self !== undefined) takeNamed(bundle, index, act, 'self', 'space', placeName({ kind: 'self' }), part.self);
}

async function checkCredential(index: number, act: CredentialAnchor, walk: Walk): Promise<void> {
  const part: CredentialPart = await openPart(index, act, walk, false);
  if (!walk.owners.some((owner) => 'party' in owner && owner.party === part.issuer)) refuse('signer-role');
  walk.bundle.take(index, act, 'credential', 'space', placeName({ kind: 'credential', vct: part.vct, number: act.status }));
}

function takeNamed(bundle: Bundle, index: number, act: ActivityAct, what: 'answers' | 'self', to: 'agency' | 'space', place: string | null, hash: Hash): void {
  if (!sameHash(hashOf(bundle.take(index, act, what, to, place)), hash)) refuse('payload-mismatch');
}

async function activeAgency(name: string, keeper: CheckingKeeper): Promise<PartyRecord> {
  const party = must(await readRecord(keeper.ledger, 'party', stateKey.party(name))) ?? refuse('party-unknown');
  if (party.party !== 'agency' || party.state !== 'active') refuse('party-kind');
  return party;
}

async function publishedService(id: string, keeper: CheckingKeeper): Promise<ServiceRecord> {
  const service = must(await readRecord(keeper.ledger, 'service', stateKey.service(id)));
  return service === null || service.state !== 'published' ? refuse('service-mismatch') : service;
}

/** The private part of a grant that was given in an earlier transaction. */
async function recordedGrant(subject: Id, grant: Id, keeper: CheckingKeeper): Promise<GrantPart> {
  const sealed = must(await keeper.store.payload(subject, grant, 'part', 'keeper')) ?? refuse('grant-unknown');
  const opened = await openSealed(sealed, 'part', subject, keeper.opener);
  const part = opened.ok ? decodeOpenedPart(opened.value)?.part : undefined;
  return part?.kind === 'grant.give' ? part : refuse('grant-unknown');
}
