import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toBase64url, toHex } from '../../src/ledger/verify/bytes.ts';
import { checkpointOf, checkpointText } from '../../src/ledger/verify/checkpoint.ts';
import { cosign, verifyCosignatures } from '../../src/ledger/verify/cosignature.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { verifyReceipt, withCosignatures } from '../../src/ledger/verify/receipt.ts';
import { receiptOfRequest } from '../../bench/receipt-check.ts';
import { noteKeyOf } from './note-vectors.ts';
import { receiptOfLin } from './receipt-of-lin.ts';
import { chain, keys, signerOf } from './small-district.ts';

/** A receipt means what docs/ledger.md says, not what our own code happens to do: docs/examples/verify_receipt.py was written from the page. */
const program = join(import.meta.dirname, '../../docs/examples/verify_receipt.py');
const root = { chain, height: 1, validators: [{ alg: -19 as const, key: toBase64url(keys.validator.key[1]), power: 10 }], trustingPeriodMs: 1 };
let folder: string;
let lin: Awaited<ReturnType<typeof receiptOfLin>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'second-verifier-'));
  lin = await receiptOfLin();
  writeFileSync(join(folder, 'trust.json'), JSON.stringify(root));
});
afterAll(() => rmSync(folder, { recursive: true }));

function check(receipt: Uint8Array, trust = 'trust.json'): { status: number | null; stdout: string; stderr: string } {
  writeFileSync(join(folder, 'one.receipt'), receipt);
  return spawnSync('python3', [program, 'one.receipt', trust], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
}

test('a receipt holds without our code, with and without its private parts', () => {
  for (const receipt of [lin.whole, lin.bare]) {
    const proof = verifyReceipt(receipt, trustOf(root), nodeCrypto);
    if (!proof.ok) throw new Error(proof.failure.code);
    const { transaction, index, head } = proof.value;
    expect(check(receipt)).toMatchObject({
      status: 0,
      stdout: `${toHex(transaction)}: grant.give, request.submit; log entry ${index + 1} of ${head.logSize} on ${chain} at height ${head.height}, signed at ${Math.floor(head.timeMs / 1000)}\n`,
    });
  }
});

test('a receipt of a large log that seven validators signed holds', async () => {
  const { receipt, trust } = await receiptOfRequest(7);
  const validators = trust.validators.map(({ key, power }) => ({ alg: -19, key: toBase64url(key), power }));
  writeFileSync(join(folder, 'seven.json'), JSON.stringify({ ...root, chain: trust.chain, validators }));
  expect(check(receipt, 'seven.json')).toMatchObject({ status: 0, stdout: expect.stringContaining(' of 16777216 on measured-1 at height 1000000') as unknown });
  const altered = receipt.map((byte, i) => (i === receipt.length - 300 ? byte ^ 1 : byte));
  expect(check(altered, 'seven.json')).toMatchObject({ status: 1 });
});

test('cosignatures hold, or nothing does', () => {
  const proof = verifyReceipt(lin.whole, trustOf(root), nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.code);
  const origin = 'district.example/ledger';
  const cosigned = (of: string): Uint8Array => {
    const text = checkpointText(checkpointOf(proof.value.head, of));
    const by = ['w1.example', 'w2.example'];
    const signatures = by.map((name) => cosign(text, 1_800_000_000, name, signerOf(name), nodeCrypto));
    const held = verifyCosignatures({ text, signatures }, by.map((name) => noteKeyOf(name, 4, signerOf(name))), nodeCrypto);
    return (held.ok ? withCosignatures(lin.whole, origin, held.value) : undefined) ?? new Uint8Array();
  };
  expect(check(cosigned(origin))).toMatchObject({ status: 0 });
  expect(check(cosigned('other.example'))).toMatchObject({ status: 1, stderr: 'Refused: a cosignature\n' });
});

test('a flipped bit anywhere is refused by both', { timeout: 120_000 }, () => {
  const everyNth = 41;
  for (let at = 0; at < lin.whole.length; at += everyNth) {
    const flipped = lin.whole.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
    expect(verifyReceipt(flipped, trustOf(root), nodeCrypto).ok, `byte ${at}`).toBe(false);
    expect(check(flipped), `byte ${at}`).toMatchObject({ status: 1, stderr: expect.stringMatching(/^Refused: /) as unknown });
  }
});

test('another validator is not believed', () => {
  writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...root, validators: [{ ...root.validators[0], key: toBase64url(keys.kiosk.key[1]) }] }));
  expect(check(lin.whole, 'other.json')).toMatchObject({ status: 1, stderr: 'Refused: signed by others than those trusted\n' });
});
