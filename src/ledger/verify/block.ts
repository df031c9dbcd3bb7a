import { concatBytes, u64, utf8 } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { innerHash, largestPowerOfTwoBelow, leafHash, merkleRoot } from './merkle-log.ts';
import { bytesField, integerField, messageField, sfixed64Field, textField, varint } from './protobuf.ts';

/** Headers, votes and validator sets as CometBFT 0.38 to 0.40 encodes, hashes and signs them (BlockProtocol 11). */

/** google.protobuf.Timestamp. */
export interface Timestamp {
  seconds: number;
  nanos: number;
}

export interface PartSetHeader {
  total: number;
  hash: Uint8Array;
}

export interface BlockId {
  hash: Uint8Array;
  parts: PartSetHeader;
}

export interface Header {
  version: { block: number; app: number };
  chain: string;
  height: number;
  time: Timestamp;
  /** null at the first height. */
  lastBlockId: BlockId | null;
  lastCommitHash: Uint8Array;
  dataHash: Uint8Array;
  validatorsHash: Uint8Array;
  nextValidatorsHash: Uint8Array;
  consensusHash: Uint8Array;
  /** Commits to log and state after the block *before* this one. */
  appHash: Uint8Array;
  lastResultsHash: Uint8Array;
  evidenceHash: Uint8Array;
  /** First 20 bytes of the SHA-256 of the proposer's key. */
  proposerAddress: Uint8Array;
}

export interface Validator {
  /** Ed25519, 32 bytes. */
  key: Uint8Array;
  power: number;
}

/** One entry a validator, in the set's order; null where it has not signed. */
export interface Commit {
  round: number;
  parts: PartSetHeader;
  signatures: ({ time: Timestamp; signature: Uint8Array } | null)[];
}

export const headerVersion = { block: 11, app: 1 } as const;

export const timestampOfMs = (ms: number): Timestamp => ({ seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 });

/** Rounded down. */
export const msOfTimestamp = ({ seconds, nanos }: Timestamp): number => seconds * 1000 + Math.floor(nanos / 1_000_000);

/** What a header's `appHash` stands for. `logSize` counts leaves, roots are 32 bytes. */
export const appHash = (logRoot: Uint8Array, logSize: number, stateRoot: Uint8Array, crypto: Crypto): Uint8Array =>
  crypto.sha256(concatBytes(utf8('imi/app/1'), logRoot, u64(logSize), stateRoot));

/** What a header says itself when only the hashes of the rest stand beside it. */
export type ShownHeader = Pick<Header, 'version' | 'chain' | 'height' | 'time' | 'validatorsHash' | 'appHash'>;

/** RFC 6962's tree over the header's 14 fields. */
export const headerHash = (header: Header, crypto: Crypto): Uint8Array => hashOfShown(header, hiddenNodes(header, crypto), crypto);

export const hiddenNodesBytes = 160;

/** Five nodes of the header's tree, left to right and one behind the other: over fields 5 and 6, 7, over 9 and 10, 12, and over 13 and 14. */
export function hiddenNodes(header: Header, crypto: Crypto): Uint8Array {
  const leaf = (field: Uint8Array): Uint8Array => leafHash(bytesField(1, field), crypto);
  const last = header.lastBlockId ?? { hash: new Uint8Array(), parts: { total: 0, hash: new Uint8Array() } };
  return concatBytes(
    innerHash(leafHash(blockId(last), crypto), leaf(header.lastCommitHash), crypto),
    leaf(header.dataHash),
    innerHash(leaf(header.nextValidatorsHash), leaf(header.consensusHash), crypto),
    leaf(header.lastResultsHash),
    innerHash(leaf(header.evidenceHash), leaf(header.proposerAddress), crypto),
  );
}

/** The hash of a header of which `hiddenNodes` stand for the fields that are not shown. */
export function hashOfShown({ version, chain, height, time, validatorsHash: set, appHash: app }: ShownHeader, hidden: Uint8Array, crypto: Crypto): Uint8Array {
  const leaf = (field: Uint8Array): Uint8Array => leafHash(field, crypto);
  const node = (left: Uint8Array, right: Uint8Array): Uint8Array => innerHash(left, right, crypto);
  const hash = (i: number): Uint8Array => hidden.subarray(32 * i, 32 * (i + 1));
  const versionAndChain = node(leaf(concatBytes(integerField(1, version.block), integerField(2, version.app))), leaf(textField(1, chain)));
  const heightAndTime = node(leaf(integerField(1, height)), leaf(timestamp(time)));
  const firstEight = node(node(versionAndChain, heightAndTime), node(hash(0), node(hash(1), leaf(bytesField(1, set)))));
  const nextFour = node(hash(2), node(leaf(bytesField(1, app)), hash(3)));
  return node(firstEight, node(nextFour, hash(4)));
}

/** Of the set in its own order, which the chain fixes: by power, the greatest first, then by address. */
export const validatorsHash = (validators: readonly Validator[], crypto: Crypto): Uint8Array =>
  merkleHash(
    validators.map(({ key, power }) => concatBytes(messageField(1, bytesField(1, key)), integerField(2, power))),
    crypto,
  );

export const validatorAddress = (key: Uint8Array, crypto: Crypto): Uint8Array => crypto.sha256(key).slice(0, 20);

/** The length-delimited CanonicalVote of a precommit: what a validator signs. */
export function voteSignBytes(
  { chain, height, round, blockId: id, time }: { chain: string; height: number; round: number; blockId: BlockId | null; time: Timestamp },
): Uint8Array {
  const precommit = 2;
  const vote = concatBytes(
    integerField(1, precommit),
    sfixed64Field(2, height),
    sfixed64Field(3, round),
    id === null ? new Uint8Array() : messageField(4, blockId(id)),
    messageField(5, timestamp(time)),
    textField(6, chain),
  );
  return concatBytes(varint(vote.length), vote);
}

/** A header's `lastCommitHash`. */
export function commitHash(commit: Commit | null, validators: readonly Validator[], crypto: Crypto): Uint8Array {
  const absent = 1;
  const forBlock = 2;
  /** Go's zero time, 1 January of the year 1. */
  const zeroTime = { seconds: -62_135_596_800, nanos: 0 };
  return merkleHash(
    (commit?.signatures ?? []).map((entry, i) =>
      entry === null
        ? concatBytes(integerField(1, absent), messageField(3, timestamp(zeroTime)))
        : concatBytes(
            integerField(1, forBlock),
            bytesField(2, validatorAddress(validators[i]?.key ?? new Uint8Array(), crypto)),
            messageField(3, timestamp(entry.time)),
            bytesField(4, entry.signature),
          ),
    ),
    crypto,
  );
}

/** A header's `dataHash`: a Merkle tree over the hashes of the block's transactions. */
export const dataHash = (transactions: readonly Uint8Array[], crypto: Crypto): Uint8Array =>
  merkleHash(
    transactions.map((transaction) => crypto.sha256(transaction)),
    crypto,
  );

/** Of ExecTxResult what every node agrees on. */
export interface TransactionResult {
  /** 0: accepted. */
  code: number;
  data: Uint8Array;
  gasWanted: bigint;
  gasUsed: bigint;
}

/** A header's `lastResultsHash`: over the results of the block before. */
export const resultsHash = (results: readonly TransactionResult[], crypto: Crypto): Uint8Array =>
  merkleHash(
    results.map(({ code, data, gasWanted, gasUsed }) =>
      concatBytes(integerField(1, code), bytesField(2, data), integerField(5, gasWanted), integerField(6, gasUsed)),
    ),
    crypto,
  );

/** Where every transaction was accepted: code 0, no data and no gas are an empty message. One leaf is as the other, so a subtree's hash follows from its size. */
export function acceptedResultsHash(count: number, crypto: Crypto): Uint8Array {
  if (count === 0) return resultsHash([], crypto);
  const known = new Map([[1, leafHash(new Uint8Array(), crypto)]]);
  const rootOf = (size: number): Uint8Array => {
    const before = known.get(size);
    if (before !== undefined) return before;
    const half = largestPowerOfTwoBelow(size);
    const root = innerHash(rootOf(half), rootOf(size - half), crypto);
    known.set(size, root);
    return root;
  };
  return rootOf(count);
}

/** A header's `consensusHash`: HashedParams of CometBFT's defaults, 4 MiB a block and no limit of gas. */
export const consensusHash = (crypto: Crypto): Uint8Array => crypto.sha256(concatBytes(integerField(1, 4_194_304), integerField(2, -1)));

/** A header's `evidenceHash` where there is none. */
export const noEvidenceHash = (crypto: Crypto): Uint8Array => merkleHash([], crypto);

/** A block's bytes in parts of 64 KiB, and the Merkle root over them. */
export function partSetHeader(block: Uint8Array, crypto: Crypto): PartSetHeader {
  const partBytes = 65_536;
  const parts = Array.from({ length: Math.max(1, Math.ceil(block.length / partBytes)) }, (_, i) =>
    block.subarray(i * partBytes, (i + 1) * partBytes),
  );
  return { total: parts.length, hash: merkleHash(parts, crypto) };
}

const timestamp = ({ seconds, nanos }: Timestamp): Uint8Array => concatBytes(integerField(1, seconds), integerField(2, nanos));

const blockId = ({ hash, parts }: BlockId): Uint8Array =>
  concatBytes(bytesField(1, hash), messageField(2, concatBytes(integerField(1, parts.total), bytesField(2, parts.hash))));

const merkleHash = (items: readonly Uint8Array[], crypto: Crypto): Uint8Array =>
  merkleRoot(
    items.map((item) => leafHash(item, crypto)),
    crypto,
  );
