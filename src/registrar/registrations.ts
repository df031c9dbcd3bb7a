import type { DatabaseSync } from 'node:sqlite';
import type { SubmissionState } from '../contract/hub-door.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { HpkeMessage } from '../identity/hpke.ts';
import { identityNumberIsSound } from '../identity/identity-number.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Act, Id } from '../ledger/verify/acts.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keyId, openEnvelope } from '../ledger/verify/envelope.ts';
import type { StaffRecord } from '../ledger/verify/records.ts';
import type { DueFacts, DueName, ExpectedResidents } from './expected.ts';
import { decodeIssued, encodeIssued, type IdentityFacts } from './issuer.ts';
import type { Registrar } from './registrar.ts';
import { rowSeal, type RowSeal } from './row-seal.ts';

/** What a desk brings: a signed `resident.register`, and what becomes of it once it is recorded. */
export interface Registration {
  envelope: Uint8Array;
  /** The private half of the space's key, to the card's DEC key and to the recovery key. */
  wrapped: HpkeMessage;
  recovery: HpkeMessage;
  /** As read of the identity document. */
  facts: IdentityFacts;
  /** The card's admin PIN, sealed to the registrar. */
  adminPin: Uint8Array;
}

/** The same for a card in place of another: a signed `resident.replace`. */
export interface CardReplacement extends Pick<Registration, 'envelope' | 'facts' | 'adminPin'> {
  /** The space's new key, for the keeper (identity/space-replacement.ts). */
  replacement: Uint8Array;
}

export interface RegistrationsParts {
  /** `:memory:`, or the registrar's own file. */
  path: string;
  /** 32 bytes, the registrar's index key. */
  key: Uint8Array;
  ledger: Pick<Ledger, 'chain' | 'receipt' | 'onBlock'>;
  registrar: Pick<Registrar, 'enter' | 'prepare' | 'deposit' | 'holderOf'>;
  /** What the register says of people, for the first card and each after it, and what has changed of those who have one. */
  expected: Pick<ExpectedResidents, 'find' | 'noteVouched' | 'order' | 'due' | 'noteTried' | 'keepPrepared' | 'noteIssued'>;
  /** The keeper's: takes the act with what belongs to it, and founds the space. */
  keeper: {
    take(incoming: { envelope: Uint8Array; payloads: { act: 0; what: 'replacement'; to: 'keeper'; sealed: Uint8Array }[] }): Promise<Result<SubmissionState>>;
    foundSpace(space: { resident: Id; wrapped: HpkeMessage; recovery: HpkeMessage }): Promise<Result<null>>;
  };
  crypto: Crypto;
  recordWaitMs?: number;
  /** For the log: what could not be carried on with, apart from the answer to whoever waits for it. */
  onFault: (where: string, failure: unknown) => void;
}

/** `content` is null once all of it is carried out. `tag` is that of the identity number: nobody is registered twice at once. */
const file: FileKind = {
  name: 'registrations',
  mark: 'imin',
  former: { mark: 'imig', table: 'registration' },
  erases: true,
  steps: [
    `
      CREATE TABLE registration (id BLOB PRIMARY KEY, resident BLOB NOT NULL, tag BLOB NOT NULL, envelope BLOB NOT NULL, content BLOB, issued BLOB) WITHOUT ROWID;
      CREATE UNIQUE INDEX under_way ON registration (tag) WHERE content IS NOT NULL;
      CREATE TABLE admin_pin (resident BLOB NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL);
    `,
  ],
};

const usualRecordWaitMs = 10_000;
/** Of those who are due: with each block so many. */
const mostIssuedAtOnce = 50;

/** What is to be carried out, checked as far as it can be before the ledger is asked. */
interface Order {
  id: Uint8Array;
  resident: Id;
  envelope: Uint8Array;
  facts: IdentityFacts;
  content: (facts: Facts, register: Facts | null) => Content;
}

interface Row {
  id: Uint8Array;
  resident: Id;
  tag: Uint8Array;
  envelope: Uint8Array;
  content: Uint8Array;
  issued: Uint8Array | null;
}

type Facts = Record<string, string>;
/** The facts for the credential, the sealed admin PIN, and what the register said when the facts were put together. An earlier program left that out. */
type Known = [facts: Facts, adminPin: Uint8Array, register?: Facts | null];
/** What is kept sealed until it is carried out: of a registration `[wrapped, recovery, …]`, of a replacement `[replacement, …]`. */
type Content = [[Uint8Array, Uint8Array], [Uint8Array, Uint8Array], ...Known] | [Uint8Array, ...Known];
const isOfReplacement = (content: Content): content is [Uint8Array, ...Known] => content[0] instanceof Uint8Array;

/**
 * From a signed registration to a resident with a space, a place in the index and a credential, and from a signed replacement to a credential for the new card. All of it is on disk before the ledger is asked, each
 * step may be done twice, and what a crash or a full disk interrupted goes on with the next block: in the end all of it happened once, or none of it.
 */
export class Registrations {
  readonly #parts: RegistrationsParts;
  readonly #database: DatabaseSync;
  readonly #seal: RowSeal;
  readonly #unlisten: () => void;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(parts: RegistrationsParts, database: DatabaseSync) {
    this.#parts = parts;
    this.#database = database;
    this.#seal = rowSeal(parts.key, 'registration');
    this.#unlisten = parts.ledger.onBlock(() => void this.carryOn());
  }

  /** `hub-storage` where the file cannot be opened, or is another program's. */
  static open(parts: RegistrationsParts): Result<Registrations> {
    const opened = openOwnFile(parts.path, file);
    return opened.ok ? ok(new Registrations(parts, opened.value)) : opened;
  }

  /**
   * Idempotent by the transaction's id. `recorded`: all of it is done, the credential lies in the space. `queued`: the ledger has it, and the rest follows by itself.
   * `resident-known`: the number is somebody's. `document-number`: it is none. `hub-refused`: not the one act, or not signed by whoever brings it.
   *
   * @param staff whose session it comes in.
   */
  async register(registration: Registration, staff: Pick<StaffRecord, 'sig'>): Promise<Result<SubmissionState>> {
    const opened = this.#open(registration.envelope, staff);
    if (!opened.ok) return opened;
    const { id, act } = opened.value;
    if (act.kind !== 'resident.register') return fail('hub-refused', 'act-unknown');
    const { wrapped, recovery, facts, adminPin } = registration;
    const content: Order['content'] = (all, register) => [[wrapped.enc, wrapped.ciphertext], [recovery.enc, recovery.ciphertext], all, adminPin, register];
    return this.#begin({ id, resident: act.id, envelope: registration.envelope, facts, content }, (holder) => (holder === null || equalBytes(holder, act.id) ? null : 'resident-known'));
  }

  /** As `register`. `resident-unknown`: the number is nobody's; `hub-refused` with `another-resident`: it is not that of whose card is replaced. */
  async replace(replaced: CardReplacement, staff: Pick<StaffRecord, 'sig'>): Promise<Result<SubmissionState>> {
    const opened = this.#open(replaced.envelope, staff);
    if (!opened.ok) return opened;
    const { id, act } = opened.value;
    if (act.kind !== 'resident.replace') return fail('hub-refused', 'act-unknown');
    const { envelope, replacement, facts, adminPin } = replaced;
    return this.#begin({ id, resident: act.subject, envelope, facts, content: (all, register) => [replacement, all, adminPin, register] }, (holder) =>
      holder === null ? 'resident-unknown' : equalBytes(holder, act.subject) ? null : 'another-resident',
    );
  }

  #open(envelope: Uint8Array, staff: Pick<StaffRecord, 'sig'>): Result<{ id: Uint8Array; act: Act }> {
    const { crypto } = this.#parts;
    const opened = openEnvelope(envelope, crypto);
    if (!opened.ok) return fail('hub-refused', opened.failure.code);
    const { id, body, signers } = opened.value;
    const [act, ...others] = body.acts;
    if (act === undefined || others.length > 0) return fail('hub-refused', 'act-unknown');
    return signers.some(({ kid }) => equalBytes(kid, keyId(staff.sig, crypto))) ? ok({ id, act }) : fail('hub-refused', 'signer-missing');
  }

  /** @param objection why not, from whose number it is by now. */
  async #begin(order: Order, objection: (holder: Id | null) => 'resident-known' | 'resident-unknown' | 'another-resident' | null): Promise<Result<SubmissionState>> {
    const number = order.facts.identity_number ?? '';
    if (!identityNumberIsSound(number, order.facts.birth_date ?? '')) return fail('document-number');
    return this.#inTurn(async () => {
      const done = guarded(() => this.#database.prepare('SELECT 1 FROM registration WHERE id = ? AND content IS NULL').get(order.id) !== undefined);
      if (!done.ok) return done;
      if (done.value) return ok({ state: 'recorded' });
      const holder = this.#parts.registrar.holderOf(number);
      if (!holder.ok) return holder;
      const why = objection(holder.value);
      if (why !== null) return why === 'another-resident' ? fail('hub-refused', why) : fail(why);
      const expected = this.#parts.expected.find(number);
      if (!expected.ok) return expected;
      const kept = this.#keep({ ...order, facts: withRegister(expected.value, order.facts) }, number, expected.value);
      return kept.ok ? this.#carry(kept.value) : kept;
    });
  }

  /** Whatever a crash, a full disk or a slow ledger left. Faults go to the log: nobody waits for the answer. */
  carryOn(): Promise<void> {
    return this.#inTurn(async () => {
      const rows = guarded(() => this.#database.prepare('SELECT * FROM registration WHERE content IS NOT NULL').all().map(rowOf));
      if (!rows.ok) return this.#parts.onFault('registrations', rows.failure);
      for (const row of rows.value) {
        try {
          const carried = await this.#carry(row, 0);
          if (!carried.ok) this.#parts.onFault('registration', carried.failure);
        } catch (error) {
          // One that is damaged keeps nobody else from the rest of theirs.
          this.#parts.onFault('registration', error);
        }
      }
      await this.#issueDue();
    });
  }

  /**
   * For the registrar's office: what it has read of a document or the register goes into a credential for the card that the resident has, and a later export adds to it.
   * What cannot be done now is with a later block. `document-number`: the number is none. `hub-refused` with `another-resident`: it is not this resident's.
   */
  async issueAgain(resident: Id, facts: IdentityFacts): Promise<Result<null>> {
    const number = facts.identity_number ?? '';
    if (!identityNumberIsSound(number, facts.birth_date ?? '')) return fail('document-number');
    return this.#inTurn(async () => {
      const { expected, registrar } = this.#parts;
      const holder = registrar.holderOf(number);
      if (!holder.ok) return holder;
      if (holder.value === null || !equalBytes(holder.value, resident)) return fail('hub-refused', 'another-resident');
      const register = expected.find(number);
      if (!register.ok) return register;
      const all = withRegister(register.value, facts);
      const name = expected.order(number, all);
      return name.ok ? this.#issueOne(name.value, { identityNumber: number, facts: all, prepared: null }) : name;
    });
  }

  /**
   * To those of whom the register's export has said something new: a credential beside the one that they have, of which the newest counts. It is kept before it is
   * deposited, so it is issued once, and they are due until its anchor is recorded. What is wrong with one of them is told, and the others go on; what is wrong with the
   * hub, its ledger or its own key ends the round, which begins with the others the next time.
   */
  async #issueDue(): Promise<void> {
    const { expected, onFault } = this.#parts;
    const due = expected.due(mostIssuedAtOnce);
    if (!due.ok) return onFault('register', due.failure);
    for (const { name, of } of due.value) {
      const tried = expected.noteTried(name);
      if (!tried.ok) return onFault('register', tried.failure);
      try {
        const issued = of.ok ? await this.#issueOne(name, of.value) : of;
        if (issued.ok) continue;
        onFault('register', issued.failure);
        if (of.ok && !isOfPerson(issued.failure)) return;
      } catch (error) {
        onFault('register', error);
      }
    }
  }

  async #issueOne(name: DueName, { identityNumber, facts, prepared }: DueFacts): Promise<Result<null>> {
    const { expected, registrar, ledger, crypto } = this.#parts;
    const holder = registrar.holderOf(identityNumber);
    if (!holder.ok) return holder;
    if (holder.value === null) return expected.noteIssued(name, facts);
    let kept = prepared;
    if (kept === null) {
      const made = await registrar.prepare(holder.value, facts);
      if (!made.ok) return this.#refusedFor(name, facts, made);
      kept = { issued: made.value, facts };
      const noted = expected.keepPrepared(name, kept);
      if (!noted.ok) return noted;
    }
    const deposited = await registrar.deposit(kept.issued);
    if (!deposited.ok) return this.#refusedFor(name, kept.facts, deposited);
    const anchor = openEnvelope(kept.issued.envelope, crypto);
    if (!anchor.ok) throw new Error('an anchor that was kept does not open');
    const receipt = await ledger.receipt(anchor.value.id, 0);
    if (!receipt.ok) return receipt;
    return receipt.value === null ? ok(null) : expected.noteIssued(name, kept.facts);
  }

  /** Nothing more is due to somebody who was retired, say. Anything else may be put right, and then another is prepared in the place of what was refused. */
  #refusedFor(name: DueName, facts: IdentityFacts, refused: Extract<Result<never>, { ok: false }>): Result<never> {
    const { expected } = this.#parts;
    const { failure } = refused;
    const noted = isOver(failure) ? expected.noteIssued(name, facts) : failure.code === 'request-rejected' ? expected.keepPrepared(name, null) : ok(null);
    return noted.ok ? refused : noted;
  }

  /** The admin PINs of this resident's cards, sealed to the registrar, the newest first. */
  adminPins(resident: Id): Result<Uint8Array[]> {
    return guarded(() => this.#database.prepare('SELECT sealed FROM admin_pin WHERE resident = ? ORDER BY at DESC, rowid DESC').all(resident).map((row) => bytesOf(row['sealed'])));
  }

  /** Whether one of these is a key of a card that was brought and is not carried out yet. @param keys raw, 32 bytes each. */
  isUnderWay(keys: readonly Uint8Array[]): Result<boolean> {
    const brought = guarded(() => this.#database.prepare('SELECT envelope FROM registration WHERE content IS NOT NULL').all().map((row) => bytesOf(row['envelope'])));
    if (!brought.ok) return brought;
    return ok(brought.value.some((envelope) => this.#cardKeys(envelope).some((one) => keys.some((key) => equalBytes(one, key)))));
  }

  /** It was checked before it was kept. */
  #cardKeys(envelope: Uint8Array): Uint8Array[] {
    const opened = openEnvelope(envelope, this.#parts.crypto);
    const act = opened.ok ? opened.value.body.acts[0] : undefined;
    if (act?.kind !== 'resident.register' && act?.kind !== 'resident.replace') throw new Error('an envelope that was kept does not open');
    return [act.sig[1], act.aut[1], act.dec[1]];
  }

  async close(): Promise<void> {
    this.#unlisten();
    await this.#turn;
    this.#database.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #keep({ id, resident, envelope, facts, content }: Order, number: string, register: IdentityFacts | null): Result<Row> {
    const tag = this.#seal.tag(number);
    const row: Row = { id, resident, tag, envelope, content: this.#seal.seal(id, encodeCbor(content({ ...facts }, register === null ? null : { ...register }))), issued: null };
    return guardedResult((): Result<Row> => {
      const known = this.#database.prepare('SELECT * FROM registration WHERE id = ?').get(id);
      if (known !== undefined) return ok(rowOf(known));
      if (this.#database.prepare('SELECT 1 FROM registration WHERE tag = ? AND content IS NOT NULL').get(tag) !== undefined) return fail('hub-busy', 'registration');
      this.#database.prepare('INSERT INTO registration (id, resident, tag, envelope, content) VALUES (?, ?, ?, ?, ?)').run(id, row.resident, tag, envelope, row.content);
      return ok(row);
    });
  }

  async #carry(row: Row, waitMs = this.#parts.recordWaitMs ?? usualRecordWaitMs): Promise<Result<SubmissionState>> {
    const { keeper, ledger, registrar } = this.#parts;
    const content = this.#unseal(row);
    const [facts, adminPin, register] = (isOfReplacement(content) ? content.slice(1) : content.slice(2)) as Known;
    const taken = await keeper.take({ envelope: row.envelope, payloads: isOfReplacement(content) ? [{ act: 0, what: 'replacement', to: 'keeper', sealed: content[0] }] : [] });
    if (!taken.ok) return taken;
    if (taken.value.state === 'rejected') {
      const gone = guarded(() => void this.#database.prepare('DELETE FROM registration WHERE id = ?').run(row.id));
      return gone.ok ? taken : gone;
    }
    const receipt = await ledger.receipt(row.id, waitMs);
    if (!receipt.ok) return receipt;
    // Refused by the rules after it was taken: the keeper's state says it from now on.
    if (receipt.value === null) return ok({ state: 'queued' });

    if (!isOfReplacement(content)) {
      const [wrapped, recovery] = content;
      const founded = await keeper.foundSpace({ resident: row.resident, wrapped: messageOf(wrapped), recovery: messageOf(recovery) });
      if (!founded.ok) return founded;
      const entered = registrar.enter(facts['identity_number'] ?? '', row.resident);
      if (!entered.ok) return entered.failure.code === 'number-taken' ? fail('resident-known') : { ok: false, failure: entered.failure };
    }
    const credited = await this.#issue(row, facts, waitMs);
    if (!credited.ok) return credited;
    if (!credited.value) return ok({ state: 'queued' });
    const noted = this.#parts.expected.noteVouched(facts['identity_number'] ?? '', facts, register);
    if (!noted.ok) return noted;
    const finished = guarded(() => this.#finish(row, adminPin));
    return finished.ok ? ok({ state: 'recorded' }) : finished;
  }

  /** On disk before it is deposited: the second time it is the same one. An anchor that is refused (it came too late, or the registrar has another key by now) is refused for good, and another is made. false: it waits for the ledger still. */
  async #issue(row: Row, facts: IdentityFacts, waitMs: number): Promise<Result<boolean>> {
    const { registrar, ledger, crypto } = this.#parts;
    let issued = row.issued;
    if (issued === null) {
      const prepared = await registrar.prepare(row.resident, facts);
      if (!prepared.ok) return prepared;
      issued = encodeIssued(prepared.value);
      const kept = this.#keepIssued(row, issued);
      if (!kept.ok) return kept;
    }
    const { envelope, payloads } = decodeIssued(issued);
    const deposited = await registrar.deposit({ envelope, payloads });
    if (!deposited.ok) {
      if (deposited.failure.code !== 'request-rejected') return deposited;
      const dropped = this.#keepIssued(row, null);
      return dropped.ok ? deposited : dropped;
    }
    const anchor = openEnvelope(envelope, crypto);
    if (!anchor.ok) throw new Error('an anchor that was kept does not open');
    const receipt = await ledger.receipt(anchor.value.id, waitMs);
    return receipt.ok ? ok(receipt.value !== null) : receipt;
  }

  #keepIssued(row: Row, issued: Uint8Array | null): Result<null> {
    return guarded(() => {
      this.#database.prepare('UPDATE registration SET issued = ? WHERE id = ?').run(issued, row.id);
      return null;
    });
  }

  #finish(row: Row, adminPin: Uint8Array): null {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      this.#database.prepare('INSERT INTO admin_pin (resident, at, sealed) VALUES (?, ?, ?)').run(row.resident, Math.floor(Date.now() / 1000), adminPin);
      this.#database.prepare('UPDATE registration SET content = NULL, issued = NULL WHERE id = ?').run(row.id);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
    return null;
  }

  /** Written by us under a key that opened the index: anything else in it is a bug. */
  #unseal({ id, content }: Row): Content {
    const opened = this.#seal.open(id, content);
    if (opened === undefined) throw new Error('a registration that was kept does not open');
    return decodeCbor(opened) as unknown as Content;
  }
}

/** There is nobody to issue to any more. */
const isOver = ({ code, detail }: Failure): boolean => code === 'key-unknown' || (code === 'request-rejected' && ['subject-unknown', 'subject-inactive', 'key-unknown'].includes(detail ?? ''));
/** It is about one of them, and says nothing of the next. An anchor that was kept too long is one of them too. */
const isOfPerson = (failure: Failure): boolean => isOver(failure) || (failure.code === 'request-rejected' && failure.detail === 'expired');

/** The document's own facts go first. Of an address that it no longer has, the register's district and postcode go with it. */
function withRegister(register: IdentityFacts | null, document: IdentityFacts): IdentityFacts {
  if (register === null) return document;
  const hasMoved = document.address !== undefined && register.address !== undefined && document.address !== register.address;
  const { district, postcode, ...elsewhere } = register;
  const here = { ...(district === undefined ? {} : { district }), ...(postcode === undefined ? {} : { postcode }) };
  return { ...elsewhere, ...(hasMoved ? {} : here), ...document };
}

const messageOf = ([enc, ciphertext]: [Uint8Array, Uint8Array]): HpkeMessage => ({ enc, ciphertext });

const rowOf = (row: Record<string, unknown>): Row => ({
  id: bytesOf(row['id']),
  resident: bytesOf(row['resident']),
  tag: bytesOf(row['tag']),
  envelope: bytesOf(row['envelope']),
  content: bytesOf(row['content']),
  issued: row['issued'] === null ? null : bytesOf(row['issued']),
});
