import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { beginApplication, openApplication, putTip, type Tip } from './application.ts';
import type { BackupFacts } from './backup.ts';
import { discard, inspect, isFree, makeFolder, mayGoOn, putInPlace, writeSynced, type LedgerFiles } from './engines/at-rest.ts';
import { ChainStore, isChainBlock, isSigned, type ChainBlock } from './engines/chain.ts';
import { openLedgerFileToRead } from './engines/ledger-file.ts';
import { storageFailure } from './engines/storage-failure.ts';
import { inTransaction } from './engines/transaction.ts';
import type { Genesis } from './genesis.ts';
import { nodeCrypto } from './node-crypto.ts';
import { importSnapshot, inChunks, itemsIn, snapshotChunks, SnapshotRefused } from './snapshot.ts';
import { appHash } from './verify/block.ts';
import { equalBytes } from './verify/bytes.ts';
import { decodeCbor, encodeCbor } from './verify/cbor.ts';
import { isBytes, isInt, isList, isMap, isOneOf, isText, type Shape } from './verify/shape.ts';

const crypto = nodeCrypto;

/**
 * `index.cbor` of an export's folder. Beside it `ledger-<n>`, the chunks of snapshot.ts, and `blocks-<n>`, of an embedded ledger: in the same
 * framing one item a block, `ChainBlock` of engines/chain.ts. All hashes are SHA-256 of a file.
 */
interface Index {
  v: 1;
  chain: string;
  height: number;
  ledger: Uint8Array[];
  blocks: Uint8Array[];
}
const hashes = isList(isBytes(32), 1, 100_000);
const isIndex: Shape<Index> = isMap({ v: isOneOf(1), chain: isText(/^[a-z0-9-]{1,20}$/), height: isInt(1, Number.MAX_SAFE_INTEGER), ledger: hashes, blocks: hashes });
const indexFile = 'index.cbor';

/** Of one moment, while the hub goes on; from any file format that this program reads to one that is said byte by byte. A folder of this name is complete. */
export function exportLedger({ path, genesis }: LedgerFiles, out: string): Result<BackupFacts> {
  if (!existsSync(path)) return fail('hub-storage', 'the ledger’s file is missing');
  try {
    const made = makeFolder(out);
    if (!made.ok) return made;
    const { part, finish } = made.value;
    const database = openLedgerFileToRead(path);
    try {
      const seen = inspect(database, genesis);
      if (!seen.ok) return seen;
      const { application, blocks, last } = seen.value;
      const write = (name: string, chunks: Iterable<Uint8Array>): Uint8Array[] => {
        const written: Uint8Array[] = [];
        for (const chunk of chunks) {
          writeSynced(join(part, `${name}-${written.length}`), chunk);
          written.push(crypto.sha256(chunk));
        }
        return written;
      };
      const index: Index = {
        v: 1,
        chain: genesis.chain,
        height: last.header.height,
        ledger: write('ledger', snapshotChunks(database, genesis, crypto)),
        blocks: write('blocks', inChunks(blocks.from(application.start + 1))),
      };
      writeSynced(join(part, indexFile), encodeCbor(index));
      finish();
      return ok({ height: last.header.height, entries: last.logSize, timeMs: last.timeMs });
    } finally {
      database.close();
    }
  } catch (error) {
    return storageFailure(error);
  }
}

/**
 * Builds an embedded ledger anew from an export: log and state from envelopes and values, and every block held against the one before it and the
 * validator's signature. As `restore`, it puts nothing there that ends before the last head that was signed, and writes nothing over.
 */
export function importLedger(files: LedgerFiles, from: string, { isGuardLost }: { isGuardLost: boolean }): Result<BackupFacts> {
  const folder = resolve(from);
  const part = `${files.path}.part`;
  try {
    const free = isFree(files);
    if (!free.ok) return free;
    discard(part);
    const index = decodeCbor(new Uint8Array(readFileSync(join(folder, indexFile))));
    if (!isIndex(index)) return fail('hub-storage', `${folder} is no export`);
    const built = build(part, folder, index, files, isGuardLost);
    if (!built.ok) {
      discard(part);
      return built;
    }
    putInPlace(part, files, built.value);
    return ok({ height: built.value.header.height, entries: built.value.logSize, timeMs: built.value.timeMs });
  } catch (error) {
    if (error instanceof SnapshotRefused) return fail('hub-storage', `export: ${error.message}`);
    return storageFailure(error);
  }
}

function build(path: string, folder: string, index: Index, { genesis, guardPath }: LedgerFiles, isGuardLost: boolean): Result<ChainBlock> {
  const database = new DatabaseSync(path);
  try {
    // It has no name yet that anybody would believe: what breaks off is thrown away, so nothing need be rolled back.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
    const brought = inTransaction(database, (): Result<null> => {
      const tip = importSnapshot(database, filesOf(folder, 'ledger', index.ledger), genesis, crypto);
      return tip.ok ? takeBlocks(database, itemsIn(filesOf(folder, 'blocks', index.blocks)), tip.value, genesis) : tip;
    });
    if (!brought.ok) return brought;
    const seen = inspect(database, genesis);
    if (!seen.ok) return seen;
    const may = mayGoOn(seen.value, guardPath, isGuardLost);
    return may.ok ? ok(seen.value.last) : may;
  } finally {
    database.close();
  }
}

/** Read when they are asked for, one in memory at a time. */
function* filesOf(folder: string, name: string, expected: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const [number, hash] of expected.entries()) {
    const chunk = new Uint8Array(readFileSync(join(folder, `${name}-${number}`)));
    if (!equalBytes(crypto.sha256(chunk), hash)) throw new SnapshotRefused(`${name}-${number} is damaged`);
    yield chunk;
  }
}

function takeBlocks(database: DatabaseSync, items: Iterable<unknown>, tip: Tip, genesis: Genesis): Result<null> {
  const store = new ChainStore(database, genesis, crypto);
  const entriesOf = database.prepare('SELECT count(*) AS count FROM log_leaf WHERE position >= ? AND position < ? AND height = ?');
  let end = beginning(genesis);
  let last: ChainBlock | null = null;
  for (const block of items) {
    const refused = (why: string): Result<never> => fail('hub-storage', `export: block ${end.height + 1} ${why}`);
    if (!isChainBlock(block) || !isSigned(block, genesis, crypto)) return refused('is not as this validator signed it');
    const { header, hash, commit, timeMs, count, logSize, logRoot, stateRoot } = block;
    const isNext = header.height === end.height + 1 && (last === null ? header.lastBlockId === null : equalBytes(header.lastBlockId?.hash ?? noBytes, last.hash));
    if (!isNext) return refused('does not follow the one before it');
    if (!equalBytes(header.appHash, appHash(end.logRoot, end.logSize, end.stateRoot, crypto))) return refused('is not on the log and state before it');
    const { count: entries } = entriesOf.get(end.logSize, logSize, header.height) as { count: number };
    if (logSize - end.logSize !== count || entries !== count) return refused('has other entries');
    store.append({ header, hash, commit, timeMs, count, logSize, logRoot, stateRoot });
    end = { height: header.height, timeMs, logSize, logRoot, stateRoot };
    if (end.height < tip.height) putTip(database, end);
    last = block;
  }
  return end.height === tip.height ? ok(null) : fail('hub-storage', 'export: log and state end elsewhere than the blocks');
}

const noBytes = new Uint8Array();

/** Before the first block. */
function beginning(genesis: Genesis): Tip {
  const empty = new DatabaseSync(':memory:');
  try {
    const begun = beginApplication(empty, genesis, crypto);
    const application = begun.ok ? openApplication(empty, genesis, crypto) : begun;
    if (!application.ok) throw new SnapshotRefused('the genesis is refused');
    return application.value.tip();
  } finally {
    empty.close();
  }
}
