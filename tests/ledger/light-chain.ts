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
  /** Who signs; everybody where it is left out. */
  signedBy?: readonly string[];
  /** Of its own set and of the next one. */
  powers?: Powers;
  nextPowers?: Powers;
}

/** A chain of one block a minute; `setAt` says who signs which height. Blocks are made when they are asked for, each once. */
export class LightChain {
  readonly #setAt: (height: number) => Powers;
  readonly #made = new Map<number, LightBlock>();
  /** Mixed into the app hashes: another word makes another history. */
  readonly #word: string;

  constructor(setAt: (height: number) => Powers, word = 'one') {
    this.#setAt = setAt;
    this.#word = word;
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
      appHash: appHash(sum(`log ${this.#word} ${height - 1}`), height, sum(`state ${this.#word} ${height - 1}`), nodeCrypto),
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
