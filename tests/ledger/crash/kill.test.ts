import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChainBlock } from '../../../src/ledger/engines/chain.ts';
import { openEmbeddedLedger } from '../../../src/ledger/engines/embedded.ts';
import { HeadGuard } from '../../../src/ledger/engines/head-guard.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { fromHex, toHex } from '../../../src/ledger/verify/bytes.ts';
import { decodeCbor } from '../../../src/ledger/verify/cbor.ts';
import { genesis, keys, now } from '../small-district.ts';
import { overlap } from './load.ts';
import type { Order } from './loaded-process.ts';
import { randomFrom } from './random.ts';
import { Replay } from './replay.ts';

const kills = 200;
const seed = process.env['IMI_CRASH_SEED'] ?? randomBytes(4).toString('hex');

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-kill-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Loaded {
  child: ChildProcess & { stdin: NodeJS.WritableStream; stdout: NodeJS.ReadableStream };
  /** All that it wrote, once it is gone. */
  said: Promise<string[]>;
  /** As soon as it has written so many lines, or is gone. */
  wrote(lines: number): Promise<unknown>;
}

function start(): Loaded {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'loaded-process.ts')], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const closed = once(reader, 'close');
  reader.on('line', (line) => lines.push(line));
  return {
    child,
    said: Promise.all([closed, once(child, 'close')]).then(() => lines),
    wrote: (count) => Promise.race([closed, new Promise<void>((resolve) => void reader.on('line', () => lines.length >= count && resolve()))]),
  };
}

/** Nobody waits for a thing here: the moment is the chance that the test takes. */
const killAfter = (child: ChildProcess, ms: number): void => void setTimeout(() => child.kill('SIGKILL'), ms);

/** What the guard has marked is in the file, as it was marked; the file may be one step ahead. */
function expectGuardToAgree(path: string, copy: string): void {
  const guard = new HeadGuard(`${path}.signed`, nodeCrypto);
  const mark = guard.newest;
  guard.close();
  if (mark === null) return;
  const database = new DatabaseSync(copy);
  const row = database.prepare('SELECT content FROM block WHERE height = ?').get(mark.height) as { content: Uint8Array } | undefined;
  database.close();
  const block = row === undefined ? undefined : (decodeCbor(row.content) as unknown as ChainBlock);
  expect(block === undefined ? `no block ${mark.height}` : toHex(block.hash)).toBe(toHex(mark.hash));
}

test(
  `killed ${kills} times under load (seed ${seed}): no acknowledged entry is lost, none is doubled, and the roots are those of a replay`,
  async () => {
    const path = join(folder, 'ledger.sqlite');
    const copy = join(folder, 'copy.sqlite');
    const random = randomFrom(seed);
    const clockAheadMs = now * 1000 - Date.now();
    const replay = new Replay(genesis);
    const acknowledged = new Set<string>();
    const unasked = new Set<string>();
    let from = 0;
    let waiting = start();
    for (let kill = 1; kill <= kills; kill++) {
      const current = waiting;
      if (kill < kills) waiting = start();
      const order: Order = { path, seed, from: Math.max(0, from - overlap), parallel: 16, ask: [...unasked], clockAheadMs };
      current.child.stdin.write(`${JSON.stringify(order)}\n`);
      // One in eight is killed while it opens the file, the others in the middle of some answer.
      const isOpening = random(8) === 0;
      if (!isOpening) await current.wrote(order.ask.length + 1 + random(60));
      killAfter(current.child, random(isOpening ? 60 : 5));
      const said = await current.said;
      if (current.child.signalCode !== 'SIGKILL') throw new Error(`after kill ${kill - 1} the ledger did not open, or broke off`);
      for (const line of said) {
        const [first = '', id = '', state = ''] = line.split(' ');
        if (first === 'found') {
          // Queued in the last second of its life, and no block was made before the next start: it says so.
          if (state === 'expired') acknowledged.delete(id);
          else if (state !== 'recorded') throw new Error(`after kill ${kill - 1}: ${id} was acknowledged and is ${state}`);
          unasked.delete(id);
        } else if (state === 'queued' || state === 'recorded') {
          acknowledged.add(id);
          unasked.add(id);
          from = Math.max(from, Number(first));
        } else if (state !== 'expired') {
          throw new Error(`transaction ${first}: ${state}`);
        }
      }
      if (kill % 20 === 0) {
        for (const end of ['', '-wal']) {
          rmSync(copy + end, { force: true });
          if (existsSync(path + end)) copyFileSync(path + end, copy + end);
        }
        replay.catchUp(copy);
        expectGuardToAgree(path, copy);
      }
    }
    const opened = openEmbeddedLedger({ path, genesis, validator: keys.validator, clock: () => Date.now() + clockAheadMs, heartbeatMs: 60_000 });
    if (!opened.ok) throw new Error(opened.failure.detail);
    const lost: string[] = [];
    for (const id of acknowledged) {
      const state = await opened.value.state(fromHex(id) ?? new Uint8Array());
      if (!state.ok || state.value.state !== 'recorded') lost.push(id);
    }
    await opened.value.close();
    expect(lost).toEqual([]);
    replay.catchUp(path);
    expect(new Set(replay.transactions).size).toBe(replay.transactions.length);
    expect(acknowledged.size).toBeGreaterThan(kills);
  },
  600_000,
);
