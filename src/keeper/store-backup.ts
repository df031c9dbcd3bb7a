import { chmodSync, closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed } from '../identity/sealing.ts';
import { decodeOpenedPart } from '../ledger/verify/private-part.ts';
import { layOutStore, StoreMismatch } from './sqlite-schema.ts';

/** What a store holds, once it was looked through. */
export interface StoreFacts {
  spaces: number;
  objects: number;
  /** Private parts that the keeper opened, one by one. */
  parts: number;
  /** Given to the ledger and not settled yet. */
  queued: number;
}

/**
 * Of a keeper's SQLite store, of one moment, while its hub goes on. The copy is looked through before it gets its name, so a file of this name is a good
 * backup. `hub-storage`: what is wrong, or which path is there already.
 */
export async function backUpStore(path: string, out: string, opener: Opener): Promise<Result<StoreFacts>> {
  const file = resolve(out);
  const part = `${file}.part`;
  if (existsSync(file)) return fail('hub-storage', `${file} is there: nothing is written over`);
  if (!existsSync(path)) return fail('hub-storage', 'the keeper’s store is missing');
  return onDisk(async () => {
    rmSync(part, { force: true });
    const source = new DatabaseSync(path, { readOnly: true });
    try {
      await backup(source, part, { rate: allPages });
    } finally {
      source.close();
    }
    chmodSync(part, 0o600);
    const checked = await checkStore(part, opener);
    if (checked.ok) putInPlace(part, file);
    else rmSync(part);
    return checked;
  });
}

/** Puts a backup where the store was, looked through first. Nothing is written over: a damaged store is put aside by whoever restores. */
export async function restoreStore(path: string, from: string, opener: Opener): Promise<Result<StoreFacts>> {
  const part = `${path}.part`;
  if ([path, `${path}-wal`].some((one) => existsSync(one))) return fail('hub-storage', `${path} is there: nothing is written over`);
  if (!existsSync(from)) return fail('hub-storage', `${resolve(from)} is no backup`);
  return onDisk(async () => {
    copyFileSync(from, part);
    chmodSync(part, 0o600);
    const checked = await checkStore(part, opener);
    if (checked.ok) putInPlace(part, path);
    else rmSync(part);
    return checked;
  });
}

/** In one step, so that the source is not begun again when its writer commits in between. */
const allPages = 2 ** 31 - 1;

/** The file's own structure, its form, and that every private part sealed to the keeper opens with its key: a backup of another keeper's is none. */
async function checkStore(path: string, opener: Opener): Promise<Result<StoreFacts>> {
  const database = new DatabaseSync(path);
  try {
    // So that it is one file, whoever opens it.
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA trusted_schema = OFF');
    const broken = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    if (broken !== 'ok') return fail('hub-storage', `damaged: ${String(broken)}`);
    layOutStore(database);
    let parts = 0;
    for (const row of database.prepare("SELECT subject, sealed FROM payload WHERE what = 'part' AND addressee = 'keeper'").iterate()) {
      const { subject, sealed } = row as { subject: Uint8Array; sealed: Uint8Array };
      const opened = await openSealed(sealed, 'part', subject, opener);
      if (!opened.ok || decodeOpenedPart(opened.value) === undefined) return fail('hub-storage', 'a private part does not open with this keeper’s key');
      parts += 1;
    }
    const count = (sql: string): number => Number(database.prepare(sql).get()?.['n']);
    return ok({
      spaces: count('SELECT count(*) AS n FROM space'),
      objects: count('SELECT count(*) AS n FROM object'),
      parts,
      queued: count("SELECT count(*) AS n FROM tx WHERE state = 'queued'"),
    });
  } finally {
    database.close();
  }
}

function putInPlace(part: string, path: string): void {
  sync(part);
  renameSync(part, path);
  sync(dirname(path));
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What SQLite and the file system refuse is a value. */
async function onDisk<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreMismatch) return fail('hub-storage', error.message);
    if (error instanceof Error && 'errcode' in error) return fail('hub-storage', `sqlite-${Number(error.errcode) & 0xff}`);
    if (error instanceof Error && 'syscall' in error && 'code' in error) return fail('hub-storage', String(error.code));
    throw error;
  }
}
