import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hubServerFileSchema, type HubServerFile } from '../contract/hub-file.ts';
import type { Result } from '../contract/result.ts';
import { secretsOf } from '../hub/key-file.ts';
import { softwareOpener } from '../identity/hpke.ts';
import { backUpKeeper, restoreKeeper, type BackupFacts, type KeeperFiles, type KeeperKey } from '../keeper/store-backup.ts';

const usage = `imi keeper backup  --server FILE --data DIR --out FOLDER
imi keeper restore --server FILE --data DIR --from FOLDER`;

type Work = (files: KeeperFiles, folder: string, key: KeeperKey) => Promise<Result<BackupFacts>>;
const commands: Record<string, { option: 'out' | 'from'; work: Work }> = {
  backup: { option: 'out', work: backUpKeeper },
  restore: { option: 'from', work: restoreKeeper },
};

/** For what a keeper has on this machine: its SQLite store, the book of asks, the status lists. 0: done, and what it holds is said; 1: refused, with why; 2: wrongly called. */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const { server, data, ...folders } = (command === undefined ? undefined : read(rest, command.option)) ?? {};
  const folder = command === undefined ? undefined : folders[command.option];
  if (command === undefined || server === undefined || data === undefined || folder === undefined) return misuse(usage);
  const serverFile = readServerFile(server);
  if (serverFile === undefined) return misuse(`${server} is no server file`);
  const inData = (path: string): string => resolve(data, path);
  const { keeper, gateway, status } = serverFile;
  const secrets = secretsOf(inData(keeper.key), ['seal']);
  if (!secrets.ok) return refuse(name, secrets.failure);
  const { seal } = secrets.value;
  const files = { store: inData(keeper.path), asks: gateway === undefined ? null : inData(gateway.asks), lists: inData(status.lists) };
  const done = await command.work(files, resolve(folder), { opener: softwareOpener(seal), secret: seal });
  if (!done.ok) return refuse(name, done.failure);
  const { spaces, objects, parts, queued, asks, lists } = done.value;
  process.stdout.write(
    `${folder}: ${spaces} spaces with ${objects} objects, ${parts} private parts opened, ${queued} on their way to the ledger; ${asks} asks, ${lists} status lists\n`,
  );
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
