import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HubServerFile } from '../../src/contract/hub-file.ts';
import { openConsortium } from './consortium.ts';
import type { Running } from './running.ts';
import type { StartOptions } from './start-options.ts';
import { agenciesPort, demoHubPath, demoServerPath, demoTlsHubPath, isSeeded, seedWorld, type World } from './world.ts';

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
  if (validators === null) {
    const serverPath = join(dataDir, 'hub.server.json');
    await writeServerFile(fileURLToPath(demoServerPath), serverPath);
    return { world: await seedWorld(dataDir, Date.now, { hubPath: published, serverPath }), hubPath: published, serverPath };
  }
  const { testnet, ...hub } = await openConsortium({ dataDir, validatorsDir, validators, published });
  running.with(() => testnet.stop());
  await writeServerFile(hub.serverPath, hub.serverPath);
  return hub;
}

/** The agencies' door at an address that stays the same, so that what was set up for it goes on working; elsewhere where that is taken. */
async function writeServerFile(from: string, to: string): Promise<void> {
  const server = JSON.parse(readFileSync(from, 'utf8')) as HubServerFile;
  const port = (await isFree(agenciesPort)) ? agenciesPort : 0;
  const gateway = server.gateway === undefined ? {} : { gateway: { ...server.gateway, listen: `http://127.0.0.1:${port}` } };
  writeFileSync(to, `${JSON.stringify({ ...server, ...gateway }, null, 2)}\n`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
