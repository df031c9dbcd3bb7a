import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appHashOf, beginApplication, openApplication } from '../../src/ledger/application.ts';
import { openEmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { decodeGenesis, type Genesis } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { importSnapshot } from '../../src/ledger/snapshot.ts';
import { fromHex, toHex } from '../../src/ledger/verify/bytes.ts';
import { decodeCbor } from '../../src/ledger/verify/cbor.ts';
import { verifyHead } from '../../src/ledger/verify/head.ts';
import { nobleCrypto } from '../../src/ledger/verify/noble-crypto.ts';
import { decodeReceipt, verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import type { RecordedBlock } from './recorded-chain.ts';
import { recordedFile, recordedVersions, type RecordedState } from './recorded-state.ts';
import { body, envelopeOf, keys, lin, idOf } from './small-district.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorded-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('there is a release to load', () => {
  expect(recordedVersions()).toContain('1');
});

describe.each(recordedVersions())('what release %s left', (version) => {
  const genesis = decodeGenesis(recordedFile(version, 'genesis.cbor')) as Genesis;
  const expected = JSON.parse(new TextDecoder().decode(recordedFile(version, 'expected.json'))) as RecordedState;
  const receipts = decodeCbor(recordedFile(version, 'receipts.cbor')) as Uint8Array[];
  const trust = { chain: genesis.chain, height: 1, validators: genesis.validators };

  test('a chain’s blocks come to the app hashes and the refusals that they had', () => {
    const blocks = decodeCbor(recordedFile(version, 'blocks.cbor')) as unknown as RecordedBlock[];
    const database = new DatabaseSync(':memory:');
    beginApplication(database, genesis, nodeCrypto);
    const application = openApplication(database, genesis, nodeCrypto);
    if (!application.ok) throw new Error(application.failure.detail);
    const applied = blocks.map((block) => {
      const { outcomes, tip } = application.value.applyBlock(block);
      return { height: block.height, appHash: toHex(appHashOf(tip, nodeCrypto)), outcomes: outcomes.map((outcome) => (outcome.taken ? 'taken' : outcome.code)) };
    });
    expect(applied).toEqual(expected.applied);
    database.close();
  });

  test('a hub’s ledger opens with the head and the receipts that it had, and goes on', async () => {
    const path = join(folder, 'ledger.sqlite');
    writeFileSync(path, gunzipSync(recordedFile(version, 'ledger.sqlite.gz')));
    writeFileSync(`${path}.signed`, recordedFile(version, 'ledger.sqlite.signed'));
    const validator = ed25519Signer(fromHex(expected.validatorSeed) ?? new Uint8Array());
    const opened = openEmbeddedLedger({ path, genesis, validator, clock: () => expected.lastTimeMs + 1000, heartbeatMs: 60_000 });
    if (!opened.ok) throw new Error(opened.failure.detail);
    const ledger = opened.value;
    const head = await ledger.head();
    expect(toHex(head.ok ? head.value : new Uint8Array())).toBe(expected.head);
    const answers = [];
    for (const receipt of receipts) {
      const { envelope } = decodeReceipt(receipt) ?? {};
      const proof = verifyReceipt(receipt, trust, nodeCrypto);
      if (envelope === undefined || !proof.ok) throw new Error('not a receipt');
      const answer = await ledger.receipt(proof.value.transaction, 0);
      answers.push(answer.ok ? answer.value : null);
    }
    expect(answers).toEqual(receipts);
    const lookup = body([{ kind: 'access.lookup', subject: lin.id, id: idOf('one look more'), private: [-16, new Uint8Array(32)] }], { notAfter: Math.floor(expected.lastTimeMs / 1000) + 3600 });
    expect(await ledger.submit(await envelopeOf(lookup, [keys.registrar]))).toEqual({ ok: true, value: { state: 'queued' } });
    await ledger.close();
  });

  test.each([{ name: 'node:crypto', crypto: nodeCrypto }, { name: '@noble', crypto: nobleCrypto }])('receipts in people’s hands are believed by $name', ({ crypto }) => {
    expect(receipts.length).toBeGreaterThan(30);
    for (const receipt of receipts) expect(verifyReceipt(receipt, trust, crypto)).toMatchObject({ ok: true });
  });

  test('a snapshot comes to the state that the head signs', () => {
    const head = verifyHead(fromHex(expected.head) ?? new Uint8Array(), trust, nodeCrypto);
    if (!head.ok) throw new Error(head.failure.detail);
    const { logRoot, logSize, stateRoot } = head.value;
    const database = new DatabaseSync(':memory:');
    expect(importSnapshot(database, [recordedFile(version, 'snapshot.0')], genesis, nodeCrypto)).toMatchObject({ ok: true, value: { logRoot, logSize, stateRoot } });
    database.close();
  });
});
