import { DatabaseSync } from 'node:sqlite';
import type { ChainBlock } from '../../../src/ledger/engines/chain.ts';
import { genesisState, type Genesis } from '../../../src/ledger/genesis.ts';
import { nodeCrypto as crypto } from '../../../src/ledger/node-crypto.ts';
import { judge } from '../../../src/ledger/rules.ts';
import { StateDraft, type StateChange } from '../../../src/ledger/state.ts';
import { appHash, headerHash, type BlockId } from '../../../src/ledger/verify/block.ts';
import { compareBytes, equalBytes, toHex } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor } from '../../../src/ledger/verify/cbor.ts';
import { verifyCommit } from '../../../src/ledger/verify/head.ts';
import { leafHash, merkleRoot } from '../../../src/ledger/verify/merkle-log.ts';
import { stateKey } from '../../../src/ledger/verify/records.ts';
import { emptySubtree, innerNode, leafNode, pathBit } from '../../../src/ledger/verify/state-proof.ts';

const mostForgottenInBlock = 1000;

/**
 * A second opinion on a ledger's file: the chain judged again from its genesis on, block by block, with a map in memory for the state and both roots by
 * their definitions. It keeps what it has seen, so it also notices where a history it has read before was changed.
 */
export class Replay {
  readonly #genesis: Genesis;
  readonly #state = new Map<string, Uint8Array>();
  readonly #leaves: Uint8Array[] = [];
  #remembered: { notAfter: number; id: Uint8Array }[] = [];
  #last: ChainBlock | null = null;
  /** Ids in hex, in the log's order. */
  readonly transactions: string[] = [];

  constructor(genesis: Genesis) {
    this.#genesis = genesis;
    const state = genesisState(genesis, crypto);
    if (!state.ok) throw new Error(state.failure.code);
    this.#apply(state.value);
  }

  get height(): number {
    return this.#last?.header.height ?? 0;
  }

  /** Takes the blocks that are new in the file. Throws at the first thing that is not as the rules and the signatures have it. */
  catchUp(path: string): void {
    const database = new DatabaseSync(path);
    try {
      const known = this.#last;
      if (known !== null) must(equalBytes(blockAt(database, known.header.height).hash, known.hash), `height ${this.height} is another block than before`);
      const { height: newest } = database.prepare('SELECT max(height) AS height FROM block').get() as { height: number };
      for (let height = this.height + 1; height <= newest; height++) this.#take(blockAt(database, height), database);
      const { count } = database.prepare('SELECT count(*) AS count FROM log_leaf').get() as { count: number };
      must(count === this.#leaves.length, 'the log has entries of no block');
    } finally {
      database.close();
    }
    const last = this.#last;
    if (last === null) return;
    must(equalBytes(merkleRoot(this.#leaves, crypto), last.logRoot), 'log root');
    must(equalBytes(stateRoot(this.#state), last.stateRoot), 'state root');
  }

  #take(block: ChainBlock, database: DatabaseSync): void {
    const { header, hash, commit } = block;
    const at = `at height ${header.height}`;
    must(equalBytes(headerHash(header, crypto), hash), `header ${at}`);
    const { chain, validators } = this.#genesis;
    must(verifyCommit({ chain, height: header.height, blockId: { hash, parts: commit.parts }, commit, validators, trusted: validators }, crypto).ok, `commit ${at}`);
    const last = this.#last;
    must(sameBlock(header.lastBlockId, last === null ? null : { hash: last.hash, parts: last.commit.parts }), `the block before ${at}`);
    if (last !== null) must(equalBytes(header.appHash, appHash(last.logRoot, last.logSize, last.stateRoot, crypto)), `app hash ${at}`);

    const place = { chain, height: header.height, time: Math.floor(block.timeMs / 1000) };
    this.#forget(place.time);
    const rows = database.prepare('SELECT position, transaction_id, envelope FROM log_leaf WHERE height = ? ORDER BY position').all(header.height);
    for (const { position, transaction_id, envelope } of rows as unknown as { position: number; transaction_id: Uint8Array; envelope: Uint8Array }[]) {
      must(position === this.#leaves.length, `entry ${position} ${at}`);
      const judged = judge({ get: (key) => this.#state.get(toHex(key)) }, envelope, { ...place, logIndex: position }, crypto);
      if (!judged.ok) throw new Error(`entry ${position} ${at}: ${judged.failure.code}`);
      must(equalBytes(judged.value.id, transaction_id), `id of entry ${position}`);
      this.#apply(judged.value.changes);
      this.#remembered.push({ notAfter: judged.value.body.notAfter, id: judged.value.id });
      this.#leaves.push(leafHash(envelope, crypto));
      this.transactions.push(toHex(transaction_id));
    }
    must(block.logSize === this.#leaves.length && block.count === rows.length, `log size ${at}`);
    this.#last = block;
  }

  #forget(time: number): void {
    const expired = this.#remembered
      .filter(({ notAfter }) => notAfter < time)
      .sort((a, b) => a.notAfter - b.notAfter || compareBytes(a.id, b.id))
      .slice(0, mostForgottenInBlock);
    const draft = new StateDraft({ get: (key) => this.#state.get(toHex(key)) });
    for (const { id } of expired) draft.put(stateKey.tx(id), null);
    this.#apply(draft.changes());
    this.#remembered = this.#remembered.filter((one) => !expired.includes(one));
  }

  #apply(changes: readonly StateChange[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.#state.delete(toHex(key));
      else this.#state.set(toHex(key), value);
    }
  }
}

function blockAt(database: DatabaseSync, height: number): ChainBlock {
  const row = database.prepare('SELECT content FROM block WHERE height = ?').get(height) as { content: Uint8Array } | undefined;
  if (row === undefined) throw new Error(`height ${height} is missing`);
  return decodeCbor(row.content) as unknown as ChainBlock;
}

/** Of the whole map at once, as verify/state-proof.ts defines it. */
function stateRoot(state: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const leaves = Array.from(state, ([key, value]) => ({ path: crypto.sha256(Buffer.from(key, 'hex')), valueHash: crypto.sha256(value) }));
  const rootOf = (of: typeof leaves, depth: number): Uint8Array => {
    const [only] = of;
    if (only === undefined) return emptySubtree;
    if (of.length === 1) return leafNode(only.path, only.valueHash, crypto);
    const side = (bit: 0 | 1): Uint8Array => rootOf(of.filter(({ path }) => pathBit(path, depth) === bit), depth + 1);
    return innerNode(side(0), side(1), crypto);
  };
  return rootOf(leaves, 0);
}

const sameBlock = (one: BlockId | null, other: BlockId | null): boolean =>
  one === null || other === null ? one === other : equalBytes(one.hash, other.hash) && equalBytes(one.parts.hash, other.parts.hash);

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not as replayed: ${what}`);
}
