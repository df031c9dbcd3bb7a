import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hubServerFileSchema, type HubServerFile } from '../contract/hub-file.ts';
import type { Result } from '../contract/result.ts';
import { secretsOf } from '../hub/key-file.ts';
import { softwareOpener, type Opener } from '../identity/hpke.ts';
import { backUpStore, restoreStore, type StoreFacts } from '../keeper/store-backup.ts';

const usage = `imi keeper backup  --server FILE --data DIR --out FILE
imi keeper restore --server FILE --data DIR --from FILE`;

type Work = (path: string, file: string, opener: Opener) => Promise<Result<StoreFacts>>;
const commands: Record<string, { option: 'out' | 'from'; work: Work }> = {
  backup: { option: 'out', work: backUpStore },
  restore: { option: 'from', work: restoreStore },
};

/** For a keeper's SQLite store. 0: done, and what it holds is said; 1: refused, with why; 2: wrongly called. */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const { server, data, ...files } = (command === undefined ? undefined : read(rest, command.option)) ?? {};
  const file = command === undefined ? undefined : files[command.option];
  if (command === undefined || server === undefined || data === undefined || file === undefined) return misuse(usage);
  const serverFile = readServerFile(server);
  if (serverFile === undefined) return misuse(`${server} is no server file`);
  const { path, key } = serverFile.keeper;
  const secrets = secretsOf(resolve(data, key), ['seal']);
  if (!secrets.ok) return refuse(name, secrets.failure);
  const done = await command.work(resolve(data, path), resolve(file), softwareOpener(secrets.value.seal));
  if (!done.ok) return refuse(name, done.failure);
  const { spaces, objects, parts, queued } = done.value;
  process.stdout.write(`${file}: ${spaces} spaces with ${objects} objects, ${parts} private parts opened, ${queued} on their way to the ledger\n`);
  return 0;
}

function read(args: string[], option: 'out' | 'from'): Partial<Record<'server' | 'data' | 'out' | 'from', string>> | undefined {
  try {
    return parseArgs({ args, options: { server: { type: 'string' }, data: { type: 'string' }, [option]: { type: 'string' } } }).values;
  } catch {
    return undefined;
  }
}

function readServerFile(path: string): HubServerFile | undefined {
  try {
    return hubServerFileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function misuse(words: string): number {
  process.stderr.write(`${words}\n`);
  return 2;
}

function refuse(name: string, { code, detail }: { code: string; detail?: string }): number {
  process.stderr.write(`imi keeper ${name}: ${code}${detail === undefined ? '' : ` ${detail}`}\n`);
  return 1;
}
