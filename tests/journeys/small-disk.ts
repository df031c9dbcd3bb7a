import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Mounting takes root. */
export const mayMount = process.getuid?.() === 0;

/** A disk in memory, small enough to fill. */
export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static mount(folder: string): SmallDisk {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs', folder]);
    return new SmallDisk(folder);
  }

  fill(): void {
    const file = openSync(this.#filler, 'w');
    try {
      for (;;) writeSync(file, new Uint8Array(4096));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.#filler);
  }

  /** Nobody may have a file on it open for writing. */
  writable(may: boolean): void {
    execFileSync('mount', ['-o', `remount,${may ? 'rw' : 'ro'}`, this.#folder]);
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.#folder]);
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }
}
