import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Tip } from '../application.ts';
import type { Genesis } from '../genesis.ts';
import type { MemorySigner } from '../node-signer.ts';
import {
  acceptedResultsHash,
  appHash,
  commitHash,
  consensusHash,
  dataHash,
  headerHash,
  headerVersion,
  noEvidenceHash,
  partSetHeader,
  timestampOfMs,
  validatorAddress,
  validatorsHash,
  voteSignBytes,
  type Commit,
  type Header,
} from '../verify/block.ts';
import { decodeCbor, encodeCbor } from '../verify/cbor.ts';
import type { Crypto } from '../verify/crypto.ts';
import { encodeHead } from '../verify/head.ts';

/** A block of the one-validator chain, with what log and state are after it. */
export interface ChainBlock {
  header: Header;
  hash: Uint8Array;
  commit: Commit;
  timeMs: number;
  /** Of transactions in it. */
  count: number;
  logSize: number;
  logRoot: Uint8Array;
  stateRoot: Uint8Array;
}

/** What a block is made on: the one before, or what the chain begins with. */
export type ChainEnd = ChainBlock | Tip;

/** Makes and signs the block after `end`: `transactions` are in it, and `after` is what they came to. Pure but for the signature. */
export function nextBlock(
  end: ChainEnd,
  { transactions, after }: { transactions: readonly Uint8Array[]; after: Tip },
  { chain, validators }: Pick<Genesis, 'chain' | 'validators'>,
  validator: MemorySigner,
  crypto: Crypto,
): ChainBlock {
  const last = 'header' in end ? end : null;
  const setHash = validatorsHash(validators, crypto);
  const header: Header = {
    version: headerVersion,
    chain,
    height: after.height,
    time: timestampOfMs(after.timeMs),
    lastBlockId: last === null ? null : { hash: last.hash, parts: last.commit.parts },
    lastCommitHash: commitHash(last?.commit ?? null, validators, crypto),
    dataHash: dataHash(transactions, crypto),
    validatorsHash: setHash,
    nextValidatorsHash: setHash,
    consensusHash: consensusHash(crypto),
    appHash: appHash(end.logRoot, end.logSize, end.stateRoot, crypto),
    lastResultsHash: acceptedResultsHash(last?.count ?? 0, crypto),
    evidenceHash: noEvidenceHash(crypto),
    proposerAddress: validatorAddress(validator.key[1], crypto),
  };
  const hash = headerHash(header, crypto);
  const parts = partSetHeader(encodeCbor([encodeCbor(header), transactions]), crypto);
  const vote = { chain, height: header.height, round: 0, blockId: { hash, parts }, time: header.time };
  const commit: Commit = { round: 0, parts, signatures: [{ time: header.time, signature: validator.sign(voteSignBytes(vote)) }] };
  return {
    header,
    hash,
    commit,
    timeMs: after.timeMs,
    count: transactions.length,
    logSize: after.logSize,
    logRoot: after.logRoot,
    stateRoot: after.stateRoot,
  };
}

/** The head of `block` (verify/head.ts): `next` is the block after it. */
export const headOf = (
  { logRoot, logSize, stateRoot }: Pick<ChainBlock, 'logRoot' | 'logSize' | 'stateRoot'>,
  next: ChainBlock,
  { validators }: Pick<Genesis, 'validators'>,
): Uint8Array => encodeHead({ logRoot, logSize, stateRoot, header: next.header, commit: next.commit, validators });

/** Blocks in SQLite, by height. The caller holds the transaction. */
export class ChainStore {
  readonly #put: StatementSync;
  readonly #at: StatementSync;
  readonly #last: StatementSync;

  constructor(database: DatabaseSync) {
    database.exec('CREATE TABLE IF NOT EXISTS block (height INTEGER PRIMARY KEY, content BLOB NOT NULL)');
    this.#put = database.prepare('INSERT INTO block (height, content) VALUES (?, ?)');
    this.#at = database.prepare('SELECT content FROM block WHERE height = ?');
    this.#last = database.prepare('SELECT content FROM block ORDER BY height DESC LIMIT 1');
  }

  append(block: ChainBlock): void {
    this.#put.run(block.header.height, encodeCbor(block));
  }

  at(height: number): ChainBlock | undefined {
    return blockOf(this.#at.get(height));
  }

  last(): ChainBlock | undefined {
    return blockOf(this.#last.get());
  }
}

function blockOf(row: unknown): ChainBlock | undefined {
  if (row === undefined) return undefined;
  const block = decodeCbor((row as { content: Uint8Array }).content);
  if (block === undefined) throw new Error('a stored block is damaged');
  return block as unknown as ChainBlock;
}
