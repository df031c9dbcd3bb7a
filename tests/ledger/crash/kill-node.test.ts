import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { appHashOf, beginApplication, openApplication } from '../../../src/ledger/application.ts';
import { appState } from '../../../src/ledger/engines/cometbft/abci-application.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { toHex, utf8 } from '../../../src/ledger/verify/bytes.ts';
import { AbciClient } from '../engines/cometbft/abci-client.ts';
import { chain, genesis, now } from '../small-district.ts';
import { numbered } from './load.ts';
import { randomFrom } from './random.ts';

const kills = 200;
const inBlock = 5;
const seed = process.env['IMI_CRASH_SEED'] ?? randomBytes(4).toString('hex');

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-kill-node-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Waiting {
  child: ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream };
  gone: Promise<unknown>;
}

function start(): Waiting {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'node-process.ts')], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  return { child, gone: once(child, 'close') };
}

/** Nobody waits for a thing here: the moment is the chance that the test takes. */
const killAfter = (child: ChildProcess, ms: number): void => void setTimeout(() => child.kill('SIGKILL'), ms);

/** What the consensus engine has on its own disk: every block, and what it came to by the rules. As it is asked for, and the same each time. */
class DecidedBlocks {
  readonly #application;
  readonly #blocks: { txs: Uint8Array[]; appHash: string }[] = [];

  constructor() {
    const database = new DatabaseSync(':memory:');
    beginApplication(database, genesis, nodeCrypto);
    const opened = openApplication(database, genesis, nodeCrypto);
    if (!opened.ok) throw new Error(opened.failure.detail);
    this.#application = opened.value;
  }

  /** Hex; 0: before the first block. */
  async appHashAfter(height: number): Promise<string> {
    return height === 0 ? '' : (await this.at(height)).appHash;
  }

  async at(height: number): Promise<{ txs: Uint8Array[]; appHash: string }> {
    while (this.#blocks.length < height) {
      const next = this.#blocks.length + 1;
      const txs = await Promise.all(Array.from({ length: inBlock }, (_, i) => numbered(seed, (next - 1) * inBlock + i)));
      const { tip } = this.#application.applyBlock({ height: next, timeMs: timeOf(next) * 1000, transactions: txs });
      this.#blocks.push({ txs, appHash: toHex(appHashOf(tip, nodeCrypto)) });
    }
    const block = this.#blocks[height - 1];
    if (block === undefined) throw new Error('heights begin at 1');
    return block;
  }
}

/** Unix seconds: some transactions run out on the way. */
const timeOf = (height: number): number => now + Math.floor(height / 20);

test(
  `a validator's application, killed ${kills} times in the middle of blocks (seed ${seed}): every committed one is there, none twice, and the app hash is the same`,
  async () => {
    const random = randomFrom(seed);
    const decided = new DecidedBlocks();
    const path = join(folder, 'ledger.sqlite');
    const socket = join(folder, 'app.sock');
    /** Its Commit was answered. */
    let committed = 0;
    /** Asked for, answered or not. */
    let begun = 0;
    let waiting = start();
    for (let kill = 1; kill <= kills; kill++) {
      const { child, gone } = waiting;
      if (kill < kills) waiting = start();
      child.stdin.write(`${JSON.stringify({ path, socket })}\n`);
      if (random(8) === 0) killAfter(child, random(40));
      const isReady = await Promise.race([once(child.stdout, 'data').then(() => true), gone.then(() => false)]);
      if (isReady) {
        // It may be gone again by now.
        const client = await AbciClient.open(`unix://${socket}`).catch(() => null);
        // In the middle of some block: from while its transactions are checked to after its Commit.
        const [wholeBlocks, ms] = [random(5), random(12)];
        const run = async (consensus: AbciClient): Promise<never> => {
          const { info } = await consensus.ask({ info: {} });
          const height = Number(info?.lastBlockHeight ?? -1n);
          if (height < committed || height > begun) return expect.fail(`after kill ${kill - 1} it is at height ${height}, of ${committed} to ${begun}`);
          expect(toHex(info?.lastBlockAppHash ?? new Uint8Array()), `after kill ${kill - 1}`).toBe(await decided.appHashAfter(height));
          if (height === 0) {
            const validators = genesis.validators.map(({ key, power }) => ({ pubKey: { ed25519: key }, power: BigInt(power) }));
            await consensus.ask({ initChain: { chainId: chain, time: { seconds: BigInt(genesis.time), nanos: 0 }, appStateBytes: utf8(JSON.stringify(appState(genesis))), initialHeight: 1n, validators } });
          }
          for (let next = height + 1; ; next++) {
            const { txs, appHash } = await decided.at(next);
            if (next === height + 1 + wholeBlocks) killAfter(child, ms);
            for (const tx of txs) void consensus.ask({ checkTx: { tx } }).catch(() => undefined);
            const { finalizeBlock } = await consensus.ask({ finalizeBlock: { height: BigInt(next), time: { seconds: BigInt(timeOf(next)), nanos: 0 }, txs } });
            if (finalizeBlock === undefined) return expect.fail(`height ${next} was refused`);
            expect(toHex(finalizeBlock.appHash)).toBe(appHash);
            begun = next;
            const { commit } = await consensus.ask({ commit: {} });
            expect(commit).toBeDefined();
            committed = next;
          }
        };
        const ended = client === null ? null : await run(client).catch((error: unknown) => error);
        client?.close();
        if (client === null) child.kill('SIGKILL');
        if (ended instanceof Error && ended.message !== 'cut off') throw ended;
      }
      await gone;
      if (child.signalCode !== 'SIGKILL') throw new Error(`after kill ${kill - 1} it did not open, or broke off`);
    }
    const database = new DatabaseSync(path);
    const application = openApplication(database, genesis, nodeCrypto);
    if (!application.ok) throw new Error(application.failure.detail);
    expect(application.value.check()).toEqual({ ok: true, value: null });
    const { height } = application.value.tip();
    expect(height === committed || height === begun).toBe(true);
    expect(toHex(appHashOf(application.value.tip(), nodeCrypto))).toBe(await decided.appHashAfter(height));
    const { twice } = database.prepare('SELECT count(*) - count(DISTINCT envelope) AS twice FROM log_leaf').get() as { twice: number };
    database.close();
    expect(twice).toBe(0);
    expect(height).toBeGreaterThan(kills);
  },
  600_000,
);
