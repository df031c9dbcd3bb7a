import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { completed, decodeDraft, encodeDraft, inputFor, newDraft, withSignature, type Draft } from '../../../src/ledger/verify/draft.ts';
import { openEnvelope } from '../../../src/ledger/verify/envelope.ts';

const signers = [1, 2, 3].map((n) => ed25519Signer(new Uint8Array(32).fill(n)));
const keys = signers.map(({ key }) => key);
const draft = newDraft({ v: 1, chain: 'c', nonce: new Uint8Array(16), notAfter: 2_000_000_000, acts: [{ kind: 'case.unseal', id: new Uint8Array(16) }] }, keys);

function signedBy(from: Draft, index: number): Draft {
  const signer = signers[index];
  const input = signer === undefined ? undefined : inputFor(from, signer.key, nodeCrypto);
  if (signer === undefined || input === undefined) throw new Error('no signer');
  const signed = withSignature(from, signer.key, signer.sign(input), nodeCrypto);
  if (!signed.ok) throw new Error(signed.failure.code);
  return signed.value;
}

test.each([{ order: [0, 1, 2] }, { order: [2, 0, 1] }])('in any order, it is one envelope: $order', ({ order }) => {
  const all = order.reduce(signedBy, draft);
  expect(completed(order.slice(0, 2).reduce(signedBy, draft), nodeCrypto)).toBeNull();
  const envelope = completed(all, nodeCrypto);
  const opened = openEnvelope(envelope ?? new Uint8Array(), nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  expect(opened.value.signers.every(({ input, signature }, index) => nodeCrypto.verify(keys[index] ?? [-19, new Uint8Array(32)], input, signature))).toBe(true);
  expect(envelope).toEqual(completed([0, 1, 2].reduce(signedBy, draft), nodeCrypto));
});

test('it goes over the wire as it is, and a signature that is none does not', () => {
  const half = signedBy(draft, 1);
  expect(decodeDraft(encodeDraft(half), nodeCrypto)).toEqual(half);
  const forged: Draft = { ...half, signatures: [new Uint8Array(64), half.signatures[1] ?? null, null] };
  expect(decodeDraft(encodeDraft(forged), nodeCrypto)).toBeUndefined();
  expect(decodeDraft(encodeDraft({ ...half, body: half.body.slice(1) }), nodeCrypto)).toBeUndefined();
  expect(decodeDraft(encodeDraft({ ...half, signatures: half.signatures.slice(1) }), nodeCrypto)).toBeUndefined();
});

test('any bytes are a draft or none, and never a fault', () => {
  expect(() => fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeDraft(bytes, nodeCrypto) === undefined))).not.toThrow();
});
