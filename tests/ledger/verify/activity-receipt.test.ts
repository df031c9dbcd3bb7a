import { beforeAll, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { decodeActivityReceipt, encodeActivityReceipt, verifyActivityReceipt, type ActivityReceipt } from '../../../src/ledger/verify/activity-receipt.ts';
import { decodeHead } from '../../../src/ledger/verify/head.ts';
import { nobleCrypto } from '../../../src/ledger/verify/noble-crypto.ts';
import type { ReceiptFault } from '../../../src/ledger/verify/receipt.ts';
import { receiptFromText } from '../../../src/ledger/verify/receipt-text.ts';
import { receiptToSymbols } from '../../../src/ledger/verify/receipt-symbols.ts';
import { activityStatementOf } from '../../../src/ledger/verify/receipt-statement.ts';
import { activityOfLin, readAt, type LinsActivity } from '../activity-of-lin.ts';
import { chain, genesis, signerOf } from '../small-district.ts';

const trust = { chain, height: 1, validators: genesis.validators };
let lins: LinsActivity;
beforeAll(async () => {
  lins = await activityOfLin();
});

const faultOf = (bytes: Uint8Array, of = trust): ReceiptFault | 'none' => {
  const verified = verifyActivityReceipt(bytes, of, nodeCrypto);
  return verified.ok ? 'none' : verified.failure.fault;
};

/** The receipt with something changed in it, on the same head. */
function changed(change: (receipt: ActivityReceipt) => Partial<ActivityReceipt>): Uint8Array {
  const receipt = decodeActivityReceipt(lins.receipt);
  const head = decodeHead(lins.head, chain, nodeCrypto);
  if (receipt === undefined || head === undefined) throw new Error('not what was written');
  return encodeActivityReceipt({ ...receipt, ...change(receipt) }, head, nodeCrypto);
}

test('says who looked, and that nobody else did', () => {
  const verified = verifyActivityReceipt(lins.receipt, trust, nodeCrypto);
  if (!verified.ok) throw new Error(verified.failure.detail);
  const { entries, signedAtMs } = activityStatementOf(verified.value);
  expect(entries.map(({ act }) => act.kind)).toEqual(['grant.give', 'request.submit', 'access.record', 'resident.block']);
  expect(entries[2]).toMatchObject({ act: { shown: 'all', part: { party: 'tax-bureau', claims: ['name', 'address'] } }, orderedAtMs: readAt * 1000 });
  expect(entries[3]).toMatchObject({ act: { shown: 'no-private-part' }, orderedAtMs: null });
  expect(signedAtMs).toBeGreaterThan(0);
});

test('@noble comes to the same', () => {
  expect(verifyActivityReceipt(lins.receipt, trust, nobleCrypto)).toEqual(verifyActivityReceipt(lins.receipt, trust, nodeCrypto));
});

test('a part that is not shown is said to be hidden, and the list stays whole', () => {
  const verified = verifyActivityReceipt(changed(({ entries }) => ({ entries: entries.map((entry) => ({ ...entry, opened: null })) })), trust, nodeCrypto);
  expect(verified.ok && activityStatementOf(verified.value).entries.map(({ act }) => act.shown)).toEqual(['public-part', 'public-part', 'public-part', 'no-private-part']);
});

test('goes into codes and comes out of them', () => {
  expect(receiptFromText(receiptToSymbols(lins.receipt).join('\n'))).toEqual({ ok: true, value: lins.receipt });
});

test('no byte of it can have a bit flipped', () => {
  for (const [at, byte] of lins.receipt.entries()) {
    const flipped = lins.receipt.slice();
    flipped[at] = byte ^ (1 << (at & 7));
    expect(faultOf(flipped), `byte ${at}`).not.toBe('none');
  }
});

test.each<{ name: string; change: (receipt: ActivityReceipt) => Partial<ActivityReceipt>; fault: ReceiptFault }>([
  { name: 'the read left out', change: ({ entries }) => ({ entries: entries.filter((_, i) => i !== 2) }), fault: 'altered' },
  { name: 'the last entry left out', change: ({ entries }) => ({ entries: entries.slice(0, -1) }), fault: 'altered' },
  { name: 'an entry doubled', change: ({ entries }) => ({ entries: entries.flatMap((entry, i) => (i === 2 ? [entry, entry] : [entry])) }), fault: 'altered' },
  { name: 'two entries exchanged', change: ({ entries: [first, second, ...rest] }) => ({ entries: [second, first, ...rest].flatMap((entry) => entry ?? []) }), fault: 'altered' },
  { name: 'another resident’s id', change: () => ({ subject: new Uint8Array(16).fill(1) }), fault: 'altered' },
  { name: 'no record, as of a resident whom nothing touched', change: () => ({ entries: [], record: null }), fault: 'altered' },
  {
    name: 'the private part of another entry',
    change: ({ entries }) => ({ entries: entries.map((entry, i) => (i === 2 ? { ...entry, opened: entries[0]?.opened ?? null } : entry)) }),
    fault: 'part-altered',
  },
  {
    name: 'a private part where the act has none',
    change: ({ entries }) => ({ entries: entries.map((entry, i) => (i === 3 ? { ...entry, opened: entries[0]?.opened ?? null } : entry)) }),
    fault: 'part-altered',
  },
])('$name is refused', ({ change, fault }) => {
  expect(faultOf(changed(change))).toBe(fault);
});

test('other keys, another ledger and something else are told apart', () => {
  expect(faultOf(lins.receipt, { ...trust, validators: [{ key: signerOf('other').key[1], power: 10 }] })).toBe('other-signers');
  expect(faultOf(lins.receipt, { ...trust, height: 1000 })).toBe('before-trust');
  expect(faultOf(lins.receipt.slice(1))).toBe('not-a-receipt');
});

test('a list on an older head is all there was then, and says when that was', () => {
  const older = verifyActivityReceipt(lins.before, trust, nodeCrypto);
  expect(older.ok && older.value.entries.map(({ act }) => act.kind)).toEqual(['grant.give', 'request.submit']);
  const newer = verifyActivityReceipt(lins.receipt, trust, nodeCrypto);
  expect(older.ok && newer.ok && older.value.head.height < newer.value.head.height).toBe(true);
});
