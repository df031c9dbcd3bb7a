import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hubServerFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Result } from '../contract/result.ts';
import { secretsOf } from '../hub/key-file.ts';
import { softwareOpener } from '../identity/hpke.ts';
import { openPostgresDatabase } from '../keeper/postgres-database.ts';
import { openSqliteDatabase } from '../keeper/sqlite-database.ts';
import { backUpKeeper, restoreKeeper, type BackupFacts, type KeeperFiles, type KeeperKey } from '../keeper/store-backup.ts';
import { checkStore, type StoreFacts } from '../keeper/store-check.ts';
import { readJsonFile } from './json-file.ts';

export const usage = `imi keeper backup  --server FILE --data DIR --out FOLDER
imi keeper restore --server FILE --data DIR --from FOLDER
imi keeper check   --server FILE --data DIR`;

interface Called {
  files: KeeperFiles;
  /** Where to, or where from. */
  folder: string;
  key: KeeperKey;
}

const commands: Record<string, { options: readonly ('out' | 'from')[]; work: (called: Called) => Promise<Result<string>> }> = {
  backup: { options: ['out'], work: async ({ files, folder, key }) => copied(folder, await backUpKeeper(files, resolve(folder), key)) },
  restore: { options: ['from'], work: async ({ files, folder, key }) => copied(folder, await restoreKeeper(files, resolve(folder), key)) },
  check: { options: [], work: check },
};

/** For what a keeper has: its store, here or on a server, the book of asks, the status lists. 0: done, and what it holds is said; 1: refused, with why; 2: wrongly called. */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const { server, data, ...folders } = (command === undefined ? undefined : read(rest, command.options)) ?? {};
  const [option] = command?.options ?? [];
  const folder = option === undefined ? '' : folders[option];
  if (command === undefined || server === undefined || data === undefined || folder === undefined) return misuse(usage);
  const serverFile = readJsonFile(server, hubServerFileSchema);
  if (!serverFile.ok) return misuse(serverFile.failure.detail ?? usage);
  const { keeper, gateway, status } = serverFile.value;
  const inData = (path: string): string => resolve(data, path);
  const secrets = secretsOf(inData(keeper.key), ['seal']);
  if (!secrets.ok) return refuse(name, secrets.failure);
  const { seal } = secrets.value;
  const store = 'url' in keeper ? await openPostgresDatabase(keeper.url) : ok(inData(keeper.path));
  if (!store.ok) return refuse(name, store.failure);
  const files = { store: store.value, asks: gateway === undefined ? null : inData(gateway.asks), lists: inData(status.lists) };
  const done = await command.work({ files, folder, key: { opener: softwareOpener(seal), secret: seal } });
  if (typeof store.value !== 'string') await store.value.close();
  if (!done.ok) return refuse(name, done.failure);
  process.stdout.write(`${done.value}\n`);
  return 0;
}

/** Looks a store through where it lies: after a dump of a shared one was restored, say. */
async function check({ files: { store }, key }: Called): Promise<Result<string>> {
  if (typeof store !== 'string') return inWords(await checkStore(store, key.opener));
  if (!existsSync(store)) return fail('hub-storage', 'the keeper’s store is missing');
  const opened = openSqliteDatabase(store);
  if (!opened.ok) return opened;
  const checked = await checkStore(opened.value, key.opener);
  await opened.value.close();
  return inWords(checked);
}

function inWords(looked: Result<StoreFacts>): Result<string> {
  if (!looked.ok) return looked;
  const { spaces, objects, parts, queued } = looked.value;
  return ok(`${spaces} spaces with ${objects} objects, ${parts} private parts opened, ${queued} on their way to the ledger`);
}

function copied(folder: string, facts: Result<BackupFacts>): Result<string> {
  const store = inWords(facts);
  return facts.ok && store.ok ? ok(`${folder}: ${store.value}; ${facts.value.asks} asks, ${facts.value.lists} status lists`) : store;
}

function read(args: string[], options: readonly ('out' | 'from')[]): Partial<Record<'server' | 'data' | 'out' | 'from', string>> | undefined {
  try {
    return parseArgs({ args, options: { server: { type: 'string' }, data: { type: 'string' }, ...Object.fromEntries(options.map((option) => [option, { type: 'string' } as const])) } }).values;
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
