import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { copyAside, discard, inspect, isFree, makeFolder, mayGoOn, putInPlace, sync, writeSynced, type LedgerFiles } from './engines/at-rest.ts';
import { openLedgerFileToRead } from './engines/ledger-file.ts';
import { storageFailure } from './engines/storage-failure.ts';
import { encodeGenesis, type Genesis } from './genesis.ts';
import { equalBytes } from './verify/bytes.ts';

/** What a backup holds, once it was checked. */
export interface BackupFacts {
  height: number;
  entries: number;
  /** Of the last block, Unix milliseconds. */
  timeMs: number;
}

/** In a backup's folder: the ledger, its genesis, and the signed head it ends with, to be kept somewhere else as well. */
const names = { ledger: 'ledger.sqlite', genesis: 'genesis.cbor', head: 'head.cbor' };

/**
 * Of an embedded ledger, of one moment, while its hub goes on: a second process reads beside the writer. The copy is looked through whole and held
 * against its signed head before it gets its name, so a folder of this name is a good backup. `hub-storage`: what is wrong, or which path is there already.
 */
export async function backUp({ path, genesis }: LedgerFiles, out: string): Promise<Result<BackupFacts>> {
  if (!existsSync(path)) return fail('hub-storage', 'the ledger’s file is missing');
  try {
    const made = makeFolder(out);
    if (!made.ok) return made;
    const { part, finish } = made.value;
    const file = join(part, names.ledger);
    const source = openLedgerFileToRead(path);
    try {
      await backup(source, file, { rate: allPages });
    } finally {
      source.close();
    }
    chmodSync(file, 0o600);
    const checked = checkCopy(file, genesis);
    if (!checked.ok) return checked;
    sync(file);
    writeSynced(join(part, names.genesis), encodeGenesis(genesis));
    writeSynced(join(part, names.head), checked.value.head);
    finish();
    return ok(checked.value.facts);
  } catch (error) {
    return storageFailure(error);
  }
}

/** In one step, so that the source is not begun again when its writer commits in between. */
const allPages = 2 ** 31 - 1;

function checkCopy(path: string, genesis: Genesis): Result<{ head: Uint8Array; facts: BackupFacts }> {
  const database = new DatabaseSync(path);
  try {
    // So that it is one file, whoever opens it.
    database.exec('PRAGMA journal_mode = DELETE');
    const seen = inspect(database, genesis);
    if (!seen.ok) return seen;
    const { head, last } = seen.value;
    return ok({ head, facts: { height: last.header.height, entries: last.logSize, timeMs: last.timeMs } });
  } finally {
    database.close();
  }
}

/**
 * Puts a backup where the ledger was. Nothing is written over, and nothing is put there that ends before the last head that was signed (`mayGoOn`).
 * What breaks off leaves a `.part` that the next try takes away.
 */
export function restore(files: LedgerFiles, from: string, { isGuardLost }: { isGuardLost: boolean }): Result<BackupFacts> {
  const folder = resolve(from);
  const part = `${files.path}.part`;
  try {
    const free = isFree(files);
    if (!free.ok) return free;
    if (![names.ledger, names.head].every((name) => existsSync(join(folder, name)))) return fail('hub-storage', `${folder} is no backup: it has no ${names.ledger} with its ${names.head}`);
    copyAside(join(folder, names.ledger), part);
    const head = new Uint8Array(readFileSync(join(folder, names.head)));
    const database = new DatabaseSync(part);
    const settled = ((): Result<() => BackupFacts> => {
      try {
        const seen = inspect(database, files.genesis);
        if (!seen.ok) return seen;
        if (!equalBytes(seen.value.head, head)) return fail('hub-storage', 'the backup does not end with the head that lies beside it');
        const may = mayGoOn(seen.value, files.guardPath, isGuardLost);
        if (!may.ok) return may;
        const { last } = seen.value;
        return ok(() => {
          putInPlace(part, files, last);
          return { height: last.header.height, entries: last.logSize, timeMs: last.timeMs };
        });
      } finally {
        database.close();
      }
    })();
    if (settled.ok) return ok(settled.value());
    discard(part);
    return settled;
  } catch (error) {
    return storageFailure(error);
  }
}
