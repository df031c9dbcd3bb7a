import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Tip } from '../application.ts';
import { bytesOf, LedgerDamage } from '../damage.ts';
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
  msOfTimestamp,
  noEvidenceHash,
  partSetHeader,
  timestampOfMs,
  validatorAddress,
  validatorsHash,
  voteSignBytes,
  type Commit,
  type Header,
  type PartSetHeader,
  type Timestamp,
} from '../verify/block.ts';
import { equalBytes } from '../verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../verify/cbor.ts';
import type { Crypto } from '../verify/crypto.ts';
import { verifyCommit, type SignedHead } from '../verify/head.ts';
import { isBytes, isEither, isInt, isList, isMap, isOneOf, isText, type Shape } from '../verify/shape.ts';

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
): SignedHead => ({ logRoot, logSize, stateRoot, header: next.header, commit: next.commit, validators });

/** Blocks in SQLite, by height. The caller holds the transaction. What is read was signed as it is read, or `LedgerDamage` is thrown. */
export class ChainStore {
  readonly #genesis: Pick<Genesis, 'chain' | 'validators'>;
  readonly #crypto: Crypto;
  readonly #put: StatementSync;
  readonly #at: StatementSync;
  readonly #last: StatementSync;
  readonly #from: StatementSync;

  constructor(database: DatabaseSync, genesis: Pick<Genesis, 'chain' | 'validators'>, crypto: Crypto) {
    this.#genesis = genesis;
    this.#crypto = crypto;
    database.exec('CREATE TABLE IF NOT EXISTS block (height INTEGER PRIMARY KEY, content BLOB NOT NULL)');
    this.#put = database.prepare('INSERT INTO block (height, content) VALUES (?, ?)');
    this.#at = database.prepare('SELECT height, content FROM block WHERE height = ?');
    this.#last = database.prepare('SELECT height, content FROM block ORDER BY height DESC LIMIT 1');
    this.#from = database.prepare('SELECT height, content FROM block WHERE height >= ? ORDER BY height');
  }

  append(block: ChainBlock): void {
    this.#put.run(block.header.height, encodeCbor(block));
  }

  at(height: number): ChainBlock | undefined {
    return this.#blockOf(this.#at.get(height));
  }

  last(): ChainBlock | undefined {
    return this.#blockOf(this.#last.get());
  }

  /** Upwards, without one left out. */
  *from(height: number): Generator<ChainBlock> {
    let expected = height;
    for (const row of this.#from.iterate(height)) {
      const block = this.#blockOf(row);
      if (block?.header.height !== expected) throw new LedgerDamage(`block ${expected} is missing`);
      yield block;
      expected += 1;
    }
  }

  #blockOf(row: unknown): ChainBlock | undefined {
    if (row === undefined) return undefined;
    const { height, content } = row as { height: number; content: unknown };
    const detail = `block ${height} is not as this validator signed it`;
    const block = decodeCbor(bytesOf(content, detail));
    if (!isChainBlock(block) || block.header.height !== height || !isSigned(block, this.#genesis, this.#crypto)) throw new LedgerDamage(detail);
    return block;
  }
}

const isHash = isBytes(32);
const isCount = isInt(0, Number.MAX_SAFE_INTEGER);
const isParts: Shape<PartSetHeader> = isMap({ total: isInt(1, 65_536), hash: isHash });
const isTimestamp: Shape<Timestamp> = isMap({ seconds: isInt(0, 2 ** 40), nanos: isInt(0, 999_999_999) });

/** What `append` writes: deterministic CBOR of it. */
export const isChainBlock: Shape<ChainBlock> = isMap({
  header: isMap({
    version: isMap({ block: isOneOf(headerVersion.block), app: isOneOf(headerVersion.app) }),
    chain: isText(/^[a-z0-9-]{1,20}$/),
    height: isCount,
    time: isTimestamp,
    lastBlockId: isEither(isMap({ hash: isHash, parts: isParts }), isOneOf(null)),
    lastCommitHash: isHash,
    dataHash: isHash,
    validatorsHash: isHash,
    nextValidatorsHash: isHash,
    consensusHash: isHash,
    appHash: isHash,
    lastResultsHash: isHash,
    evidenceHash: isHash,
    proposerAddress: isBytes(20),
  }),
  hash: isHash,
  commit: isMap({ round: isInt(0, 2 ** 31 - 1), parts: isParts, signatures: isList(isEither(isMap({ time: isTimestamp, signature: isBytes(64) }), isOneOf(null)), 1, 1) }),
  timeMs: isCount,
  count: isCount,
  logSize: isCount,
  logRoot: isHash,
  stateRoot: isHash,
});

/** Its hash is its header's, and the genesis's validators signed it. What log and state are after it, the next header says. */
export function isSigned({ header, hash, commit, timeMs }: ChainBlock, { chain, validators }: Pick<Genesis, 'chain' | 'validators'>, crypto: Crypto): boolean {
  if (header.chain !== chain || msOfTimestamp(header.time) !== timeMs || !equalBytes(headerHash(header, crypto), hash)) return false;
  return verifyCommit({ chain, height: header.height, blockId: { hash, parts: commit.parts }, commit, validators, trusted: validators }, crypto).ok;
}
