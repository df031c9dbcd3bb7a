import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { inTransaction } from '../ledger/engines/transaction.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import type { ExportLine, LineFault } from './export-file.ts';
import { decodeIssued, encodeIssued, type IdentityFacts, type IssuedCredential } from './issuer.ts';
import { rowSeal, type RowSeal } from './row-seal.ts';

/** How far an export was read, and what came of it. */
export interface ExportProgress {
  /** The last line that was dealt with; 0 before the first. */
  line: number;
  /** Not expected before; expected with other facts; expected with the same. */
  added: number;
  changed: number;
  same: number;
  refused: number;
}

/** Somebody whose register has changed since the registrar vouched for them: what a new credential says. */
export interface DueFacts {
  identityNumber: string;
  facts: IdentityFacts;
  /** Prepared before, and not known to be recorded: it is the one to deposit. */
  prepared: PreparedCredential | null;
}

export interface PreparedCredential {
  issued: IssuedCredential;
  /** What it says. */
  facts: IdentityFacts;
}

/** Names somebody who is due, without saying who. */
export type DueName = Uint8Array;

/** The register's facts of somebody, known before they come: for the card that the desk makes then, for one that replaces it, and for those who have one. */
export interface ExpectedResidents {
  /** `null`: nobody of this number is in the register's export. */
  find(identityNumber: string): Result<IdentityFacts | null>;
  /**
   * What the credential of somebody says who is registered with it: what a later export says beside it is due from then on. @param register what the register said of them
   * when that was put together, null: nothing. What it has said since is due at once; left out: it was put together just now.
   */
  noteVouched(identityNumber: string, facts: IdentityFacts, register?: IdentityFacts | null): Result<null>;
  isVouched(identityNumber: string): Result<boolean>;
  /** A credential is to say this, which is due from now on. What was prepared before may be for a former card: another is. */
  order(identityNumber: string, facts: IdentityFacts): Result<DueName>;
  /** Those of whom an export has said something new since; first who was tried longest ago. A row that is damaged is named with its failure. */
  due(limit: number): Result<{ name: DueName; of: Result<DueFacts> }[]>;
  /** Others go first the next time. */
  noteTried(name: DueName): Result<null>;
  /** null: what was prepared is of no use any more. */
  keepPrepared(name: DueName, prepared: PreparedCredential | null): Result<null>;
  /** A credential says this now. One of whom another export said something else meanwhile stays due. */
  noteIssued(name: DueName, facts: IdentityFacts): Result<null>;
  /** How far the export of this content was read. @param content SHA-256 of the file. */
  progress(content: Uint8Array): Result<ExportProgress>;
  /**
   * Takes lines of an export that follow on one another: all of them with the progress, or none. `registered`: of numbers that a resident has.
   * A line whose number stood in an earlier line of the same file is refused, as is one of somebody registered of whom nothing is noted as vouched.
   */
  take(content: Uint8Array, lines: readonly ExportLine[], registered: (identityNumber: string) => Result<boolean>): Result<ExportProgress>;
  /** The refused lines of an export, first to last. */
  refused(content: Uint8Array): Result<LineFault[]>;
  close(): void;
}

const file: FileKind = {
  name: 'expected residents',
  mark: 'imie',
  erases: true,
  steps: [
    `
      CREATE TABLE expected (tag BLOB PRIMARY KEY, sealed BLOB NOT NULL, content BLOB NOT NULL) WITHOUT ROWID;
      CREATE TABLE export (content BLOB PRIMARY KEY, line INTEGER NOT NULL, added INTEGER NOT NULL, changed INTEGER NOT NULL, same INTEGER NOT NULL, refused INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE fault (content BLOB NOT NULL, line INTEGER NOT NULL, fault TEXT NOT NULL, col TEXT, PRIMARY KEY (content, line)) WITHOUT ROWID;
    `,
    // What the credentials of those say who are registered.
    `
      ALTER TABLE expected ADD COLUMN vouched BLOB;
      ALTER TABLE expected ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX expected_due ON expected (tag) WHERE due = 1;
    `,
    // What was prepared for those who are due, and in which order they were tried.
    `
      ALTER TABLE expected ADD COLUMN issued BLOB;
      ALTER TABLE expected ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
      DROP INDEX expected_due;
      CREATE INDEX expected_due ON expected (tried, tag) WHERE due = 1;
    `,
  ],
};

/**
 * `hub-storage` where the file cannot be opened or is another program's; with `index-key` where it was written under another key.
 *
 * @param path of the file, or `:memory:` for a trial.
 * @param key 32 bytes, the registrar's index key.
 */
export function openExpectedResidents(path: string, key: Uint8Array): Result<ExpectedResidents> {
  const seal = rowSeal(key, 'expected');
  return guardedResult((): Result<ExpectedResidents> => {
    const opened = openOwnFile(path, file);
    if (!opened.ok) return opened;
    if (!hasOtherKey(opened.value, seal)) return ok(expectedIn(opened.value, seal));
    opened.value.close();
    return fail('hub-storage', 'index-key');
  });
}

function hasOtherKey(database: DatabaseSync, seal: RowSeal): boolean {
  const some = database.prepare('SELECT tag, sealed FROM expected LIMIT 1').get();
  return some !== undefined && seal.open(bytesOf(some['tag']), bytesOf(some['sealed'])) === undefined;
}

function expectedIn(database: DatabaseSync, seal: RowSeal): ExpectedResidents {
  const get = database.prepare('SELECT sealed, content, vouched FROM expected WHERE tag = ?');
  const put = database.prepare('INSERT INTO expected (tag, sealed, content) VALUES (?, ?, ?) ON CONFLICT (tag) DO UPDATE SET sealed = excluded.sealed, content = excluded.content');
  const putVouched = database.prepare('UPDATE expected SET vouched = ?, due = ? WHERE tag = ?');
  const dueRows = database.prepare('SELECT tag, vouched, issued FROM expected WHERE due = 1 ORDER BY tried, tag LIMIT ?');
  const noteTried = database.prepare('UPDATE expected SET tried = (SELECT coalesce(max(tried), 0) + 1 FROM expected WHERE due = 1) WHERE tag = ?');
  const putIssued = database.prepare('UPDATE expected SET issued = ? WHERE tag = ?');
  const settle = database.prepare('UPDATE expected SET due = 0, tried = 0 WHERE tag = ? AND vouched = ?');
  const progressOf = database.prepare('SELECT line, added, changed, same, refused FROM export WHERE content = ?');
  const noteProgress = database.prepare(
    `INSERT INTO export (content, line, added, changed, same, refused) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (content) DO UPDATE SET line = excluded.line, added = excluded.added, changed = excluded.changed, same = excluded.same, refused = excluded.refused`,
  );
  const noteFault = database.prepare('INSERT INTO fault (content, line, fault, col) VALUES (?, ?, ?, ?)');

  const progress = (content: Uint8Array): ExportProgress => {
    const row = progressOf.get(content);
    const count = (name: keyof ExportProgress): number => Number(row?.[name] ?? 0);
    return { line: count('line'), added: count('added'), changed: count('changed'), same: count('same'), refused: count('refused') };
  };

  const opened = (of: Uint8Array, sealed: unknown): IdentityFacts => {
    const content = seal.open(of, bytesOf(sealed));
    if (content === undefined) throw new Damaged();
    return decodeCbor(content) as unknown as IdentityFacts;
  };
  const sealed = (of: Uint8Array, facts: IdentityFacts): Uint8Array => seal.seal(of, encodeCbor({ ...facts }));
  const isSame = (one: IdentityFacts, other: IdentityFacts): boolean => equalBytes(encodeCbor({ ...one }), encodeCbor({ ...other }));

  const preparedIn = (tag: Uint8Array, kept: unknown): PreparedCredential => {
    const content = seal.open(preparedAt(tag), bytesOf(kept));
    if (content === undefined) throw new Damaged();
    const [issued, facts] = decodeCbor(content) as unknown as [Uint8Array, IdentityFacts];
    return { issued: decodeIssued(issued), facts };
  };
  /** As it was before; undefined: there was none, and now there is one of somebody of whom the register has said nothing. */
  const rowOf = (tag: Uint8Array): ReturnType<typeof get.get> => {
    const row = get.get(tag);
    if (row === undefined) put.run(tag, sealed(tag, {}), new Uint8Array(0));
    return row;
  };

  /** What becomes of one line: a count, or why it is refused. */
  const takeLine = (content: Uint8Array, line: ExportLine, registered: (identityNumber: string) => Result<boolean>): Result<'added' | 'changed' | 'same' | Pick<LineFault, 'fault' | 'column'>> => {
    if (line.facts === null) return ok({ fault: line.fault, column: line.column });
    const { facts } = line;
    const number = facts.identity_number ?? '';
    const known = registered(number);
    if (!known.ok) return known;
    const tag = seal.tag(number);
    const row = get.get(tag);
    const vouched = row === undefined || row['vouched'] === null ? null : opened(vouchedAt(tag), row['vouched']);
    if (known.value && vouched === null) return ok({ fault: 'registered', column: 'identity_number' });
    if (row !== undefined && equalBytes(bytesOf(row['content']), content)) return ok({ fault: 'repeated', column: 'identity_number' });
    const before = row === undefined ? {} : opened(tag, row['sealed']);
    put.run(tag, sealed(tag, facts), content);
    if (vouched === null) return ok(row === undefined ? 'added' : isSame(before, facts) ? 'same' : 'changed');
    const now = withNews(vouched, before, facts);
    if (isSame(now, vouched)) return ok('same');
    putVouched.run(sealed(vouchedAt(tag), now), 1, tag);
    return ok('changed');
  };

  return {
    find: (identityNumber) =>
      guardedFacts(() => {
        const tag = seal.tag(identityNumber);
        const row = get.get(tag);
        const facts = row === undefined ? {} : opened(tag, row['sealed']);
        return Object.keys(facts).length === 0 ? null : facts;
      }),
    noteVouched: (identityNumber, facts, register) =>
      guardedFacts(() =>
        inTransaction(database, () => {
          const tag = seal.tag(identityNumber);
          const row = rowOf(tag);
          const now = row === undefined || register === undefined ? facts : withNews(facts, register ?? {}, opened(tag, row['sealed']));
          putVouched.run(sealed(vouchedAt(tag), now), Number(!isSame(now, facts)), tag);
          // It was for the card before.
          putIssued.run(null, tag);
          return null;
        }),
      ),
    order: (identityNumber, facts) =>
      guardedFacts(() =>
        inTransaction(database, () => {
          const tag = seal.tag(identityNumber);
          rowOf(tag);
          putVouched.run(sealed(vouchedAt(tag), facts), 1, tag);
          putIssued.run(null, tag);
          return tag;
        }),
      ),
    isVouched: (identityNumber) => guarded(() => get.get(seal.tag(identityNumber))?.['vouched'] instanceof Uint8Array),
    due: (limit) =>
      guarded(() =>
        dueRows.all(limit).map((row) => {
          const tag = bytesOf(row['tag']);
          const of = guardedFacts((): DueFacts => {
            const facts = opened(vouchedAt(tag), row['vouched']);
            return { identityNumber: facts.identity_number ?? '', facts, prepared: row['issued'] === null ? null : preparedIn(tag, row['issued']) };
          });
          return { name: tag, of };
        }),
      ),
    noteTried: (tag) =>
      guarded(() => {
        noteTried.run(tag);
        return null;
      }),
    keepPrepared: (tag, prepared) =>
      guarded(() => {
        putIssued.run(prepared === null ? null : seal.seal(preparedAt(tag), encodeCbor([encodeIssued(prepared.issued), { ...prepared.facts }])), tag);
        return null;
      }),
    noteIssued: (tag, facts) =>
      guardedFacts(() =>
        inTransaction(database, () => {
          const vouched = get.get(tag)?.['vouched'];
          putIssued.run(null, tag);
          if (vouched instanceof Uint8Array && isSame(opened(vouchedAt(tag), vouched), facts)) settle.run(tag, vouched);
          return null;
        }),
      ),
    progress: (content) => guarded(() => progress(content)),
    take: (content, lines, registered) =>
      guardedFactsResult((): Result<ExportProgress> => {
        database.exec('BEGIN IMMEDIATE');
        try {
          const now = progress(content);
          for (const line of lines) {
            const came = takeLine(content, line, registered);
            if (!came.ok) {
              database.exec('ROLLBACK');
              return came;
            }
            now.line = line.line;
            if (typeof came.value === 'string') now[came.value] += 1;
            else {
              now.refused += 1;
              noteFault.run(content, line.line, came.value.fault, came.value.column);
            }
          }
          noteProgress.run(content, now.line, now.added, now.changed, now.same, now.refused);
          database.exec('COMMIT');
          return ok(now);
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      }),
    refused: (content) =>
      guarded(() =>
        database
          .prepare('SELECT line, fault, col FROM fault WHERE content = ? ORDER BY line')
          .all(content)
          .map((row) => ({ line: Number(row['line']), fault: String(row['fault']) as LineFault['fault'], column: row['col'] === null ? null : String(row['col']) })),
      ),
    close: () => database.close(),
  };
}

/** Under another name than the register's own facts, so that neither is taken for the other. */
const vouchedAt = (tag: Uint8Array): Uint8Array => new Uint8Array([...tag, 1]);
const preparedAt = (tag: Uint8Array): Uint8Array => new Uint8Array([...tag, 2]);

/** A row that does not open: of another row, or altered. */
class Damaged extends Error {}

function guardedFacts<T>(work: () => T): Result<T> {
  try {
    return guarded(work);
  } catch (error) {
    if (error instanceof Damaged) return fail('hub-storage', 'expected-damaged');
    throw error;
  }
}

function guardedFactsResult<T>(work: () => Result<T>): Result<T> {
  const done = guardedFacts(work);
  return done.ok ? done.value : done;
}

/**
 * What is vouched for once the register says something else than before: each fact that it has changed or said for the first time. District and postcode
 * of an address that it has changed go with it, where it does not say new ones.
 */
function withNews(vouched: IdentityFacts, before: IdentityFacts, now: IdentityFacts): IdentityFacts {
  const news = Object.fromEntries(Object.entries(now).filter(([claim, value]) => before[claim as keyof IdentityFacts] !== value));
  if (news['address'] === undefined || news['address'] === vouched.address) return { ...vouched, ...news };
  const { district: _, postcode: __, ...elsewhere } = vouched;
  return { ...elsewhere, ...(now.district === undefined ? {} : { district: now.district }), ...(now.postcode === undefined ? {} : { postcode: now.postcode }), ...news };
}
