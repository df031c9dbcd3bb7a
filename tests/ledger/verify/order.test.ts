import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import { decodeCbor, encodeCbor, type CborValue } from '../../../src/ledger/verify/cbor.ts';
import { signatureInput } from '../../../src/ledger/verify/envelope.ts';
import { openOrder, orderInput, signOrder, type Order, type OrderBody } from '../../../src/ledger/verify/order.ts';

const officer = ed25519Signer(new Uint8Array(32).fill(7));
const id = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const hash: readonly [-16, Uint8Array] = [-16, new Uint8Array(32).fill(9)];

const orders: Order[] = [
  { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.property-certificate', subject: id(1), grant: id(2), access: id(3) },
  { kind: 'case.read', party: 'audit-office', case: id(1), subject: id(2), access: id(3) },
  { kind: 'request.step', party: 'tax-bureau', subject: id(1), request: id(2), step: 'received', payment: { reference: 'TAX-2026-01', amountFen: 1250 } },
  { kind: 'request.step', party: 'tax-bureau', subject: id(1), request: id(2), step: 'decided', decision: 'approved', letter: hash },
  { kind: 'credential.issue', party: 'tax-bureau', subject: id(1), credential: id(2), vct: 'urn:imi:credential:taxpayer:1', status: 4, hash },
  { kind: 'credential.revoke', party: 'tax-bureau', subject: id(1), credential: id(2), vct: 'urn:imi:credential:taxpayer:1', reason: 'ended' },
  { kind: 'index.lookup', party: 'registrar', number: hash, reason: 'card lost', access: id(3) },
];

const bodyOf = (order: Order): OrderBody => ({ v: 1, chain: 'imi-test', nonce: id(5), at: 1_790_000_000, notAfter: 1_790_000_600, order });

describe('an order', () => {
  it.each(orders)('$kind is opened as it was signed', async (order) => {
    const opened = openOrder(await signOrder(bodyOf(order), officer, nodeCrypto), nodeCrypto);
    if (!opened.ok) throw new Error(opened.failure.detail);
    expect(opened.value.body).toEqual(bodyOf(order));
    const { input, signature } = opened.value.signer;
    expect(nodeCrypto.verify(officer.key, input, signature)).toBe(true);
  });

  it('fits into one short APDU and begins like a lone Sig_structure', () => {
    const input = orderInput(encodeCbor(bodyOf(orders[0] as Order)), 'c'.repeat(20), officer.key, nodeCrypto);
    expect(input[0]).toBe(0x84);
    expect(input.length).toBeLessThanOrEqual(200);
  });

  it('is never a transaction: the same body has another Sig_structure', () => {
    const body = encodeCbor(bodyOf(orders[0] as Order));
    expect(orderInput(body, 'imi-test', officer.key, nodeCrypto)).not.toEqual(signatureInput(body, 'imi-test', [officer.key], 0, nodeCrypto));
  });

  it('does not hold once any bit of it is flipped', async () => {
    const signed = await signOrder(bodyOf(orders[0] as Order), officer, nodeCrypto);
    const whole = openOrder(signed, nodeCrypto);
    const kid = whole.ok ? whole.value.signer.kid : new Uint8Array(0);
    for (let bit = 0; bit < signed.length * 8; bit++) {
      const flipped = signed.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const opened = openOrder(flipped, nodeCrypto);
      const holds = opened.ok && nodeCrypto.verify(officer.key, opened.value.signer.input, opened.value.signer.signature);
      // Who signed is named in a header of its own: another name is another key, which did not sign.
      const sameName = opened.ok && Buffer.from(opened.value.signer.kid).equals(Buffer.from(kid));
      expect(holds && sameName, `bit ${bit}`).toBe(false);
    }
  });

  it.each([
    { name: 'a member too many', change: { extra: 1 } },
    { name: 'a member missing', change: { purpose: undefined } },
    { name: 'another kind', change: { kind: 'grant.give' } },
    { name: 'an id of another length', change: { grant: new Uint8Array(15) } },
  ])('with $name is refused', async ({ change }) => {
    const order = Object.fromEntries(Object.entries({ ...orders[0], ...change }).filter(([, value]) => value !== undefined)) as unknown as Order;
    expect(openOrder(await signOrder(bodyOf(order), officer, nodeCrypto), nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'body-malformed' } });
  });

  it('signed by two is refused', async () => {
    const signed = decodeCbor(await signOrder(bodyOf(orders[0] as Order), officer, nodeCrypto)) as CborValue[];
    const two = encodeCbor([new Uint8Array([0xd8, 0x62, ...encodeCbor([new Uint8Array(1), {}, new Uint8Array(32), []])]), signed[1] as Uint8Array]);
    expect(openOrder(two, nodeCrypto)).toMatchObject({ ok: false, failure: { code: 'envelope-malformed' } });
  });
});
