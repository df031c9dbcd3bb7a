import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cometbftProgram } from '../../src/ledger/engines/cometbft/program.ts';
import { encodeGenesis } from '../../src/ledger/genesis.ts';
import { genesis } from '../ledger/small-district.ts';
import { AbciClient } from '../ledger/engines/cometbft/abci-client.ts';
import { NodeRpc } from '../ledger/engines/cometbft/node-rpc.ts';

const imi = join(import.meta.dirname, '../../src/cli/imi.ts');
const cometbft = cometbftProgram();
const why = cometbft === null ? ' (skipped: CometBFT was not built, since there is no Go)' : '';

let folder: string;
let running: ChildProcess | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-testnet-'));
  writeFileSync(join(folder, 'genesis.cbor'), encodeGenesis(genesis));
  running = null;
});
afterEach(() => {
  running?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** The lines that it writes until one fits. */
async function start(isLast: (line: string) => boolean, args: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [imi, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  running = child;
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (isLast(line)) break;
  }
  return lines;
}

async function exitCode(): Promise<number | null | undefined> {
  if (running?.exitCode === null) await once(running, 'exit');
  return running?.exitCode;
}

/** When the process is gone, whoever was its parent. */
async function gone(pid: number): Promise<void> {
  const deadline = AbortSignal.timeout(10_000);
  while (existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) {
    deadline.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('imi node', () => {
  const nodeArgs = (...more: string[]) => ['node', '--genesis', join(folder, 'genesis.cbor'), '--data', join(folder, 'data'), ...more];
  const isReady = (line: string) => line.startsWith('imi node is ready on ');

  test('answers on its socket, which nobody else may use, until it is asked to end', async () => {
    const [line = ''] = await start(isReady, nodeArgs());
    const address = line.slice('imi node is ready on '.length);
    expect(address).toBe(`unix://${join(folder, 'data', 'app.sock')}`);
    expect(statSync(address.slice('unix://'.length)).mode & 0o077).toBe(0);
    const client = await AbciClient.open(address);
    expect((await client.ask({ info: {} })).info).toMatchObject({ data: genesis.chain, lastBlockHeight: 0n });
    running?.kill('SIGTERM');
    expect(await exitCode()).toBe(0);
    client.close();
  });

  test('attached, it ends with its standard input', async () => {
    await start(isReady, nodeArgs('--listen', 'tcp:127.0.0.1:0', '--attached'));
    running?.stdin?.end();
    expect(await exitCode()).toBe(0);
  });

  test.each([
    { name: 'no genesis', args: ['node', '--data', 'x'], says: /imi node --genesis/ },
    { name: 'an address that others reach', args: ['node', '--genesis', imi, '--data', tmpdir(), '--listen', 'tcp:0.0.0.0:1'], says: /loopback/ },
    { name: 'a genesis that is none', args: ['node', '--genesis', imi, '--data', tmpdir()], says: /not a genesis/ },
    { name: 'no block kept', args: ['node', '--genesis', imi, '--data', tmpdir(), '--keep-blocks', '0'], says: /1 at least/ },
    { name: 'an option that it does not have', args: ['node', '--dance'], says: /imi node --genesis/ },
    { name: 'a network of none', args: ['testnet', '--validators', '0', '--dir', 'x'], says: /imi testnet --validators/ },
    { name: 'a chain’s name that is none', args: ['testnet', '--validators', '1', '--dir', 'x', '--chain', 'Big Chain'], says: /chain id/ },
    { name: 'a name that only seeded chains have', args: ['testnet', '--validators', '1', '--dir', 'x', '--chain', 'unsigned-1'], says: /only measured/ },
    { name: 'an origin that no note has', args: ['testnet', '--validators', '1', '--dir', 'x', '--origin', 'my ledger'], says: /neither a space/ },
    { name: 'a CometBFT that is not there', args: ['testnet', '--validators', '1', '--dir', 'x', '--cometbft', '/nowhere'], says: /CometBFT is not here/ },
  ])('refuses $name', ({ args, says }) => {
    const ended = spawnSync(process.execPath, [imi, ...args], { encoding: 'utf8', timeout: 20_000 });
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(says);
  });
});

describe('imi testnet', () => {
  interface Line {
    node?: string;
    rpc?: string;
    application?: number;
    comet?: number;
    trustRoot?: { chain: string; validators: unknown[] };
  }
  const startNetwork = async (): Promise<Line[]> => {
    const lines = await start((line) => line.includes('trustRoot'), ['testnet', '--validators', '2', '--dir', join(folder, 'net'), '--heartbeat', '500', '--origin', 'ledger.test']);
    return lines.map((line) => JSON.parse(line) as Line);
  };
  const pids = (lines: Line[]): number[] => lines.flatMap(({ application, comet }) => (application === undefined || comet === undefined ? [] : [application, comet]));

  test.skipIf(cometbft === null)(`prints where its nodes answer and whom to trust, and takes them all along${why}`, { timeout: 60_000 }, async () => {
    const lines = await startNetwork();
    expect(lines.map(({ node }) => node)).toEqual(['node0', 'node1', undefined]);
    expect(lines[2]?.trustRoot).toMatchObject({ chain: 'imi-testnet', height: 1, validators: [{ alg: -19, power: 10 }, { alg: -19, power: 10 }] });
    const rpc = new NodeRpc(lines[1]?.rpc ?? '');
    const deadline = AbortSignal.timeout(20_000);
    for (const node of ['node0', 'node1']) expect(readFileSync(join(folder, 'net', node, 'app.log'), 'utf8')).toContain('checkpoints are signed by ledger.test+');
    // Nobody sends anything: heartbeats alone.
    while ((await rpc.query('/tip', 3)) === null) deadline.throwIfAborted();
    running?.kill('SIGTERM');
    expect(await exitCode()).toBe(0);
    for (const pid of pids(lines)) await gone(pid);
  });

  test.skipIf(cometbft === null)(`killed, it leaves nobody behind${why}`, { timeout: 60_000 }, async () => {
    const lines = await startNetwork();
    expect(pids(lines)).toHaveLength(4);
    running?.kill('SIGKILL');
    for (const pid of pids(lines)) await gone(pid);
  });
});
