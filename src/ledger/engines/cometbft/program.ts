import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** CometBFT, where the set-up put it (setup/cometbft.mjs); null: it could not be had. */
export function cometbftProgram(): string | null {
  const path = join(import.meta.dirname, '../../../../.runtime/cometbft/cometbft');
  return existsSync(path) ? path : null;
}
