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
import { configToml, genesisJson, nodeId, nodeKeyJson, unsignedStateJson, validatorKeyJson } from './node-files.ts';

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
}

export type TestnetFailure = Failure<'not-written'> | NotStarted;

const startWithinMs = 60_000;

/** One validator of a test network: the application and its CometBFT process, each of which can be killed, stopped and started by itself. */
export class TestnetNode {
  readonly name: string;
  /** `http://127.0.0.1:<port>`: CometBFT's RPC. */
  readonly rpc: string;
  readonly dir: string;
  /** Ed25519, 32 bytes: what it signs blocks with. */
  readonly key: Uint8Array;
  readonly #options: Pick<TestnetOptions, 'cometbft' | 'imi'>;
  #application: ChildProgram | null = null;
  #comet: ChildProgram | null = null;

  constructor(name: string, { dir, rpc, key }: { dir: string; rpc: string; key: Uint8Array }, options: Pick<TestnetOptions, 'cometbft' | 'imi'>) {
    this.name = name;
    this.dir = dir;
    this.rpc = rpc;
    this.key = key;
    this.#options = options;
  }

  get application(): ChildProgram | null {
    return this.#application;
  }

  get comet(): ChildProgram | null {
    return this.#comet;
  }

  /** What of it is not running. Returns when it answers on its RPC, caught up with what its own disk has. */
  async start(): Promise<Result<null, NotStarted>> {
    const [command = '', ...args] = this.#options.imi;
    const common = { cwd: this.dir, readyWithinMs: startWithinMs };
    if (this.#application?.isRunning !== true) {
      // It ends where its application has gone, but not at once.
      await this.#comet?.end();
      const started = await ChildProgram.start({
        ...common,
        command,
        args: [...args, 'node', '--genesis', 'genesis.cbor', '--data', '.', '--listen', 'unix:app.sock', '--attached'],
        logPath: join(this.dir, 'app.log'),
        isReady: (line) => line.startsWith('imi node is ready'),
      });
      if (!started.ok) return started;
      this.#application = started.value;
    }
    if (this.#comet?.isRunning !== true) {
      const started = await ChildProgram.start({
        ...common,
        command: this.#options.cometbft,
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
  const failed = started.find((one) => !one.ok);
  if (failed === undefined) return ok({ genesis, nodes, stop });
  await stop();
  return failed.ok ? fail('not-written') : failed;
}

interface Place {
  name: string;
  /** Ports on 127.0.0.1. */
  rpc: number;
  p2p: number;
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
    const nodes = places.map(({ name, rpc, key }) => {
      const bytes = fromBase64url(key) ?? new Uint8Array();
      return new TestnetNode(name, { dir: join(dir, name), rpc: `http://127.0.0.1:${rpc}`, key: bytes }, options);
    });
    return ok({ genesis, nodes });
  } catch (error) {
    return fail('not-written', error instanceof Error ? error.message : '');
  }
}

async function write(dir: string, { validators: count, genesis: begin, heartbeatMs }: TestnetOptions): Promise<void> {
  const ports = await freePorts(2 * count);
  const made = Array.from({ length: count }, (_, i) => {
    const [validatorSeed, nodeSeed] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
    return { name: `node${i}`, validatorSeed, nodeSeed, key: ed25519Signer(validatorSeed).key[1], rpc: ports[2 * i] ?? 0, p2p: ports[2 * i + 1] ?? 0 };
  });
  const genesis: Genesis = { ...begin, validators: byPower(made.map(({ key }) => ({ key, power: 10 })), nodeCrypto) };
  const peers = made.map(({ nodeSeed, p2p }) => `${nodeId(nodeSeed, nodeCrypto)}@127.0.0.1:${p2p}`);
  for (const [i, { name, validatorSeed, nodeSeed, rpc, p2p }] of made.entries()) {
    const home = join(dir, name);
    for (const folder of ['config', 'data']) mkdirSync(join(home, folder), { recursive: true, mode: 0o700 });
    const put = (file: string, content: string | Uint8Array): void => writeFileSync(join(home, file), content, { mode: 0o600 });
    put('genesis.cbor', encodeGenesis(genesis));
    put('config/genesis.json', genesisJson(genesis, 1, nodeCrypto));
    put('config/priv_validator_key.json', validatorKeyJson(validatorSeed, nodeCrypto));
    put('config/node_key.json', nodeKeyJson(nodeSeed));
    put('data/priv_validator_state.json', unsignedStateJson);
    put(
      'config/config.toml',
      configToml({
        moniker: name,
        proxyApp: 'unix://app.sock',
        rpc: `127.0.0.1:${rpc}`,
        p2p: `127.0.0.1:${p2p}`,
        peers: peers.filter((_, other) => other !== i),
        heartbeatMs,
        oneHost: true,
      }),
    );
  }
  const places: Place[] = made.map(({ name, rpc, p2p, key }) => ({ name, rpc, p2p, key: toBase64url(key) }));
  // Last: a folder without it was not written to the end.
  writeFileSync(join(dir, indexFile), `${JSON.stringify(places, null, 2)}\n`);
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
