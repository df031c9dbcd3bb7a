import { randomBytes } from 'node:crypto';
import type { RejectionCode } from '../contract/failures.ts';
import { fail, never, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { sealToLater } from '../identity/sealing.ts';
import { placeName } from '../identity/space.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AccessPart, AccessRecord, Body, Name, OpenedPart } from '../ledger/verify/acts.ts';
import { equalBytes, toHex } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { encodeBody, signEnvelope, transactionId, type Signer } from '../ledger/verify/envelope.ts';
import { commitPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import { caseReading, type CasePage } from './case-reading.ts';
import { grantReading } from './grant-reading.ts';
import { onceName, soundOrder, type SoundOrder } from './order-check.ts';
import { answering, must, refuse, type KeeperFailure } from './refusal.ts';
import type { KeeperStore, KeptPayload, KeptTransaction } from './store.ts';
import type { KeptPayloads } from './submission-walk.ts';

export interface ReleasingKeeper {
  ledger: Pick<Ledger, 'chain' | 'values' | 'submit' | 'state' | 'receipt'>;
  store: KeeperStore;
  payload: KeptPayloads;
  opener: Opener;
  /** The keeper party's name and signing key. */
  name: Name;
  signer: Signer;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  /** How long an access.record may take to be recorded before the asker is told to come again. */
  recordWaitMs?: number;
}

export interface Released {
  /** Of the access.record. */
  transaction: Uint8Array;
  /** Sealed to the reader's party: the presentations of a grant, or what a case covers. */
  inner: Uint8Array;
}

export type ReadOrder = SoundOrder<'grant.read' | 'case.read'>;

/** A look, as it is recorded before anything is handed out. */
export interface Look {
  /** What it rests on: a grant or an open case in `refs`, or a sealed one hidden in `case`. */
  act: Pick<AccessRecord, 'refs' | 'case'>;
  part: Omit<AccessPart, 'kind' | 'officer' | 'signed'>;
  /** Raw sealing keys. */
  space: Uint8Array;
  party: Uint8Array;
  /** The resident's copy of the part stays with the keeper until the case is unsealed. */
  withheld: boolean;
}

/** One sort of reading: what it rests on, and what is handed out. */
export interface Reading<G> {
  /** Refuses what is not covered, or no more, as things are now. `before`: as it was found a moment ago, of which what cannot change is not opened again. */
  ground(order: ReadOrder, before?: G): Promise<G>;
  /** Refuses where none is left to be counted. */
  look(order: ReadOrder, ground: G): Look;
  handOut(order: ReadOrder, ground: G): Promise<Uint8Array>;
}

const usualRecordWaitMs = 10_000;

/**
 * Hands out what a grant or a case covers: after `access.record`, with the signed order inside, stands in the ledger, and never before. The order's
 * `access` is the idempotency key: the same order again releases again, without a second record, for as long as it may be carried out at all.
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
   * The presentations under a grant. Refused: what `soundOrder` refuses, and `grant-unknown` (also another agency's), `purpose-mismatch`,
   * `purpose-not-owned`, `grant-ended`, `grant-expired`, `subject-inactive`, `reads-spent`, `access-known` and `nonce-spent` (another order had this
   * access id or nonce). `hub-busy`: not recorded yet; the same order may come again.
   */
  release(signed: Uint8Array): Promise<Result<Released, KeeperFailure>> {
    return this.#once(signed, () => this.#carryOut(signed, 'grant.read', grantReading(this.#keeper, () => this.#seconds())));
  }

  /** Private parts that a case covers, of one resident. Refused as above, with `case-unknown` (also another office's), `case-closed`, `subject-beyond-case`. The same order again, for what comes after, is the same look. */
  readCase(signed: Uint8Array, page: CasePage): Promise<Result<Released, KeeperFailure>> {
    return this.#once(signed, () => this.#carryOut(signed, 'case.read', caseReading(this.#keeper, () => this.#seconds(), page)), page.after);
  }

  #once(signed: Uint8Array, work: () => Promise<Result<Released, KeeperFailure>>, after = 0): Promise<Result<Released, KeeperFailure>> {
    const name = `${toHex(this.#keeper.crypto.sha256(signed))}/${after}`;
    const running = this.#running.get(name) ?? work().finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  #carryOut<G>(signed: Uint8Array, kind: 'grant.read' | 'case.read', reading: Reading<G>): Promise<Result<Released, KeeperFailure>> {
    return answering(async () => {
      const order = await soundOrder(signed, [kind], this.#keeper, this.#seconds());
      const ground = await reading.ground(order);
      const rejected = async (transaction: Uint8Array, code: RejectionCode): Promise<never> => {
        must(await this.#keeper.store.settle([{ id: transaction, state: 'rejected', code, until: order.notAfter }]));
        // The rules had the last word, on what ended or was spent since it was looked at: said as precisely as if it had been seen before.
        await reading.ground(order, ground);
        return refuse(code);
      };
      const transaction = (await this.#recordedBefore(order)) ?? (await this.#record(order, reading.look(order, ground), signed, rejected));
      await this.#awaitRecord(transaction, rejected);
      // What ended while it was being recorded is not handed out any more.
      return { transaction, inner: await reading.handOut(order, await reading.ground(order, ground)) };
    });
  }

  /** The transaction of this very order, where it was carried out or is on its way. */
  async #recordedBefore({ id, order }: ReadOrder): Promise<Uint8Array | null> {
    const before = must(await this.#keeper.store.used(onceName(order.access, this.#keeper.crypto)));
    if (before === null) return null;
    return equalBytes(before.order, id) ? before.transaction : refuse('access-known');
  }

  async #record(sound: ReadOrder, look: Look, signed: Uint8Array, rejected: (transaction: Uint8Array, code: RejectionCode) => Promise<never>): Promise<Uint8Array> {
    const { ledger, store, crypto, signer } = this.#keeper;
    const { order, staff, notAfter } = sound;
    const opened: OpenedPart = { salt: new Uint8Array(randomBytes(16)), part: { kind: 'access.record', ...look.part, officer: staff ?? refuse('signer-role'), signed } };
    const act: AccessRecord = { kind: 'access.record', subject: order.subject, id: order.access, ...look.act, private: commitPart(opened.salt, opened.part, crypto) };
    // Not recorded when the order is over: then it is never carried out, and nothing is counted.
    const body: Body = { v: 1, chain: ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter, acts: [act] };
    const id = transactionId(encodeBody(body), crypto);
    const transaction: KeptTransaction = {
      id,
      envelope: await signEnvelope(body, [signer], crypto),
      resident: null,
      counter: null,
      payloads: await this.#copies(id, act, opened, look),
      concerns: [],
      once: [sound.nonce, { name: onceName(order.access, crypto), order: sound.id, until: notAfter }],
      removals: [],
      replacements: [],
      receipt: null,
    };
    const kept = must(await store.keep(transaction));
    switch (kept) {
      case 'kept':
      case 'known':
        break;
      case 'used':
        // The same order at two hubs of one keeper: both wait for the one that was kept first.
        return (await this.#recordedBefore(sound)) ?? refuse('nonce-spent');
    }
    const submitted = must(await ledger.submit(transaction.envelope));
    if (submitted.state === 'rejected') await rejected(id, submitted.code);
    return id;
  }

  #copies(transaction: Uint8Array, { kind, subject, id }: AccessRecord, opened: OpenedPart, look: Look): Promise<KeptPayload[]> {
    const encoded = encodeOpenedPart(opened);
    const keys = { space: look.space, keeper: this.#keeper.opener.publicKey, agency: look.party };
    const copy = async (to: keyof typeof keys): Promise<KeptPayload> => ({
      act: 0,
      kind,
      what: 'part',
      to,
      sealed: await sealToLater(keys[to], 'part', subject, encoded),
      subject,
      actId: id,
      place: to === 'space' ? placeName({ kind: 'part', transaction, act: 0 }) : null,
      ...(to === 'space' && look.withheld ? { withheld: true } : {}),
    });
    return Promise.all([copy('space'), copy('keeper'), copy('agency')]);
  }

  async #awaitRecord(transaction: Uint8Array, rejected: (transaction: Uint8Array, code: RejectionCode) => Promise<never>): Promise<void> {
    const { ledger, store, recordWaitMs = usualRecordWaitMs } = this.#keeper;
    let state = must(await ledger.state(transaction));
    if (state.state === 'unknown') {
      // Kept, and then the ledger or this program was gone; or at another hub of this keeper a moment ago, whose node is ahead: a refusal here is not the last word (settling.ts).
      const kept = must(await store.queued()).find(({ id }) => equalBytes(id, transaction));
      if (kept !== undefined) state = must(await ledger.submit(kept.envelope));
      if (state.state === 'rejected') must(fail('hub-busy', 'access not recorded yet'));
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
        await rejected(transaction, state.code);
        return;
      case 'queued':
      case 'unknown':
        must(fail('hub-busy', 'access not recorded yet'));
        return;
    }
    return never(state);
  }
}
