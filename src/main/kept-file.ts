import { closeSync, fchmodSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A small file of the kiosk's own that a power cut leaves as it was or as it is to be. */
export interface KeptFile {
  /** undefined: there is none, or the disk does not give it. */
  read(): Uint8Array | undefined;
  /** @throws where the disk does not take it; then the one from before stays. */
  write(content: Uint8Array): void;
  /** @throws as `write`. */
  remove(): void;
}

export function keptFile(path: string): KeptFile {
  return {
    read() {
      try {
        return new Uint8Array(readFileSync(path));
      } catch {
        return undefined;
      }
    },
    write(content) {
      const file = openSync(`${path}.new`, 'w', 0o600);
      try {
        // Where one was left half written, it is its mode that counts.
        fchmodSync(file, 0o600);
        // Goes on where the disk took only a part of it.
        writeFileSync(file, content);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
      syncFolder(path);
    },
    remove() {
      try {
        unlinkSync(path);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      }
      syncFolder(path);
    },
  };
}

function syncFolder(path: string): void {
  const entries = openSync(dirname(path), 'r');
  try {
    fsyncSync(entries);
  } finally {
    closeSync(entries);
  }
}
