import type { DoorParams, DoorResult, SubmissionState } from '../contract/hub-door.ts';
import { fail, never, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import type { CommittedBlock, Ledger, TransactionState } from '../ledger/ledger.ts';
import type { Name } from '../ledger/verify/acts.ts';
import { decodeChallenge } from '../ledger/verify/challenge.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId, openEnvelope } from '../ledger/verify/envelope.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { Challenges, type KeeperNonce } from './challenges.ts';
import { readRecord } from './ledger-records.ts';
import { Sessions } from './sessions.ts';
import type { KeeperStore, NewSpace } from './store.ts';
import { checkSubmission, type Incoming } from './submission-check.ts';

export interface KeeperParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'submit' | 'state' | 'onBlock'>;
  store: KeeperStore;
  /** The keeper's own sealing key. */
  opener: Opener;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
}

/** Keeps the data spaces: sealed all of it, opened to the card that proves its key, and grown by what the ledger records. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #challenges = new Challenges();
  readonly #sessions = new Sessions();
  readonly #unlisten: () => void;
  #settling: Promise<void> = Promise.resolve();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#unlisten = parts.ledger.onBlock((block) => {
      this.#settling = this.#settling.then(() => this.#settleBlock(block));
    });
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  /** @param asker the kiosk, where the door knows it. */
  issueChallenge(kioskNonce: Uint8Array, asker: Name | null = null): Result<KeeperNonce> {
    return this.#challenges.issue(kioskNonce, asker, this.#seconds());
  }

  /**
   * `challenge-failed`: not our challenge, used, too old, or not this card's answer. `key-unknown`: no such resident, or no space.
   * `key-blocked`: the ledger no longer takes the key.
   */
  async openSpace({ resident, challenge, signature }: DoorParams<'space.open'>): Promise<Result<DoorResult<'space.open'>>> {
    const { ledger, crypto, store } = this.#parts;
    const asked = decodeChallenge(challenge);
    const now = this.#seconds();
    if (asked === undefined || asked.chain !== ledger.chain || asked.purpose !== 'sign-in' || asked.kiosk === null) return fail('challenge-failed', 'form');
    if (!this.#challenges.use(asked.nonce, asked.notAfter, now)) return fail('challenge-failed', 'nonce');
    const kiosk = await readRecord(ledger, 'kiosk', stateKey.kiosk(asked.kiosk));
    if (!kiosk.ok) return kiosk;
    if (kiosk.value?.state !== 'active') return fail('kiosk-not-enrolled');
    const record = await readRecord(ledger, 'resident', stateKey.resident(resident));
    if (!record.ok) return record;
    if (record.value === null) return fail('key-unknown');
    const key = await readRecord(ledger, 'key', stateKey.key(keyId(record.value.aut, crypto)));
    if (!key.ok) return key;
    if (record.value.state !== 'active' || key.value?.state !== 'active') return fail('key-blocked');
    if (!crypto.verify(record.value.aut, challenge, signature)) return fail('challenge-failed', 'signature');

    // A block that was committed a moment ago may not have been settled yet.
    await this.#settling;
    const space = await store.space(resident);
    if (!space.ok) return space;
    if (space.value === null) return fail('key-unknown', 'no-space');
    const session = this.#sessions.begin(resident, now);
    if (!session.ok) return session;
    // A disk that cannot be written must not keep anybody from reading: the next visit then sees an older time.
    await store.noteOpened(resident, now);
    const { wrapped, objects, knownCounters, lastOpened } = space.value;
    return ok({ session: session.value, wrappedKey: wrapped, objects, knownCounters, lastOpened });
  }

  async brokenOff(session: Uint8Array, counter: number): Promise<Result<null>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    return resident === null ? fail('hub-refused', 'session') : this.#parts.store.noteBrokenOff(resident, counter);
  }

  closeSpace(session: Uint8Array): void {
    this.#sessions.end(session);
  }

  foundSpace(space: NewSpace): Promise<Result<null>> {
    return this.#parts.store.foundSpace(space);
  }

  /**
   * Checks, keeps what came along, then gives the envelope to the ledger. Idempotent by the transaction's id.
   * A refusal or rejection is a state; only storage and a busy ledger are failures, after which the same submission may come again.
   */
  async take(incoming: Incoming): Promise<Result<SubmissionState>> {
    const { ledger, store } = this.#parts;
    const opened = openEnvelope(incoming.envelope, this.#parts.crypto);
    if (opened.ok) {
      const known = await this.state(opened.value.id);
      if (!known.ok) return known;
      if (known.value.state === 'recorded' || known.value.state === 'witnessed' || known.value.state === 'rejected') return known;
    }
    const checked = await checkSubmission(incoming, this.#parts, this.#seconds());
    if (!checked.ok) return checked;
    const verdict = checked.value;
    if (verdict.verdict === 'refused') {
      if (verdict.signed !== null) {
        const noted = await store.keepRefused(verdict.signed, verdict.code);
        if (!noted.ok) return noted;
      }
      return ok({ state: 'rejected', code: verdict.code });
    }
    const { transaction } = verdict;
    const kept = await store.keep(transaction);
    if (!kept.ok) return kept;
    const submitted = await ledger.submit(transaction.envelope);
    if (!submitted.ok) return submitted;
    if (submitted.value.state === 'rejected') {
      const noted = await store.settleRejected(transaction.id, submitted.value.code);
      if (!noted.ok) return noted;
    }
    return ok(asSubmissionState(submitted.value));
  }

  /** What the ledger says, and where it knows nothing, what the keeper does. */
  async state(transaction: Uint8Array): Promise<Result<SubmissionState>> {
    const recorded = await this.#parts.ledger.state(transaction);
    if (!recorded.ok) return recorded;
    if (recorded.value.state !== 'unknown') return ok(asSubmissionState(recorded.value));
    const kept = await this.#parts.store.state(transaction);
    if (!kept.ok) return kept;
    if (kept.value === null) return ok({ state: 'unknown' });
    return ok(kept.value.state === 'rejected' ? kept.value : { state: 'queued' });
  }

  /**
   * Brings store and ledger together after a restart: what was kept and never reached the ledger is given to it again,
   * what it recorded or rejected meanwhile is settled.
   */
  async recover(): Promise<Result<null>> {
    const queued = await this.#parts.store.queued();
    if (!queued.ok) return queued;
    for (const { id, envelope } of queued.value) {
      const submitted = await this.#parts.ledger.submit(envelope);
      if (!submitted.ok) return submitted;
      const settled = await this.#settle(id, submitted.value, this.#seconds());
      if (!settled.ok) return settled;
    }
    return ok(null);
  }

  async close(): Promise<void> {
    this.#unlisten();
    await this.#settling;
    await this.#parts.store.close();
  }

  /**
   * Everything still queued is looked at, not only this block's: what could not be settled, or given to the ledger, on a full disk
   * is caught up with by the next block.
   */
  async #settleBlock(block: CommittedBlock): Promise<void> {
    const queued = await this.#parts.store.queued();
    if (!queued.ok) return;
    for (const { id, envelope } of queued.value) {
      const state = await this.#parts.ledger.state(id);
      if (!state.ok) return;
      const known = state.value.state === 'unknown' ? await this.#parts.ledger.submit(envelope) : state;
      if (!known.ok) return;
      const settled = await this.#settle(id, known.value, Math.floor(block.timeMs / 1000));
      if (!settled.ok) return;
    }
  }

  async #settle(id: Uint8Array, state: TransactionState, at: number): Promise<Result<null>> {
    switch (state.state) {
      case 'recorded':
      case 'witnessed':
        return this.#parts.store.settleRecorded(id, at);
      case 'rejected':
        return this.#parts.store.settleRejected(id, state.code);
      case 'queued':
      case 'unknown':
        return ok(null);
    }
    return never(state);
  }
}

function asSubmissionState(state: TransactionState): SubmissionState {
  switch (state.state) {
    case 'recorded':
    case 'witnessed':
      return { state: state.state, height: state.height };
    case 'rejected':
      return { state: 'rejected', code: state.code };
    case 'queued':
    case 'unknown':
      return { state: state.state };
  }
  return never(state);
}
