import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { OpenedPart } from '../../../src/ledger/verify/acts.ts';
import { utf8 } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../src/ledger/verify/cbor.ts';
import { encodeBody, transactionId } from '../../../src/ledger/verify/envelope.ts';
import { fromBase45, toBase45 } from '../../../src/ledger/verify/base45.ts';
import { decodeReceipt, encodeReceipt, verifyReceipt, withParts, type Receipt, type ReceiptFault } from '../../../src/ledger/verify/receipt.ts';
import { receiptToSymbols, symbolsToReceipt } from '../../../src/ledger/verify/receipt-symbols.ts';
import { parseReference, reference } from '../../../src/ledger/verify/reference.ts';
import { receiptOfRequest } from '../../../bench/receipt-check.ts';
import { chain, envelopeOf, genesis, idOf, keys, lin, now, register, requestBody, seedOf, signerOf } from '../small-district.ts';

const trust = { chain, height: 1, validators: genesis.validators };
let bare: Uint8Array;
let whole: Uint8Array;
let parts: OpenedPart[];
let transaction: Uint8Array;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'receipt-'));
  const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  await opened.value.submit(await register(lin));
  const request = requestBody(lin, 7);
  parts = request.parts;
  transaction = transactionId(encodeBody(request.body), nodeCrypto);
  await opened.value.submit(await envelopeOf(request.body, [lin.sig, keys.kiosk]));
  const receipt = await opened.value.receipt(transaction, 5000);
  if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  bare = receipt.value;
  whole = withParts(bare, parts) ?? new Uint8Array();
  await opened.value.close();
  rmSync(folder, { recursive: true });
});

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

describe('a receipt', () => {
  test('proves the transaction, and what the bearer shows of it', () => {
    const proof = verifyReceipt(whole, trust, nodeCrypto);
    expect(proof).toMatchObject({ ok: true, value: { reference: reference(transaction), transaction, index: 1, head: { chain, logSize: 2 } } });
    expect(proof.ok && proof.value.acts.map(({ part }) => part)).toEqual(parts.map(({ part }) => part));
    expect(proof.ok && proof.value.signers).toEqual([lin.sig.key, keys.kiosk.key]);
    expect(verifyReceipt(bare, trust, nodeCrypto)).toMatchObject({ ok: true, value: { acts: [{ part: null }, { part: null }] } });
  });

  test('of two acts in a log of 2^24 entries that seven validators sign takes at most 3 KB, in three codes', async () => {
    const { receipt, trust: seven } = await receiptOfRequest(7);
    expect(verifyReceipt(receipt, seven, nodeCrypto)).toMatchObject({ ok: true, value: { index: 5_592_405, head: { logSize: 2 ** 24 } } });
    expect(decodeReceipt(receipt)?.path).toHaveLength(24 * 32);
    expect(receipt.length).toBeLessThanOrEqual(3072);
    expect(receiptToSymbols(receipt)).toHaveLength(3);
  });

  test('with any one bit changed is refused', () => {
    const believed: number[] = [];
    for (let bit = 0; bit < whole.length * 8; bit++) if (verifyReceipt(flipped(whole, bit), trust, nodeCrypto).ok) believed.push(bit);
    expect(believed).toEqual([]);
  }, 120_000);

  test('with any one bit of a long path or of seven votes changed is refused', async () => {
    const { receipt, trust: seven } = await receiptOfRequest(7);
    const from = receipt.length - 2200;
    const believed: number[] = [];
    for (let bit = from * 8; bit < receipt.length * 8; bit++) if (verifyReceipt(flipped(receipt, bit), seven, nodeCrypto).ok) believed.push(bit);
    expect(believed).toEqual([]);
  }, 120_000);

  test('cut short or with something behind it is refused', () => {
    for (let length = 0; length < whole.length; length += 7) expect(verifyReceipt(whole.subarray(0, length), trust, nodeCrypto).ok).toBe(false);
    expect(verifyReceipt(Uint8Array.from([...whole, 0]), trust, nodeCrypto).ok).toBe(false);
  });

  test('that is none, or shows a private part that is not its own, is told apart from an altered one', () => {
    const faultOf = (bytes: Uint8Array) => {
      const proof = verifyReceipt(bytes, trust, nodeCrypto);
      return proof.ok ? undefined : proof.failure.fault;
    };
    const receipt = decodeReceipt(whole);
    if (receipt === undefined) throw new Error('not a receipt');
    expect(faultOf(utf8('Good morning'))).toBe('not-a-receipt');
    expect(faultOf(encodeReceipt({ ...receipt, parts: [...receipt.parts].reverse() }))).toBe('part-altered');
    expect(faultOf(encodeReceipt({ ...receipt, index: 0 }))).toBe('altered');
  });

  test('with a member too many or too few is none', () => {
    const members = decodeCbor(whole) as unknown[];
    expect(decodeReceipt(encodeCbor(members))).toEqual(decodeReceipt(whole));
    expect(decodeReceipt(encodeCbor([...members, 1]))).toBeUndefined();
    expect(decodeReceipt(encodeCbor([...members, null]))).toBeUndefined();
    expect(decodeReceipt(encodeCbor(members.slice(0, -1)))).toBeUndefined();
  });

  const edits: { name: string; edit: (receipt: Receipt) => Receipt }[] = [
    { name: 'parts changed over', edit: (receipt) => ({ ...receipt, parts: [...receipt.parts].reverse() }) },
    { name: 'keys changed over', edit: (receipt) => ({ ...receipt, keys: [...receipt.keys].reverse() }) },
    { name: 'another salt', edit: (receipt) => ({ ...receipt, parts: receipt.parts.map((part) => part && { ...part, salt: idOf('other') }) }) },
    { name: 'another place in the log', edit: (receipt) => ({ ...receipt, index: 0 }) },
    { name: 'a longer path', edit: (receipt) => ({ ...receipt, path: Uint8Array.from([...receipt.path, ...seedOf('x')]) }) },
    { name: 'a path that ends in the middle of a hash', edit: (receipt) => ({ ...receipt, path: receipt.path.slice(0, -1) }) },
    { name: 'a path too short', edit: (receipt) => ({ ...receipt, path: receipt.path.slice(32) }) },
    { name: 'a part too few', edit: (receipt) => ({ ...receipt, parts: receipt.parts.slice(1) }) },
  ];
  test.each(edits)('with $name is refused', ({ edit }) => {
    const receipt = decodeReceipt(whole);
    if (receipt === undefined) throw new Error('not a receipt');
    expect(verifyReceipt(encodeReceipt(receipt), trust, nodeCrypto).ok).toBe(true);
    expect(verifyReceipt(encodeReceipt(edit(receipt)), trust, nodeCrypto).ok).toBe(false);
  });

  const others: { name: string; other: typeof trust; fault: ReceiptFault }[] = [
    { name: 'another chain', other: { ...trust, chain: 'imi-other' }, fault: 'other-ledger' },
    { name: 'another validator', other: { ...trust, validators: [{ key: signerOf('other').key[1], power: 10 }] }, fault: 'other-signers' },
    { name: 'a validator beside it that has a third', other: { ...trust, validators: [...genesis.validators, { key: signerOf('other').key[1], power: 5 }] }, fault: 'other-signers' },
    { name: 'a later beginning', other: { ...trust, height: 1000 }, fault: 'before-trust' },
  ];
  test.each(others)('is refused by whom trusts $name, who learns in what it fails', ({ other, fault }) => {
    expect(verifyReceipt(whole, other, nodeCrypto)).toMatchObject({ ok: false, failure: { fault } });
  });
});

describe('QR symbols', () => {
  test('hold at most 1 200 bytes each, in the alphanumeric set, and give the receipt back in any order', () => {
    const symbols = receiptToSymbols(whole);
    expect(symbols).toHaveLength(Math.ceil(whole.length / 1200));
    for (const symbol of symbols) expect(symbol).toMatch(/^[0-9A-Z $%*+\-./:]{1,1812}$/);
    expect(symbolsToReceipt([...symbols].reverse())).toEqual(whole);
    expect(symbolsToReceipt([...symbols, symbols[0] ?? ''])).toEqual(whole);
    expect(symbolsToReceipt(symbols.slice(1))).toBeUndefined();
    expect(symbolsToReceipt([])).toBeUndefined();
    expect(symbolsToReceipt([...symbols, receiptToSymbols(bare)[0] ?? ''])).toBeUndefined();
  });

  test('any bytes come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), (bytes) => {
        expect(symbolsToReceipt(receiptToSymbols(bytes))).toEqual(bytes);
      }),
    );
  });

  // RFC 9285 §4.3 and §4.4.
  test.each([
    { text: 'AB', encoded: 'BB8' },
    { text: 'Hello!!', encoded: '%69 VD92EX0' },
    { text: 'base-45', encoded: 'UJCLQE7W581' },
    { text: 'ietf!', encoded: 'QED8WEX0' },
  ])('base45 of $text', ({ text, encoded }) => {
    expect(toBase45(utf8(text))).toBe(encoded);
    expect(fromBase45(encoded)).toEqual(utf8(text));
  });

  test.each(['GGW', '::', 'A', 'ab', '€€€'])('%s is no base45', (text) => {
    expect(fromBase45(text)).toBeUndefined();
  });
});

describe('references', () => {
  const written = reference(Uint8Array.of(0x3c, 0xe4, 0x2a, 0x13, 0x8d, 0xff));

  test('are read as people write them', () => {
    expect(written).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9]{2}$/);
    for (const typed of [written, written.toLowerCase(), written.replaceAll('-', ' '), written.replaceAll('-', '')]) expect(parseReference(typed)).toBe(written);
    expect(parseReference(reference(new Uint8Array(32)).replaceAll('0', 'o'))).toBe(reference(new Uint8Array(32)));
  });

  test('one wrong symbol, or two changed over, are found', () => {
    const symbols = written.replaceAll('-', '');
    for (let i = 0; i < symbols.length; i++) {
      for (const other of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
        if (other !== symbols[i]) expect(parseReference(symbols.slice(0, i) + other + symbols.slice(i + 1))).toBeUndefined();
      }
      const [one, two] = [symbols[i], symbols[i + 1]];
      if (two !== undefined && one !== two) expect(parseReference(symbols.slice(0, i) + two + one + symbols.slice(i + 2))).toBeUndefined();
    }
  });
});
