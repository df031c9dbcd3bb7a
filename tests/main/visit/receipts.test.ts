import { beforeAll, describe, expect, test } from 'vitest';
import { fail, ok } from '../../../src/contract/result.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { checkPendingReceipt } from '../../../src/ledger/verify/pending-receipt.ts';
import { decodeReceipt, verifyReceipt } from '../../../src/ledger/verify/receipt.ts';
import { symbolsToReceipt } from '../../../src/ledger/verify/receipt-symbols.ts';
import type { Waiting } from '../../../src/main/outbox.ts';
import { openRequest, type RequestSources } from '../../../src/main/visit/receipts.ts';
import type { PastRequest } from '../../../src/main/visit/work.ts';
import { receiptOfLin } from '../../ledger/receipt-of-lin.ts';
import { chain, genesis, keys, lin } from '../../ledger/small-district.ts';

const trust = { chain, height: 1, validators: genesis.validators };
const both = (text: string) => ({ 'zh-Hans': text, en: text });
const signer = lin.sig.key[1];
let of: Awaited<ReturnType<typeof receiptOfLin>>;
let waiting: Waiting;
let transaction: Uint8Array;

beforeAll(async () => {
  of = await receiptOfLin();
  const envelope = decodeReceipt(of.whole)?.envelope ?? new Uint8Array();
  const proof = verifyReceipt(of.whole, trust, nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.detail);
  ({ transaction } = proof.value);
  waiting = { transaction, submission: { envelope, payloads: [] }, reference: of.reference, resident: lin.id, counter: 7, notAfter: 0, putAt: 0 };
});

const request = (state: PastRequest['row']['state'], parts: PastRequest['parts'] = of.parts): PastRequest => ({
  transaction,
  row: { reference: of.reference, service: both('Service'), agency: both('Agency'), group: 'tax', state, at: '2026-11-22T10:00:00Z', step: null, decision: null },
  steps: [],
  claims: [],
  until: '',
  parts,
});

type Hub = 'has it' | 'has it witnessed' | 'has it not' | 'is away';

function sources(hub: Hub, waits: boolean): RequestSources {
  const answers = { 'has it': () => ok({ receipt: of.bare, at: '2026-11-22T10:00:01Z', isWitnessed: false }), 'has it witnessed': () => ok({ receipt: of.bare, at: '2026-11-22T10:00:01Z', isWitnessed: true }), 'has it not': () => ok(null), 'is away': () => fail('hub-unreachable') };
  return {
    district: { receipt: () => Promise.resolve(answers[hub]()) },
    outbox: { find: () => (waits ? waiting : null) },
    deviceKey: { publicKey: keys.kiosk.key },
    trust,
    crypto: nodeCrypto,
  };
}

const bytesOf = (qr: string[]): Uint8Array => symbolsToReceipt(qr) ?? new Uint8Array();

describe('an earlier request', () => {
  test('that is recorded comes with the whole receipt, wherever it was queued before', async () => {
    for (const state of ['queued', 'recorded'] as const) {
      const opened = await openRequest(request(state), signer, sources('has it', false));
      expect(opened).toMatchObject({ ok: true, value: { state: 'recorded' } });
      expect(opened.ok && bytesOf(opened.value.qr)).toEqual(of.whole);
    }
  });

  test('that outsiders have seen since is witnessed', async () => {
    expect(await openRequest(request('recorded'), signer, sources('has it witnessed', false))).toMatchObject({ ok: true, value: { state: 'witnessed' } });
  });

  test.each<{ hub: Hub }>([{ hub: 'has it not' }, { hub: 'is away' }])('that waits here, while the hub $hub, comes with the receipt that says so', async ({ hub }) => {
    const opened = await openRequest(request('queued'), signer, sources(hub, true));
    expect(opened).toMatchObject({ ok: true, value: { state: 'queued' } });
    const bytes = bytesOf(opened.ok ? opened.value.qr : []);
    expect(checkPendingReceipt(bytes, trust, nodeCrypto)).toMatchObject({ ok: true, value: { reference: of.reference } });
    expect(verifyReceipt(bytes, trust, nodeCrypto)).toMatchObject({ ok: false });
  });

  test('that waits here and whose parts or keys do not fit comes without codes', async () => {
    expect(await openRequest(request('queued', of.parts.toReversed()), signer, sources('has it not', true))).toEqual(ok({ state: 'queued', qr: [] }));
    expect(await openRequest(request('queued'), keys.kiosk.key[1], sources('has it not', true))).toEqual(ok({ state: 'queued', qr: [] }));
  });

  test('that was refused says so with the hub away', async () => {
    expect(await openRequest(request('rejected'), signer, sources('is away', false))).toEqual(ok({ state: 'rejected', qr: [] }));
    expect(await openRequest(request('expired'), signer, sources('has it not', false))).toEqual(ok({ state: 'expired', qr: [] }));
  });

  test('that is recorded cannot be shown with the hub away', async () => {
    expect(await openRequest(request('recorded'), signer, sources('is away', false))).toMatchObject({ ok: false, failure: { code: 'hub-unreachable' } });
  });

  test('whose receipt does not hold is not shown', async () => {
    expect(await openRequest(request('recorded', of.parts.toReversed()), signer, sources('has it', false))).toMatchObject({ ok: false, failure: { code: 'proof-invalid' } });
  });
});
