import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { readCardFront } from '../virtual-card/card-front.ts';
import { newCardState, saveCardState } from '../virtual-card/card-state.ts';

const nameOf = (number: number): string => `blank-${number}`;

/** The box of cards from the factory, in a folder: there is always one more. */
export class BlankCards {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Those that were taken out of the box before, and one that nobody has used. @returns paths of their files. */
  all(): string[] {
    const taken = globSync('blank-*.json', { cwd: this.#dir })
      .toSorted((one, other) => numberOf(one) - numberOf(other))
      .map((file) => join(this.#dir, file));
    return taken.some((path) => !readCardFront(path).hasKeys) ? taken : [...taken, this.#next(taken.length + 1)];
  }

  #next(number: number): string {
    const path = join(this.#dir, `${nameOf(number)}.json`);
    saveCardState(path, newCardState({ label: nameOf(number), face: { name: `№ ${number}`, kind: 'blank' }, seed: new Uint8Array(randomBytes(32)), blank: true }));
    return path;
  }
}

const numberOf = (file: string): number => Number(/\d+/.exec(file)?.[0]);
