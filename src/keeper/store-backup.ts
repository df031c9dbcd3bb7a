import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { copyAside, discard, makeFolder, sync, writeSynced } from '../ledger/engines/at-rest.ts';
import { storageFailure } from '../ledger/engines/storage-failure.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { toHex } from '../ledger/verify/bytes.ts';
import { checkAskBook, copyAsks, openAskFile } from './ask-book.ts';
import type { SqlDatabase } from './sql-database.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import { checkStore, type StoreFacts } from './store-check.ts';
import { copyStore } from './store-copy.ts';

/** What a keeper has. */
export interface KeeperFiles {
  /** Path of its file on this machine, or the server that several hubs share. */
  store: string | SqlDatabase;
  /** Book of asks of this hub alone; null: it has no gateway, so nobody asks. */
  asks: string | null;
  /** Folder of the status lists that were published, each under its hash. */
  lists: string;
}

/** The same as files, all of them. */
type KeeperCopy = Omit<KeeperFiles, 'store'> & { store: string };

/** The keeper's sealing key: what opens, and its raw private half. */
export interface KeeperKey {
  opener: Opener;
  secret: Uint8Array;
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
  const { store, asks, lists } = files;
  if (typeof store === 'string' && !existsSync(store)) return fail('hub-storage', 'the keeper’s store is missing');
  return onDisk(async () => {
    const made = makeFolder(out);
    if (!made.ok) return made;
    const { part, finish } = made.value;
    const copies = inFolder(part, typeof store !== 'string' || (asks !== null && existsSync(asks)));
    const copied = typeof store === 'string' ? await copyDatabase(store, copies.store) : await withFile(copies.store, (file) => copyStore(store, file));
    if (!copied.ok) return copied;
    if (copies.asks !== null) {
      const asked = typeof store === 'string' ? await copyDatabase(asks ?? '', copies.asks) : await copySharedAsks(store, asks, copies.asks);
      if (!asked.ok) return asked;
    }
    mkdirSync(copies.lists, { mode: 0o700 });
    if (existsSync(lists)) copyLists(lists, copies.lists);
    const checked = await checkFiles(copies, key);
    if (checked.ok) finish();
    return checked;
  });
}

/**
 * Puts a backup where the files were, looked through first; the data spaces also from a file of one hub onto a server that several share. Nothing is
 * written over: what is damaged is put aside by whoever restores.
 */
export async function restoreKeeper({ store, asks, lists }: KeeperFiles, from: string, key: KeeperKey): Promise<Result<BackupFacts>> {
  const folder = resolve(from);
  const kept = inFolder(folder, asks !== null && existsSync(join(folder, names.asks)));
  if (!existsSync(kept.store) || !existsSync(kept.lists)) return fail('hub-storage', `${folder} is no backup`);
  // The store last: where it is in place, everything is.
  const targets = [...(asks !== null && kept.asks !== null ? [{ from: kept.asks, to: asks }] : []), ...(typeof store === 'string' ? [{ from: kept.store, to: store }] : [])];
  const there = targets.flatMap(({ to }) => [to, `${to}-wal`]).find((path) => existsSync(path));
  if (there !== undefined) return fail('hub-storage', `${there} is there: nothing is written over`);
  return onDisk(async () => {
    const aside = { store: partOf(typeof store === 'string' ? store : lists), asks: asks === null || kept.asks === null ? null : partOf(asks), lists: kept.lists };
    for (const [path, part] of [[kept.store, aside.store], ...(kept.asks === null || aside.asks === null ? [] : [[kept.asks, aside.asks] as const])] as const) {
      copyAside(path, part);
      chmodSync(part, 0o600);
    }
    const checked = await onDisk(() => checkFiles(aside, key));
    const taken = checked.ok && typeof store !== 'string' ? await withFile(aside.store, (file) => copyStore(file, store)) : checked;
    if (!checked.ok || !taken.ok || typeof store !== 'string') discard(aside.store);
    if (!checked.ok || !taken.ok) {
      if (aside.asks !== null) discard(aside.asks);
      return taken.ok ? checked : taken;
    }
    mkdirSync(lists, { recursive: true });
    copyLists(kept.lists, lists);
    for (const { to } of targets) {
      renameSync(partOf(to), to);
      sync(dirname(to));
    }
    return checked;
  });
}

const inFolder = (folder: string, hasAsks: boolean): KeeperCopy => ({
  store: join(folder, names.store),
  asks: hasAsks ? join(folder, names.asks) : null,
  lists: join(folder, names.lists),
});

const partOf = (path: string): string => `${path}.part`;

async function copyDatabase(from: string, to: string): Promise<Result<null>> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(source, to, { rate: allPages });
  } finally {
    source.close();
  }
  chmodSync(to, 0o600);
  return ok(null);
}

/** Of hubs that share a keeper: in a file all the same, which the next hub that starts takes in. With what this hub's own file has and it has not taken in yet. */
async function copySharedAsks(store: SqlDatabase, own: string | null, to: string): Promise<Result<null>> {
  const file = openAskFile(to);
  if (!file.ok) return file;
  chmodSync(to, 0o600);
  let copied = await copyAsks(store, file.value);
  if (copied.ok && own !== null && existsSync(own)) {
    const before = openAskFile(own);
    copied = before.ok ? await copyAsks(before.value, file.value) : before;
    if (before.ok) await before.value.close();
  }
  await file.value.close();
  return copied;
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
async function checkFiles({ store, asks, lists }: KeeperCopy, { opener, secret }: KeeperKey): Promise<Result<BackupFacts>> {
  const stored = await checkFile(store, () => withFile(store, (file) => checkStore(file, opener)));
  if (!stored.ok) return stored;
  const asked = asks === null ? ok(0) : await checkFile(asks, () => checkAskBook(asks, secret));
  if (!asked.ok) return asked;
  const listed = listsIn(lists);
  const damaged = listed.find((name) => name !== `${toHex(nodeCrypto.sha256(readFileSync(join(lists, name))))}.jwt`);
  if (damaged !== undefined) return fail('hub-storage', `damaged: ${damaged}`);
  return ok({ ...stored.value, asks: asked.value, lists: listed.length });
}

async function withFile<T>(path: string, work: (file: SqlDatabase) => Promise<Result<T>>): Promise<Result<T>> {
  const opened = openSqliteDatabase(path);
  if (!opened.ok) return opened;
  const done = await work(opened.value);
  await opened.value.close();
  return done;
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
