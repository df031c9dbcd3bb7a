import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { appHashOf, beginApplication, openApplication } from '../../src/ledger/application.ts';
import { openEmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { openLedgerFileToRead } from '../../src/ledger/engines/ledger-file.ts';
import { encodeGenesis } from '../../src/ledger/genesis.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { snapshotChunks } from '../../src/ledger/snapshot.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { encodeCbor } from '../../src/ledger/verify/cbor.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import type { RecordedState } from './recorded-state.ts';
import { recordChain } from './recorded-chain.ts';
import { genesis, keys, seedOf } from './small-district.ts';

/**
 * Writes `tests/fixtures/state/<version>`: what a release leaves on disks and in people's hands, which every later one has to read. Once a release
 * is out its folder is never written again; a format that changes gets the next number: `node tests/ledger/record-state.ts 2`.
 */
const [version = ''] = process.argv.slice(2);
if (!/^[1-9]\d*$/.test(version)) throw new Error('which version?');
const target = join(import.meta.dirname, '../fixtures/state', version);
mkdirSync(target, { recursive: true });
const put = (name: string, bytes: Uint8Array | string): void => writeFileSync(join(target, name), bytes);

const blocks = await recordChain();
put('genesis.cbor', encodeGenesis(genesis));
put('blocks.cbor', encodeCbor(blocks));

const database = new DatabaseSync(':memory:');
beginApplication(database, genesis, nodeCrypto);
const application = openApplication(database, genesis, nodeCrypto);
if (!application.ok) throw new Error(application.failure.detail);
const applied = blocks.map((block) => {
  const { outcomes, tip } = application.value.applyBlock(block);
  return { height: block.height, appHash: toHex(appHashOf(tip, nodeCrypto)), outcomes: outcomes.map((outcome) => (outcome.taken ? 'taken' : outcome.code)) };
});

// The same transactions through the one-validator chain, as far as it takes them, each block's at its time.
const folder = mkdtempSync(join(tmpdir(), 'record-state-'));
const path = join(folder, 'ledger.sqlite');
let timeMs = genesis.time * 1000;
const opened = openEmbeddedLedger({ path, genesis, validator: keys.validator, clock: () => timeMs, heartbeatMs: 60_000, begin: true });
if (!opened.ok) throw new Error(opened.failure.detail);
const ledger = opened.value;
const receipts: Uint8Array[] = [];
for (const block of blocks) {
  timeMs = block.timeMs;
  for (const envelope of block.transactions) {
    const submitted = await ledger.submit(envelope);
    const transaction = openEnvelope(envelope, nodeCrypto);
    if (!submitted.ok || submitted.value.state !== 'queued' || !transaction.ok) continue;
    const receipt = await ledger.receipt(transaction.value.id, 10_000);
    if (receipt.ok && receipt.value !== null) receipts.push(receipt.value);
  }
}
const head = await ledger.head();
if (!head.ok) throw new Error('no head');
await ledger.close();
put('ledger.sqlite.gz', gzipSync(readFileSync(path), { level: 9 }));
put('ledger.sqlite.signed', readFileSync(`${path}.signed`));
put('receipts.cbor', encodeCbor(receipts));
const reading = openLedgerFileToRead(path);
const [chunk, ...more] = snapshotChunks(reading, genesis, nodeCrypto);
reading.close();
if (chunk === undefined || more.length > 0) throw new Error('a snapshot of one chunk was expected');
put('snapshot.0', chunk);
rmSync(folder, { recursive: true });

const state: RecordedState = { validatorSeed: toHex(seedOf('validator')), lastTimeMs: timeMs, head: toHex(head.value), applied };
put('expected.json', `${JSON.stringify(state, null, 1)}\n`);
