import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { witnessFileSchema, type WitnessFile } from '../contract/witness-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { makeFolder, onDisk } from '../hub/data-folder.ts';
import { readKeyFile, writeKeyFile } from '../hub/key-file.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { toBase64url } from '../ledger/verify/bytes.ts';
import { decodeNoteKey, encodeNoteKey } from '../ledger/verify/note.ts';
import { Witness, type WatchedLog } from '../ledger/witness.ts';
import { openWitnessService } from '../ledger/witness-service.ts';
import { openWitnessStore } from '../ledger/witness-store.ts';

export const usage = `imi witness --config FILE --data DIR
imi witness init --config FILE --data DIR`;

interface Called {
  file: WitnessFile;
  keyPath: string;
  storePath: string;
  dataDir: string;
}

/**
 * Runs a witness until SIGTERM or SIGINT, or makes one (`init`). When it listens, one line goes out: `imi witness is ready on <url>`.
 * 0: ended as asked; 1: could not start, the code is on stderr; 2: wrongly called.
 */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const isInit = args[0] === 'init';
  const called = readArguments(isInit ? args.slice(1) : args);
  if (!called.ok) {
    process.stderr.write(`${called.failure.detail ?? usage}\n`);
    return 2;
  }
  const ended = isInit ? init(called.value) : await serve(called.value);
  if (ended.ok) return 0;
  const { code, detail } = ended.failure;
  process.stderr.write(`imi witness: ${code}${detail === undefined ? '' : ` (${detail})`}\n`);
  return 1;
}

/** Makes the key and the file of what was cosigned, and prints the key for those who are to trust it. Nothing is written over. */
function init({ file, keyPath, storePath, dataDir }: Called): Result<null, Failure<string>> {
  if (existsSync(keyPath)) return fail('already-there', keyPath);
  const folder = makeFolder(dataDir);
  if (!folder.ok) return folder;
  const store = openWitnessStore(storePath, { begin: true });
  if (!store.ok) return store;
  store.value.close();
  const seed = new Uint8Array(randomBytes(32));
  const kept = onDisk(keyPath, () => writeKeyFile(keyPath, { sign: seed }));
  if (!kept.ok) return kept;
  const key = ed25519Signer(seed).key[1];
  process.stdout.write(`${encodeNoteKey({ name: file.name, type: 4, key }, nodeCrypto)}\n`);
  process.stderr.write(`In trust roots, under witnessing.witnesses: ${JSON.stringify({ name: file.name, key: toBase64url(key) })}\n`);
  return ok(null);
}

async function serve({ file, keyPath, storePath }: Called): Promise<Result<null, Failure<string>>> {
  const key = readKeyFile(keyPath);
  if (!key.ok) return key;
  if (key.value.sign === undefined) return fail('key-unreadable', `${keyPath}: sign`);
  const logs = watchedLogs(file);
  if (!logs.ok) return logs;
  const store = openWitnessStore(storePath, { begin: false });
  if (!store.ok) return store;
  const witness = new Witness({
    name: file.name,
    signer: ed25519Signer(key.value.sign),
    logs: logs.value,
    store: store.value,
    clock: Date.now,
    crypto: nodeCrypto,
    onEvidence: ({ origin }) => process.stderr.write(`imi witness: ${origin} has signed two histories; both checkpoints are kept in ${storePath}\n`),
  });
  const service = await openWitnessService(witness, {
    ...file.listen,
    onFault: (error) => process.stderr.write(`imi witness: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`),
  });
  if (!service.ok) {
    store.value.close();
    return service;
  }
  const ended = new Promise<void>((settle) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => settle());
  });
  process.stdout.write(`imi witness is ready on ${service.value.url}\n`);
  await ended;
  await service.value.close();
  store.value.close();
  return ok(null);
}

function watchedLogs({ logs }: WitnessFile): Result<WatchedLog[], Failure<'log-key-unreadable'>> {
  const watched: WatchedLog[] = [];
  for (const { origin, keys: encoded, threshold } of logs) {
    const keys = [];
    for (const text of encoded) {
      const key = decodeNoteKey(text, nodeCrypto);
      if (key?.type !== 1) return fail('log-key-unreadable', text);
      keys.push(key);
    }
    watched.push({ origin, keys, threshold });
  }
  return ok(watched);
}

function readArguments(args: string[]): Result<Called, Failure<'usage'>> {
  try {
    const { values } = parseArgs({ args, options: { config: { type: 'string' }, data: { type: 'string' } } });
    const { config, data } = values;
    if (config === undefined || data === undefined) return fail('usage', usage);
    const parsed = witnessFileSchema.safeParse(JSON.parse(readFileSync(config, 'utf8')));
    if (!parsed.success) return fail('usage', `${config}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`);
    const file = parsed.data;
    return ok({ file, dataDir: data, keyPath: resolve(data, file.key), storePath: resolve(data, file.path) });
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}
