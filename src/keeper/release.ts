import { randomBytes } from 'node:crypto';
import type { RejectionCode } from '../contract/failures.ts';
import { fail, never, type Result } from '../contract/result.ts';
import { openGrantOuter } from '../identity/grant.ts';
import type { Opener } from '../identity/hpke.ts';
import { sealTo } from '../identity/sealing.ts';
import { placeName } from '../identity/space.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AccessRecord, Body, GrantPart, Name, OpenedPart } from '../ledger/verify/acts.ts';
import { equalBytes, toHex } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { encodeBody, signEnvelope, transactionId, type Signer } from '../ledger/verify/envelope.ts';
import { commitPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import { stateKey, type GrantRecord, type PartyRecord, type ResidentRecord } from '../ledger/verify/records.ts';
import type { Tags } from './agency-tag.ts';
import { readRecords } from './ledger-records.ts';
import { onceName, soundOrder, type SoundOrder } from './order-check.ts';
import { answering, must, refuse, type KeeperFailure } from './refusal.ts';
import type { KeeperStore, KeptPayload, KeptTransaction } from './store.ts';
import { readPart, type KeptPayloads } from './submission-walk.ts';

export interface ReleasingKeeper {
  ledger: Pick<Ledger, 'chain' | 'values' | 'submit' | 'state' | 'receipt'>;
  store: KeeperStore;
  payload: KeptPayloads;
  opener: Opener;
  /** The keeper party's name and signing key. */
  name: Name;
  signer: Signer;
  tags: Tags;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  /** How long an access.record may take to be recorded before the asker is told to come again. */
  recordWaitMs?: number;
}

export interface Released {
  /** Of the access.record. */
  transaction: Uint8Array;
  /** The presentations, sealed to the agency. */
  inner: Uint8Array;
}

/** Everything that a read of a grant has to hold against, as it is now. */
interface ReadGround {
  grant: GrantRecord;
  resident: ResidentRecord;
  party: PartyRecord;
  part: GrantPart;
  /** As it came with the grant: still under the keeper's layer. */
  outer: Uint8Array;
}

const usualRecordWaitMs = 10_000;

/**
 * Hands out what a grant covers: after `access.record`, with the officer's order inside, stands in the ledger, and never before. The order's `access`
 * is the idempotency key: the same order again releases again, without a second record, for as long as it may be carried out at all.
 */
export class Releases {
  readonly #keeper: ReleasingKeeper;
  /** By the order's hash: one that comes twice at once is carried out once. */
  readonly #running = new Map<string, Promise<Result<Released, KeeperFailure>>>();

  constructor(keeper: ReleasingKeeper) {
    this.#keeper = keeper;
  }

  #seconds(): number {
    return Math.floor(this.#keeper.now() / 1000);
  }

  /**
   * Refused: what `soundOrder` refuses, and `grant-unknown` (also another agency's), `purpose-mismatch`, `purpose-not-owned`, `grant-ended`,
   * `grant-expired`, `subject-inactive`, `reads-spent`, `access-known` and `nonce-spent` (another order had this access id or nonce).
   * `hub-busy`: not recorded yet; the same order may come again.
   */
  release(signed: Uint8Array): Promise<Result<Released, KeeperFailure>> {
    const name = toHex(this.#keeper.crypto.sha256(signed));
    const running = this.#running.get(name) ?? this.#carryOut(signed).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  #carryOut(signed: Uint8Array): Promise<Result<Released, KeeperFailure>> {
    return answering(async () => {
      const order = await soundOrder(signed, ['grant.read'], this.#keeper, this.#seconds());
      const ground = await this.#ground(order);
      const transaction = (await this.#recordedBefore(order)) ?? (await this.#record(order, ground, signed));
      await this.#awaitRecord(transaction, order);
      // What ended while it was being recorded is not handed out any more.
      const now = await this.#ground(order);
      const inner = await openGrantOuter(now.outer, order.order.grant, this.#keeper.opener);
      if (!inner.ok) return refuse('grant-unknown');
      return { transaction, inner: inner.value };
    });
  }

  /** Refuses what the grant does not cover, or no more; reads left are for whoever counts one. */
  async #ground({ order }: SoundOrder<'grant.read'>): Promise<ReadGround> {
    const { ledger, payload, opener } = this.#keeper;
    const { grant, party, resident } = must(
      await readRecords(ledger, { grant: ['grant', stateKey.grant(order.grant)], party: ['party', stateKey.party(order.party)], resident: ['resident', stateKey.resident(order.subject)] }),
    );
    if (grant === null || !equalBytes(grant.subject, order.subject)) return refuse('grant-unknown');
    const of = { subject: order.subject, actId: order.grant, kind: 'grant.give' } as const;
    const sealed = must(await payload({ ...of, what: 'part', to: 'keeper' }));
    const outer = must(await payload({ ...of, what: 'grant', to: 'keeper' }));
    const part = sealed === null ? null : await readPart(sealed, order.subject, 'grant.give', opener);
    if (part === null || outer === null || part.agency !== order.party) return refuse('grant-unknown');
    if (part.purpose !== order.purpose) refuse('purpose-mismatch');
    if (party?.state !== 'active') return refuse('party-inactive');
    if (!party.purposes.some(({ id }) => id === part.purpose)) refuse('purpose-not-owned');
    if (grant.state === 'ended') refuse('grant-ended');
    if (grant.until <= this.#seconds()) refuse('grant-expired');
    if (resident?.state !== 'active') return refuse('subject-inactive');
    return { grant, resident, party, part, outer };
  }

  /** The transaction of this very order, where it was carried out or is on its way. */
  async #recordedBefore({ id, order }: SoundOrder<'grant.read'>): Promise<Uint8Array | null> {
    const before = must(await this.#keeper.store.used(onceName(order.access, this.#keeper.crypto)));
    if (before === null) return null;
    return equalBytes(before.order, id) ? before.transaction : refuse('access-known');
  }

  async #record(sound: SoundOrder<'grant.read'>, { grant, resident, party, part }: ReadGround, signed: Uint8Array): Promise<Uint8Array> {
    const { ledger, store, opener, crypto, signer } = this.#keeper;
    const { order, staff, notAfter } = sound;
    if (grant.reads === 0) refuse('reads-spent');
    const opened: OpenedPart = {
      salt: new Uint8Array(randomBytes(16)),
      part: { kind: 'access.record', party: order.party, officer: staff ?? refuse('signer-role'), purpose: part.purpose, claims: part.claims, signed },
    };
    const act: AccessRecord = { kind: 'access.record', subject: order.subject, id: order.access, refs: [order.grant], private: commitPart(opened.salt, opened.part, crypto) };
    // Not recorded when the order is over: then it is never carried out, and nothing is counted.
    const body: Body = { v: 1, chain: ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter, acts: [act] };
    const id = transactionId(encodeBody(body), crypto);
    const encoded = encodeOpenedPart(opened);
    const keys = { space: resident.space[1], keeper: opener.publicKey, agency: party.seal[1] };
    const payloads = (['space', 'keeper', 'agency'] as const).map((to): KeptPayload => ({
      act: 0,
      kind: act.kind,
      what: 'part',
      to,
      sealed: sealTo(keys[to], 'part', order.subject, encoded),
      subject: order.subject,
      actId: order.access,
      place: to === 'space' ? placeName({ kind: 'part', transaction: id, act: 0 }) : null,
    }));
    const transaction: KeptTransaction = {
      id,
      envelope: await signEnvelope(body, [signer], crypto),
      resident: null,
      counter: null,
      payloads,
      concerns: [],
      once: [sound.nonce, { name: onceName(order.access, crypto), order: sound.id, until: notAfter }],
      removals: [],
      replacements: [],
    };
    const kept = must(await store.keep(transaction));
    switch (kept) {
      case 'kept':
      case 'known':
        break;
      case 'used':
        // The same order twice at once: both wait for the one that was kept first.
        return (await this.#recordedBefore(sound)) ?? refuse('nonce-spent');
    }
    const submitted = must(await ledger.submit(transaction.envelope));
    if (submitted.state === 'rejected') await this.#rejected(id, submitted.code, sound);
    return id;
  }

  async #awaitRecord(transaction: Uint8Array, order: SoundOrder<'grant.read'>): Promise<void> {
    const { ledger, store, recordWaitMs = usualRecordWaitMs } = this.#keeper;
    let state = must(await ledger.state(transaction));
    if (state.state === 'unknown') {
      // Kept, and then the ledger or this program was gone.
      const kept = must(await store.queued()).find(({ id }) => equalBytes(id, transaction));
      if (kept !== undefined) state = must(await ledger.submit(kept.envelope));
    }
    if (state.state === 'unknown' || state.state === 'queued') {
      must(await ledger.receipt(transaction, recordWaitMs));
      state = must(await ledger.state(transaction));
    }
    switch (state.state) {
      case 'recorded':
      case 'witnessed':
        return;
      case 'rejected':
        await this.#rejected(transaction, state.code, order);
        return;
      case 'queued':
      case 'unknown':
        must(fail('hub-busy', 'access not recorded yet'));
        return;
    }
    return never(state);
  }

  /** The rules had the last word, on what ended or was spent since it was looked at: said as precisely as if it had been seen before. */
  async #rejected(transaction: Uint8Array, code: RejectionCode, order: SoundOrder<'grant.read'>): Promise<never> {
    must(await this.#keeper.store.settle([{ id: transaction, state: 'rejected', code }]));
    if (code === 'grant-not-live') await this.#ground(order);
    return refuse(code);
  }
}
