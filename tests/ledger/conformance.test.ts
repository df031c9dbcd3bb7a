import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RejectionCode } from '../../src/contract/failures.ts';
import { appHashOf, beginApplication, openApplication, type LedgerApplication, type Outcome } from '../../src/ledger/application.ts';
import { openNode, type LedgerNode } from '../../src/ledger/engines/cometbft/node.ts';
import { answerQuery, encodeAsk, type Queries, type QueryPath } from '../../src/ledger/engines/cometbft/queries.ts';
import { openLedgerFile } from '../../src/ledger/engines/ledger-file.ts';
import { inTransaction } from '../../src/ledger/engines/transaction.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { timestampOfMs } from '../../src/ledger/verify/block.ts';
import { toHex, utf8 } from '../../src/ledger/verify/bytes.ts';
import { decodeCbor } from '../../src/ledger/verify/cbor.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { AbciClient } from './engines/cometbft/abci-client.ts';
import type { RecordedBlock } from './recorded-chain.ts';
import { recordedFile } from './recorded-state.ts';
import { genesis, lin } from './small-district.ts';

/** One set of rules over two engines: what a block and a question come to. */
interface Engine {
  name: string;
  apply(block: RecordedBlock): Promise<{ appHash: string; outcomes: string[] }>;
  ask(path: string, data: Uint8Array): Promise<string>;
  close(): Promise<void>;
}

const said = (outcome: Outcome): string => (outcome.taken ? 'taken' : outcome.code);

/** As the one-validator chain runs it: a block is a transaction of the ledger's one connection. */
function embeddedPath(folder: string): Engine {
  const database: DatabaseSync = openLedgerFile(join(folder, 'embedded.sqlite'));
  const begun = inTransaction(database, () => beginApplication(database, genesis, nodeCrypto));
  const opened = openApplication(database, genesis, nodeCrypto);
  if (!begun.ok || !opened.ok) throw new Error('not begun');
  const application: LedgerApplication = opened.value;
  const refusals = new Map<string, RejectionCode>();
  return {
    name: 'embedded',
    apply: (block) => {
      const { outcomes, tip } = inTransaction(database, () => application.applyBlock(block));
      for (const [i, outcome] of outcomes.entries()) {
        const envelope = openEnvelope(block.transactions[i] ?? new Uint8Array(), nodeCrypto);
        if (!outcome.taken && envelope.ok) refusals.set(toHex(envelope.value.id), outcome.code);
      }
      return Promise.resolve({ appHash: toHex(appHashOf(tip, nodeCrypto)), outcomes: outcomes.map(said) });
    },
    ask: (path, data) => Promise.resolve(toHex(answerQuery(application, { path, data }, (id) => refusals.get(toHex(id))) ?? utf8('none'))),
    close: () => Promise.resolve(database.close()),
  };
}

/** As CometBFT runs it: messages over the application's own socket. */
async function behindCometBft(folder: string): Promise<Engine> {
  const node = await openNode({
    path: join(folder, 'node.sqlite'),
    genesis,
    address: { path: join(folder, 'app.sock') },
    clock: () => 0,
    keepBlocks: null,
    snapshotEvery: null,
    onMisbehaviour: () => undefined,
    onFault: (error) => {
      throw error;
    },
  });
  if (!node.ok) throw new Error(node.failure.detail);
  const opened: LedgerNode = node.value;
  const [consensus, queries] = [await AbciClient.open(opened.address), await AbciClient.open(opened.address)];
  return {
    name: 'cometbft',
    async apply({ height, timeMs, transactions }) {
      const { seconds, nanos } = timestampOfMs(timeMs);
      const [answer] = await Promise.all([
        consensus.ask({ finalizeBlock: { height: BigInt(height), time: { seconds: BigInt(seconds), nanos }, txs: transactions } }),
        consensus.ask({ commit: {} }),
      ]);
      const { appHash, txResults } = answer.finalizeBlock ?? { appHash: new Uint8Array(), txResults: [] };
      return { appHash: toHex(appHash), outcomes: txResults.map(({ code, data }) => (code === 0 ? 'taken' : new TextDecoder().decode(data))) };
    },
    async ask(path, data) {
      const { query } = await queries.ask({ query: { path, data } });
      return toHex(query?.code === 0 ? query.value : utf8('none'));
    },
    async close() {
      consensus.close();
      queries.close();
      await opened.close();
    },
  };
}

let folder: string;
let engines: Engine[];
let blocks: RecordedBlock[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  engines = [embeddedPath(folder), await behindCometBft(folder)];
  blocks = decodeCbor(recordedFile('1', 'blocks.cbor')) as unknown as RecordedBlock[];
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  rmSync(folder, { recursive: true });
});

function questions(height: number): [string, Uint8Array][] {
  const ids = blocks.flatMap(({ transactions }) =>
    transactions.flatMap((envelope) => {
      const opened = openEnvelope(envelope, nodeCrypto);
      return opened.ok ? [opened.value.id] : [];
    }),
  );
  const ask = <P extends QueryPath>(path: P, data: Queries[P]['ask']): [string, Uint8Array] => [path, encodeAsk(path, data)];
  return [
    ask('/tip', 'newest'),
    ask('/tip', height - 1),
    ask('/tip', height + 1),
    ask('/state', [stateKey.resident(lin.id), stateKey.authority(), stateKey.validators(), stateKey.sealed(), stateKey.party('nobody'), ...ids.slice(0, 5).map((id) => stateKey.tx(id))]),
    ...ids.flatMap((transaction) => [
      ask('/transaction', transaction),
      ask('/receipt', { transaction, place: 'own' }),
      ask('/receipt', { transaction, place: 'newest' }),
      ask('/receipt', { transaction, place: height }),
    ]),
    ask('/log/entries', { from: 2, count: 100 }),
    ...[1, 2, 3, 7, 20, 30].map((first) => ask('/log/consistency', { first, second: 30 })),
    ['/none', new Uint8Array()],
    ['/state', Uint8Array.of(0xff)],
  ];
}

describe('both engines', () => {
  test('come to the same app hash and the same refusals at every height, and answer every question with the same bytes', { timeout: 60_000 }, async () => {
    const hashes = new Set<string>();
    const answered = new Set<string>();
    for (const block of blocks) {
      const [embedded, comet] = await Promise.all(engines.map((engine) => engine.apply(block)));
      expect({ height: block.height, ...comet }).toEqual({ height: block.height, ...embedded });
      hashes.add(embedded?.appHash ?? '');
      for (const [path, data] of questions(block.height)) {
        const [first, second] = await Promise.all(engines.map((engine) => engine.ask(path, data)));
        expect({ path, height: block.height, answer: second }).toEqual({ path, height: block.height, answer: first });
        answered.add(first ?? '');
      }
    }
    // Nothing of it is vacuous: most blocks changed something, and the answers are many.
    expect(hashes.size).toBeGreaterThan(15);
    expect(answered.size).toBeGreaterThan(300);
  });
});
