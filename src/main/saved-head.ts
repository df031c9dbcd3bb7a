import { join } from 'node:path';
import { keptFile, type KeptFile } from './kept-file.ts';

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
  const trust = keptFile(join(dataDir, 'head.cbor'));
  const split = keptFile(join(dataDir, 'split.cbor'));
  return {
    trust: () => trust.read(),
    split: () => split.read(),
    keepTrust: (content) => keep(trust, content),
    keepSplit: (content) => keep(split, content),
  };
}

function keep(file: KeptFile, content: Uint8Array): void {
  try {
    file.write(content);
  } catch {
    // The one from before stays.
  }
}
