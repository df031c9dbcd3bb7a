import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the light client keeps over restarts. */
export interface SavedHead {
  /** With the newest head that was verified: a hub that was turned back to an older history is not believed, and a changed set of validators is. */
  trust(): Uint8Array | undefined;
  /** Both heads of a ledger that told two stories. */
  split(): Uint8Array | undefined;
  /** A disk that does not take it costs nothing but the memory over a restart. */
  keepTrust(trust: Uint8Array): void;
  keepSplit(evidence: Uint8Array): void;
}

export function savedHeadIn(dataDir: string): SavedHead {
  const trustPath = join(dataDir, 'head.cbor');
  const splitPath = join(dataDir, 'split.cbor');
  return {
    trust: () => read(trustPath),
    split: () => read(splitPath),
    keepTrust: (trust) => write(dataDir, trustPath, trust),
    keepSplit: (evidence) => write(dataDir, splitPath, evidence),
  };
}

function read(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** The old content or the new one, also after a power cut. */
function write(folder: string, path: string, content: Uint8Array): void {
  try {
    const file = openSync(`${path}.new`, 'w', 0o600);
    try {
      // Goes on where the disk took only a part of it.
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.new`, path);
    const entries = openSync(folder, 'r');
    try {
      fsyncSync(entries);
    } finally {
      closeSync(entries);
    }
  } catch {
    // The one from before stays.
  }
}
