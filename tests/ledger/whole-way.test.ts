import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { transactionId, encodeBody } from '../../src/ledger/verify/envelope.ts';
import { verifyHead } from '../../src/ledger/verify/head.ts';
import { nobleCrypto } from '../../src/ledger/verify/noble-crypto.ts';
import { verifyReceipt, withParts } from '../../src/ledger/verify/receipt.ts';
import { decodeRecord, stateKey } from '../../src/ledger/verify/records.ts';
import { verifyState } from '../../src/ledger/verify/state-proof.ts';
import { chain, envelopeOf, genesis, keys, lin, now, register, requestBody } from './small-district.ts';

let folder: string;
let ledger: EmbeddedLedger;
const trust = { chain, height: 1, validators: genesis.validators };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  const opened = openEmbeddedLedger({ path: join(folder, 'ledger.sqlite'), genesis, validator: keys.validator, clock: () => now * 1000, heartbeatMs: 60_000, begin: true });
  if (!opened.ok) throw new Error(opened.failure.detail);
  ledger = opened.value;
});
afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

test('a request is submitted, recorded, and its receipt believed by both verifiers', async () => {
  expect(await ledger.submit(await register(lin))).toEqual({ ok: true, value: { state: 'queued' } });
  const { body, parts } = requestBody(lin, 7);
  const id = transactionId(encodeBody(body), nodeCrypto);
  const envelope = await envelopeOf(body, [lin.sig, keys.kiosk]);
  expect(await ledger.submit(envelope)).toEqual({ ok: true, value: { state: 'queued' } });
  const receipt = await ledger.receipt(id, 5000);
  if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  expect(await ledger.submit(envelope)).toMatchObject({ ok: true, value: { state: 'recorded' } });
  const whole = withParts(receipt.value, parts);
  if (whole === undefined) throw new Error('parts do not fit');
  expect(whole.length).toBeLessThanOrEqual(3072);
  for (const crypto of [nodeCrypto, nobleCrypto]) {
    const proof = verifyReceipt(whole, trust, crypto);
    expect(proof).toMatchObject({ ok: true, value: { acts: [{ kind: 'grant.give' }, { kind: 'request.submit', part: parts[1]?.part }] } });
  }

  const key = stateKey.resident(lin.id);
  const read = await ledger.read([key, stateKey.party('nobody')]);
  if (!read.ok) throw new Error('unread');
  const head = verifyHead(read.value.head, trust, nodeCrypto);
  if (!head.ok) throw new Error(head.failure.detail);
  const [resident, absent] = read.value.entries;
  if (resident?.value === undefined || resident.value === null || absent === undefined) throw new Error('no resident');
  expect(decodeRecord('resident', resident.value)).toMatchObject({ counter: 7, chain: { count: 2 } });
  expect(verifyState({ root: head.value.stateRoot, key, ...resident }, nodeCrypto)).toBe(true);
  expect(verifyState({ root: head.value.stateRoot, key: stateKey.party('nobody'), ...absent }, nodeCrypto)).toBe(true);
  expect(verifyState({ root: head.value.stateRoot, key, value: null, proof: resident.proof }, nodeCrypto)).toBe(false);
});
