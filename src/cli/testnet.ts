import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ok, type Result } from '../contract/result.ts';
import { misuse, readOptions, type Misuse } from './arguments.ts';
import { authorityKeyFile } from '../hub/founding.ts';
import { writeKeyFile } from '../hub/key-file.ts';
import { cometbftProgram } from '../ledger/engines/cometbft/program.ts';
import { startTestnet, type TestnetOptions } from '../ledger/engines/cometbft/testnet.ts';
import { decodeGenesis, type Genesis } from '../ledger/genesis.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';
import { isOrigin } from '../ledger/verify/checkpoint.ts';
import { isUnsignedChain } from '../ledger/verify/unsigned-chain.ts';

export const usage = 'imi testnet --validators N --dir DIR [--chain ID | --genesis FILE] [--heartbeat MS] [--origin NAME] [--cometbft PROGRAM]';

/**
 * Writes and starts a network of validators on this machine's loopback until SIGTERM or SIGINT; in a folder that has one, that one goes on. On
 * stdout a JSON line for each node, then one with the trust root when all of them answer. `--genesis` brings parties and authority (of a hub that
 * `imi hub init` founded); without it the only key is the authority's, in DIR.
 * 0: ended as asked; 1: could not start, the code is on stderr; 2: wrongly called.
 */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const read = readArguments(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  const ended = new Promise<void>((end) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end());
  });
  const testnet = await startTestnet(read.value);
  if (!testnet.ok) {
    const { code, detail } = testnet.failure;
    process.stderr.write(`imi testnet: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
    return 1;
  }
  const { genesis, nodes, stop } = testnet.value;
  for (const { name, rpc, dir, application, comet } of nodes) {
    process.stdout.write(`${JSON.stringify({ node: name, rpc, dir, application: application?.pid, comet: comet?.pid })}\n`);
  }
  const validators = genesis.validators.map(({ key, power }) => ({ alg: -19, key: toBase64url(key), power }));
  process.stdout.write(`${JSON.stringify({ trustRoot: { chain: genesis.chain, height: 1, validators, trustingPeriodMs: 30 * 24 * 3600_000 } })}\n`);
  await ended;
  await stop();
  return 0;
}

const options = {
  validators: { type: 'string' },
  dir: { type: 'string' },
  chain: { type: 'string', default: 'imi-testnet' },
  genesis: { type: 'string' },
  heartbeat: { type: 'string', default: '60000' },
  origin: { type: 'string' },
  cometbft: { type: 'string' },
} as const;

const readArguments = (args: string[]): Result<TestnetOptions, Misuse> =>
  readOptions(args, usage, options, ({ validators: count, dir, chain, genesis: genesisPath, heartbeat, origin, cometbft: program }) => {
    const validators = Number(count);
    if (dir === undefined || !(Number.isInteger(validators) && validators >= 1 && validators <= 16)) return misuse(usage);
    const heartbeatMs = Number(heartbeat);
    if (!(Number.isInteger(heartbeatMs) && heartbeatMs >= 100)) return misuse(usage, '--heartbeat takes milliseconds, 100 at least');
    if (!/^[a-z0-9-]{1,20}$/.test(chain)) return misuse(usage, 'a chain id is 1 to 20 of a-z, 0-9 and -');
    if (isUnsignedChain(chain)) return misuse(usage, 'a chain of this name is only measured');
    if (origin !== undefined && !isOrigin(origin)) return misuse(usage, 'an origin has neither a space nor a plus');
    const cometbft = program ?? cometbftProgram();
    if (cometbft === null || !existsSync(cometbft)) return misuse(usage, 'CometBFT is not here: the set-up installs it where Go is, or name it with --cometbft');
    mkdirSync(dir, { recursive: true });
    const genesis = genesisPath === undefined ? newGenesis(chain, dir) : decodeGenesis(new Uint8Array(readFileSync(genesisPath)));
    if (genesis === undefined) return misuse(usage, `${genesisPath ?? ''} is not a genesis`);
    if (genesis.unsigned === true) return misuse(usage, `${genesisPath ?? ''} is of a chain that is only measured`);
    const [, self = ''] = process.argv;
    return ok({ dir, validators, genesis, cometbft, imi: [process.execPath, self], heartbeatMs, snapshotEvery: 1000, ...(origin === undefined ? {} : { origin }) });
  });

/** Without parties; whoever holds the authority's key enrols them. */
function newGenesis(chain: string, dir: string): Genesis {
  const seed = new Uint8Array(randomBytes(32));
  const path = join(dir, authorityKeyFile);
  if (!existsSync(path)) writeKeyFile(path, { sign: seed });
  return {
    v: 1,
    chain,
    // A second ago: the first block has this time, and no node waits for it.
    time: Math.floor(Date.now() / 1000) - 1,
    validators: [],
    authority: { threshold: 1, keys: [ed25519Signer(seed).key] },
    acts: [],
  };
}
