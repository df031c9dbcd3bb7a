import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { AbciAddress } from '../ledger/engines/cometbft/abci-server.ts';
import { onDisk } from '../hub/data-folder.ts';
import { readKeyFile, writeKeyFile } from '../hub/key-file.ts';
import { tipSigner, type SignTip } from '../ledger/engines/cometbft/node-checkpoint.ts';
import { openNode, type NodeOptions } from '../ledger/engines/cometbft/node.ts';
import { misuse, readOptions, type Misuse } from './arguments.ts';
import { decodeGenesis } from '../ledger/genesis.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { isOrigin } from '../ledger/verify/checkpoint.ts';
import { encodeNoteKey } from '../ledger/verify/note.ts';

export const usage = 'imi node --genesis FILE --data DIR [--listen unix:PATH|tcp:127.0.0.1:PORT] [--keep-blocks N] [--snapshot-every N] [--origin NAME] [--attached]';

/**
 * Runs a validator's application, which its CometBFT process talks to, until SIGTERM or SIGINT; attached, also until its standard input ends.
 * When it listens, one line goes out: `imi node is ready on <address>`, as `proxy_app` of config.toml has it.
 * With `--origin` it signs the ledger's checkpoints under that name with `checkpoint.key.json` of its data folder, made where there is none, and
 * says its key on stderr.
 * 0: ended as asked; 1: could not start, the code is on stderr; 2: wrongly called.
 */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const read = readArguments(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  const { isAttached, origin, dataDir, ...options } = read.value;
  const signTip = origin === null ? null : checkpointSigner(origin, resolve(dataDir, 'checkpoint.key.json'));
  if (signTip?.ok === false) {
    process.stderr.write(`imi node: ${signTip.failure.code} (${signTip.failure.detail ?? ''})\n`);
    return 1;
  }
  const node = await openNode({
    ...options,
    ...(signTip === null ? {} : { signTip: signTip.value }),
    clock: Date.now,
    onFault: (error) => process.stderr.write(`imi node: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}\n`),
    onMisbehaviour: ({ kind, address, height }) => process.stderr.write(`imi node: validator ${address} did against the protocol at height ${height}: ${kind}\n`),
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

function checkpointSigner(origin: string, path: string): Result<SignTip, Failure<string>> {
  if (!existsSync(path)) {
    const made = onDisk(path, () => writeKeyFile(path, { sign: new Uint8Array(randomBytes(32)) }));
    if (!made.ok) return made;
  }
  const key = readKeyFile(path);
  if (!key.ok) return key;
  if (key.value.sign === undefined) return fail('key-unreadable', `${path}: sign`);
  const signer = ed25519Signer(key.value.sign);
  process.stderr.write(`imi node: its checkpoints are signed by ${encodeNoteKey({ name: origin, type: 1, key: signer.key[1] }, nodeCrypto)}\n`);
  return ok(tipSigner(origin, signer, nodeCrypto));
}

type Arguments = Pick<NodeOptions, 'path' | 'genesis' | 'address' | 'keepBlocks' | 'snapshotEvery'> & { isAttached: boolean; origin: string | null; dataDir: string };

const options = {
  genesis: { type: 'string' },
  data: { type: 'string' },
  listen: { type: 'string' },
  'keep-blocks': { type: 'string' },
  'snapshot-every': { type: 'string' },
  origin: { type: 'string' },
  attached: { type: 'boolean', default: false },
} as const;

const readArguments = (args: string[]): Result<Arguments, Misuse> =>
  readOptions(args, usage, options, ({ genesis: genesisPath, data, listen, 'keep-blocks': keep, 'snapshot-every': every, origin = null, attached }) => {
    if (genesisPath === undefined || data === undefined) return misuse(usage);
    mkdirSync(data, { recursive: true });
    const address = listen === undefined ? { path: resolve(data, 'app.sock') } : addressIn(listen);
    if (address === undefined) return misuse(usage, '--listen takes a Unix socket or a loopback address');
    const [keepBlocks, snapshotEvery] = [countIn(keep), countIn(every)];
    if (keepBlocks === undefined || snapshotEvery === undefined) return misuse(usage, 'a number of blocks is 1 at least');
    if (origin !== null && !isOrigin(origin)) return misuse(usage, 'an origin has neither a space nor a plus');
    const genesis = decodeGenesis(new Uint8Array(readFileSync(genesisPath)));
    if (genesis === undefined) return misuse(usage, `${genesisPath} is not a genesis`);
    return ok({ path: resolve(data, 'ledger.sqlite'), genesis, address, keepBlocks, snapshotEvery, isAttached: attached, origin, dataDir: data });
  });

/** undefined: no number of blocks; null: none was asked for. */
function countIn(text: string | undefined): number | null | undefined {
  if (text === undefined) return null;
  const count = Number(text);
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

/** A Unix socket's path is kept as it stands: relative to where the node runs, it stays short. */
function addressIn(text: string): AbciAddress | undefined {
  if (text.startsWith('unix:') && text.length > 5) return { path: text.slice(5) };
  const port = Number(/^tcp:127\.0\.0\.1:(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN);
  return Number.isInteger(port) && port < 65_536 ? { host: '127.0.0.1', port } : undefined;
}
