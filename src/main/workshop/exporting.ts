import type { ExportShown } from '../../contract/workshop.ts';
import type { Turns } from '../../drivers/turns.ts';
import { asFault } from './as-fault.ts';
import { exportPlaces, type ExportTarget, type Written } from './medium.ts';
import { pageCode } from './page-code.ts';

export interface ExportingParts {
  dataDir: string;
  /** Folders below which a stick shows. */
  stickRoots: readonly string[];
  /** Whoever took their card out and put it in again finds the first still being written. */
  turns: Turns;
  /** What is shown is another now. */
  onChange(): void;
}

const notYet: ExportShown = { places: [], state: 'choosing', files: [], code: null, detail: null };

/** A page on which something is written onto a stick, or into the kiosk's own folder. */
export class Exporting {
  readonly #parts: ExportingParts;
  #shown = notYet;

  constructor(parts: ExportingParts) {
    this.#parts = parts;
  }

  get shown(): ExportShown {
    return this.#shown;
  }

  /** Nothing may lead away: the stick would be pulled out. */
  get isWriting(): boolean {
    return this.#shown.state === 'writing';
  }

  /** With the places that are there now. */
  open(): void {
    if (!this.isWriting) this.#shown = { ...notYet, places: this.#places() };
  }

  /** @param option one of the places; another one is nothing. */
  to(option: string, write: (target: ExportTarget) => Promise<Written>): void {
    const { turns, onChange } = this.#parts;
    const place = this.#shown.places.find((one) => one.option === option);
    if (this.isWriting || place === undefined) return;
    this.#shown = { ...notYet, places: [place], state: 'writing' };
    const writing: Promise<Written> = turns.take(() => write({ folder: option, places: () => this.#places() })).catch(asFault);
    void writing.then((written) => {
      this.#shown = written.ok
        ? { ...notYet, state: 'safe', files: written.value }
        : { ...notYet, places: this.#places(), state: 'failed', code: pageCode(written.failure), detail: written.failure.detail ?? null };
      onChange();
    });
  }

  #places(): ExportShown['places'] {
    return exportPlaces(this.#parts.dataDir, this.#parts.stickRoots);
  }
}
