import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { copyAside, discard, makeFolder, sync, writeSynced } from '../ledger/engines/at-rest.ts';
import { storageFailure } from '../ledger/engines/storage-failure.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import { checkAskBook } from './ask-book.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import { checkStore, type StoreFacts } from './store-check.ts';

/** What a keeper has on this machine's disk. */
export interface KeeperFiles {
  /** null: it lies on a server that several hubs share, and is copied by that server's own means. */
  store: string | null;
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

export interface BackupFacts {
  store: StoreFacts | null;
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
  if (files.store !== null && !existsSync(files.store)) return fail('hub-storage', 'the keeper’s store is missing');
  return onDisk(async () => {
    const made = makeFolder(out);
    if (!made.ok) return made;
    const { part, finish } = made.value;
    const copies = inFolder(part, { ...files, asks: files.asks !== null && existsSync(files.asks) ? files.asks : null });
    for (const { from, to } of databases(files, copies)) await copyDatabase(from, to);
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
  const kept = inFolder(folder, { ...files, asks: existsSync(join(folder, names.asks)) ? files.asks : null });
  if ((kept.store !== null && !existsSync(kept.store)) || !existsSync(kept.lists)) return fail('hub-storage', `${folder} is no backup of this keeper’s`);
  const targets = databases(kept, files);
  const there = targets.flatMap(({ to }) => [to, `${to}-wal`]).find((path) => existsSync(path));
  if (there !== undefined) return fail('hub-storage', `${there} is there: nothing is written over`);
  return onDisk(async () => {
    for (const target of targets) {
      copyAside(target.from, partOf(target.to));
      chmodSync(partOf(target.to), 0o600);
    }
    const aside = { store: files.store === null ? null : partOf(files.store), asks: files.asks === null || kept.asks === null ? null : partOf(files.asks), lists: kept.lists };
    const checked = await onDisk(() => checkFiles(aside, key));
    if (!checked.ok) {
      for (const { to } of targets) discard(partOf(to));
      return checked;
    }
    mkdirSync(files.lists, { recursive: true });
    copyLists(kept.lists, files.lists);
    for (const { to } of targets) {
      renameSync(partOf(to), to);
      sync(dirname(to));
    }
    return checked;
  });
}

/** Those of the wished that there are. */
const inFolder = (folder: string, { store, asks }: KeeperFiles): KeeperFiles => ({
  store: store === null ? null : join(folder, names.store),
  asks: asks === null ? null : join(folder, names.asks),
  lists: join(folder, names.lists),
});

/** Each from where to where; the store last: where it is in place, everything is. */
function databases(from: KeeperFiles, to: KeeperFiles): { from: string; to: string }[] {
  return (['asks', 'store'] as const).flatMap((name) => {
    const [source, target] = [from[name], to[name]];
    return source === null || target === null ? [] : [{ from: source, to: target }];
  });
}

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
  const stored = store === null ? ok(null) : await checkFile(store, () => checkStoreFile(store, opener));
  if (!stored.ok) return stored;
  const asked = asks === null ? ok(0) : await checkFile(asks, () => checkAskBook(asks, secret));
  if (!asked.ok) return asked;
  const listed = listsIn(lists);
  const damaged = listed.find((name) => name !== `${toHex(nodeCrypto.sha256(readFileSync(join(lists, name))))}.jwt`);
  if (damaged !== undefined) return fail('hub-storage', `damaged: ${damaged}`);
  return ok({ store: stored.value, asks: asked.value, lists: listed.length });
}

async function checkStoreFile(path: string, opener: Opener): Promise<Result<StoreFacts>> {
  const opened = openSqliteDatabase(path);
  if (!opened.ok) return opened;
  const checked = await checkStore(opened.value, opener);
  await opened.value.close();
  return checked;
}

/** The file's own structure, and what is in it. */
async function checkFile<T>(path: string, look: () => Promise<Result<T>> | Result<T>): Promise<Result<T>> {
  const broken = onFile(path, (database) => database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check']);
  if (broken !== 'ok') return fail('hub-storage', `damaged: ${String(broken)}`);
  const looked = await look();
  // So that it is one file, whoever opens it.
  onFile(path, (database) => database.exec('PRAGMA journal_mode = DELETE'));
  sync(path);
  return looked;
}

function onFile<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA trusted_schema = OFF');
    return work(database);
  } finally {
    database.close();
  }
}

/** What SQLite and the file system refuse is a value. */
async function onDisk<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    return storageFailure(error);
  }
}
