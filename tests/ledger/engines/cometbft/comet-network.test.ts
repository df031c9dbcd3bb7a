import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Result } from '../../../../src/contract/result.ts';
import { openCometLedger, type CometLedger } from '../../../../src/ledger/engines/cometbft/comet-ledger.ts';
import { cometbftProgram } from '../../../../src/ledger/engines/cometbft/program.ts';
import { startTestnet, type Testnet } from '../../../../src/ledger/engines/cometbft/testnet.ts';
import { nodeCrypto } from '../../../../src/ledger/node-crypto.ts';
import { toBase64url } from '../../../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../../../src/ledger/verify/envelope.ts';
import { trustOf } from '../../../../src/ledger/verify/head.ts';
import { verifyReceipt } from '../../../../src/ledger/verify/receipt.ts';
import { anchorNow, liveGenesis, registerNow } from '../../live-district.ts';
import { lin } from '../../small-district.ts';

const cometbft = cometbftProgram();
const why = cometbft === null ? ' (skipped: CometBFT was not built, since there is no Go)' : '';
let folder: string | null = null;
let testnet: Testnet | null = null;
let ledger: CometLedger | null = null;

afterEach(async () => {
  await ledger?.close();
  await testnet?.stop();
  if (folder !== null) rmSync(folder, { recursive: true });
  [ledger, testnet, folder] = [null, null, null];
}, 60_000);

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code} ${result.failure.detail ?? ''}`);
  return result.value;
}
const idIn = (envelope: Uint8Array): Uint8Array => {
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  return opened.value.id;
};

test.skipIf(cometbft === null)(`four validators of CometBFT, one of them killed: a hub believes their heads, and what it submits is recorded once${why}`, { timeout: 180_000 }, async () => {
  folder = mkdtempSync(join(tmpdir(), 'comet-network-'));
  const started = await startTestnet({
    dir: join(folder, 'net'),
    validators: 4,
    genesis: liveGenesis(),
    cometbft: cometbft ?? '',
    imi: [process.execPath, join(import.meta.dirname, '../../../../src/cli/imi.ts')],
    heartbeatMs: 60_000,
    snapshotEvery: 1000,
  });
  if (!started.ok) throw new Error(started.failure.detail);
  testnet = started.value;
  const { genesis, nodes } = testnet;
  const trustRoot = {
    chain: genesis.chain,
    height: 1,
    trustingPeriodMs: 86_400_000,
    validators: genesis.validators.map(({ key, power }) => ({ alg: -19 as const, key: toBase64url(key), power })),
  };
  const told: string[] = [];
  const opened = openCometLedger({
    nodes: nodes.map(({ rpc }) => rpc),
    trustRoot,
    queuePath: join(folder, 'queue.sqlite'),
    maxHeadAgeMs: 900_000,
    clock: Date.now,
    onLie: (url, what) => told.push(`${url} ${what}`),
    onSplit: (what) => told.push(what),
    onFault: (where, error) => told.push(`${where} ${String(error)}`),
    // Several validators share this machine with other tests.
    times: { answerMs: 5000, headerMs: 10_000 },
  });
  ledger = must(opened);
  const indices: number[] = [];
  ledger.onBlock(({ transactions }) => indices.push(...transactions.map(({ index }) => index)));

  const deadline = AbortSignal.timeout(60_000);
  while (!(await ledger.head()).ok) deadline.throwIfAborted();
  const envelopes = [await registerNow(lin), await anchorNow(lin, 'one'), await anchorNow(lin, 'two')];
  for (const [i, envelope] of envelopes.entries()) {
    if (i === 1) await nodes[3]?.stop();
    expect(must(await ledger.submit(envelope))).toEqual({ state: 'queued' });
    const receipt = must(await ledger.receipt(idIn(envelope), 40_000));
    expect(verifyReceipt(receipt ?? new Uint8Array(), trustOf(trustRoot), nodeCrypto)).toMatchObject({ ok: true, value: { index: i } });
  }
  expect(indices).toEqual([0, 1, 2]);
  expect(told).toEqual([]);
});
