import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const endLimitMs = 5_000;
/** Ends with us, however we end. */
const withUs = ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] as const;

export interface ProgramOptions {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** The line by which it says that it is ready. Without one it counts as ready at once. */
  readyLine?: RegExp;
}

/** One of the demonstration's programs, running. */
export interface Program {
  readonly name: string;
  /** The line by which it said that it is ready; empty where it says none. */
  readonly readyLine: string;
  /** Its exit code, 1 where a signal ended it. */
  readonly ended: Promise<number>;
  /** SIGTERM, and SIGKILL where that is not enough. */
  end(): Promise<void>;
}

/** Resolves when the program is ready; throws where it ends before. What it says goes on to this terminal. */
export async function startProgram({ name, command, args, env, cwd, readyLine }: ProgramOptions): Promise<Program> {
  const [tie, ...tieArgs] = withUs;
  const child: ChildProcess = spawn(tie, [...tieArgs, command, ...args], { env: env ?? process.env, cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${name}: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const ready = Promise.withResolvers<string>();
  if (readyLine === undefined) ready.resolve('');
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (readyLine?.test(line) === true) ready.resolve(line);
      else process.stdout.write(`${line}\n`);
    });
  }
  const first = await Promise.race([ready.promise, ended]);
  if (typeof first === 'number') throw new Error(`${name} ended with code ${first} before it was ready`);
  return {
    name,
    readyLine: first,
    ended,
    async end() {
      child.kill('SIGTERM');
      const overdue = setTimeout(() => child.kill('SIGKILL'), endLimitMs);
      await ended;
      clearTimeout(overdue);
    },
  };
}
