import { ok, type Result } from '../../contract/result.ts';
import {
  appHash,
  hashOfShown,
  headerVersion,
  hiddenNodes,
  hiddenNodesBytes,
  msOfTimestamp,
  validatorsHash,
  type Commit,
  type Timestamp,
  type Validator,
} from './block.ts';
import { concatBytes } from './bytes.ts';
import type { Crypto } from './crypto.ts';
import { headFails, trustedAt, verifyCommit, type HeadFailure, type SignedHead, type Trust, type VerifiedHead } from './head.ts';
import { isBytes, isEither, isInt, isList, isOneOf, isTuple, type Shape } from './shape.ts';

/**
 * A head as a receipt carries it, which has to fit into three codes. The log's root is not in it, since the path leads to it from the envelope, and
 * five nodes of the header's tree stand for the fields that say nothing of the log. All of it goes into the hash that was signed.
 */
export type ReceiptHead = [
  logSize: number,
  stateRoot: Uint8Array,
  header: [height: number, seconds: number, nanos: number, hidden: Uint8Array],
  commit: CarriedCommit,
  validators: [keys: Uint8Array, powers: number[]],
];

/**
 * `times`: one a validator, in nanoseconds after that of the one before who signed, the header's for the first; null: has not signed. They lie so
 * close together that it takes five bytes instead of ten. `signatures`: of those who have, one behind the other.
 */
type CarriedCommit = [round: number, total: number, partsHash: Uint8Array, times: (number | bigint | null)[], signatures: Uint8Array];

const [hashBytes, signatureBytes, mostValidators] = [32, 64, 1000];
const isHash = isBytes(hashBytes);
const isStep: Shape<number | bigint> = (value): value is number | bigint => typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));

export const receiptHeadShape: Shape<ReceiptHead> = isTuple(
  isInt(1, Number.MAX_SAFE_INTEGER),
  isHash,
  isTuple<ReceiptHead[2]>(isInt(1, Number.MAX_SAFE_INTEGER), isInt(0, 2 ** 40), isInt(0, 999_999_999), isBytes(hiddenNodesBytes)),
  isTuple<CarriedCommit>(
    isInt(0, 2 ** 31 - 1),
    isInt(1, 65_536),
    isHash,
    isList(isEither(isStep, isOneOf(null)), 1, mostValidators),
    isBytes(signatureBytes, mostValidators * signatureBytes),
  ),
  isTuple<ReceiptHead[4]>(isBytes(hashBytes, mostValidators * hashBytes), isList(isInt(1, 2 ** 48), 1, mostValidators)),
);

export function receiptHead({ logSize, stateRoot, header, commit, validators }: Omit<SignedHead, 'logRoot'>, crypto: Crypto): ReceiptHead {
  const { height, time } = header;
  return [
    logSize,
    stateRoot,
    [height, time.seconds, time.nanos, hiddenNodes(header, crypto)],
    [commit.round, commit.parts.total, commit.parts.hash, stepsBetween(commit, time), concatBytes(...commit.signatures.flatMap((entry) => entry?.signature ?? []))],
    [concatBytes(...validators.map(({ key }) => key)), validators.map(({ power }) => power)],
  ];
}

/** As `verifyHead`, of the log's root that the receipt's path led to. */
export function verifyReceiptHead([logSize, stateRoot, shown, carriedCommit, carriedSet]: ReceiptHead, logRoot: Uint8Array, trust: Trust, crypto: Crypto): Result<VerifiedHead, HeadFailure> {
  const { chain } = trust;
  const [height, seconds, nanos, hidden] = shown;
  const time = { seconds, nanos };
  const validators = unpackSet(carriedSet);
  const commit = unpackCommit(carriedCommit, time);
  if (validators === undefined || commit === undefined) return headFails('altered', 'malformed');
  const trusted = trustedAt(height, trust);
  if (trusted === undefined) return headFails('before-trust', 'before the trust root');
  const header = { version: headerVersion, chain, height, time, validatorsHash: validatorsHash(validators, crypto), appHash: appHash(logRoot, logSize, stateRoot, crypto) };
  const hash = hashOfShown(header, hidden, crypto);
  const signed = verifyCommit({ chain, height, blockId: { hash, parts: commit.parts }, commit, validators, trusted }, crypto);
  return signed.ok ? ok({ chain, height: height - 1, timeMs: msOfTimestamp(time), logRoot, logSize, stateRoot, hash }) : signed;
}

function stepsBetween({ signatures }: Commit, start: Timestamp): (bigint | null)[] {
  let before = nanosOf(start);
  return signatures.map((entry) => {
    if (entry === null) return null;
    const at = nanosOf(entry.time);
    // Three hundred years off is no vote of this block's; made to fit into CBOR's integers it verifies no more than before.
    const step = BigInt.asIntN(64, at - before);
    before = at;
    return step;
  });
}

/** undefined: another number of signatures than of times, or a time before 1970. */
function unpackCommit([round, total, hash, times, joined]: CarriedCommit, start: Timestamp): Commit | undefined {
  const signed = split(joined, signatureBytes);
  if (joined.length % signatureBytes !== 0 || times.filter((step) => step !== null).length !== signed.length) return undefined;
  let at = nanosOf(start);
  const signatures: Commit['signatures'] = [];
  for (const step of times) {
    const signature = step === null ? undefined : signed.shift();
    if (step === null || signature === undefined) {
      signatures.push(null);
      continue;
    }
    at += BigInt(step);
    if (at < 0n) return undefined;
    signatures.push({ time: { seconds: Number(at / nanosInSecond), nanos: Number(at % nanosInSecond) }, signature });
  }
  return { round, parts: { total, hash }, signatures };
}

/** undefined: another number of keys than of powers. */
function unpackSet([joined, powers]: ReceiptHead[4]): Validator[] | undefined {
  const validators = split(joined, hashBytes).flatMap((key, i) => {
    const power = powers[i];
    return power === undefined ? [] : [{ key, power }];
  });
  return joined.length === powers.length * hashBytes ? validators : undefined;
}

/** The last piece is shorter where it does not come out even. */
export const split = (bytes: Uint8Array, length: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.subarray(i * length, (i + 1) * length));

const nanosInSecond = 1_000_000_000n;
const nanosOf = ({ seconds, nanos }: Timestamp): bigint => BigInt(seconds) * nanosInSecond + BigInt(nanos);
