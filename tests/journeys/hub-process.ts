import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(import.meta.dirname, '../../src/cli/imi.ts');

/** `imi hub` as a process of its own. */
export class HubProcess {
  readonly #child: ChildProcess;
  #words = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#words += text;
      });
    }
  }

  /** Resolves when it listens; rejects with what it said where it ends instead. */
  static async start({ hubPath, serverPath, dataDir }: { hubPath: string; serverPath: string; dataDir: string }): Promise<HubProcess> {
    const args = ['hub', '--hub', hubPath, '--server', serverPath, '--data', dataDir];
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const hub = new HubProcess(child);
    const ready = once(createInterface({ input: child.stdout }), 'line').then(() => true);
    // The streams are read to their end by then.
    const closed = once(child, 'close').then(() => false);
    if (!(await Promise.race([ready, closed]))) throw new Error(hub.words);
    return hub;
  }

  /** All that it wrote to its terminal. */
  get words(): string {
    return this.#words;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    // A process that is held takes no SIGTERM.
    this.#child.kill('SIGCONT');
    await exited;
  }
}
