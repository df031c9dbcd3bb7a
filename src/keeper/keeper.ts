import type { DoorParams, DoorResult, SubmissionState } from '../contract/hub-door.ts';
import { fail, never, ok, type Result } from '../contract/result.ts';
import { hashOf } from '../identity/grant.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed, sealTo } from '../identity/sealing.ts';
import type { Ledger, TransactionState } from '../ledger/ledger.ts';
import type { Id, Name } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeChallenge, type Challenge } from '../ledger/verify/challenge.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId, openEnvelope, type Signer } from '../ledger/verify/envelope.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { signStorageNote } from '../ledger/verify/storage-receipt.ts';
import { ActivityIndex, type ActivityPage } from './activity.ts';
import { AgencyLists, type AgencyChange, type AgencyGrant, type AgencyRequest, type Listed, type PageWish } from './agency-lists.ts';
import type { Tags } from './agency-tag.ts';
import { Challenges, type KeeperNonce } from './challenges.ts';
import { noteConcerns } from './concerns.ts';
import { readRecord } from './ledger-records.ts';
import type { KeeperFailure } from './refusal.ts';
import { mostEntries, type CasePage } from './case-reading.ts';
import { Releases, type Released } from './release.ts';
import { Sessions } from './sessions.ts';
import { Settling } from './settling.ts';
import type { KeeperStore, KeptTransaction, NewSpace, NotedKind, PayloadQuery, SpaceRecovery, Step } from './store.ts';
import { checkSubmission, type Incoming } from './submission-check.ts';
import type { CheckingKeeper, KeptPayloads } from './submission-walk.ts';
import { withheldFrom } from './withheld.ts';

export interface KeeperParts {
  ledger: Pick<Ledger, 'chain' | 'values' | 'submit' | 'state' | 'receipt' | 'block' | 'read' | 'entries' | 'onBlock'>;
  store: KeeperStore;
  /** The keeper's own sealing key, and the names in the store under it. */
  opener: Opener;
  tags: Tags;
  /** The keeper party's name, and its signing key. */
  name: Name;
  signer: Signer;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  /** How long a release waits for its record. */
  recordWaitMs?: number;
  /** For the log: an exception where nobody waits for the answer. */
  onFault?: (where: string, error: unknown) => void;
}

/** With its names and frame far below what the door carries. */
const exportPageBytes = 512 * 1024;

/** An order cannot come again when its own end has passed; a little longer, for clocks. */
const usedKeptSeconds = 3600;

/** Keeps the data spaces: sealed all of it, opened to the card that proves its key, and grown by what the ledger records. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #challenges = new Challenges();
  readonly #sessions = new Sessions();
  readonly #checking: CheckingKeeper;
  readonly #releases: Releases;
  readonly #lists: AgencyLists;
  readonly #settling: Settling;
  readonly #activity: ActivityIndex;

  constructor(parts: KeeperParts) {
    this.#settling = new Settling(parts);
    this.#activity = new ActivityIndex(parts);
    this.#parts = parts;
    const payload: KeptPayloads = (query) => this.#payload(query);
    this.#checking = { ...parts, payload, recovery: (resident) => parts.store.recovery(resident) };
    this.#releases = new Releases({ ...parts, payload });
    this.#lists = new AgencyLists(parts);
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  /** @param asker the kiosk, where the door knows it. */
  issueChallenge(kioskNonce: Uint8Array, asker: Name | null = null): Result<KeeperNonce> {
    return this.#challenges.issue(kioskNonce, asker, this.#seconds());
  }

  /**
   * At a kiosk, or by a reader at home (`home`, no kiosk). `challenge-failed`: not our challenge, used, too old, or not this card's answer. `key-unknown`: no such resident, or no space.
   * `key-blocked`: the ledger no longer takes the key.
   */
  async openSpace({ resident, challenge, signature }: DoorParams<'space.open'>): Promise<Result<DoorResult<'space.open'>>> {
    const { ledger, crypto, store } = this.#parts;
    const now = this.#seconds();
    const answered = await this.answered(challenge);
    if (!answered.ok) return answered;
    const record = await readRecord(ledger, 'resident', stateKey.resident(resident));
    if (!record.ok) return record;
    if (record.value === null) return fail('key-unknown');
    const key = await readRecord(ledger, 'key', stateKey.key(keyId(record.value.aut, crypto)));
    if (!key.ok) return key;
    if (record.value.state !== 'active' || key.value?.state !== 'active') return fail('key-blocked');
    if (!crypto.verify(record.value.aut, challenge, signature)) return fail('challenge-failed', 'signature');

    // What was recorded a moment ago is in it; where that cannot be written down now, what was there before is still shown.
    await this.#settling.catchUp();
    const withheld = await withheldFrom(resident, this.#parts);
    if (!withheld.ok) return withheld;
    const space = await store.space(resident);
    if (!space.ok) return space;
    if (space.value === null) return fail('key-unknown', 'no-space');
    const session = this.#sessions.begin(resident, now);
    if (!session.ok) return session;
    // A disk that cannot be written must not keep anybody from reading: the next visit then sees an older time.
    await store.noteOpened(resident, now);
    const { wrapped, objects, knownCounters, lastOpened } = space.value;
    return ok({ session: session.value, wrappedKey: wrapped, objects, withheld: withheld.value, knownCounters, lastOpened });
  }

  /** That a challenge was issued here, for an active kiosk or for a reader at home, in time, and never used before: from now on it is used. Who answered it is for the caller. */
  async answered(challenge: Uint8Array): Promise<Result<Challenge>> {
    const { ledger } = this.#parts;
    const asked = decodeChallenge(challenge);
    if (asked === undefined || asked.chain !== ledger.chain || asked.purpose !== (asked.kiosk === null ? 'home' : 'sign-in')) return fail('challenge-failed', 'form');
    if (!this.#challenges.use(asked.nonce, asked.notAfter, this.#seconds())) return fail('challenge-failed', 'nonce');
    if (asked.kiosk === null) return ok(asked);
    const kiosk = await readRecord(ledger, 'kiosk', stateKey.kiosk(asked.kiosk));
    if (!kiosk.ok) return kiosk;
    return kiosk.value?.state === 'active' ? ok(asked) : fail('kiosk-not-enrolled');
  }

  /** `hub-refused`: no session, or it is over. */
  async readSpace(session: Uint8Array): Promise<Result<DoorResult<'space.read'>>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    if (resident === null) return fail('hub-refused', 'session');
    await this.#settling.catchUp();
    const withheld = await withheldFrom(resident, this.#parts);
    if (!withheld.ok) return withheld;
    const space = await this.#parts.store.space(resident);
    if (!space.ok) return space;
    return space.value === null ? fail('key-unknown', 'no-space') : ok({ objects: space.value.objects, withheld: withheld.value });
  }

  async brokenOff(session: Uint8Array, counter: number): Promise<Result<null>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    return resident === null ? fail('hub-refused', 'session') : this.#parts.store.noteBrokenOff(resident, counter);
  }

  /** Whose visit this is; null: unknown, ended or run out. */
  residentOf(session: Uint8Array): Id | null {
    return this.#sessions.resident(session, this.#seconds());
  }

  /** All that touched the resident, from entry number `from` on, as the kiosk proves it (activity.ts). */
  async activity(session: Uint8Array, from: number): Promise<Result<ActivityPage>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    return resident === null ? fail('hub-refused', 'session') : this.#activity.of(resident, from);
  }

  /**
   * All of the data space as it lies with the keeper, page by page, with its key wrapped to the slip too: whoever has card or slip opens it, at home as well.
   * `after`: the name of the last object that was given, or empty.
   */
  async exportSpace(session: Uint8Array, after: string): Promise<Result<DoorResult<'space.export'>>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    if (resident === null) return fail('hub-refused', 'session');
    const { store } = this.#parts;
    await this.#settling.catchUp();
    const space = await store.space(resident);
    if (!space.ok) return space;
    const recovery = await store.recovery(resident);
    if (!recovery.ok) return recovery;
    if (space.value === null || recovery.value === null) return fail('key-unknown', 'no-space');
    const objects = space.value.objects.toSorted((a, b) => (a.name < b.name ? -1 : 1)).filter(({ name }) => name > after);
    let bytes = 0;
    const page = objects.filter(({ sealed }, i) => (bytes += sealed.length) <= exportPageBytes || i === 0);
    return ok({ resident, wrappedKey: space.value.wrapped, recoveryKey: recovery.value.recovery, objects: page, next: page.length < objects.length ? (page.at(-1)?.name ?? null) : null });
  }

  /** Whether asks of this agency are kept from the resident. */
  async setMute(session: Uint8Array, agency: Name, isMuted: boolean): Promise<Result<null>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    if (resident === null) return fail('hub-refused', 'session');
    const { store, opener, tags } = this.#parts;
    return store.mute(resident, tags.agency(agency), isMuted ? sealTo(opener.publicKey, 'mute', resident, Buffer.from(agency, 'utf8')) : null);
  }

  async mutedBy(session: Uint8Array): Promise<Result<Name[]>> {
    const resident = this.#sessions.resident(session, this.#seconds());
    if (resident === null) return fail('hub-refused', 'session');
    const muted = await this.#parts.store.muted(resident);
    if (!muted.ok) return muted;
    const names: Name[] = [];
    for (const { name } of muted.value) {
      const opened = await openSealed(name, 'mute', resident, this.#parts.opener);
      if (opened.ok) names.push(Buffer.from(opened.value).toString('utf8'));
    }
    return ok(names.toSorted());
  }

  async isMuted(resident: Id, agency: Name): Promise<Result<boolean>> {
    const muted = await this.#parts.store.muted(resident);
    if (!muted.ok) return muted;
    const tag = this.#parts.tags.agency(agency);
    return ok(muted.value.some((one) => equalBytes(one.agency, tag)));
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
      if (known.value.state === 'recorded' || known.value.state === 'witnessed' || known.value.state === 'rejected') return this.#withReceipt(opened.value.id, known.value);
      if (known.value.state === 'queued') {
        const onItsWay = await store.state(opened.value.id);
        if (!onItsWay.ok) return onItsWay;
        if (onItsWay.value !== null) return this.#givenAgain(opened.value.id, incoming.envelope);
      }
    }
    const checked = await checkSubmission(incoming, this.#checking, this.#seconds());
    if (!checked.ok) return checked;
    const verdict = checked.value;
    if (verdict.verdict === 'refused') {
      if (verdict.signed !== null) {
        const noted = await store.keepRefused(verdict.signed, verdict.code);
        if (!noted.ok) return noted;
      }
      return ok({ state: 'rejected', code: verdict.code });
    }
    const notAfter = opened.ok ? opened.value.body.notAfter : this.#seconds();
    const transaction = { ...verdict.transaction, receipt: await this.#storageNote(verdict.transaction, incoming) };
    const kept = await store.keep(transaction);
    if (!kept.ok) return kept;
    if (kept.value === 'used') return ok({ state: 'rejected', code: 'nonce-spent' });
    if (kept.value === 'known') {
      // Another hub of this keeper may have refused it since it was looked up above, and kept nothing.
      const before = await store.state(transaction.id);
      if (!before.ok) return before;
      return before.value?.state === 'rejected' ? ok(before.value) : this.#givenAgain(transaction.id, transaction.envelope);
    }
    const submitted = await ledger.submit(transaction.envelope);
    if (!submitted.ok) return submitted;
    if (submitted.value.state === 'rejected') {
      const noted = await store.settle([{ id: transaction.id, state: 'rejected', code: submitted.value.code, until: notAfter }]);
      if (!noted.ok) return noted;
    }
    return this.#withReceipt(transaction.id, asSubmissionState(submitted.value));
  }

  /** It was found good and is kept, perhaps by another hub, whose node is ahead of ours: what the ledger says by now is no second verdict. settling.ts has the last word. */
  async #givenAgain(id: Uint8Array, envelope: Uint8Array): Promise<Result<SubmissionState>> {
    const submitted = await this.#parts.ledger.submit(envelope);
    if (!submitted.ok) return submitted;
    return this.#withReceipt(id, submitted.value.state === 'rejected' ? { state: 'queued' } : asSubmissionState(submitted.value));
  }

  /** What the keeper can be held to by whoever stores something with it: signed before it is kept, given out after. */
  #storageNote({ id }: KeptTransaction, { payloads }: Incoming): Promise<Uint8Array> {
    const { ledger, name, signer, crypto } = this.#parts;
    const stored = payloads.map(({ act, what, to, sealed }) => ({ act, what, to, hash: hashOf(sealed) }));
    return signStorageNote({ v: 1, chain: ledger.chain, keeper: name, transaction: id, at: this.#seconds(), payloads: stored }, signer, crypto);
  }

  async #withReceipt(transaction: Uint8Array, state: SubmissionState): Promise<Result<SubmissionState>> {
    if (state.state === 'rejected' || state.state === 'unknown') return ok(state);
    const receipt = await this.#parts.store.receipt(transaction);
    if (!receipt.ok) return receipt;
    return ok(receipt.value === null ? state : { ...state, receipt: receipt.value });
  }

  /** What a replacement of this resident's card needs: `subject-unknown`. */
  async recovery(resident: Id): Promise<Result<SpaceRecovery, KeeperFailure>> {
    const settled = await this.#settling.catchUp();
    if (!settled.ok) return settled;
    const found = await this.#parts.store.recovery(resident);
    if (!found.ok) return found;
    return found.value === null ? fail('subject-unknown') : ok(found.value);
  }

  /** What a grant covers, for the officer's signed order (release.ts). */
  release(order: Uint8Array): Promise<Result<Released, KeeperFailure>> {
    return this.#releases.release(order);
  }

  /** What a case covers of one resident, for the auditor's signed order. */
  readCase(order: Uint8Array, page: CasePage = { after: 0, limit: mostEntries }): Promise<Result<Released, KeeperFailure>> {
    return this.#releases.readCase(order, page);
  }

  /** An auditor's office's cases whose bodies are here, the oldest first; how each stands, the ledger says. */
  async casesOf(office: Name): Promise<Result<Id[]>> {
    const { store, ledger } = this.#parts;
    const kept = await store.cases();
    if (!kept.ok) return kept;
    const own: Id[] = [];
    for (const id of kept.value) {
      const record = await readRecord(ledger, 'case', stateKey.case(id));
      if (!record.ok) return record;
      if (record.value?.office === office) own.push(id);
    }
    return ok(own);
  }

  /** The body of a case as it is sealed to the members of the authority; null: there is no such case here. */
  caseForAuthority(id: Id): Promise<Result<Uint8Array | null>> {
    return this.#payload({ subject: id, actId: id, kind: 'case.open', what: 'case', to: 'authority' });
  }

  /** Requests of an agency in the order in which they were recorded. */
  requestsOf(agency: Name, wish: PageWish & { service?: Name; step?: Step }): Promise<Result<Listed<AgencyRequest>, KeeperFailure>> {
    return this.#lists.requests(agency, wish);
  }

  requestOf(agency: Name, id: Id): Promise<Result<AgencyRequest, KeeperFailure>> {
    return this.#lists.request(agency, id);
  }

  grantsOf(agency: Name, wish: PageWish): Promise<Result<Listed<AgencyGrant>, KeeperFailure>> {
    return this.#lists.grants(agency, wish, this.#seconds());
  }

  /** What concerns an agency, numbered from 1 on in its own order: what stands behind number `after`. */
  changes(agency: Name, after: number, limit: number): Promise<Result<AgencyChange[]>> {
    return this.#lists.changes(agency, after, limit);
  }

  /** Tells an agency what became of its ask, where the ledger does not: a refusal, or an answer by a wallet that is not ours. */
  async noteAsk(agency: Name, kind: NotedKind, ask: Id, subject: Id | null): Promise<Result<null>> {
    const tag = this.#parts.tags.agency(agency);
    const noted = await this.#parts.store.note(tag, { kind, subject, id: ask, at: this.#seconds() });
    if (noted.ok) this.#settling.tell([tag]);
    return noted;
  }

  /** Whenever there is something new for the agency to read in `changes`. Returns what ends the listening. */
  onChange(agency: Name, listener: () => void): () => void {
    return this.#settling.onTold(this.#parts.tags.agency(agency), listener);
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
    const settled = await this.#settling.catchUp();
    if (!settled.ok) return settled;
    const forgotten = await this.#parts.store.forgetUsed(this.#seconds() - usedKeptSeconds);
    if (!forgotten.ok) return forgotten;
    const concerned = await noteConcerns(this.#parts);
    return concerned.ok ? this.#activity.catchUp() : concerned;
  }

  async close(): Promise<void> {
    await this.#settling.close();
    await this.#activity.close();
    await this.#parts.store.close();
  }

  /** What the ledger has recorded a moment ago may not have been settled yet. */
  async #payload(query: PayloadQuery): Promise<Result<Uint8Array | null>> {
    const { store } = this.#parts;
    const kept = await store.payload(query);
    if (!kept.ok || kept.value !== null) return kept;
    const settled = await this.#settling.catchUp();
    return settled.ok ? store.payload(query) : settled;
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
