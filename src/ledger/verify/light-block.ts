import {
  headerVersion,
  validatorsHash,
  type BlockId,
  type Commit,
  type Header,
  type Timestamp,
  type Validator,
} from './block.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { Crypto } from './crypto.ts';
import { isBytes, isEither, isInt, isList, isMap, isOneOf, isTuple, type Shape, type Shaped } from './shape.ts';

/** A header, the commit of it and the set that signed it: what a light client is shown of a block. */
export interface LightBlock {
  header: Header;
  commit: Commit;
  validators: Validator[];
}

const isHash = isBytes(32);
const isSeconds = isInt(0, 2 ** 40);
const isNanos = isInt(0, 999_999_999);
const isTotal = isInt(1, 65_536);
type CarriedBlockId = [Uint8Array, number, Uint8Array];
const isBlockId: Shape<CarriedBlockId> = isTuple(isHash, isTotal, isHash);
const isSigned = isTuple<[number, number, Uint8Array]>(isSeconds, isNanos, isBytes(64));

/** Of a header only what cannot be derived: the chain is the verifier's own, `validatorsHash` follows from the set beside it, `appHash` comes separately. */
export const carriedShapes = {
  header: isTuple<
    [number, number, number, CarriedBlockId | null, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  >(
    isInt(1, Number.MAX_SAFE_INTEGER),
    isSeconds,
    isNanos,
    isEither(isBlockId, isOneOf(null)),
    isHash,
    isHash,
    isHash,
    isHash,
    isHash,
    isHash,
    isBytes(20),
  ),
  commit: isTuple<[number, number, Uint8Array, ([number, number, Uint8Array] | null)[]]>(
    isInt(0, 2 ** 31 - 1),
    isTotal,
    isHash,
    isList(isEither(isSigned, isOneOf(null)), 1, 1000),
  ),
  validators: isList(isTuple<[Uint8Array, number]>(isHash, isInt(1, 2 ** 48)), 1, 1000),
};

export type CarriedBlock = { [K in keyof typeof carriedShapes]: Shaped<(typeof carriedShapes)[K]> };

/** As members of a CBOR map, in the form of `carriedShapes`. */
export const carry = ({ header, commit, validators }: LightBlock): CarriedBlock => ({
  header: [
    header.height,
    header.time.seconds,
    header.time.nanos,
    header.lastBlockId === null ? null : [header.lastBlockId.hash, header.lastBlockId.parts.total, header.lastBlockId.parts.hash],
    header.lastCommitHash,
    header.dataHash,
    header.nextValidatorsHash,
    header.consensusHash,
    header.lastResultsHash,
    header.evidenceHash,
    header.proposerAddress,
  ],
  commit: [
    commit.round,
    commit.parts.total,
    commit.parts.hash,
    commit.signatures.map((entry) => (entry === null ? null : [entry.time.seconds, entry.time.nanos, entry.signature])),
  ],
  validators: validators.map(({ key, power }) => [key, power]),
});

export function unpack(carried: CarriedBlock, chain: string, appHash: Uint8Array, crypto: Crypto): LightBlock {
  const [height, seconds, nanos, last, lastCommitHash, dataHash, nextValidatorsHash, consensusHash, lastResultsHash, evidenceHash, proposerAddress] =
    carried.header;
  const [round, partsTotal, partsHash, signatures] = carried.commit;
  const validators = carried.validators.map(([key, power]) => ({ key, power }));
  const time: Timestamp = { seconds, nanos };
  const lastBlockId: BlockId | null = last === null ? null : { hash: last[0], parts: { total: last[1], hash: last[2] } };
  return {
    validators,
    header: {
      version: headerVersion,
      chain,
      height,
      time,
      lastBlockId,
      lastCommitHash,
      dataHash,
      validatorsHash: validatorsHash(validators, crypto),
      nextValidatorsHash,
      consensusHash,
      appHash,
      lastResultsHash,
      evidenceHash,
      proposerAddress,
    },
    commit: {
      round,
      parts: { total: partsTotal, hash: partsHash },
      signatures: signatures.map((entry) => (entry === null ? null : { time: { seconds: entry[0], nanos: entry[1] }, signature: entry[2] })),
    },
  };
}

const lightBlockShape = isMap({ appHash: isHash, ...carriedShapes });

/** Deterministic CBOR: a head (head.ts) whose log and state are not shown, only what they hash to. */
export const encodeLightBlock = (block: LightBlock): Uint8Array => encodeCbor({ appHash: block.header.appHash, ...carry(block) });

/** Its form only; `verifyStep` of light-client.ts says whether to believe it. */
export function decodeLightBlock(bytes: Uint8Array, chain: string, crypto: Crypto): LightBlock | undefined {
  const carried = decodeCbor(bytes);
  return lightBlockShape(carried) ? unpack(carried, chain, carried.appHash, crypto) : undefined;
}
