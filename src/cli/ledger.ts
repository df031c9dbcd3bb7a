import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hubServerFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { backUp, restore, type BackupFacts } from '../ledger/backup.ts';
import type { LedgerFiles } from '../ledger/engines/at-rest.ts';
import { exportLedger, importLedger } from '../ledger/export.ts';
import { decodeGenesis } from '../ledger/genesis.ts';
import { runLedgerSeed } from './ledger-seed.ts';

const usage = `imi ledger backup  --server FILE --data DIR --out FOLDER
imi ledger restore --server FILE --data DIR --from FOLDER [--guard-lost]
imi ledger export  --server FILE --data DIR --out FOLDER
imi ledger import  --server FILE --data DIR --from FOLDER [--guard-lost]
imi ledger seed    --residents N --requests M --out FOLDER [--seed NUMBER]`;

interface Called {
  files: LedgerFiles;
  /** Where to, or where from. */
  folder: string;
  isGuardLost: boolean;
}

/** For an embedded ledger, but for `seed` (ledger-seed.ts). 0: done, and one line says what it holds; 1: refused, with why; 2: wrongly called. */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const [name = '', ...rest] = args;
  if (name === 'seed') return runLedgerSeed(rest);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const called = command === undefined ? fail('usage', usage) : read(rest, command.direction);
  if (command === undefined || !called.ok) {
    process.stderr.write(`${called.ok ? usage : (called.failure.detail ?? usage)}\n`);
    return 2;
  }
  const done = await command.work(called.value);
  if (!done.ok) {
    process.stderr.write(`imi ledger ${name}: ${done.failure.code} (${done.failure.detail ?? ''})\n`);
    return 1;
  }
  const { height, entries, timeMs } = done.value;
  process.stdout.write(`${called.value.folder}: height ${height}, ${entries} entries, last block of ${new Date(timeMs).toISOString()}\n`);
  return 0;
}

interface LedgerCommand {
  direction: 'out' | 'from';
  work: (called: Called) => Promise<Result<BackupFacts>>;
}

const commands: Record<string, LedgerCommand> = {
  backup: { direction: 'out', work: ({ files, folder }) => backUp(files, folder) },
  restore: { direction: 'from', work: ({ files, folder, isGuardLost }) => Promise.resolve(restore(files, folder, { isGuardLost })) },
  export: { direction: 'out', work: ({ files, folder }) => Promise.resolve(exportLedger(files, folder)) },
  import: { direction: 'from', work: ({ files, folder, isGuardLost }) => Promise.resolve(importLedger(files, folder, { isGuardLost })) },
};

function read(args: string[], direction: LedgerCommand['direction']): Result<Called, Failure<'usage'>> {
  try {
    const { values } = parseArgs({
      args,
      options: { server: { type: 'string' }, data: { type: 'string' }, out: { type: 'string' }, from: { type: 'string' }, 'guard-lost': { type: 'boolean', default: false } },
    });
    const { server, data, [direction]: folder, 'guard-lost': isGuardLost } = values;
    const isOther = direction === 'out' ? values.from !== undefined || isGuardLost : values.out !== undefined;
    if (server === undefined || data === undefined || folder === undefined || isOther) return fail('usage', usage);
    const files = filesOf(server, data);
    return files.ok ? ok({ files: files.value, folder, isGuardLost }) : files;
  } catch (error) {
    return fail('usage', `${error instanceof Error ? error.message : ''}\n${usage}`);
  }
}

/** As the hub finds them (hub.ts). */
export function filesOf(server: string, dataDir: string): Result<LedgerFiles, Failure<'usage'>> {
  const parsed = hubServerFileSchema.safeParse(readJson(server));
  if (!parsed.success) return fail('usage', `${server} cannot be read, or is no hub’s server file`);
  const { ledger } = parsed.data;
  const at = (path: string): string => resolve(dataDir, path);
  const genesis = readGenesis(at(ledger.genesis));
  if (genesis === undefined) return fail('usage', `${at(ledger.genesis)} cannot be read, or is no genesis`);
  return ok({ path: at(ledger.path), guardPath: at(ledger.signed ?? `${ledger.path}.signed`), genesis });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function readGenesis(path: string): LedgerFiles['genesis'] | undefined {
  try {
    return decodeGenesis(new Uint8Array(readFileSync(path)));
  } catch {
    return undefined;
  }
}
