import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval as everyMs } from 'node:timers/promises';
import type { HubFile, HubServerFile } from '../../src/contract/hub-file.ts';
import { cometbftProgram } from '../../src/ledger/engines/cometbft/program.ts';
import { cometNode } from '../../src/ledger/engines/cometbft/rpc.ts';
import { startTestnet, type Testnet } from '../../src/ledger/engines/cometbft/testnet.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import { demoGenesis, demoHubPath, demoServerPath, isSeeded, seedWorld, type World } from './world.ts';

export interface ConsortiumPlan {
  dataDir: string;
  /** Where the validators' own data lies. */
  validatorsDir: string;
  /** 4 withstand one that is away or lies. */
  validators: number;
  heartbeatMs?: number;
  /** The hub's public file, but for the trust root. */
  published?: URL | string;
}

/** The demonstration's district, its ledger on several validators of this machine. */
export interface Consortium {
  world: World;
  testnet: Testnet;
  /** Of the hub's two files. */
  hubPath: string;
  serverPath: string;
}

const beginWithinMs = 60_000;

/** Why it cannot be had here; null where it can. */
export const whyNoConsortium = (): string | null => (cometbftProgram() === null ? 'CometBFT was not built, since there is no Go' : null);

/** Starts the validators, and seeds the district through them where it is not seeded yet. The caller stops `testnet`. */
export async function openConsortium({ dataDir, validatorsDir, validators, heartbeatMs = 60_000, published: publishedPath = demoHubPath }: ConsortiumPlan): Promise<Consortium> {
  const cometbft = cometbftProgram();
  if (cometbft === null) throw new Error(whyNoConsortium() ?? '');
  // Half a first day cannot be gone through again.
  if (!isSeeded(dataDir)) rmSync(validatorsDir, { recursive: true, force: true });
  for (const folder of [dataDir, validatorsDir]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const published = JSON.parse(readFileSync(publishedPath, 'utf8')) as HubFile;
  const { chain } = published.trustRoot;
  const started = await startTestnet({
    dir: validatorsDir,
    validators,
    genesis: demoGenesis(chain, [], Date.now()),
    cometbft,
    imi: [process.execPath, join(import.meta.dirname, '../../src/cli/imi.ts')],
    heartbeatMs,
    snapshotEvery: null,
  });
  if (!started.ok) throw new Error(`the validators do not start: ${started.failure.detail ?? started.failure.code}`);
  const testnet = started.value;
  try {
    await hasBegun(testnet);
    const signers = testnet.genesis.validators.map(({ key, power }) => ({ alg: -19 as const, key: toBase64url(key), power }));
    const hubFile: HubFile = { ...published, trustRoot: { ...published.trustRoot, validators: signers } };
    const { checkpoints: _, ...server } = JSON.parse(readFileSync(demoServerPath, 'utf8')) as HubServerFile;
    const serverFile = { ...server, ledger: { engine: 'cometbft', nodes: testnet.nodes.map(({ rpc }) => rpc) } };
    const [hubPath, serverPath] = [join(dataDir, 'hub.json'), join(dataDir, 'hub.server.json')];
    writeFileSync(hubPath, `${JSON.stringify(hubFile, null, 2)}\n`);
    writeFileSync(serverPath, `${JSON.stringify(serverFile, null, 2)}\n`);
    const world = await seedWorld(dataDir, Date.now, { hubPath, serverPath });
    return { world, testnet, hubPath, serverPath };
  } catch (error) {
    await testnet.stop();
    throw error;
  }
}

/** A block stands in every node: before the first there is no head to go by. */
async function hasBegun({ nodes }: Testnet): Promise<void> {
  await Promise.all(
    nodes.map(async ({ rpc }) => {
      const node = cometNode({ url: rpc, deadlineMs: 2000 });
      const deadline = AbortSignal.timeout(beginWithinMs);
      for await (const _ of everyMs(100, null, { signal: deadline })) if ((await node.lightBlock(1, () => undefined)).ok) return;
    }),
  );
}
