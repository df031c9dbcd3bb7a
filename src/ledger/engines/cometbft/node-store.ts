import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { dirname } from 'node:path';
import { fail, ok, type Result } from '../../../contract/result.ts';
import { beginApplication, isBegun, layOutApplication, LedgerApplication, openApplication, renewFormat, unsignedDetail } from '../../application.ts';
import type { Genesis } from '../../genesis.ts';
import type { Crypto } from '../../verify/crypto.ts';
import { isUnsignedChain } from '../../verify/unsigned-chain.ts';
import { openLedgerFile, openLedgerFileToFollow } from '../ledger-file.ts';
import { checkTables } from '../tables.ts';
import { inTransaction } from '../transaction.ts';

interface Opened {
  database: DatabaseSync;
  following: DatabaseSync;
  writing: LedgerApplication;
  committed: LedgerApplication;
}

/** A node's ledger: one connection that writes, and a second, read-only one that shows what is committed while a block stands open on the first. */
export class NodeStore {
  readonly path: string;
  readonly #genesis: Genesis;
  readonly #crypto: Crypto;
  #opened: Opened;

  private constructor(path: string, genesis: Genesis, crypto: Crypto, opened: Opened) {
    this.path = path;
    this.#genesis = genesis;
    this.#crypto = crypto;
    this.#opened = opened;
  }

  /** Begins the chain where there is no file. `hub-storage` where it is damaged or another chain's. Throws what SQLite throws. */
  static open(path: string, genesis: Genesis, crypto: Crypto): Result<NodeStore> {
    const opened = openBoth(path, genesis, crypto);
    return opened.ok ? ok(new NodeStore(path, genesis, crypto, opened.value)) : opened;
  }

  get database(): DatabaseSync {
    return this.#opened.database;
  }

  get writing(): LedgerApplication {
    return this.#opened.writing;
  }

  get committed(): LedgerApplication {
    return this.#opened.committed;
  }

  /** The ledger of another file, which is closed and whole, in the place of this one. Throws where it cannot be opened there. */
  replaceBy(path: string): void {
    this.close();
    for (const beside of ['-wal', '-shm']) rmSync(`${this.path}${beside}`, { force: true });
    renameSync(path, this.path);
    const folder = openSync(dirname(this.path), 'r');
    fsyncSync(folder);
    closeSync(folder);
    const opened = openBoth(this.path, this.#genesis, this.#crypto);
    if (!opened.ok) throw new Error(opened.failure.detail);
    this.#opened = opened.value;
  }

  close(): void {
    this.#opened.following.close();
    this.#opened.database.close();
  }
}

function openBoth(path: string, genesis: Genesis, crypto: Crypto): Result<Opened> {
  const files: DatabaseSync[] = [];
  const closing = <T>(result: T): T => {
    for (const file of files.toReversed()) file.close();
    return result;
  };
  try {
    const database = openLedgerFile(path);
    files.push(database);
    const writing = openWhole(database, genesis, crypto);
    if (!writing.ok) return closing(writing);
    const following = openLedgerFileToFollow(path);
    files.push(following);
    const committed = openApplication(following, genesis, crypto);
    if (!committed.ok) return closing(committed);
    return ok({ database, following, writing: writing.value, committed: committed.value });
  } catch (error) {
    throw closing(error);
  }
}

function openWhole(database: DatabaseSync, genesis: Genesis, crypto: Crypto): Result<LedgerApplication> {
  if (isUnsignedChain(genesis.chain)) return fail('hub-storage', unsignedDetail);
  checkTables(database, (empty) => {
    layOutApplication(empty, genesis, 0);
    new LedgerApplication(empty, { chain: genesis.chain, start: 0 }, crypto);
  });
  if (!isBegun(database)) {
    const begun = inTransaction(database, () => beginApplication(database, genesis, crypto));
    if (!begun.ok) return begun;
  }
  const opened = openApplication(database, genesis, crypto);
  if (!opened.ok) return opened;
  const sound = opened.value.check();
  if (sound.ok) renewFormat(database);
  return sound.ok ? opened : sound;
}
