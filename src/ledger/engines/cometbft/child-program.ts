import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ok, type Failure, type Result } from '../../../contract/result.ts';

export interface ChildProgramOptions {
  command: string;
  args: readonly string[];
  cwd: string;
  /** Gets all that it writes. */
  logPath: string;
  /** Of a line on its standard output: it is ready from then on. */
  isReady: (line: string) => boolean;
  readyWithinMs: number;
}

/** `not-started`: detail is the last line that it wrote, or why it could not be run. */
export type NotStarted = Failure<'not-started'>;

/** A program that is started, waited for and ended by this one. Its standard input ends when this process does, however that ends. */
export class ChildProgram {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(process: ChildProcess, exited: Promise<void>) {
    this.#process = process;
    this.#exited = exited;
  }

  static async start({ command, args, cwd, logPath, isReady, readyWithinMs }: ChildProgramOptions): Promise<Result<ChildProgram, NotStarted>> {
    const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    const log = createWriteStream(logPath, { flags: 'a', mode: 0o600 });
    let lastLine = '';
    const exited = new Promise<void>((resolve) => {
      child.once('close', () => {
        log.end();
        resolve();
      });
      child.once('error', (error) => {
        lastLine = error.message;
        resolve();
      });
    });
    // It is told nothing; one that has ended takes nothing.
    child.stdin.on('error', () => undefined);
    const ready = new Promise<boolean>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          log.write(`${line}\n`);
          lastLine = line;
          if (isReady(line)) resolve(true);
        });
      }
      void exited.then(() => resolve(false));
      AbortSignal.timeout(readyWithinMs).addEventListener('abort', () => resolve(false));
    });
    const program = new ChildProgram(child, exited);
    if (await ready) return ok(program);
    await program.end();
    return { ok: false, failure: { code: 'not-started', detail: lastLine.slice(0, 300) } };
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined;
  }

  /** SIGKILL, SIGSTOP, SIGCONT: what a machine's own faults look like. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  exited(): Promise<void> {
    return this.#exited;
  }

  /** Asked to end, also where it was stopped; after five seconds it is ended. */
  async end(): Promise<void> {
    if (!this.isRunning) return this.#exited;
    this.#process.kill('SIGTERM');
    this.#process.kill('SIGCONT');
    const kill = (): void => void this.#process.kill('SIGKILL');
    const deadline = AbortSignal.timeout(5000);
    deadline.addEventListener('abort', kill);
    await this.#exited;
    deadline.removeEventListener('abort', kill);
  }
}
