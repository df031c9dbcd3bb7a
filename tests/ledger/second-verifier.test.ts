import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toBase64url, toHex } from '../../src/ledger/verify/bytes.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { receiptOfLin } from './receipt-of-lin.ts';
import { chain, keys } from './small-district.ts';

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
