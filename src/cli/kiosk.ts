import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Without it each process of the kiosk would load the whole stripper of types: 20 MB, and a third of the time until the first page. */
const compileCache = join(import.meta.dirname, '../../.runtime/compile-cache');

/** New objects get at most 1 MB a semi-space (V8's own limit is 16): the kiosk's program then holds 37 MB instead of 48 (PSS, 4 s after its start). */
export const kioskNodeFlags: readonly string[] = ['--max-semi-space-size=1'];

/** The shell is a program of its own, with the arguments as they are; its exit code is ours. */
export async function run(args: string[]): Promise<number> {
  const shell = join(import.meta.dirname, '../main/shells/chromium.ts');
  const child = spawn(process.execPath, [...kioskNodeFlags, shell, ...args], { stdio: 'inherit', env: { NODE_COMPILE_CACHE: compileCache, ...process.env } });
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}
