import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import { openNode } from '../../../src/ledger/engines/cometbft/node.ts';
import { genesis, now } from '../small-district.ts';

/** A validator's application that waits, with everything loaded, for one line: the paths of its ledger and of its socket. It says `ready`, and never ends by itself. */
flushCompileCache();
const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string];
const { path, socket } = JSON.parse(line) as { path: string; socket: string };
const node = await openNode({
  path,
  genesis,
  address: { path: socket },
  clock: () => now * 1000,
  keepBlocks: null,
  snapshotEvery: null,
  onMisbehaviour: () => undefined,
  onFault: (error) => {
    throw error;
  },
});
if (!node.ok) throw new Error(`${node.failure.code}: ${node.failure.detail}`);
process.stdout.write('ready\n');
