import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Misbehaviour } from './abci-application.ts';

/** What validators did against the protocol, a JSON line each in a file beside the node's ledger: evidence expires in CometBFT after its own time, this does not. */
export class MisbehaviourJournal {
  readonly #path: string;
  readonly #known: Set<string>;

  /** Throws what the file system throws. */
  constructor(path: string) {
    this.#path = path;
    this.#known = new Set(existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []);
  }

  /** Whether it is new: a block may be applied again after a crash. Returns when it is on the disk; throws what the file system throws. */
  write(found: Misbehaviour): boolean {
    const line = JSON.stringify(found);
    if (this.#known.has(line)) return false;
    const file = openSync(this.#path, 'a', 0o600);
    try {
      writeSync(file, `${line}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#known.add(line);
    return true;
  }
}
