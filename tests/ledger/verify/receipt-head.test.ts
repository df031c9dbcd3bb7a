import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { hashOfShown, headerHash, hiddenNodes, timestampOfMs, voteSignBytes, type Timestamp } from '../../../src/ledger/verify/block.ts';
import { decodeCbor, encodeCbor } from '../../../src/ledger/verify/cbor.ts';
import type { LightBlock } from '../../../src/ledger/verify/light-block.ts';
import { receiptHead, receiptHeadShape, verifyReceiptHead, type ReceiptHead } from '../../../src/ledger/verify/receipt-head.ts';
import { blockTimeMs, LightChain, setOf, validatorSigner, type Powers } from '../light-chain.ts';
import { chain } from '../small-district.ts';

const powers: Powers = { a: 10, b: 10, c: 10, d: 10 };
const blocks = new LightChain(() => powers);
const height = 9;
const shown = blocks.shownAt(height);
const trust = { chain, height: 1, validators: setOf(powers) };
const headerTime = timestampOfMs(blockTimeMs(height));

/** Through the bytes and back, as a receipt carries it. */
function carried(block: LightBlock): ReceiptHead {
  const value: unknown = decodeCbor(encodeCbor(receiptHead({ ...block, ...shown }, nodeCrypto)));
  if (!receiptHeadShape(value)) throw new Error('not a head');
  return value;
}
const verify = (head: ReceiptHead, root = shown.logRoot) => verifyReceiptHead(head, root, trust, nodeCrypto);
const plain = carried(blocks.at(height));
const [logSize, stateRoot, header, commit, validators] = plain;
const [round, total, partsHash, times, signatures] = commit;

/** The block with votes of these times, by the names in the set's order. */
function votedAt(...at: Timestamp[]): LightBlock {
  const block = blocks.at(height);
  const blockId = { hash: headerHash(block.header, nodeCrypto), parts: block.commit.parts };
  const byKey = Object.keys(powers).map((name) => validatorSigner(name));
  const votes = block.validators.map(({ key }, i) => {
    const signer = byKey.find((one) => Buffer.from(one.key[1]).equals(key));
    const time = at[i];
    if (signer === undefined || time === undefined) throw new Error('no such validator');
    return { time, signature: signer.sign(voteSignBytes({ chain, height, round: block.commit.round, blockId, time })) };
  });
  return { ...block, commit: { ...block.commit, signatures: votes } };
}
const after = (seconds: number, nanos = 0): Timestamp => ({ seconds: headerTime.seconds + seconds, nanos: headerTime.nanos + nanos });

test('the hash of a header is that of what is shown of it and five nodes', () => {
  const { header: whole } = blocks.at(height);
  const hidden = hiddenNodes(whole, nodeCrypto);
  expect(hashOfShown(whole, hidden, nodeCrypto)).toEqual(headerHash(whole, nodeCrypto));
  for (const other of [{ height: 8 }, { chain: 'other' }, { time: after(1) }, { appHash: shown.stateRoot }, { validatorsHash: shown.stateRoot }]) {
    expect(hashOfShown({ ...whole, ...other }, hidden, nodeCrypto)).not.toEqual(headerHash(whole, nodeCrypto));
  }
});

describe('a receipt’s head', () => {
  test('says what the whole head says', () => {
    expect(verify(plain)).toEqual({
      ok: true,
      value: { chain, height: height - 1, timeMs: blockTimeMs(height), ...shown, hash: blocks.hashAt(height) },
    });
  });

  test('holds where one in four has not signed', () => {
    const head = carried(blocks.forge(height, { signedBy: ['a', 'b', 'c'] }));
    expect(head[3][3].filter((step) => step === null)).toHaveLength(1);
    expect(verify(head)).toMatchObject({ ok: true });
    expect(verify(carried(blocks.forge(height, { signedBy: ['a', 'b'] })))).toMatchObject({ ok: false, failure: { detail: 'too little power signed' } });
  });

  const voted: { name: string; at: Timestamp[]; steps: (number | bigint)[] }[] = [
    { name: 'at the header’s own time', at: [after(0), after(0), after(0), after(0)], steps: [0, 0, 0, 0] },
    { name: 'a minute later, not in the set’s order', at: [after(60, 5), after(60), after(60, 900_000_000), after(61)], steps: [60_000_000_005, -5, 900_000_000, 100_000_000] },
    { name: 'before the header', at: [after(-1), after(0), after(0), after(0)], steps: [-1_000_000_000, 1_000_000_000, 0, 0] },
    { name: 'half a year later, after the ledger stood still', at: [after(15_552_000), after(15_552_000), after(15_552_000), after(15_552_000)], steps: [15_552_000_000_000_000n, 0, 0, 0] },
  ];
  test.each(voted)('carries votes $name', ({ at, steps }) => {
    const head = carried(votedAt(...at));
    expect(head[3][3]).toEqual(steps);
    expect(verify(head)).toMatchObject({ ok: true });
  });

  const changed = (step: (number | bigint | null)[]): ReceiptHead => [logSize, stateRoot, header, [round, total, partsHash, step, signatures], validators];
  const wrong: { name: string; head: ReceiptHead; detail: string }[] = [
    { name: 'a time too few', head: changed(times.slice(1)), detail: 'malformed' },
    { name: 'a null too many', head: changed([...times, null]), detail: 'signatures and validators differ in number' },
    { name: 'a null where one has signed', head: changed([null, ...times.slice(1)]), detail: 'malformed' },
    { name: 'half a signature', head: [logSize, stateRoot, header, [round, total, partsHash, times, signatures.slice(0, -32)], validators], detail: 'malformed' },
    { name: 'a signature too few', head: [logSize, stateRoot, header, [round, total, partsHash, times, signatures.slice(64)], validators], detail: 'malformed' },
    { name: 'a vote before 1970', head: changed([-(2n ** 62n), ...times.slice(1)]), detail: 'malformed' },
    { name: 'another time of one vote', head: changed([1, -1, ...times.slice(2)]), detail: 'signature of validator 0' },
    { name: 'a key too few', head: [logSize, stateRoot, header, commit, [validators[0].slice(32), validators[1]]], detail: 'malformed' },
    { name: 'a power too few', head: [logSize, stateRoot, header, commit, [validators[0], validators[1].slice(1)]], detail: 'malformed' },
    { name: 'another power', head: [logSize, stateRoot, header, commit, [validators[0], [11, 10, 10, 10]]], detail: 'signature of validator 0' },
    { name: 'another size of the log', head: [logSize + 1, stateRoot, header, commit, validators], detail: 'signature of validator 0' },
    { name: 'another node beside the header’s fields', head: [logSize, stateRoot, [header[0], header[1], header[2], header[3].toReversed()], commit, validators], detail: 'signature of validator 0' },
  ];
  test.each(wrong)('with $name is refused', ({ head, detail }) => {
    expect(verify(head)).toMatchObject({ ok: false, failure: { code: 'head-invalid', fault: 'altered', detail } });
  });

  test('of a commit whose votes are thousands of years off can be written, and is refused', () => {
    const head = carried(votedAt(after(250_000_000_000), after(0), after(0), after(0)));
    expect(verify(head)).toMatchObject({ ok: false, failure: { fault: 'altered' } });
  });

  test('of another log is refused', () => {
    expect(verify(plain, shown.stateRoot)).toMatchObject({ ok: false, failure: { fault: 'altered', detail: 'signature of validator 0' } });
  });

  test('of a time before the trust root, or by others, is told apart', () => {
    expect(verifyReceiptHead(plain, shown.logRoot, { ...trust, height: height + 1 }, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'before-trust' } });
    expect(verifyReceiptHead(plain, shown.logRoot, { ...trust, validators: setOf({ e: 1 }) }, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'other-signers' } });
  });

  test('of a time before the trust root holds by those who signed then', () => {
    const earlier = [{ from: 1, until: height, validators: setOf(powers) }];
    expect(verifyReceiptHead(plain, shown.logRoot, { chain, height: height + 1, validators: setOf({ e: 1 }), earlier }, nodeCrypto)).toMatchObject({ ok: true });
  });
});
