import { parseArgs } from 'node:util';
import { hubFileSchema, hubServerFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { readOrMakePin } from '../hub/doors.ts';
import { authorityKeyFile, foundHub, type Founding } from '../hub/founding.ts';
import { openHub } from '../hub/hub.ts';
import { readOrMakeCheckpointKey } from '../hub/outside.ts';
import { readJsonFile } from './json-file.ts';

export const usage = `imi hub --hub FILE --server FILE --data DIR
imi hub init --chain ID --server FILE --data DIR
imi hub pin --server FILE --data DIR
imi hub checkpoint-key --server FILE --data DIR`;

/**
 * Runs a hub until SIGTERM or SIGINT, or founds one (`init`), or says how kiosks know it over TLS (`pin`) and witnesses by its
 * checkpoints (`checkpoint-key`).
 * When it listens, one line goes out: `imi hub is ready on <socket path> and <address over TLS> (<pin>)`, of these what there is;
 * where agencies come in, a second: `imi gateway is ready on <url>`.
 * 0: ended as asked; 1: could not start, the code is on stderr; 2: wrongly called.
 */
export async function run(args: string[]): Promise<number> {
  // Sealed or not, what the hub writes is nobody else's to read.
  process.umask(0o077);
  if (args[0] === 'init') return init(args.slice(1));
  if (args[0] === 'pin') return sayKey('pin', readOrMakePin, args.slice(1));
  return args[0] === 'checkpoint-key' ? sayKey('checkpoint-key', readOrMakeCheckpointKey, args.slice(1)) : serve(args);
}

/** Makes keys and a ledger, and prints trust root and pin for the hub's public file. */
async function init(args: string[]): Promise<number> {
  const read = readFounding(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  const founded = await foundHub({ ...read.value, now: Date.now() });
  if (!founded.ok) {
    process.stderr.write(`imi hub init: ${founded.failure.code} (${founded.failure.detail ?? ''})\n`);
    if (founded.failure.code === 'already-founded') process.stderr.write('Where a founding broke off, so that it never printed its trust root, nothing hangs on these files: delete each of them, and found anew.\n');
    return 1;
  }
  process.stdout.write(`${JSON.stringify(founded.value, null, 2)}\n`);
  process.stderr.write(`Take ${authorityKeyFile} off this machine: it enrols every agency, and the hub does not need it.\n`);
  return 0;
}

/** For a hub that was founded without this key, and for whoever lost the line. */
function sayKey(name: string, readOrMake: (place: Pick<Founding, 'serverFile' | 'dataDir'>) => Result<string, Failure<string>>, args: string[]): number {
  const read = readPlace(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  const key = readOrMake(read.value);
  if (!key.ok) {
    process.stderr.write(`imi hub ${name}: ${key.failure.code} (${key.failure.detail ?? ''})\n`);
    return 1;
  }
  process.stdout.write(`${key.value}\n`);
  return 0;
}

async function serve(args: string[]): Promise<number> {
  const read = readArguments(args);
  if (!read.ok) {
    process.stderr.write(`${read.failure.detail ?? usage}\n`);
    return 2;
  }
  const hub = await openHub({
    ...read.value,
    onFault: (where, error) => process.stderr.write(`imi hub: ${where}: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}\n`),
  });
  if (!hub.ok) {
    const { code, detail } = hub.failure;
    process.stderr.write(`imi hub: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
    return 1;
  }
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const places = hub.value.doors.map(({ address }) => (address.startsWith('unix:') ? address.slice('unix:'.length) : `${address} (${hub.value.pin ?? ''})`));
  process.stdout.write(`imi hub is ready on ${places.join(' and ')}\n`);
  if (hub.value.gatewayUrl !== null) process.stdout.write(`imi gateway is ready on ${hub.value.gatewayUrl}\n`);
  await ended;
  await hub.value.close();
  return 0;
}

function readFounding(args: string[]): Result<Omit<Founding, 'now'>, Failure<'usage'>> {
  try {
    const { values } = parseArgs({ args, options: { chain: { type: 'string' }, server: { type: 'string' }, data: { type: 'string' } } });
    if (values.chain === undefined || values.server === undefined || values.data === undefined) return fail('usage', usage);
    if (!/^[a-z0-9-]{1,20}$/.test(values.chain)) return fail('usage', 'a chain id is 1 to 20 of a-z, 0-9 and -');
    const serverFile = readJsonFile(values.server, hubServerFileSchema);
    return serverFile.ok ? ok({ chain: values.chain, serverFile: serverFile.value, dataDir: values.data }) : serverFile;
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}

function readPlace(args: string[]): Result<Pick<Founding, 'serverFile' | 'dataDir'>, Failure<'usage'>> {
  try {
    const { values } = parseArgs({ args, options: { server: { type: 'string' }, data: { type: 'string' } } });
    if (values.server === undefined || values.data === undefined) return fail('usage', usage);
    const serverFile = readJsonFile(values.server, hubServerFileSchema);
    return serverFile.ok ? ok({ serverFile: serverFile.value, dataDir: values.data }) : serverFile;
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}

function readArguments(args: string[]): Result<Pick<Parameters<typeof openHub>[0], 'hubFile' | 'serverFile' | 'dataDir'>, Failure<'usage'>> {
  try {
    const { values } = parseArgs({ args, options: { hub: { type: 'string' }, server: { type: 'string' }, data: { type: 'string' } } });
    if (values.hub === undefined || values.server === undefined || values.data === undefined) return fail('usage', usage);
    const hubFile = readJsonFile(values.hub, hubFileSchema);
    if (!hubFile.ok) return hubFile;
    const serverFile = readJsonFile(values.server, hubServerFileSchema);
    if (!serverFile.ok) return serverFile;
    return ok({ hubFile: hubFile.value, serverFile: serverFile.value, dataDir: values.data });
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}
