import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { sealTo } from '../identity/sealing.ts';
import { hmacSha256 } from '../identity/symmetric.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { AccessLookup, Body, Id, Name, OpenedPart } from '../ledger/verify/acts.ts';
import { concatBytes, equalBytes, toHex, utf8 } from '../ledger/verify/bytes.ts';
import { encodeCbor } from '../ledger/verify/cbor.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { signEnvelope } from '../ledger/verify/envelope.ts';
import type { Order } from '../ledger/verify/order.ts';
import { commitPart, encodeOpenedPart } from '../ledger/verify/private-part.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { ResidentIndex } from './index.ts';
import type { IssuedCredential, IssuerKeys } from './issuer.ts';
import { normalNumber } from './row-seal.ts';

type LookupOrder = Extract<Order, { kind: 'index.lookup' }>;

/** An order whose form, signer and time were found good. */
export interface CheckedLookup {
  id: Uint8Array;
  order: LookupOrder;
  staff: Id;
  notAfter: number;
}

export interface LookUpParts {
  /** `:memory:`, or the registrar's own file for what was looked up. */
  path: string;
  /** 32 bytes, the registrar's index key: numbers that were not found stand in the journal as tags under it. */
  key: Uint8Array;
  ledger: Pick<Ledger, 'chain' | 'values' | 'receipt' | 'state'>;
  index: Pick<ResidentIndex, 'find'>;
  issuer: IssuerKeys;
  keeperSealKey: Uint8Array;
  /** Holds an order against ledger and clock, as the keeper does. */
  check(signed: Uint8Array): Promise<Result<CheckedLookup, Failure<string>>>;
  /** Hands the act to the keeper, which stores its part and has it recorded. */
  deposit(issued: { envelope: Uint8Array; payloads: IssuedCredential['payloads'] }): Promise<Result<{ state: string; code?: string }>>;
  crypto: Crypto;
  /** Unix milliseconds. */
  now: () => number;
  recordWaitMs?: number;
}

/** `resident` null: the district knows nobody of that number; that somebody asked is in the registrar's journal. */
export interface LookedUp {
  resident: Id | null;
}

export interface MissEntry {
  seq: number;
  /** Unix seconds. */
  at: number;
  staff: Id;
  party: Name;
  reason: string;
  /** HMAC of the number under the registrar's key: that one number was asked for twice shows, which one does not. */
  tag: Uint8Array;
  /** SHA-256 of the entry before; zeros before the first. */
  previous: Uint8Array;
}

const file: FileKind = {
  name: 'look-ups',
  mark: 'imil',
  steps: [
    `
      CREATE TABLE look (id BLOB PRIMARY KEY, staff BLOB NOT NULL, access BLOB NOT NULL UNIQUE, at INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX look_of_staff ON look (staff, at);
      CREATE TABLE miss (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, staff BLOB NOT NULL, party TEXT NOT NULL, reason TEXT NOT NULL, tag BLOB NOT NULL, previous BLOB NOT NULL);
    `,
    // The resident has the line of it, and staff had the answer.
    'ALTER TABLE look ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0',
  ],
};

const hourSeconds = 3600;
/** Of one member of staff: more than a desk sees, and far fewer than it takes to try numbers. */
export const mostLookupsAnHour = 30;
const usualRecordWaitMs = 10_000;

export const hashOfMiss = ({ seq, at, staff, party, reason, tag, previous }: MissEntry): Uint8Array =>
  new Uint8Array(createHash('sha256').update(utf8('imi/miss/1')).update(encodeCbor([seq, at, staff, party, reason, tag, previous])).digest());

/**
 * The way from an identity number to a resident, for those who serve people in person: each found resident reads in the own list who looked and
 * why, before the answer is given; what was not found stays in a journal of the registrar's that shows when a line of it is missing.
 */
export class LookUps {
  readonly #parts: LookUpParts;
  readonly #database: DatabaseSync;
  readonly #tagKey: Uint8Array;

  private constructor(parts: LookUpParts, database: DatabaseSync) {
    this.#parts = parts;
    this.#database = database;
    this.#tagKey = new Uint8Array(hkdfSync('sha256', parts.key, new Uint8Array(0), 'imi/index/miss/1', 32));
  }

  /** `hub-storage` where the file cannot be opened, or is another program's. */
  static open(parts: LookUpParts): Result<LookUps> {
    const opened = openOwnFile(parts.path, file);
    return opened.ok ? ok(new LookUps(parts, opened.value)) : opened;
  }

  /**
   * `order-mismatch`: the number is not the one that was signed for. `access-known`: the order's access id was another's. `too-many`: this hour.
   * `hub-busy`: not recorded yet, and not answered; the same order may come again, and counts once.
   *
   * @param number as printed on the document.
   * @param salt the 16 bytes that went into the order's hash.
   */
  async lookUp(signed: Uint8Array, number: string, salt: Uint8Array): Promise<Result<LookedUp, Failure<string>>> {
    const { check, crypto, index } = this.#parts;
    const checked = await check(signed);
    if (!checked.ok) return checked;
    const { order } = checked.value;
    if (salt.length !== 16 || !equalBytes(order.number[1], crypto.sha256(concatBytes(salt, utf8(number))))) return fail('order-mismatch');
    const found = index.find(number);
    if (!found.ok) return found;
    const free = await this.#isFree(checked.value);
    if (!free.ok) return free;
    const counted = this.#count(checked.value, found.value === null ? number : null);
    if (!counted.ok) return counted;
    if (found.value === null) return ok({ resident: null });
    const recorded = await this.#record(checked.value, found.value, signed);
    if (!recorded.ok) return recorded;
    const noted = guarded(() => void this.#database.prepare('UPDATE look SET recorded = 1 WHERE id = ?').run(checked.value.id));
    return noted.ok ? ok({ resident: found.value }) : noted;
  }

  /** Whether this member of staff has looked this resident up within the hour, on record: what concerns one person is given out after that only. */
  async hasFound(staff: Id, resident: Id): Promise<Result<boolean>> {
    const looks = guardedResult((): Result<Uint8Array[]> => ok(this.#database.prepare('SELECT access FROM look WHERE staff = ? AND at > ? AND recorded = 1').all(staff, this.#seconds() - hourSeconds).map((row) => bytesOf(row['access']))));
    if (!looks.ok || looks.value.length === 0) return looks.ok ? ok(false) : looks;
    const records = await this.#parts.ledger.values(looks.value.map((access) => stateKey.access(access)));
    if (!records.ok) return records;
    return ok(records.value.some((record) => record !== null && equalBytes(decodeRecord('access', record).subject, resident)));
  }

  /** The journal of what was not found, oldest first. */
  misses(): Result<MissEntry[]> {
    return guardedResult(() => ok(this.#database.prepare('SELECT seq, at, staff, party, reason, tag, previous FROM miss ORDER BY seq').all().map(missOf)));
  }

  close(): void {
    this.#database.close();
  }

  /** An access id that the ledger has before this order was ever counted is another act's: by it nothing new would be recorded, and nobody would read of this look. */
  async #isFree({ id, order }: CheckedLookup): Promise<Result<null, Failure | Failure<'access-known'>>> {
    const counted = guarded(() => this.#database.prepare('SELECT 1 FROM look WHERE id = ?').get(id) !== undefined);
    if (!counted.ok) return counted;
    if (counted.value) return ok(null);
    const read = await this.#parts.ledger.values([stateKey.access(order.access)]);
    if (!read.ok) return read;
    return read.value[0] === null || read.value[0] === undefined ? ok(null) : fail('access-known');
  }

  /** @param missed the number that nobody has: its line in the journal and the count are written as one, or neither is. */
  #count({ id, order, staff }: CheckedLookup, missed: string | null): Result<null, Failure | Failure<'access-known' | 'too-many'>> {
    const now = this.#seconds();
    return guardedResult((): Result<null, Failure | Failure<'access-known' | 'too-many'>> => {
      if (this.#database.prepare('SELECT 1 FROM look WHERE id = ?').get(id) !== undefined) return ok(null);
      if (this.#database.prepare('SELECT 1 FROM look WHERE access = ?').get(order.access) !== undefined) return fail('access-known');
      const lately = this.#database.prepare('SELECT count(*) AS n FROM look WHERE staff = ? AND at > ?').get(staff, now - hourSeconds);
      if (Number(lately?.['n']) >= mostLookupsAnHour) return fail('too-many');
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        this.#database.prepare('INSERT INTO look (id, staff, access, at) VALUES (?, ?, ?, ?)').run(id, staff, order.access, now);
        if (missed !== null) this.#writeMiss(order, staff, missed);
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
      return ok(null);
    });
  }

  #writeMiss(order: LookupOrder, staff: Id, number: string): void {
    const tag = hmacSha256(this.#tagKey, normalNumber(number));
    const last = this.#database.prepare('SELECT seq, at, staff, party, reason, tag, previous FROM miss ORDER BY seq DESC LIMIT 1').get();
    const before = last === undefined ? null : missOf(last);
    const previous = before === null ? new Uint8Array(32) : hashOfMiss(before);
    this.#database
      .prepare('INSERT INTO miss (seq, at, staff, party, reason, tag, previous) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run((before?.seq ?? 0) + 1, this.#seconds(), staff, order.party, order.reason, tag, previous);
  }

  async #record({ order, staff, notAfter }: CheckedLookup, resident: Id, signed: Uint8Array): Promise<Result<null, Failure<string>>> {
    const { ledger, issuer, keeperSealKey, deposit, crypto, recordWaitMs = usualRecordWaitMs } = this.#parts;
    const access = await ledger.values([stateKey.access(order.access), stateKey.resident(resident)]);
    if (!access.ok) return access;
    const [known, record] = access.value;
    // Carried out before: the resident has the line, and the answer is given again.
    if (known !== null && known !== undefined) return equalBytes(decodeRecord('access', known).subject, resident) ? ok(null) : fail('access-known');
    if (record === null || record === undefined) return fail('subject-unknown');
    const opened: OpenedPart = {
      salt: new Uint8Array(randomBytes(16)),
      part: { kind: 'access.lookup', party: order.party, staff, reason: order.reason, signed },
    };
    const act: AccessLookup = { kind: 'access.lookup', subject: resident, id: order.access, private: commitPart(opened.salt, opened.part, crypto) };
    const body: Body = { v: 1, chain: ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter, acts: [act] };
    const part = encodeOpenedPart(opened);
    const payloads: IssuedCredential['payloads'] = [
      { act: 0, what: 'part', to: 'space', sealed: sealTo(decodeRecord('resident', record).space[1], 'part', resident, part) },
      { act: 0, what: 'part', to: 'keeper', sealed: sealTo(keeperSealKey, 'part', resident, part) },
    ];
    const deposited = await deposit({ envelope: await signEnvelope(body, [{ key: issuer.key, sign: issuer.sign }], crypto), payloads });
    if (!deposited.ok) return deposited;
    if (deposited.value.state === 'rejected') return fail(deposited.value.code ?? 'request-rejected');
    return this.#awaitAccess(order.access, recordWaitMs, crypto.sha256(encodeCbor(body)));
  }

  async #awaitAccess(access: Id, waitMs: number, transaction: Uint8Array): Promise<Result<null, Failure<string>>> {
    const { ledger } = this.#parts;
    const receipt = await ledger.receipt(transaction, waitMs);
    if (!receipt.ok) return receipt;
    const values = await ledger.values([stateKey.access(access)]);
    if (!values.ok) return values;
    return values.value[0] === null || values.value[0] === undefined ? fail('hub-busy', `look-up ${toHex(access).slice(0, 8)} not recorded yet`) : ok(null);
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }
}

/** Where the chain of the journal breaks: the number of the entry, or null. */
export function brokenMiss(entries: readonly MissEntry[]): number | null {
  let previous: Uint8Array = new Uint8Array(32);
  for (const [index, entry] of entries.entries()) {
    if (entry.seq !== index + 1 || !equalBytes(entry.previous, previous)) return index + 1;
    previous = hashOfMiss(entry);
  }
  return null;
}

const missOf = (row: Record<string, unknown>): MissEntry => ({
  seq: Number(row['seq']),
  at: Number(row['at']),
  staff: bytesOf(row['staff']),
  party: String(row['party']),
  reason: String(row['reason']),
  tag: bytesOf(row['tag']),
  previous: bytesOf(row['previous']),
});
