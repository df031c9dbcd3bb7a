import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openConsortium } from './consortium.ts';
import type { Running } from './running.ts';
import type { StartOptions } from './start-options.ts';
import { demoHubPath, demoServerPath, demoTlsHubPath, isSeeded, seedWorld, type World } from './world.ts';

export interface DemoHub {
  world: World;
  /** Of the hub's two files. */
  hubPath: string;
  serverPath: string;
}

/** The demonstration as it was asked for, seeded; with several validators they are running until `running` ends. */
export async function openDemoHub({ dataDir, validators, tls }: Pick<StartOptions, 'dataDir' | 'validators' | 'tls'>, running: Running): Promise<DemoHub> {
  const published = fileURLToPath(tls ? demoTlsHubPath : demoHubPath);
  const validatorsDir = join(dataDir, 'validators');
  if (isSeeded(dataDir) && existsSync(validatorsDir) !== (validators !== null)) {
    throw new Error(`what is kept in ${dataDir} began ${validators === null ? 'with several validators' : 'without --validators'}: --fresh forgets it`);
  }
  if (validators === null) return { world: await seedWorld(dataDir, Date.now, { hubPath: published }), hubPath: published, serverPath: fileURLToPath(demoServerPath) };
  const { testnet, ...hub } = await openConsortium({ dataDir, validatorsDir, validators, published });
  running.with(() => testnet.stop());
  return hub;
}
