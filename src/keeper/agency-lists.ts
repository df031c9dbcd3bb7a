import type { Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import type { Id, Name } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeRecord, stateKey, type GrantRecord, type RequestRecord } from '../ledger/verify/records.ts';
import type { Tags } from './agency-tag.ts';
import type { LedgerView } from './ledger-records.ts';
import { answering, must, refuse, type KeeperFailure } from './refusal.ts';
import type { KeeperStore, Step, StoredChange, StoredGrant, StoredRequest } from './store.ts';
import { readPart } from './submission-walk.ts';

export interface ListingKeeper {
  ledger: LedgerView;
  store: KeeperStore;
  opener: Opener;
  tags: Tags;
}

/** A request as its agency gets it: what only the agency may read is sealed to it. */
export interface AgencyRequest {
  id: Id;
  subject: Id;
  service: Name;
  version: number;
  step: Step;
  /** Unix seconds: when it was recorded. */
  at: number;
  transaction: Uint8Array;
  grants: Id[];
  part: Uint8Array;
  answers: Uint8Array;
}

export interface AgencyGrant {
  id: Id;
  subject: Id;
  purpose: Name;
  service: Name;
  claims: string[];
  /** Unix seconds. */
  at: number;
  until: number;
  /** Left. */
  reads: number;
  state: 'live' | 'ended' | 'expired';
  transaction: Uint8Array;
  part: Uint8Array;
}

export type AgencyChange = StoredChange;

/** `next`: what to ask for to go on; null: nothing follows now. */
export interface Listed<T> {
  items: T[];
  next: string | null;
}

export interface PageWish {
  /** As an earlier page gave it. Left out: from the first. */
  cursor?: string;
  limit: number;
}

const mostListed = 200;

/** What stands with the keeper for one agency, in the order in which it was recorded. */
export class AgencyLists {
  readonly #keeper: ListingKeeper;

  constructor(keeper: ListingKeeper) {
    this.#keeper = keeper;
  }

  requests(agency: Name, wish: PageWish & { service?: Name; step?: Step }): Promise<Result<Listed<AgencyRequest>, KeeperFailure>> {
    const { store, tags } = this.#keeper;
    return answering(async () => {
      const { after, limit } = pageOf(wish);
      const stored = must(
        await store.requests(tags.agency(agency), { after, limit, ...(wish.service === undefined ? {} : { service: tags.service(wish.service) }), ...(wish.step === undefined ? {} : { step: wish.step }) }),
      );
      return listed(stored, limit, await this.#requests(stored));
    });
  }

  /** `request-unknown`: there is none of this agency. */
  request(agency: Name, id: Id): Promise<Result<AgencyRequest, KeeperFailure>> {
    return answering(async () => {
      const stored = must(await this.#keeper.store.request(this.#keeper.tags.agency(agency), id)) ?? refuse('request-unknown');
      const [request] = await this.#requests([stored]);
      return request ?? refuse('request-unknown');
    });
  }

  /** @param now Unix seconds. */
  grants(agency: Name, wish: PageWish, now: number): Promise<Result<Listed<AgencyGrant>, KeeperFailure>> {
    const { store, tags, opener } = this.#keeper;
    return answering(async () => {
      const { after, limit } = pageOf(wish);
      const stored = must(await store.grants(tags.agency(agency), { after, limit }));
      const records = await this.#records('grant', stored);
      const items: AgencyGrant[] = [];
      for (const [i, { id, subject, at, transaction, keeperPart, agencyPart }] of stored.entries()) {
        const part = await readPart(keeperPart, subject, 'grant.give', opener);
        const record = records[i] ?? null;
        if (part === null || record === null) continue;
        const { until, reads } = record;
        const state = record.state === 'ended' ? 'ended' : until <= now ? 'expired' : 'live';
        items.push({ id, subject, purpose: part.purpose, service: part.service, claims: part.claims, at, until, reads, state, transaction, part: agencyPart });
      }
      return listed(stored, limit, items);
    });
  }

  /** What happened since, from number 1 on. */
  changes(agency: Name, after: number, limit: number): Promise<Result<AgencyChange[]>> {
    return this.#keeper.store.changes(this.#keeper.tags.agency(agency), { after, limit: Math.min(limit, mostListed) });
  }

  async #requests(stored: readonly StoredRequest[]): Promise<AgencyRequest[]> {
    const records = await this.#records('request', stored);
    const items: AgencyRequest[] = [];
    for (const [i, { id, subject, at, transaction, keeperPart, agencyPart, answers }] of stored.entries()) {
      const part = await readPart(keeperPart, subject, 'request.submit', this.#keeper.opener);
      const record = records[i] ?? null;
      if (part === null || record === null || !equalBytes(record.subject, subject)) continue;
      items.push({ id, subject, service: part.service, version: part.version, step: record.step, at, transaction, grants: record.grants, part: agencyPart, answers });
    }
    return items;
  }

  async #records<K extends 'grant' | 'request'>(kind: K, stored: readonly (StoredGrant | StoredRequest)[]): Promise<(K extends 'grant' ? GrantRecord | null : RequestRecord | null)[]> {
    if (stored.length === 0) return [];
    const values = must(await this.#keeper.ledger.values(stored.map(({ id }) => (kind === 'grant' ? stateKey.grant(id) : stateKey.request(id)))));
    return values.map((value) => (value === null ? null : decodeRecord(kind, value))) as (K extends 'grant' ? GrantRecord | null : RequestRecord | null)[];
  }
}

function pageOf({ cursor, limit }: PageWish): { after: number; limit: number } {
  const after = cursor === undefined ? 0 : /^[0-9]{1,15}$/.test(cursor) ? Number(cursor) : refuse('cursor-unknown');
  return { after, limit: Math.max(1, Math.min(limit, mostListed)) };
}

const listed = <T>(stored: readonly { seq: number }[], limit: number, items: T[]): Listed<T> => ({ items, next: stored.length < limit ? null : String(stored.at(-1)?.seq ?? 0) });
