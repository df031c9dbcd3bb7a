import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Kiosk } from '../kiosk-driver/kiosk-driver.ts';

/** One stop of the tour. */
export interface Stop {
  /** `zh-Hans/tax/03-question-tax_year` */
  step: string;
  /** Since the tour began. */
  seconds: number;
  /** Its picture, below the tour's folder. */
  screen: string;
}

/** Pictures of the screen, in the order in which they were taken, each folder counted by itself. */
export class Album {
  readonly stops: Stop[] = [];
  readonly #kiosk: Kiosk;
  readonly #folder: string;
  readonly #taken = new Map<string, number>();
  readonly #begun = performance.now();

  constructor(kiosk: Kiosk, folder: string) {
    this.#kiosk = kiosk;
    this.#folder = folder;
  }

  /** `take('zh-Hans/tax', 'consent')` */
  async take(chapter: string, name: string): Promise<void> {
    const number = (this.#taken.get(chapter) ?? 0) + 1;
    this.#taken.set(chapter, number);
    const step = `${chapter}/${String(number).padStart(2, '0')}-${name}`;
    const screen = `${step}.png`;
    const path = join(this.#folder, screen);
    mkdirSync(dirname(path), { recursive: true });
    await this.#kiosk.screenshot(path);
    this.stops.push({ step, seconds: this.seconds(), screen });
  }

  /** Since the tour began, to a tenth. */
  seconds(): number {
    return Math.round((performance.now() - this.#begun) / 100) / 10;
  }
}
