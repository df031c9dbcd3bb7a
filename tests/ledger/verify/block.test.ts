import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { acceptedResultsHash, headerHash, resultsHash, voteSignBytes, type Commit, type Header } from '../../../src/ledger/verify/block.ts';
import { toHex, utf8 } from '../../../src/ledger/verify/bytes.ts';
import { verifyCommit } from '../../../src/ledger/verify/head.ts';
import { signerOf } from '../small-district.ts';

const sum = (text: string): Uint8Array => nodeCrypto.sha256(utf8(text));

// CometBFT types/block_test.go, TestHeaderHash, "Generates expected hash".
test('a header hashes as CometBFT hashes it', () => {
  const header: Header = {
    version: { block: 1, app: 2 },
    chain: 'chainId',
    height: 3,
    time: { seconds: Date.UTC(2019, 9, 13, 16, 14, 44) / 1000, nanos: 0 },
    lastBlockId: { hash: new Uint8Array(32), parts: { total: 6, hash: new Uint8Array(32) } },
    lastCommitHash: sum('last_commit_hash'),
    dataHash: sum('data_hash'),
    validatorsHash: sum('validators_hash'),
    nextValidatorsHash: sum('next_validators_hash'),
    consensusHash: sum('consensus_hash'),
    appHash: sum('app_hash'),
    lastResultsHash: sum('last_results_hash'),
    evidenceHash: sum('evidence_hash'),
    proposerAddress: sum('proposer_address').slice(0, 20),
  };
  expect(toHex(headerHash(header, nodeCrypto))).toBe('f740121f553b5418c3efbd343c2dbfe9e007bb67b0d020a0741374bab65242a4');
});

// CometBFT types/vote_test.go, TestVoteSignBytesTestVectors, case 1: Go's zero time, no block id, no chain.
test('a vote is signed as CometBFT signs it', () => {
  const bytes = voteSignBytes({ chain: '', height: 1, round: 1, blockId: null, time: { seconds: -62_135_596_800, nanos: 0 } });
  expect(toHex(bytes)).toBe('210802110100000000000000190100000000000000' + '2a0b088092b8c398feffffff01');
});

test('a vote with a chain of twelve letters takes 114 bytes', () => {
  const bytes = voteSignBytes({
    chain: 'imi-district',
    height: 1000,
    round: 0,
    blockId: { hash: sum('block'), parts: { total: 1, hash: sum('parts') } },
    time: { seconds: 1_800_000_000, nanos: 987_654_321 },
  });
  expect(bytes.length).toBe(114);
});

test('results of which each is as the other hash as they do one by one', () => {
  const accepted = { code: 0, data: new Uint8Array(), gasWanted: 0n, gasUsed: 0n };
  for (const count of [...Array(40).keys(), 500, 1023, 1024, 1025]) {
    expect(toHex(acceptedResultsHash(count, nodeCrypto))).toBe(toHex(resultsHash(Array.from({ length: count }, () => accepted), nodeCrypto)));
  }
});

describe('a commit', () => {
  const signers = ['a', 'b', 'c', 'd'].map((name) => signerOf(`validator ${name}`));
  const validators = signers.map(({ key }) => ({ key: key[1], power: 10 }));
  const blockId = { hash: sum('block'), parts: { total: 1, hash: sum('parts') } };
  const chain = 'imi-test';
  const commit = (signed: readonly boolean[], height = 7): Commit => ({
    round: 0,
    parts: blockId.parts,
    signatures: signers.map((signer, i) => {
      const time = { seconds: 1_800_000_000 + i, nanos: 0 };
      return signed[i] === true ? { time, signature: signer.sign(voteSignBytes({ chain, height, round: 0, blockId, time })) } : null;
    }),
  });
  const verify = (of: Commit, trusted = validators): boolean =>
    verifyCommit({ chain, height: 7, blockId, commit: of, validators, trusted }, nodeCrypto).ok;
  const strangers = ['e', 'f', 'g', 'h'].map((name) => ({ key: signerOf(`validator ${name}`).key[1], power: 10 }));

  test.each([
    { name: 'all four', holds: verify(commit([true, true, true, true])), expected: true },
    { name: 'three of four', holds: verify(commit([true, true, true, false])), expected: true },
    { name: 'half', holds: verify(commit([true, true, false, false])), expected: false },
    { name: 'nobody', holds: verify(commit([false, false, false, false])), expected: false },
    { name: 'signatures for another height', holds: verify(commit([true, true, true, true], 8)), expected: false },
    { name: 'a set that is not the trusted one', holds: verify(commit([true, true, true, true]), strangers), expected: false },
    { name: 'a trusted set of which half is still there', holds: verify(commit([true, true, true, true]), [...validators.slice(0, 2), ...strangers.slice(0, 2)]), expected: false },
    { name: 'a trusted set of which three of four are still there', holds: verify(commit([true, true, true, true]), [...validators.slice(0, 3), ...strangers.slice(0, 1)]), expected: true },
    { name: 'a signature too few', holds: verify({ ...commit([true, true, true, true]), signatures: commit([true, true, true]).signatures.slice(1) }), expected: false },
  ])('$name: $expected', ({ holds, expected }) => {
    expect(holds).toBe(expected);
  });

  test('exactly two thirds are too few', () => {
    const three = validators.slice(0, 3);
    const signed = { ...commit([true, true, false, false]), signatures: commit([true, true, false, false]).signatures.slice(0, 3) };
    expect(verifyCommit({ chain, height: 7, blockId, commit: signed, validators: three, trusted: three }, nodeCrypto).ok).toBe(false);
  });
});
