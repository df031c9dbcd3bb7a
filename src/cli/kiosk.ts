import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kioskUsage } from '../main/kiosk-usage.ts';
import { workshopUsage } from './workshop-usage.ts';

export const usage = `${kioskUsage}
${workshopUsage}`;

/** Compiled code of an earlier start, where it may be written: part of the time until the first page. */
const compileCache = join(import.meta.dirname, '../../.runtime/compile-cache');

/** New objects get at most 1 MB a semi-space (V8's own limit is 16): the kiosk's program then holds 37 MB instead of 48 (PSS, 4 s after its start). */
export const kioskNodeFlags: readonly string[] = ['--max-semi-space-size=1'];

/** What `src/main/shells/chromium.ts` is built to. */
export const kioskProgram = join(import.meta.dirname, '../../dist/kiosk/chromium.mjs');

const jobs = ['provision', 'check', 'retire', 'journal'] as const;
/** The workshop without a screen. */
const workshop = (name: string | undefined): (typeof jobs)[number] | null => jobs.find((job) => job === name) ?? null;

/** The shell is a program of its own, with the arguments as they are; its exit code is ours. */
export async function run(args: string[]): Promise<number> {
  const job = workshop(args[0]);
  if (job !== null) return (await import('./kiosk-workshop.ts'))[job](args.slice(1));
  if (!existsSync(kioskProgram)) {
    process.stderr.write('The kiosk is not built yet: run “npm start” once; for a real kiosk, docs/technicians.md says how.\n');
    return 2;
  }
  const child = spawn(process.execPath, [...kioskNodeFlags, kioskProgram, ...args], { stdio: 'inherit', env: { NODE_COMPILE_CACHE: compileCache, ...process.env } });
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
