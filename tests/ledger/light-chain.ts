import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { MemorySigner } from '../../src/ledger/node-signer.ts';
import { byPower } from '../../src/ledger/rules/validators.ts';
import {
  appHash,
  consensusHash,
  dataHash,
  headerHash,
  headerVersion,
  noEvidenceHash,
  timestampOfMs,
  validatorAddress,
  validatorsHash,
  voteSignBytes,
  type Header,
  type Timestamp,
  type Validator,
} from '../../src/ledger/verify/block.ts';
import { toHex, utf8 } from '../../src/ledger/verify/bytes.ts';
import { encodeHead } from '../../src/ledger/verify/head.ts';
import { emptyRoot, innerHash, largestPowerOfTwoBelow, leafHash } from '../../src/ledger/verify/merkle-log.ts';
import type { LightBlock } from '../../src/ledger/verify/light-block.ts';
import { chain, genesisTime, signerOf } from './small-district.ts';

/** Who signs, and with what power. */
export type Powers = Readonly<Record<string, number>>;

const signers = new Map<string, MemorySigner>();
export const validatorSigner = (name: string): MemorySigner => {
  const known = signers.get(name) ?? signerOf(`validator ${name}`);
  signers.set(name, known);
  return known;
};
const nameOf = new Map<string, string>();

export function setOf(powers: Powers): Validator[] {
  const validators = Object.entries(powers).map(([name, power]) => {
    const { key } = validatorSigner(name);
    nameOf.set(toHex(key[1]), name);
    return { key: key[1], power };
  });
  return byPower(validators, nodeCrypto);
}

const sum = (text: string): Uint8Array => nodeCrypto.sha256(utf8(text));
export const blockTimeMs = (height: number): number => genesisTime * 1000 + height * 60_000;

export interface BlockChange {
  chain?: string;
  time?: Timestamp;
  header?: Partial<Header>;
  shown?: Shown;
  /** Who signs; everybody where it is left out. */
  signedBy?: readonly string[];
  /** Of its own set and of the next one. */
  powers?: Powers;
  nextPowers?: Powers;
}

/** What is said of log and state beside a header. */
export interface Shown {
  logRoot: Uint8Array;
  logSize: number;
  stateRoot: Uint8Array;
}

/**
 * A chain of one block a minute, each of which adds one entry to a log; `setAt` says who signs which height.
 * Blocks are made when they are asked for, each once.
 */
export class LightChain {
  readonly #setAt: (height: number) => Powers;
  readonly #made = new Map<number, LightBlock>();
  readonly #roots = new Map<string, Uint8Array>();
  /** Stands in the log's entries: another word makes another history. */
  readonly #word: string;

  constructor(setAt: (height: number) => Powers, word = 'one') {
    this.#setAt = setAt;
    this.#word = word;
  }

  /** What the header of this height binds: log and state after the block before it. */
  shownAt(height: number): Shown {
    return { logRoot: height === 1 ? emptyRoot(nodeCrypto) : this.#root(0, height - 1), logSize: height - 1, stateRoot: sum(`state ${this.#word} ${height - 1}`) };
  }

  /** RFC 9162 §2.1.4.1, as it is defined. */
  consistency(first: number, second: number): Uint8Array[] {
    const subproof = (m: number, from: number, to: number, isWhole: boolean): Uint8Array[] => {
      if (m === to - from) return isWhole ? [] : [this.#root(from, to)];
      const k = largestPowerOfTwoBelow(to - from);
      return m <= k
        ? [...subproof(m, from, from + k, isWhole), this.#root(from + k, to)]
        : [...subproof(m - k, from + k, to, false), this.#root(from, from + k)];
    };
    return subproof(first, 0, second, true);
  }

  #root(from: number, to: number): Uint8Array {
    const range = `${from} ${to}`;
    const half = largestPowerOfTwoBelow(to - from);
    const root =
      this.#roots.get(range) ??
      (to - from === 1 ? leafHash(utf8(`${this.#word} ${from}`), nodeCrypto) : innerHash(this.#root(from, from + half), this.#root(from + half, to), nodeCrypto));
    this.#roots.set(range, root);
    return root;
  }

  headAt(height: number): Uint8Array {
    return encodeHead({ ...this.at(height), ...this.shownAt(height) });
  }

  at(height: number): LightBlock {
    const made = this.#made.get(height) ?? this.forge(height);
    this.#made.set(height, made);
    return made;
  }

  hashAt(height: number): Uint8Array {
    return headerHash(this.at(height).header, nodeCrypto);
  }

  /** A block as this chain's, but for what is changed, signed in any case. */
  forge(height: number, change: BlockChange = {}): LightBlock {
    const powers = change.powers ?? this.#setAt(height);
    const validators = setOf(powers);
    const signedBy = change.signedBy ?? Object.keys(powers);
    const time = change.time ?? timestampOfMs(blockTimeMs(height));
    const { logRoot, logSize, stateRoot } = change.shown ?? this.shownAt(height);
    const header: Header = {
      version: headerVersion,
      chain: change.chain ?? chain,
      height,
      time,
      lastBlockId: height === 1 ? null : { hash: this.hashAt(height - 1), parts: { total: 1, hash: sum(`parts ${height - 1}`) } },
      lastCommitHash: sum(`last commit ${height}`),
      dataHash: dataHash([], nodeCrypto),
      validatorsHash: validatorsHash(validators, nodeCrypto),
      nextValidatorsHash: validatorsHash(setOf(change.nextPowers ?? this.#setAt(height + 1)), nodeCrypto),
      consensusHash: consensusHash(nodeCrypto),
      appHash: appHash(logRoot, logSize, stateRoot, nodeCrypto),
      lastResultsHash: sum('results'),
      evidenceHash: noEvidenceHash(nodeCrypto),
      proposerAddress: validatorAddress(validators[0]?.key ?? new Uint8Array(32), nodeCrypto),
      ...change.header,
    };
    const hash = headerHash(header, nodeCrypto);
    const parts = { total: 1, hash: sum(`parts ${height}`) };
    return {
      header,
      validators,
      commit: {
        round: 0,
        parts,
        signatures: validators.map(({ key }) => {
          const name = nameOf.get(toHex(key)) ?? '';
          if (!signedBy.includes(name)) return null;
          return { time, signature: validatorSigner(name).sign(voteSignBytes({ chain: header.chain, height: header.height, round: 0, blockId: { hash, parts }, time })) };
        }),
      },
    };
  }
}
