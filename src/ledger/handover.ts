import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail, ok, type Result } from '../contract/result.ts';
import { putSuccessor, successorOf, type Tip } from './application.ts';
import { discard, inspect, isFree, isFreeFolder, makeFolder, sync, writeSynced, type LedgerAtRest, type LedgerFiles } from './engines/at-rest.ts';
import { genesisJson } from './engines/cometbft/node-files.ts';
import { HeadGuard } from './engines/head-guard.ts';
import { openLedgerFile } from './engines/ledger-file.ts';
import { storageFailure } from './engines/storage-failure.ts';
import { inTransaction } from './engines/transaction.ts';
import { decodeGenesis, encodeGenesis, type Genesis } from './genesis.ts';
import { nodeCrypto } from './node-crypto.ts';
import type { MemorySigner } from './node-signer.ts';
import { byPower } from './rules/validators.ts';
import { importSnapshot, inChunks, itemsIn, snapshotChunks, SnapshotRefused } from './snapshot.ts';
import { StateDraft } from './state.ts';
import type { StateTree } from './state-tree.ts';
import type { Validator } from './verify/block.ts';
import { equalBytes, toBase64url } from './verify/bytes.ts';
import { decodeHandover, encodeHandover, handoverSignBytes, type Handover } from './verify/handover.ts';
import { repeatsKey } from './verify/head.ts';
import { encodeRecord, stateKey } from './verify/records.ts';

const crypto = nodeCrypto;

/** What the new validators get, each the same. Beside these the chunks of the snapshot, `ledger-<n>` (snapshot.ts). */
const names = { genesis: 'genesis.cbor', comet: 'genesis.json' };

export interface HandedOver {
  /** Of the last block of those before. */
  height: number;
  entries: number;
  /** For the trust root's `handovers`. */
  handover: string;
}

/**
 * Ends an embedded ledger and writes what CometBFT goes on with, at the next height, under the same chain id: a genesis that carries what the old
 * validator signed, and a snapshot of log and state with the new validators in it. The engine is stopped, and makes no block of this file again, nor of
 * a backup of it: the record of the last head says that more was signed. Asked again for the same, it writes the same once more.
 * `hub-storage`, with what stands in the way.
 */
export function handOver(files: LedgerFiles, signer: MemorySigner, validators: readonly Validator[], out: string): Result<HandedOver> {
  const free = isFreeFolder(out);
  if (!free.ok) return free;
  if (validators.length === 0 || repeatsKey(validators)) return fail('hub-storage', 'the new validators are none, or one of them stands there twice');
  if (!existsSync(files.path) || !existsSync(files.guardPath)) return fail('hub-storage', 'the ledger’s file or the record of its last head is missing');
  try {
    const database = openLedgerFile(files.path);
    try {
      const seen = inspect(database, files.genesis);
      if (!seen.ok) return seen;
      const agreed = agree(database, seen.value, files, { signer, validators: byPower(validators, crypto) });
      if (!agreed.ok) return agreed;
      const { genesis, handover } = agreed.value;
      const made = makeFolder(out);
      if (!made.ok) return made;
      const { part, finish } = made.value;
      writeSynced(join(part, names.genesis), encodeGenesis(genesis));
      writeSynced(join(part, names.comet), new TextEncoder().encode(genesisJson(genesis, handover.height + 1, crypto)));
      let number = 0;
      for (const chunk of chunksAfter(database, seen.value, files.genesis, genesis)) writeSynced(join(part, `ledger-${number++}`), chunk);
      finish();
      return ok({ height: handover.height, entries: handover.logSize, handover: toBase64url(encodeHandover(handover)) });
    } finally {
      database.close();
    }
  } catch (error) {
    return storageFailure(error);
  }
}

/** Signed once: what was agreed before is what there is. */
function agree(
  database: DatabaseSync,
  { application, last }: LedgerAtRest,
  { genesis: before, guardPath }: LedgerFiles,
  { signer, validators }: { signer: MemorySigner; validators: readonly Validator[] },
): Result<{ genesis: Genesis; handover: Handover }> {
  const written = successorOf(database);
  const successor = written === undefined ? undefined : decodeGenesis(written);
  if (written !== undefined) {
    const handover = decodeHandover(successor?.handover ?? new Uint8Array(), before.chain);
    if (successor === undefined || handover === undefined) return fail('hub-storage', 'what was handed on is damaged');
    const isSame = successor.validators.length === validators.length && successor.validators.every(({ key, power }, i) => validators[i]?.power === power && equalBytes(validators[i].key, key));
    if (!isSame) return fail('hub-storage', `this ledger was handed on at height ${handover.height}, to other validators`);
    mark(guardPath, handover);
    return ok({ genesis: successor, handover });
  }
  const [only] = before.validators;
  if (only === undefined || !equalBytes(only.key, signer.key[1])) return fail('hub-storage', 'not the key of this ledger’s validator');
  const guard = new HeadGuard(guardPath, crypto);
  const signed = guard.newest;
  guard.close();
  if (signed?.height !== last.header.height || !equalBytes(signed.hash, last.hash)) return fail('hub-storage', 'this file does not end with the head that was signed last');

  const height = last.header.height;
  const authority = new StateDraft(application.tree).read('authority');
  if (authority === undefined) return fail('hub-storage', 'a state without an authority');
  const statement = { chain: before.chain, height, hash: last.hash, logRoot: last.logRoot, logSize: last.logSize, stateRoot: rootWith(database, application.tree, height, validators), validators: [...validators] };
  const handover: Handover = { ...statement, signatures: [signer.sign(handoverSignBytes(statement))] };
  const genesis: Genesis = {
    v: 1,
    chain: before.chain,
    // The first block has this time: later than the last one's.
    time: Math.floor(last.timeMs / 1000) + 1,
    validators: [...validators],
    authority,
    acts: [],
    handover: encodeHandover(handover),
  };
  inTransaction(database, () => putSuccessor(database, encodeGenesis(genesis)));
  mark(guardPath, handover);
  return ok({ genesis, handover });
}

/** As if a block had been signed at the next height: whoever brings an older file back is told so. */
function mark(guardPath: string, handover: Handover): void {
  const guard = new HeadGuard(guardPath, crypto);
  guard.write({ height: handover.height + 1, hash: crypto.sha256(encodeHandover(handover)) });
  guard.close();
}

const validatorsFrom = (height: number, validators: readonly Validator[]): { key: Uint8Array; value: Uint8Array } => ({
  key: stateKey.validators(),
  value: encodeRecord('validators', { sets: [{ from: height + 1, validators: [...validators] }] }),
});

/** What the state's root is with the new validators; the file stays as it was. */
function rootWith(database: DatabaseSync, tree: StateTree, height: number, validators: readonly Validator[]): Uint8Array {
  database.exec('BEGIN IMMEDIATE');
  try {
    tree.update([validatorsFrom(height, validators)]);
    return tree.root();
  } finally {
    database.exec('ROLLBACK');
  }
}

/** The snapshot of the chain that goes on: its own genesis, and the new validators among the values. */
function* chunksAfter(database: DatabaseSync, { last }: LedgerAtRest, before: Genesis, genesis: Genesis): Generator<Uint8Array> {
  const handover = decodeHandover(genesis.handover ?? new Uint8Array(), genesis.chain);
  if (handover === undefined) throw new Error('a genesis without its handover');
  const tip: Tip = { height: handover.height, timeMs: last.timeMs, logSize: handover.logSize, logRoot: handover.logRoot, stateRoot: handover.stateRoot };
  const { key, value } = validatorsFrom(handover.height, genesis.validators);
  const path = crypto.sha256(key);
  yield* inChunks(
    (function* () {
      for (const item of itemsIn(snapshotChunks(database, before, crypto)) as Iterable<[string, ...unknown[]]>) {
        if (item[0] === 'ledger') yield ['ledger', { v: 1, genesis: encodeGenesis(genesis), start: handover.height, tip }];
        else if (item[0] === 'value' && equalBytes(item[1] as Uint8Array, path)) yield ['value', path, value];
        else yield item;
      }
    })(),
  );
}

/**
 * Makes a new validator's file from what `handOver` wrote: log and state are built anew and have to be those that the old validators signed.
 * Nothing is written over. `imi node` goes on from it.
 */
export function adopt(path: string, from: string): Result<{ genesis: Genesis; tip: Tip }> {
  const folder = resolve(from);
  const part = `${path}.part`;
  try {
    const free = isFree({ path });
    if (!free.ok) return free;
    const genesis = decodeGenesis(new Uint8Array(readFileSync(join(folder, names.genesis))));
    const handover = genesis?.handover === undefined ? undefined : decodeHandover(genesis.handover, genesis.chain);
    if (genesis === undefined || handover === undefined) return fail('hub-storage', `${folder} is of no ledger that was handed on`);
    const isSame = genesis.validators.length === handover.validators.length && genesis.validators.every(({ key, power }, i) => handover.validators[i]?.power === power && equalBytes(handover.validators[i].key, key));
    if (!isSame) return fail('hub-storage', 'the genesis has other validators than those that it was handed on to');
    discard(part);
    const taken = take(part, chunksIn(folder), genesis);
    const isSigned =
      taken.ok && taken.value.height === handover.height && taken.value.logSize === handover.logSize && equalBytes(taken.value.logRoot, handover.logRoot) && equalBytes(taken.value.stateRoot, handover.stateRoot);
    if (!taken.ok || !isSigned) {
      discard(part);
      return taken.ok ? fail('hub-storage', 'log and state are not those that were handed on') : taken;
    }
    sync(part);
    renameSync(part, path);
    sync(dirname(path));
    return ok({ genesis, tip: taken.value });
  } catch (error) {
    if (error instanceof SnapshotRefused) return fail('hub-storage', error.message);
    return storageFailure(error);
  }
}

function take(path: string, chunks: Iterable<Uint8Array>, genesis: Genesis): Result<Tip> {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
    return inTransaction(database, () => importSnapshot(database, chunks, genesis, crypto));
  } finally {
    database.close();
  }
}

function* chunksIn(folder: string): Generator<Uint8Array> {
  for (let number = 0; existsSync(join(folder, `ledger-${number}`)); number++) yield new Uint8Array(readFileSync(join(folder, `ledger-${number}`)));
}
