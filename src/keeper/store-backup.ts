import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed } from '../identity/sealing.ts';
import { copyAside, discard, makeFolder, sync, writeSynced } from '../ledger/engines/at-rest.ts';
import { storageFailure } from '../ledger/engines/storage-failure.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import { decodeOpenedPart } from '../ledger/verify/private-part.ts';
import { checkAskBook } from './ask-book.ts';
import { layOutStore } from './sqlite-schema.ts';

/** What a keeper has on this machine's disk. */
export interface KeeperFiles {
  store: string;
  /** Book of asks; null: this hub has no gateway, so nobody asks. */
  asks: string | null;
  /** Folder of the status lists that were published, each under its hash. */
  lists: string;
}

/** The keeper's sealing key: what opens, and its raw private half. */
export interface KeeperKey {
  opener: Opener;
  secret: Uint8Array;
}

/** What a store holds, once it was looked through. */
export interface StoreFacts {
  spaces: number;
  objects: number;
  /** Private parts that the keeper opened, one by one. */
  parts: number;
  /** Given to the ledger and not settled yet. */
  queued: number;
}

export interface BackupFacts extends StoreFacts {
  asks: number;
  lists: number;
}

/** In a backup's folder. What is revoked (`status.sqlite`) is read anew from the ledger. */
const names = { store: 'keeper.sqlite', asks: 'asks.sqlite', lists: 'status-lists' };

/**
 * Of a keeper's files, each of one moment, while its hub goes on. The copies are looked through before the folder gets its name, so a folder of this name
 * is a good backup. `hub-storage`: what is wrong, or which path is there already.
 */
export async function backUpKeeper(files: KeeperFiles, out: string, key: KeeperKey): Promise<Result<BackupFacts>> {
  if (!existsSync(files.store)) return fail('hub-storage', 'the keeper’s store is missing');
  return onDisk(async () => {
    const made = makeFolder(out);
    if (!made.ok) return made;
    const { part, finish } = made.value;
    const hasAsks = files.asks !== null && existsSync(files.asks);
    const copies = inFolder(part, hasAsks);
    await copyDatabase(files.store, copies.store);
    if (files.asks !== null && copies.asks !== null) await copyDatabase(files.asks, copies.asks);
    mkdirSync(copies.lists, { mode: 0o700 });
    if (existsSync(files.lists)) copyLists(files.lists, copies.lists);
    const checked = await checkFiles(copies, key);
    if (checked.ok) finish();
    return checked;
  });
}

/** Puts a backup where the files were, looked through first. Nothing is written over: what is damaged is put aside by whoever restores. */
export async function restoreKeeper(files: KeeperFiles, from: string, key: KeeperKey): Promise<Result<BackupFacts>> {
  const folder = resolve(from);
  const kept = inFolder(folder, files.asks !== null && existsSync(join(folder, names.asks)));
  if (!existsSync(kept.store) || !existsSync(kept.lists)) return fail('hub-storage', `${folder} is no backup`);
  const targets = [
    ...(files.asks !== null && kept.asks !== null ? [{ from: kept.asks, path: files.asks }] : []),
    // Last: where it is in place, everything is.
    { from: kept.store, path: files.store },
  ];
  const there = targets.flatMap(({ path }) => [path, `${path}-wal`]).find((path) => existsSync(path));
  if (there !== undefined) return fail('hub-storage', `${there} is there: nothing is written over`);
  return onDisk(async () => {
    for (const target of targets) {
      copyAside(target.from, partOf(target.path));
      chmodSync(partOf(target.path), 0o600);
    }
    const aside = { store: partOf(files.store), asks: files.asks === null || kept.asks === null ? null : partOf(files.asks), lists: kept.lists };
    const checked = await onDisk(() => checkFiles(aside, key));
    if (!checked.ok) {
      for (const { path } of targets) discard(partOf(path));
      return checked;
    }
    mkdirSync(files.lists, { recursive: true });
    copyLists(kept.lists, files.lists);
    for (const { path } of targets) {
      renameSync(partOf(path), path);
      sync(dirname(path));
    }
    return checked;
  });
}

const inFolder = (folder: string, hasAsks: boolean): KeeperFiles => ({
  store: join(folder, names.store),
  asks: hasAsks ? join(folder, names.asks) : null,
  lists: join(folder, names.lists),
});
const partOf = (path: string): string => `${path}.part`;

async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(source, to, { rate: allPages });
  } finally {
    source.close();
  }
  chmodSync(to, 0o600);
}

/** In one step, so that the source is not begun again when its writer commits in between. */
const allPages = 2 ** 31 - 1;

/** Those that are not there yet: a file's name is its hash. */
function copyLists(from: string, to: string): void {
  for (const name of listsIn(from)) if (!existsSync(join(to, name))) writeSynced(join(to, name), readFileSync(join(from, name)));
  sync(to);
}

/** What is being written has another ending. */
const listsIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.jwt'));

/** Looked through, and on the disk. */
async function checkFiles({ store, asks, lists }: KeeperFiles, { opener, secret }: KeeperKey): Promise<Result<BackupFacts>> {
  const stored = await checkFile(store, (database) => checkStore(database, opener));
  if (!stored.ok) return stored;
  const asked = asks === null ? ok(0) : await checkFile(asks, (database) => checkAskBook(database, secret));
  if (!asked.ok) return asked;
  const listed = listsIn(lists);
  const damaged = listed.find((name) => name !== `${toHex(nodeCrypto.sha256(readFileSync(join(lists, name))))}.jwt`);
  if (damaged !== undefined) return fail('hub-storage', `damaged: ${damaged}`);
  return ok({ ...stored.value, asks: asked.value, lists: listed.length });
}

/** The file's own structure, its form, and what is in it. */
async function checkFile<T>(path: string, look: (database: DatabaseSync) => Promise<Result<T>> | Result<T>): Promise<Result<T>> {
  const database = new DatabaseSync(path);
  try {
    // So that it is one file, whoever opens it.
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA trusted_schema = OFF');
    const broken = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    if (broken !== 'ok') return fail('hub-storage', `damaged: ${String(broken)}`);
    return await look(database);
  } finally {
    database.close();
    sync(path);
  }
}

/** That every private part sealed to the keeper opens with its key: a backup of another keeper's is none. */
async function checkStore(database: DatabaseSync, opener: Opener): Promise<Result<StoreFacts>> {
  const laidOut = layOutStore(database);
  if (!laidOut.ok) return laidOut;
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
}

/** What SQLite and the file system refuse is a value. */
async function onDisk<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    return storageFailure(error);
  }
}
