import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { fail, ok, type Failure, type Result } from '../../../contract/result.ts';
import { decodeGenesis, encodeGenesis, type Genesis } from '../../genesis.ts';
import { nodeCrypto } from '../../node-crypto.ts';
import { ed25519Signer } from '../../node-signer.ts';
import { byPower } from '../../rules/validators.ts';
import { fromBase64url, toBase64url } from '../../verify/bytes.ts';
import { ChildProgram, type NotStarted } from './child-program.ts';
import { configToml, genesisJson, nodeId, nodeKeyJson, unsignedStateJson, validatorKeyJson, type NodeConfig, type StateSync } from './node-files.ts';

export interface TestnetOptions {
  /** A folder of its own; a test network that is in it already goes on. */
  dir: string;
  /** 1 to 16, each of power 10. */
  validators: number;
  /** Of a new one: its validators are replaced by those that are made here. Its time must not lie ahead. */
  genesis: Genesis;
  /** The program. */
  cometbft: string;
  /** Command and arguments that come before those of `imi`. */
  imi: readonly string[];
  heartbeatMs: number;
  /** Each node makes a snapshot for others to join by after so many blocks; null: none. */
  snapshotEvery: number | null;
  /** Of the ledger's checkpoints, which each node then signs with a key of its own; left out: none are signed. */
  origin?: string;
}

export type TestnetFailure = Failure<'not-written'> | NotStarted;

const startWithinMs = 60_000;

type Programs = Pick<TestnetOptions, 'cometbft' | 'imi' | 'snapshotEvery' | 'origin'>;

/** One validator of a test network: the application and its CometBFT process, each of which can be killed, stopped and started by itself. */
export class TestnetNode {
  readonly name: string;
  /** `http://127.0.0.1:<port>`: CometBFT's RPC. */
  readonly rpc: string;
  readonly dir: string;
  /** Ed25519, 32 bytes: what it signs blocks with. */
  readonly key: Uint8Array;
  /** `<id>@<host>:<port>`: for peers. */
  readonly peer: string;
  readonly #programs: Programs;
  #application: ChildProgram | null = null;
  #comet: ChildProgram | null = null;

  constructor(dir: string, { name, rpc, p2p, id, key }: Place, programs: Programs) {
    this.name = name;
    this.dir = join(dir, name);
    this.rpc = `http://127.0.0.1:${rpc}`;
    this.peer = `${id}@127.0.0.1:${p2p}`;
    this.key = fromBase64url(key) ?? new Uint8Array();
    this.#programs = programs;
  }

  get application(): ChildProgram | null {
    return this.#application;
  }

  get comet(): ChildProgram | null {
    return this.#comet;
  }

  /** What of it is not running. Returns when it answers on its RPC, caught up with what its own disk has. */
  async start(): Promise<Result<null, NotStarted>> {
    const { imi, cometbft, snapshotEvery, origin } = this.#programs;
    const [command = '', ...args] = imi;
    const more = [...(snapshotEvery === null ? [] : ['--snapshot-every', String(snapshotEvery)]), ...(origin === undefined ? [] : ['--origin', origin])];
    const common = { cwd: this.dir, readyWithinMs: startWithinMs };
    if (this.#application?.isRunning !== true) {
      // It ends where its application has gone, but not at once.
      await this.#comet?.end();
      const started = await ChildProgram.start({
        ...common,
        command,
        args: [...args, 'node', '--genesis', 'genesis.cbor', '--data', '.', '--listen', 'unix:app.sock', '--attached', ...more],
        logPath: join(this.dir, 'app.log'),
        isReady: (line) => line.startsWith('imi node is ready'),
      });
      if (!started.ok) return started;
      this.#application = started.value;
    }
    if (this.#comet?.isRunning !== true) {
      const started = await ChildProgram.start({
        ...common,
        command: cometbft,
        args: ['start', '--home', '.'],
        logPath: join(this.dir, 'comet.log'),
        isReady: (line) => line.includes('Starting RPC HTTP server'),
      });
      if (!started.ok) return started;
      this.#comet = started.value;
    }
    return ok(null);
  }

  /** CometBFT first: it ends by itself where its application is gone. */
  async stop(): Promise<void> {
    await this.#comet?.end();
    await this.#application?.end();
  }
}

export interface Testnet {
  genesis: Genesis;
  nodes: TestnetNode[];
  /** Ends every process of it. */
  stop(): Promise<void>;
}

/** Writes keys and configuration of `validators` nodes on loopback, and starts them: each a process of CometBFT and one of its application. */
export async function startTestnet(options: TestnetOptions): Promise<Result<Testnet, TestnetFailure>> {
  const written = await writeTestnet(options);
  if (!written.ok) return written;
  const { genesis, nodes } = written.value;
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const started = await Promise.all(nodes.map((node) => node.start()));
  for (const one of started) {
    if (one.ok) continue;
    await stop();
    return one;
  }
  return ok({ genesis, nodes, stop });
}

interface Place {
  name: string;
  /** Ports on 127.0.0.1. */
  rpc: number;
  p2p: number;
  /** Of the node, to its peers. */
  id: string;
  /** Of the validator, base64url. */
  key: string;
}

/** What a test network is found again by. */
const indexFile = 'testnet.json';

async function writeTestnet(options: TestnetOptions): Promise<Result<Omit<Testnet, 'stop'>, TestnetFailure>> {
  const dir = resolve(options.dir);
  try {
    const indexPath = join(dir, indexFile);
    if (!existsSync(indexPath)) await write(dir, options);
    const places = JSON.parse(readFileSync(indexPath, 'utf8')) as Place[];
    const genesis = decodeGenesis(new Uint8Array(readFileSync(join(dir, 'node0', 'genesis.cbor'))));
    if (genesis === undefined) return fail('not-written', 'genesis.cbor is damaged');
    return ok({ genesis, nodes: places.map((place) => new TestnetNode(dir, place, options)) });
  } catch (error) {
    return fail('not-written', error instanceof Error ? error.message : '');
  }
}

interface NewNode extends Place {
  validatorSeed: Uint8Array;
  nodeSeed: Uint8Array;
}

async function newNodes(names: readonly string[]): Promise<NewNode[]> {
  const ports = await freePorts(2 * names.length);
  return names.map((name, i) => {
    const [validatorSeed, nodeSeed] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
    const key = toBase64url(ed25519Signer(validatorSeed).key[1]);
    return { name, validatorSeed, nodeSeed, key, id: nodeId(nodeSeed, nodeCrypto), rpc: ports[2 * i] ?? 0, p2p: ports[2 * i + 1] ?? 0 };
  });
}

function writeNode(dir: string, { name, validatorSeed, nodeSeed, rpc, p2p }: NewNode, genesis: Genesis, more: Pick<NodeConfig, 'peers' | 'heartbeatMs' | 'stateSync'>): void {
  const home = join(dir, name);
  for (const folder of ['config', 'data']) mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
  const put = (file: string, content: string | Uint8Array): void => writeFileSync(join(home, file), content, { mode: 0o600 });
  put('genesis.cbor', encodeGenesis(genesis));
  put('config/genesis.json', genesisJson(genesis, 1, nodeCrypto));
  put('config/priv_validator_key.json', validatorKeyJson(validatorSeed, nodeCrypto));
  put('config/node_key.json', nodeKeyJson(nodeSeed));
  put('data/priv_validator_state.json', unsignedStateJson);
  put('config/config.toml', configToml({ moniker: name, proxyApp: 'unix://app.sock', rpc: `127.0.0.1:${rpc}`, p2p: `127.0.0.1:${p2p}`, oneHost: true, ...more }));
}

async function write(dir: string, { validators: count, genesis: begin, heartbeatMs }: TestnetOptions): Promise<void> {
  const made = await newNodes(Array.from({ length: count }, (_, i) => `node${i}`));
  const genesis: Genesis = { ...begin, validators: byPower(made.map(({ validatorSeed }) => ({ key: ed25519Signer(validatorSeed).key[1], power: 10 })), nodeCrypto) };
  const peers = made.map(({ id, p2p }) => `${id}@127.0.0.1:${p2p}`);
  for (const [i, node] of made.entries()) writeNode(dir, node, genesis, { peers: peers.filter((_, other) => other !== i), heartbeatMs, stateSync: null });
  const places: Place[] = made.map(({ name, rpc, p2p, id, key }) => ({ name, rpc, p2p, id, key }));
  // Last: a folder without it was not written to the end.
  writeFileSync(join(dir, indexFile), `${JSON.stringify(places, null, 2)}\n`);
}

/**
 * One more node of a network that runs: it signs nothing until the authority gives its key a weight (`validator.set`). It joins by a snapshot where
 * `stateSync` says whom to ask, else by every block. The caller starts and stops it.
 */
export async function addNode({ genesis, nodes }: Testnet, name: string, stateSync: StateSync | null, options: TestnetOptions): Promise<TestnetNode> {
  const dir = resolve(options.dir);
  const [made] = await newNodes([name]);
  if (made === undefined) throw new Error('no node was made');
  writeNode(dir, made, genesis, { peers: nodes.map(({ peer }) => peer), heartbeatMs: options.heartbeatMs, stateSync });
  return new TestnetNode(dir, made, options);
}

/** Free at this moment; they are taken at once. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
