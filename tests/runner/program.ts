import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settled, tallyFileVariable, type Tally } from './tally.ts';

/** Runs a program under this Node, its output passed on as it comes; gives the exit code. */
export async function runProgram(args: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}

/** Runs a test runner that has one of our reporters; `runner` is what it is called where it fails as a whole, `env` what it is told beyond our own surroundings. */
export async function runCounted(runner: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Tally> {
  const directory = mkdtempSync(join(tmpdir(), 'imi-tally-'));
  const file = join(directory, 'tally.json');
  try {
    const exitCode = await runProgram(args, { ...process.env, ...env, [tallyFileVariable]: file });
    return settled(runner, readTally(file), exitCode);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function readTally(file: string): Tally | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Tally;
  } catch {
    return null;
  }
}
