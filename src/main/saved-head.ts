import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The newest head that was verified, over restarts: a hub that was turned back to an older history is not believed. */
export interface SavedHead {
  read(): Uint8Array | undefined;
  /** A disk that does not take it costs nothing but the memory over a restart. */
  write(head: Uint8Array): void;
}

export function savedHeadIn(dataDir: string): SavedHead {
  const path = join(dataDir, 'head.cbor');
  return {
    read() {
      try {
        return new Uint8Array(readFileSync(path));
      } catch {
        return undefined;
      }
    },
    write(head) {
      try {
        writeFileSync(`${path}.new`, head, { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch {
        // The one from before stays.
      }
    },
  };
}
