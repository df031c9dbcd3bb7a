import { beforeAll, describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { checkpointOf, checkpointText } from '../../../src/ledger/verify/checkpoint.ts';
import { cosign, verifyCosignatures, type Cosignature } from '../../../src/ledger/verify/cosignature.ts';
import type { Trust, VerifiedHead } from '../../../src/ledger/verify/head.ts';
import { nobleCrypto } from '../../../src/ledger/verify/noble-crypto.ts';
import { decodeReceipt, encodeReceipt, verifyReceipt, withCosignatures, type Receipt } from '../../../src/ledger/verify/receipt.ts';
import { statementOf } from '../../../src/ledger/verify/receipt-statement.ts';
import { noteKeyOf } from '../note-vectors.ts';
import { receiptOfLin } from '../receipt-of-lin.ts';
import { chain, genesis, signerOf } from '../small-district.ts';

const origin = 'district.example/ledger';
const cosignedAt = 1_800_001_007;
const names = ['w1.example', 'w2.example', 'w3.example'];
const keyOf = (name: string) => noteKeyOf(name, 4, signerOf(name));
const trusting = (threshold: number, ...of: string[]): Trust => ({
  chain,
  height: 1,
  validators: genesis.validators,
  witnessing: { origin, threshold, witnesses: of.map((name) => ({ name, key: keyOf(name).key })) },
});

function cosignaturesOf(head: VerifiedHead, of: string, ...by: string[]): Cosignature[] {
  const text = checkpointText(checkpointOf(head, of));
  const signatures = by.map((name, i) => cosign(text, cosignedAt + i, name, signerOf(name), nodeCrypto));
  const held = verifyCosignatures({ text, signatures }, by.map(keyOf), nodeCrypto);
  if (!held.ok) throw new Error(held.failure.detail);
  return held.value;
}

let plain: Uint8Array;
let head: VerifiedHead;
const cosigned = (...by: string[]): Uint8Array => withCosignatures(plain, origin, cosignaturesOf(head, origin, ...by)) ?? new Uint8Array();
const flipped = (bytes: Uint8Array, bit: number): Uint8Array => bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

beforeAll(async () => {
  plain = (await receiptOfLin()).whole;
  const verified = verifyReceipt(plain, trusting(1, ...names), nodeCrypto);
  if (!verified.ok) throw new Error(verified.failure.detail);
  head = verified.value.head;
});

describe('a receipt with cosignatures', () => {
  test.each([nodeCrypto, nobleCrypto])('says who has seen it, and when', (crypto) => {
    const proof = verifyReceipt(cosigned('w2.example', 'w1.example'), trusting(2, ...names), crypto);
    expect(proof.ok && statementOf(proof.value).witnessed).toEqual({
      witnesses: [{ name: 'w1.example', time: cosignedAt + 1 }, { name: 'w2.example', time: cosignedAt }],
      isWitnessed: true,
    });
  });

  const reports: { name: string; by: string[]; trust: Trust; witnesses: string[]; isWitnessed: boolean }[] = [
    { name: 'fewer than it takes', by: ['w1.example'], trust: trusting(2, ...names), witnesses: ['w1.example'], isWitnessed: false },
    { name: 'one that nobody here knows', by: ['w9.example'], trust: trusting(1, ...names), witnesses: [], isWitnessed: false },
    { name: 'a known and an unknown one', by: ['w9.example', 'w3.example'], trust: trusting(1, ...names), witnesses: ['w3.example'], isWitnessed: true },
    { name: 'some, for a verifier who trusts no witness', by: names, trust: { chain, height: 1, validators: genesis.validators }, witnesses: [], isWitnessed: false },
    {
      name: 'some, for a verifier who knows the ledger by another origin',
      by: names,
      trust: { ...trusting(1, ...names), witnessing: { ...(trusting(1, ...names).witnessing ?? { threshold: 1, witnesses: [] }), origin: 'other.example' } },
      witnesses: [],
      isWitnessed: false,
    },
  ];
  test.each(reports)('by $name holds, and counts what counts', ({ by, trust, witnesses, isWitnessed }) => {
    const proof = verifyReceipt(cosigned(...by), trust, nodeCrypto);
    expect(proof.ok && proof.value.witnessed.witnesses.map(({ name }) => name)).toEqual(witnesses);
    expect(proof.ok && proof.value.witnessed.isWitnessed).toBe(isWitnessed);
  });

  test('without any is as good as it was', () => {
    expect(verifyReceipt(plain, trusting(1, ...names), nodeCrypto)).toMatchObject({ ok: true, value: { witnessed: { witnesses: [], isWitnessed: false } } });
  });

  test('with any one bit of them changed is refused, whether the witness is known or not', () => {
    const carried = decodeReceipt(cosigned('w1.example', 'w9.example'));
    if (carried === undefined) throw new Error('not a receipt');
    const whole = encodeReceipt(carried);
    const trust = trusting(1, ...names);
    // The members stand in the order of deterministic CBOR, `checkpoint` behind all others.
    const from = plain.length;
    expect(whole.length - from).toBeGreaterThan(200);
    const believed: number[] = [];
    for (let bit = from * 8; bit < whole.length * 8; bit++) if (verifyReceipt(flipped(whole, bit), trust, nodeCrypto).ok) believed.push(bit);
    expect(believed).toEqual([]);
  });

  const wrong: { name: string; edit: (checkpoint: NonNullable<Receipt['checkpoint']>) => Receipt['checkpoint'] }[] = [
    { name: 'none in the list', edit: (checkpoint) => ({ ...checkpoint, cosignatures: [] }) },
    { name: 'the two changed over', edit: (checkpoint) => ({ ...checkpoint, cosignatures: checkpoint.cosignatures.toReversed() }) },
    { name: 'one twice', edit: ({ cosignatures, ...rest }) => ({ ...rest, cosignatures: cosignatures.flatMap((one) => [one, one]) }) },
    { name: 'another origin', edit: (checkpoint) => ({ ...checkpoint, origin: 'other.example' }) },
    { name: 'an origin of two lines', edit: (checkpoint) => ({ ...checkpoint, origin: `${origin}\n2` }) },
    { name: 'another time', edit: ({ cosignatures, ...rest }) => ({ ...rest, cosignatures: cosignatures.map(([key, time, signature]) => [key, time + 1, signature]) }) },
    {
      name: 'those of another head',
      edit: () => decodeReceipt(withCosignatures(plain, origin, cosignaturesOf({ ...head, height: head.height + 1 }, origin, 'w1.example')) ?? plain)?.checkpoint,
    },
  ];
  test.each(wrong)('with $name is refused', ({ edit }) => {
    const receipt = decodeReceipt(cosigned('w1.example', 'w2.example'));
    const checkpoint = receipt?.checkpoint === undefined ? undefined : edit(receipt.checkpoint);
    if (receipt === undefined || checkpoint === undefined) throw new Error('no checkpoint');
    expect(verifyReceipt(encodeReceipt({ ...receipt, checkpoint }), trusting(1, ...names), nodeCrypto).ok).toBe(false);
  });
});

test('a cosignature costs a receipt 110 bytes, and the first of them the origin beside it', () => {
  const [one, two, three] = [cosigned('w1.example'), cosigned('w1.example', 'w2.example'), cosigned(...names)].map(({ length }) => length - plain.length);
  expect((two ?? 0) - (one ?? 0)).toBeLessThanOrEqual(110);
  expect((three ?? 0) - (two ?? 0)).toBeLessThanOrEqual(110);
  expect(one).toBeLessThanOrEqual(110 + 30 + origin.length);
});

test('no more than 16 cosignatures are carried', () => {
  const many = cosigned(...Array.from({ length: 17 }, (_, i) => `many-${i}.example`));
  expect(decodeReceipt(many)?.checkpoint?.cosignatures).toHaveLength(16);
  expect(verifyReceipt(many, trusting(1, ...names), nodeCrypto).ok).toBe(true);
  expect(withCosignatures(utf8('Good morning'), origin, [])).toBeUndefined();
});
