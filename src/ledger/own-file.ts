import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { guardedResult } from './sqlite-guard.ts';

/** What tells one small SQLite file of a hub from all others, and how it is laid out. */
export interface FileKind {
  /** What it holds, for whoever reads the failure. */
  name: string;
  /** Four letters, which are its `PRAGMA application_id`. No two kinds share them. */
  mark: string;
  /** An earlier build gave it another kind's mark: it is known by a table of its own, and marked anew. */
  former?: { mark: string; table: string };
  /** `steps[n]` is the SQL that makes version n + 1 of version n; version 0 is an empty file. */
  steps: readonly [string, ...string[]];
  /** What is deleted in it is overwritten. */
  erases?: boolean;
}

/**
 * Opens the file, or makes it, or brings an older one to today's version, each step whole or not at all: WAL, synchronous FULL.
 * `hub-storage`: it cannot be opened, is damaged, another kind's, or of a later version.
 *
 * @param path or `:memory:`.
 */
export function openOwnFile(path: string, kind: FileKind): Result<DatabaseSync> {
  return guardedResult(() => {
    const database = new DatabaseSync(path);
    try {
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA busy_timeout = 2000; PRAGMA secure_delete = ${kind.erases === true ? 'ON' : 'OFF'}`);
      const laidOut = layOut(database, kind);
      if (!laidOut.ok) database.close();
      return laidOut;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Of a file that is only looked at: of this version, or an earlier one. */
export function isOwnFile(database: DatabaseSync, { mark, steps }: FileKind): boolean {
  const version = numberOf(database, 'user_version');
  return numberOf(database, 'application_id') === idOf(mark) && version >= 1 && version <= steps.length;
}

function layOut(database: DatabaseSync, kind: FileKind): Result<DatabaseSync> {
  const { name, steps } = kind;
  const version = numberOf(database, 'user_version');
  if (version > 0 && isOfFormer(database, kind)) database.exec(`PRAGMA application_id = ${idOf(kind.mark)}`);
  if (version > 0 && numberOf(database, 'application_id') !== idOf(kind.mark)) return fail('hub-storage', `this is no file of ${name}`);
  if (version > steps.length) return fail('hub-storage', `the file of ${name} is a later program’s`);
  for (const [step, sql] of steps.entries()) {
    if (step >= version) database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA application_id = ${idOf(kind.mark)}; PRAGMA user_version = ${step + 1}; COMMIT`);
  }
  return ok(database);
}

const isOfFormer = (database: DatabaseSync, { former }: FileKind): boolean =>
  former !== undefined &&
  numberOf(database, 'application_id') === idOf(former.mark) &&
  database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(former.table) !== undefined;

const idOf = (mark: string): number => Buffer.from(mark, 'latin1').readUInt32BE(0);

const numberOf = (database: DatabaseSync, pragma: 'application_id' | 'user_version'): number => Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
