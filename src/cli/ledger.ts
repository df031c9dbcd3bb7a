import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { hubServerFileSchema } from '../contract/hub-file.ts';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { makeFolder } from '../hub/data-folder.ts';
import { readKeyFile } from '../hub/key-file.ts';
import { backUp, restore, type BackupFacts } from '../ledger/backup.ts';
import type { LedgerFiles } from '../ledger/engines/at-rest.ts';
import { exportLedger, importLedger } from '../ledger/export.ts';
import { decodeGenesis } from '../ledger/genesis.ts';
import { adopt, handOver } from '../ledger/handover.ts';
import { ed25519Signer } from '../ledger/node-signer.ts';
import { runLedgerSeed } from './ledger-seed.ts';
import { readValidatorKey } from './validator-key.ts';

export const usage = `imi ledger backup  --server FILE --data DIR --out FOLDER
imi ledger restore --server FILE --data DIR --from FOLDER [--guard-lost]
imi ledger export  --server FILE --data DIR --out FOLDER
imi ledger import  --server FILE --data DIR --from FOLDER [--guard-lost]
imi ledger handover --server FILE --data DIR --validators FILE --out FOLDER
imi ledger adopt   --from FOLDER --data DIR
imi ledger seed    --residents N --requests M --out FOLDER [--seed NUMBER]`;

interface Called {
  files: LedgerFiles;
  /** Where to, or where from. */
  folder: string;
  isGuardLost: boolean;
}

/** For an embedded ledger, but for `seed` (ledger-seed.ts). 0: done, and what it holds is said; 1: refused, with why; 2: wrongly called. */
export async function run(args: string[]): Promise<number> {
  process.umask(0o077);
  const [name = '', ...rest] = args;
  if (name === 'seed') return runLedgerSeed(rest);
  if (name === 'handover') return handOn(rest);
  return name === 'adopt' ? takeOn(rest) : copy(name, rest);
}

/** Of the whole ledger, away or back. */
async function copy(name: string, rest: string[]): Promise<number> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const called = command === undefined ? fail('usage', usage) : read(rest, command.direction);
  if (command === undefined || !called.ok) {
    return misuse(called.ok ? usage : (called.failure.detail ?? usage));
  }
  const done = await command.work(called.value);
  if (!done.ok) return refuse(name, done.failure);
  const { height, entries, timeMs } = done.value;
  process.stdout.write(`${called.value.folder}: height ${height}, ${entries} entries, last block of ${new Date(timeMs).toISOString()}\n`);
  return 0;
}

/** Ends the hub's own ledger: `validators` is a JSON list of `{ key, power }`, keys of 32 bytes in base64, as CometBFT's `pub_key` has them, or base64url. */
function handOn(args: string[]): number {
  const values = options(args, ['server', 'data', 'validators', 'out']);
  const { server, data, validators: list, out } = values ?? {};
  if (server === undefined || data === undefined || list === undefined || out === undefined) return misuse(usage);
  const files = filesOf(server, data);
  if (!files.ok) return misuse(files.failure.detail ?? usage);
  const validators = validatorsSchema.safeParse(readJson(list));
  if (!validators.success) return misuse(`${list} is no list of validators: [{ "key": "…", "power": 10 }, …], each key 32 bytes in base64`);
  const { validatorKey } = files.value;
  const key = readKeyFile(validatorKey);
  if (!key.ok || key.value.sign === undefined) return refuse('handover', key.ok ? fail('key-unreadable', validatorKey).failure : key.failure);
  const done = handOver(files.value, ed25519Signer(key.value.sign), validators.data, out);
  if (!done.ok) return refuse('handover', done.failure);
  const { height, handover } = done.value;
  process.stdout.write(`${JSON.stringify({ handover }, null, 2)}\n`);
  process.stderr.write(`This ledger ends at height ${height}. Give ${out} to each new validator, and add the handover to the trust root's "handovers" at every kiosk. ${validatorKey} signs nothing any more: destroy it.\n`);
  return 0;
}

/** At each new validator. */
function takeOn(args: string[]): number {
  const { from, data } = options(args, ['from', 'data']) ?? {};
  if (from === undefined || data === undefined) return misuse(usage);
  // Where `imi node` looks for it.
  const path = resolve(data, 'ledger.sqlite');
  const made = makeFolder(data);
  if (!made.ok) return refuse('adopt', made.failure);
  const done = adopt(path, from);
  if (!done.ok) return refuse('adopt', done.failure);
  process.stdout.write(`${path}: ${done.value.genesis.chain}, ${done.value.tip.logSize} entries; it goes on at height ${done.value.tip.height + 1}\n`);
  return 0;
}

const validatorsSchema = z
  .array(
    z.strictObject({
      key: z.string().transform((text, context) => {
        const key = readValidatorKey(text);
        if (key !== undefined) return key;
        context.addIssue('not 32 bytes of base64');
        return z.NEVER;
      }),
      power: z.int().min(1).max(2 ** 40),
    }),
  )
  .min(1)
  .max(200);

function misuse(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 2;
}

function refuse(command: string, { code, detail = '' }: Failure<string>): number {
  process.stderr.write(`imi ledger ${command}: ${code} (${detail})\n`);
  return 1;
}

/** undefined: one that is not known. */
function options<N extends string>(args: string[], names: readonly N[]): Partial<Record<N, string>> | undefined {
  try {
    const { values } = parseArgs({ args, options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])) });
    return values as Partial<Record<N, string>>;
  } catch {
    return undefined;
  }
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
function filesOf(server: string, dataDir: string): Result<LedgerFiles & { validatorKey: string }, Failure<'usage'>> {
  const parsed = hubServerFileSchema.safeParse(readJson(server));
  if (!parsed.success) return fail('usage', `${server} cannot be read, or is no hub’s server file`);
  const { ledger } = parsed.data;
  if (ledger.engine !== 'embedded') return fail('usage', `${server} names no embedded ledger: this one is on its validators’ disks`);
  const at = (path: string): string => resolve(dataDir, path);
  const genesis = readGenesis(at(ledger.genesis));
  if (genesis === undefined) return fail('usage', `${at(ledger.genesis)} cannot be read, or is no genesis`);
  return ok({ path: at(ledger.path), guardPath: at(ledger.signed ?? `${ledger.path}.signed`), genesis, validatorKey: at(ledger.validatorKey) });
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
