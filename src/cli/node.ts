import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { AbciAddress } from '../ledger/engines/cometbft/abci-server.ts';
import { openNode, type NodeOptions } from '../ledger/engines/cometbft/node.ts';
import { decodeGenesis } from '../ledger/genesis.ts';

const usage = 'imi node --genesis FILE --data DIR [--listen unix:PATH|tcp:127.0.0.1:PORT] [--keep-blocks N] [--snapshot-every N] [--attached]';

/**
 * Runs a validator's application, which its CometBFT process talks to, until SIGTERM or SIGINT; attached, also until its standard input ends.
 * When it listens, one line goes out: `imi node is ready on <address>`, as `proxy_app` of config.toml has it.
 * 0: ended as asked; 1: could not start, the code is on stderr; 2: wrongly called.
 */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const read = readArguments(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  const { isAttached, ...options } = read.value;
  const node = await openNode({
    ...options,
    clock: Date.now,
    onFault: (error) => process.stderr.write(`imi node: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}\n`),
  });
  if (!node.ok) {
    const { code, detail } = node.failure;
    process.stderr.write(`imi node: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
    return 1;
  }
  const ended = new Promise<void>((end) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end());
    if (isAttached) process.stdin.resume().once('close', () => end());
  });
  process.stdout.write(`imi node is ready on ${node.value.address}\n`);
  await ended;
  process.stdin.destroy();
  await node.value.close();
  return 0;
}

type Arguments = Pick<NodeOptions, 'path' | 'genesis' | 'address' | 'keepBlocks' | 'snapshotEvery'> & { isAttached: boolean };

function readArguments(args: string[]): Result<Arguments, Failure<'usage'>> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        genesis: { type: 'string' },
        data: { type: 'string' },
        listen: { type: 'string' },
        'keep-blocks': { type: 'string' },
        'snapshot-every': { type: 'string' },
        attached: { type: 'boolean' },
      },
    });
    if (values.genesis === undefined || values.data === undefined) return fail('usage', usage);
    mkdirSync(values.data, { recursive: true });
    const address = values.listen === undefined ? { path: resolve(values.data, 'app.sock') } : addressIn(values.listen);
    if (address === undefined) return fail('usage', `--listen takes a Unix socket or a loopback address\n${usage}`);
    const [keepBlocks, snapshotEvery] = [values['keep-blocks'], values['snapshot-every']].map((text) => (text === undefined ? null : Number(text)));
    for (const count of [keepBlocks, snapshotEvery]) {
      if (count === undefined || (count !== null && !(Number.isSafeInteger(count) && count > 0))) return fail('usage', `a number of blocks is 1 at least\n${usage}`);
    }
    const genesis = decodeGenesis(new Uint8Array(readFileSync(values.genesis)));
    if (genesis === undefined) return fail('usage', `${values.genesis} is not a genesis`);
    return ok({ path: resolve(values.data, 'ledger.sqlite'), genesis, address, keepBlocks: keepBlocks ?? null, snapshotEvery: snapshotEvery ?? null, isAttached: values.attached ?? false });
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}

/** A Unix socket's path is kept as it stands: relative to where the node runs, it stays short. */
function addressIn(text: string): AbciAddress | undefined {
  if (text.startsWith('unix:') && text.length > 5) return { path: text.slice(5) };
  const port = Number(/^tcp:127\.0\.0\.1:(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN);
  return Number.isInteger(port) && port < 65_536 ? { host: '127.0.0.1', port } : undefined;
}
