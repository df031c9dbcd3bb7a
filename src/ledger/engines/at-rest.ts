import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../../contract/result.ts';
import { appHashOf, isWholeFile, openApplication, type LedgerApplication } from '../application.ts';
import type { Genesis } from '../genesis.ts';
import { nodeCrypto } from '../node-crypto.ts';
import { equalBytes } from '../verify/bytes.ts';
import { encodeHead } from '../verify/head.ts';
import { ChainStore, headOf, type ChainBlock } from './chain.ts';
import { beginHeadGuard, HeadGuard, type SignedMark } from './head-guard.ts';

/** An embedded ledger's files, looked at without its engine: for what is copied away, brought back, or handed on. */

export interface LedgerFiles {
  path: string;
  guardPath: string;
  genesis: Genesis;
}

export interface LedgerAtRest {
  application: LedgerApplication;
  blocks: ChainStore;
  last: ChainBlock;
  /** Of `last`, in which nothing changes: what log and state are. */
  head: Uint8Array;
}

/** The whole file looked through, and its end against the last block, which this genesis's validator signed. `hub-storage` names what is wrong. Throws what SQLite throws, and `LedgerDamage`. */
export function inspect(database: DatabaseSync, genesis: Genesis): Result<LedgerAtRest> {
  if (!isWholeFile(database)) return fail('hub-storage', 'the file is damaged');
  const application = openApplication(database, genesis, nodeCrypto);
  if (!application.ok) return application;
  const sound = application.value.check(0);
  if (!sound.ok) return sound;
  const blocks = new ChainStore(database, genesis, nodeCrypto);
  const last = blocks.last();
  const tip = application.value.tip();
  const isEnd = last?.header.height === tip.height && equalBytes(last.header.appHash, appHashOf(tip, nodeCrypto));
  if (!isEnd) return fail('hub-storage', 'the last block is not where log and state end');
  return ok({ application: application.value, blocks, last, head: encodeHead(headOf(last, last, genesis)) });
}

/** Whether an engine may go on from these blocks: never where it has signed more, or another history, before. Without the record of that, only where `isGuardLost` says that somebody knows. */
export function mayGoOn({ blocks, last }: Pick<LedgerAtRest, 'blocks' | 'last'>, guardPath: string, isGuardLost: boolean): Result<null> {
  const mark = markIn(guardPath);
  if (mark === null) {
    return isGuardLost
      ? ok(null)
      : fail('hub-storage', `${guardPath} is missing or empty: nobody knows whether more was signed than height ${last.header.height}. Bring it back; where it is lost with its disk and this is the newest copy for certain, say --guard-lost`);
  }
  if (mark.height > last.header.height) {
    return fail(
      'hub-storage',
      `this ends at height ${last.header.height}, and height ${mark.height} was signed: to go on from here would tell a second story of what lies between. Take a newer copy, or the ledger’s own file`,
    );
  }
  const signed = blocks.at(mark.height);
  return signed !== undefined && equalBytes(signed.hash, mark.hash) ? ok(null) : fail('hub-storage', `height ${mark.height} was signed with another history`);
}

/** null: the record is missing, or empty. */
function markIn(guardPath: string): SignedMark | null {
  if (!existsSync(guardPath)) return null;
  const guard = new HeadGuard(guardPath, nodeCrypto);
  const mark = guard.newest;
  guard.close();
  return mark;
}

/** Where a ledger is to be put there is none, and nothing of one that SQLite would take for its own. */
export function isFree({ path }: Pick<LedgerFiles, 'path'>): Result<null> {
  const there = ['', '-wal', '-shm'].map((end) => path + end).find((file) => existsSync(file));
  return there === undefined ? ok(null) : fail('hub-storage', `${there} is there: nothing is written over. Move it away first`);
}

/** The finished file takes its place in one step, and where the record of the last head was lost it begins anew with this one. */
export function putInPlace(part: string, { path, guardPath }: LedgerFiles, { header, hash }: Pick<ChainBlock, 'header' | 'hash'>): void {
  if (markIn(guardPath) === null) {
    beginHeadGuard(guardPath);
    const guard = new HeadGuard(guardPath, nodeCrypto);
    guard.write({ height: header.height, hash });
    guard.close();
  }
  sync(part);
  renameSync(part, path);
  sync(dirname(path));
}

/** A folder that gets its name when it is whole: so one of that name is complete. */
export interface FolderInMaking {
  /** Where it is filled. What breaks off stays there, until the next try takes it away. */
  part: string;
  /** Everything in it is on the disk. */
  finish(): void;
}

/** `hub-storage` where it is there already. Throws what the file system throws. */
export function makeFolder(path: string): Result<FolderInMaking> {
  const free = isFreeFolder(path);
  if (!free.ok) return free;
  const folder = resolve(path);
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true, mode: 0o700 });
  return ok({
    part,
    finish: () => {
      sync(part);
      renameSync(part, folder);
      sync(dirname(folder));
    },
  });
}

export const isFreeFolder = (path: string): Result<null> => (existsSync(path) ? fail('hub-storage', `${resolve(path)} is there: nothing is written over`) : ok(null));

/** A copy for work in progress; what an earlier try left of one goes. */
export function copyAside(from: string, part: string): void {
  discard(part);
  copyFileSync(from, part);
}

export function discard(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal', '.lock']) rmSync(path + end, { force: true });
}

/** New, and on the disk when it returns. */
export function writeSynced(path: string, content: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A file, or what a folder names. */
export function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
