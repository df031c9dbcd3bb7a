import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { openOwnFile, type FileKind } from '../ledger/own-file.ts';
import { bytesOf, guarded, guardedResult } from '../ledger/sqlite-guard.ts';
import { equalBytes } from '../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../ledger/verify/cbor.ts';
import type { ExportLine, LineFault } from './export-file.ts';
import type { IdentityFacts } from './issuer.ts';
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

/** The register's facts of somebody, known before they come: for the card that the desk makes then, and for one that replaces it. */
export interface ExpectedResidents {
  /** `null`: nobody of this number is expected. */
  find(identityNumber: string): Result<IdentityFacts | null>;
  /** How far the export of this content was read. @param content SHA-256 of the file. */
  progress(content: Uint8Array): Result<ExportProgress>;
  /**
   * Takes lines of an export that follow on one another: all of them with the progress, or none. `registered`: of numbers that a resident has.
   * A line whose number stood in an earlier line of the same file is refused, as is one of somebody registered.
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
  const get = database.prepare('SELECT sealed, content FROM expected WHERE tag = ?');
  const put = database.prepare('INSERT INTO expected (tag, sealed, content) VALUES (?, ?, ?) ON CONFLICT (tag) DO UPDATE SET sealed = excluded.sealed, content = excluded.content');
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

  /** What becomes of one line: a count, or why it is refused. */
  const takeLine = (content: Uint8Array, line: ExportLine, registered: (identityNumber: string) => Result<boolean>): Result<'added' | 'changed' | 'same' | Pick<LineFault, 'fault' | 'column'>> => {
    if (line.facts === null) return ok({ fault: line.fault, column: line.column });
    const { facts } = line;
    const number = facts.identity_number ?? '';
    const known = registered(number);
    if (!known.ok) return known;
    if (known.value) return ok({ fault: 'registered', column: 'identity_number' });
    const tag = seal.tag(number);
    const before = get.get(tag);
    if (before !== undefined && equalBytes(bytesOf(before['content']), content)) return ok({ fault: 'repeated', column: 'identity_number' });
    const encoded = encodeCbor({ ...facts });
    const isSame = before !== undefined && equalBytes(seal.open(tag, bytesOf(before['sealed'])) ?? new Uint8Array(0), encoded);
    put.run(tag, seal.seal(tag, encoded), content);
    return ok(before === undefined ? 'added' : isSame ? 'same' : 'changed');
  };

  return {
    find: (identityNumber) =>
      guardedResult(() => {
        const tag = seal.tag(identityNumber);
        const row = get.get(tag);
        if (row === undefined) return ok(null);
        const content = seal.open(tag, bytesOf(row['sealed']));
        return content === undefined ? fail('hub-storage', 'expected-damaged') : ok(decodeCbor(content) as unknown as IdentityFacts);
      }),
    progress: (content) => guarded(() => progress(content)),
    take: (content, lines, registered) =>
      guardedResult((): Result<ExportProgress> => {
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
