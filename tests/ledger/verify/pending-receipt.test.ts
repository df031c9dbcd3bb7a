import { beforeAll, describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { checkPendingReceipt, completeReceipt, decodePendingReceipt, encodePendingReceipt, type PendingReceipt } from '../../../src/ledger/verify/pending-receipt.ts';
import { decodeReceipt, verifyReceipt } from '../../../src/ledger/verify/receipt.ts';
import { receiptToSymbols } from '../../../src/ledger/verify/receipt-symbols.ts';
import { receiptFromText } from '../../../src/ledger/verify/receipt-text.ts';
import { receiptOfLin } from '../receipt-of-lin.ts';
import { chain, envelopeOf, genesis, keys, lin, requestBody } from '../small-district.ts';

const trust = { chain, height: 1, validators: genesis.validators };
let of: Awaited<ReturnType<typeof receiptOfLin>>;
let pending: PendingReceipt;
let bytes: Uint8Array;

beforeAll(async () => {
  of = await receiptOfLin();
  const whole = decodeReceipt(of.whole);
  if (whole === undefined) throw new Error('not a receipt');
  pending = { v: 1, state: 'queued', envelope: whole.envelope, keys: whole.keys, parts: whole.parts };
  bytes = encodePendingReceipt(pending);
});

describe('a pending receipt', () => {
  test('says what was signed, and by which keys', () => {
    expect(checkPendingReceipt(bytes, trust, nodeCrypto)).toMatchObject({
      ok: true,
      value: { reference: of.reference, signers: [lin.sig.key, keys.kiosk.key], acts: [{ kind: 'grant.give' }, { kind: 'request.submit', part: { agency: 'tax-bureau' } }] },
    });
  });

  test('proves nothing of the ledger: no verifier of receipts takes it', () => {
    expect(verifyReceipt(bytes, trust, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'not-a-receipt' } });
    expect(checkPendingReceipt(of.whole, trust, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'not-a-receipt' } });
    expect(checkPendingReceipt(bytes, trust, nodeCrypto)).not.toHaveProperty('value.head');
  });

  test('goes through codes like any other, in two at most', () => {
    const symbols = receiptToSymbols(bytes);
    expect(symbols.length).toBeLessThanOrEqual(2);
    expect(receiptFromText(symbols.toReversed().join('\n'))).toEqual({ ok: true, value: bytes });
  });

  test('with any one bit changed is refused', () => {
    const believed: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      if (checkPendingReceipt(changed, trust, nodeCrypto).ok) believed.push(bit);
    }
    expect(believed).toEqual([]);
  }, 60_000);

  const cases: { name: string; change: (good: PendingReceipt) => PendingReceipt; ledger?: string; fault: string }[] = [
    { name: 'of another ledger', change: (good) => good, ledger: 'imi-other', fault: 'other-ledger' },
    { name: 'with parts that are not its own', change: (good) => ({ ...good, parts: good.parts.toReversed() }), fault: 'part-altered' },
    { name: 'with a key too few', change: (good) => ({ ...good, keys: good.keys.slice(0, 1) }), fault: 'altered' },
    { name: 'with the keys the wrong way round', change: (good) => ({ ...good, keys: good.keys.toReversed() }), fault: 'altered' },
  ];
  test.each(cases)('$name is refused', ({ change, ledger = chain, fault }) => {
    expect(checkPendingReceipt(encodePendingReceipt(change(pending)), { chain: ledger }, nodeCrypto)).toMatchObject({ ok: false, failure: { fault } });
  });
});

describe('completing', () => {
  test('the recorded receipt of the same transaction takes the private parts', () => {
    expect(completeReceipt(pending, of.bare, nodeCrypto)).toEqual(of.whole);
    expect(completeReceipt(pending, of.whole, nodeCrypto)).toEqual(of.whole);
  });

  test('another transaction, or what is no receipt, completes nothing', async () => {
    const { body, parts } = requestBody(lin, 8);
    const other: PendingReceipt = { ...pending, envelope: await envelopeOf(body, [lin.sig, keys.kiosk]), parts };
    expect(completeReceipt(other, of.bare, nodeCrypto)).toBeUndefined();
    expect(completeReceipt(pending, bytes, nodeCrypto)).toBeUndefined();
  });

  test('parts that are not the transaction’s own make no receipt that holds', () => {
    const wrong = completeReceipt({ ...pending, parts: pending.parts.toReversed() }, of.bare, nodeCrypto);
    expect(wrong && verifyReceipt(wrong, trust, nodeCrypto)).toMatchObject({ ok: false, failure: { fault: 'part-altered' } });
  });
});

test('is read in its own form only', () => {
  expect(decodePendingReceipt(encodePendingReceipt({ ...pending, state: 'recorded' as 'queued' }))).toBeUndefined();
  expect(decodePendingReceipt(encodePendingReceipt({ ...pending, more: 1 } as PendingReceipt))).toBeUndefined();
});
