import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import { checkpointOf, checkpointText } from '../../src/ledger/verify/checkpoint.ts';
import { cosignedMessage } from '../../src/ledger/verify/cosignature.ts';
import { encodeBody, transactionId } from '../../src/ledger/verify/envelope.ts';
import { encodePendingReceipt } from '../../src/ledger/verify/pending-receipt.ts';
import { decodeReceipt, verifyReceipt, withCosignatures, withParts } from '../../src/ledger/verify/receipt.ts';
import { receiptToSymbols } from '../../src/ledger/verify/receipt-symbols.ts';
import { reference } from '../../src/ledger/verify/reference.ts';
import { activityOfLin } from '../ledger/activity-of-lin.ts';
import { chain, envelopeOf, genesis, keys, lin, now, register, requestBody, signerOf } from '../ledger/small-district.ts';

let folder: string;
let written: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-receipt-'));
  const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  await opened.value.submit(await register(lin));
  const { body, parts } = requestBody(lin, 7);
  const id = transactionId(encodeBody(body), nodeCrypto);
  written = reference(id);
  await opened.value.submit(await envelopeOf(body, [lin.sig, keys.kiosk]));
  const receipt = await opened.value.receipt(id, 10_000);
  await opened.value.close();
  const whole = receipt.ok && receipt.value !== null ? (withParts(receipt.value, parts) ?? new Uint8Array()) : new Uint8Array();
  writeFileSync(join(folder, 'good.receipt'), whole);
  const { envelope, keys: signers } = decodeReceipt(whole) ?? { envelope: new Uint8Array(), keys: [] };
  const pending = encodePendingReceipt({ v: 1, state: 'queued', envelope, keys: signers, parts });
  writeFileSync(join(folder, 'pending.receipt'), pending);
  writeFileSync(join(folder, 'bad-pending.receipt'), pending.map((byte, i) => (i === 700 ? byte ^ 1 : byte)));
  writeFileSync(join(folder, 'bad.receipt'), whole.map((byte, i) => (i === 700 ? byte ^ 1 : byte)));
  const { receipt: activity } = await activityOfLin();
  writeFileSync(join(folder, 'activity.receipt'), activity);
  writeFileSync(join(folder, 'bad-activity.receipt'), activity.map((byte, i) => (i === 400 ? byte ^ 1 : byte)));
  writeFileSync(join(folder, 'activity-codes.txt'), receiptToSymbols(activity).join('\n'));
  const symbols = receiptToSymbols(whole);
  writeFileSync(join(folder, 'codes.txt'), symbols.toReversed().join('\n'));
  writeFileSync(join(folder, 'too-few.txt'), `${symbols[0] ?? ''}\n`);
  const validators = [{ alg: -19, key: toBase64url(keys.validator.key[1]), power: 10 }];
  writeFileSync(join(folder, 'trust.json'), JSON.stringify({ chain, height: 1, validators }));
  const witness = signerOf('witness');
  const witnessing = { origin: 'district.example/ledger', witnesses: [{ name: 'witness.example/one', key: toBase64url(witness.key[1]) }] };
  writeFileSync(join(folder, 'witnesses.json'), JSON.stringify({ chain, height: 1, validators, witnessing }));
  const proof = verifyReceipt(whole, { chain, height: 1, validators: genesis.validators }, nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.detail);
  const time = 1_800_001_007;
  const signature = witness.sign(cosignedMessage(checkpointText(checkpointOf(proof.value.head, witnessing.origin)), time));
  const cosignature = { witness: { name: 'witness.example/one', type: 4 as const, key: witness.key[1] }, time, signature };
  writeFileSync(join(folder, 'witnessed.receipt'), withCosignatures(whole, witnessing.origin, [cosignature]) ?? new Uint8Array());
  writeFileSync(join(folder, 'short-key.json'), JSON.stringify({ chain, height: 1, validators: [{ alg: -19, key: 'AAAA', power: 1 }] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'verify-receipt', ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

test('a good receipt: what it proves, and a line an act', async () => {
  const { code, stdout } = await run('good.receipt', '--trust', 'trust.json');
  const [proof, ...acts] = stdout.trimEnd().split('\n');
  expect(proof).toMatch(new RegExp(`^${written}: recorded on imi-test at height \\d+, log entry 2 of 2, signed by 2027-01-15T08:16:40\\.\\d{3}Z$`));
  expect(acts).toEqual([
    expect.stringMatching(/^ {2}grant\.give: tax-bureau was allowed to see 5 facts\. Facts: name, .*; For: tax\/property-tax-certificate; Until: .*2027; How often: at most 10 times$/),
    '  request.submit: A request was made to tax-bureau. For: tax/property-tax-certificate',
  ]);
  expect(code).toBe(0);
});

test('a pending one is said to be no more, with a status of its own; changed, it is refused', async () => {
  const { code, stdout } = await run('pending.receipt', '--trust', 'trust.json');
  const [what, ...acts] = stdout.trimEnd().split('\n');
  expect(what).toMatch(new RegExp(`^${written}: signed, not recorded yet on imi-test; lapses at 20\\d\\d-`));
  expect(acts).toHaveLength(2);
  expect(stdout).not.toMatch(/log entry|height/);
  expect(code).toBe(3);
  expect(await run('bad-pending.receipt', '--trust', 'trust.json')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^Refused: proof-invalid/) as unknown });
});

test('a cosigned one names its witnesses, where the trust root knows them', async () => {
  const plain = await run('good.receipt', '--trust', 'trust.json');
  expect((await run('witnessed.receipt', '--trust', 'witnesses.json')).stdout).toBe(`${plain.stdout}  witnessed: witness.example/one at 2027-01-15T08:16:47.000Z\n`);
  expect(await run('witnessed.receipt', '--trust', 'trust.json')).toEqual(plain);
});

test('a resident’s whole list: these entries and no others, who looked among them', async () => {
  const { code, stdout } = await run('activity.receipt', '--trust', 'trust.json');
  const [proof, ...entries] = stdout.trimEnd().split('\n');
  expect(proof).toMatch(/^[0-9a-f]{32}: these 4 entries and no others on imi-test at height \d+, signed by 2027-01-15T08:16:40\.\d{3}Z$/);
  expect(entries[2]).toMatch(/^ {2}\d+: access\.record: tax-bureau looked at 2 facts\. Facts: name, address; Purpose: tax\.certificate; Who: [0-9a-f]{32}; Signed: 2027-01-15T08:17:10\.000Z$/);
  expect(entries.map((line) => line.trim().split(': ')[1])).toEqual(['grant.give', 'request.submit', 'access.record', 'resident.block']);
  expect(code).toBe(0);
  expect(await run('activity-codes.txt', '--trust', 'trust.json')).toEqual({ code, stdout, stderr: '' });
  expect(await run('bad-activity.receipt', '--trust', 'trust.json')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^Refused: (proof|head)-invalid/) as unknown });
});

test('a text with the codes, in any order, proves the same', async () => {
  expect(await run('codes.txt', '--trust', 'trust.json')).toEqual(await run('good.receipt', '--trust', 'trust.json'));
});

test('too few codes are refused by number', async () => {
  expect(await run('too-few.txt', '--trust', 'trust.json')).toEqual({ code: 1, stdout: '', stderr: 'Refused: codes-incomplete (missing 2 of 2)\n' });
});

test('a changed receipt is refused with a code', async () => {
  expect(await run('bad.receipt', '--trust', 'trust.json')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^Refused: (proof|head)-invalid/) as unknown });
});

test.each([
  { name: 'nothing', args: [] },
  { name: 'no trust root', args: ['good.receipt'] },
  { name: 'two receipts', args: ['good.receipt', 'bad.receipt', '--trust', 'trust.json'] },
  { name: 'an option that is not ours', args: ['good.receipt', '--trust', 'trust.json', '--quiet'] },
  { name: 'a receipt that is not there', args: ['none.receipt', '--trust', 'trust.json'] },
  { name: 'a trust root that is none', args: ['good.receipt', '--trust', 'good.receipt'] },
  { name: 'a trust root with half a key', args: ['good.receipt', '--trust', 'short-key.json'] },
])('called with $name it says how', async ({ args }) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toBe('');
});
