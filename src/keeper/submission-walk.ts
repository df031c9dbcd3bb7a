import { hashOf, sameHash } from '../identity/grant.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed } from '../identity/sealing.ts';
import { placeName } from '../identity/space.ts';
import type { ActivityAct, EndPart, GrantPart, Hash, Id, PrivatePart, RequestPart } from '../ledger/verify/acts.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { decodeOpenedPart, opensAct } from '../ledger/verify/private-part.ts';
import { stateKey, type KeyOwner, type PartyRecord, type ServiceRecord } from '../ledger/verify/records.ts';
import type { Tags } from './agency-tag.ts';
import type { Bundle } from './bundle.ts';
import { readRecord, type LedgerView } from './ledger-records.ts';
import { must, refuse } from './refusal.ts';
import type { Addressee, Concern, KeeperStore, KeptTransaction, PayloadKind } from './store.ts';

/** As `KeeperStore.payload`, of all that the ledger has recorded by now. */
export type KeptPayloads = KeeperStore['payload'];

export interface CheckingKeeper {
  ledger: LedgerView;
  payload: KeptPayloads;
  recovery: KeeperStore['recovery'];
  /** The keeper's sealing key. */
  opener: Opener;
  tags: Tags;
  crypto: Crypto;
}

type PartOf<K extends PrivatePart['kind']> = K extends EndPart['kind'] ? EndPart : Extract<PrivatePart, { kind: K }>;

/** One walk over the acts of a transaction, and what it gathers to be kept. */
export interface Walk extends Pick<KeptTransaction, 'concerns' | 'once' | 'removals' | 'replacements'> {
  transaction: Uint8Array;
  bundle: Bundle;
  keeper: CheckingKeeper;
  owners: readonly KeyOwner[];
  /** Unix seconds. */
  now: number;
  /** Parts of grants and requests of this body that were found sound, by id. */
  grants: Map<string, GrantPart>;
  requests: Map<string, RequestPart>;
}

/** Takes the copies of the private part; opens the keeper's own and holds it against the commitment. */
export async function openPart<K extends ActivityAct['kind']>(index: number, act: ActivityAct & { kind: K }, walk: Walk, addressee: boolean): Promise<PartOf<K>> {
  const { bundle, keeper } = walk;
  bundle.take(index, act, 'part', 'space', placeName({ kind: 'part', transaction: walk.transaction, act: index }));
  const sealed = bundle.take(index, act, 'part', 'keeper', null);
  if (addressee) bundle.take(index, act, 'part', 'agency', null);
  const opened = await openSealed(sealed, 'part', act.subject, keeper.opener);
  const part = opened.ok ? decodeOpenedPart(opened.value) : undefined;
  if (part === undefined) return refuse('part-unreadable');
  if (!opensAct(act, part, keeper.crypto)) return refuse('part-mismatch');
  return part.part as PartOf<K>;
}

/** Takes the ciphertext that a part names by its hash. */
export function takeNamed(walk: Walk, index: number, act: ActivityAct, what: PayloadKind, to: Addressee, place: string | null, hash: Hash): void {
  if (!sameHash(hashOf(walk.bundle.take(index, act, what, to, place)), hash)) refuse('payload-mismatch');
}

/** That an act concerns an agency. */
export function concern(walk: Walk, act: number, { kind, subject, id }: Pick<Concern, 'kind' | 'subject' | 'id'>, agency: string, more: { service?: string; step?: Concern['step'] } = {}): void {
  const { tags } = walk.keeper;
  walk.concerns.push({ act, kind, subject, id, agency: tags.agency(agency), service: more.service === undefined ? null : tags.service(more.service), step: more.step ?? null });
}

/** The keeper's copy of what was recorded earlier; null where it holds none. */
export async function recordedPart<K extends ActivityAct['kind']>(subject: Id, actId: Uint8Array, kind: K, keeper: Pick<CheckingKeeper, 'payload' | 'opener'>): Promise<PartOf<K> | null> {
  const sealed = must(await keeper.payload({ subject, actId, kind, what: 'part', to: 'keeper' }));
  return sealed === null ? null : readPart(sealed, subject, kind, keeper.opener);
}

/** null: it is none of this kind, or was sealed to a key that the keeper has no more. */
export async function readPart<K extends ActivityAct['kind']>(sealed: Uint8Array, subject: Id, kind: K, opener: Opener): Promise<PartOf<K> | null> {
  const opened = await openSealed(sealed, 'part', subject, opener);
  const part = opened.ok ? decodeOpenedPart(opened.value)?.part : undefined;
  return part?.kind === kind ? (part as PartOf<K>) : null;
}

/** Given in this body or before; refused as unknown else. */
export const grantPart = async (subject: Id, id: Id, walk: Walk): Promise<GrantPart> =>
  walk.grants.get(toHex(id)) ?? (await recordedPart(subject, id, 'grant.give', walk.keeper)) ?? refuse('grant-unknown');

export const requestPart = async (subject: Id, id: Id, walk: Walk): Promise<RequestPart> =>
  walk.requests.get(toHex(id)) ?? (await recordedPart(subject, id, 'request.submit', walk.keeper)) ?? refuse('request-unknown');

export async function activeAgency(name: string, keeper: Pick<CheckingKeeper, 'ledger'>): Promise<PartyRecord> {
  const party = must(await readRecord(keeper.ledger, 'party', stateKey.party(name))) ?? refuse('party-unknown');
  if (party.party !== 'agency') refuse('party-kind');
  if (party.state !== 'active') refuse('party-inactive');
  return party;
}

export async function publishedService(id: string, keeper: Pick<CheckingKeeper, 'ledger'>): Promise<ServiceRecord> {
  const service = must(await readRecord(keeper.ledger, 'service', stateKey.service(id)));
  return service === null || service.state !== 'published' ? refuse('service-mismatch') : service;
}
