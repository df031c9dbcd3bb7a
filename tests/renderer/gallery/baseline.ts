import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Language } from '../../../src/contract/language.ts';
import { changedPlaces } from './compare-pictures.ts';
import { elementBoxes, movedBoxes, type ElementBox } from './element-boxes.ts';
import type { Gallery, Orientation } from './gallery.ts';
import { smallPng } from './small-png.ts';
import { readPicture, shrink, type SmallPicture } from './small-picture.ts';

const folder = path.resolve('tests/journeys/baseline');

/** What a screen looks like: its picture and where its parts stand. */
export interface Look {
  picture: SmallPicture;
  boxes: ElementBox[];
}

export async function lookOf(gallery: Gallery): Promise<Look> {
  const boxes = await gallery.page.evaluate(elementBoxes);
  return { picture: shrink(await gallery.screenshot()), boxes };
}

/** How two looks of one screen differ, in words; empty where they do not. */
export function differences(approved: Look, seen: Look): string[] {
  const places = changedPlaces(approved.picture, seen.picture);
  const pictures =
    places === null
      ? ['the picture has another size']
      : places.map(({ left, top, right, bottom, difference }) => `looks different at ${left},${top} to ${right},${bottom} (by ${difference.toFixed(0)} of 255)`);
  return [...movedBoxes(approved.boxes, seen.boxes), ...pictures];
}

/** The approved looks of one language and orientation: a picture a screen, and one file that says where everything stands. */
export class Baseline {
  readonly #language: Language;
  readonly #orientation: Orientation;
  readonly #boxes: Map<string, ElementBox[]>;

  constructor(language: Language, orientation: Orientation) {
    this.#language = language;
    this.#orientation = orientation;
    this.#boxes = new Map(Object.entries(readJson(this.#boxesFile)));
  }

  get #boxesFile(): string {
    return path.join(folder, `boxes.${this.#language}.${this.#orientation}.json`);
  }

  #pictureFile(screen: string): string {
    return path.join(folder, `${screen}.${this.#language}.${this.#orientation}.png`);
  }

  /** `null` where nobody has approved one yet. */
  approved(screen: string): Look | null {
    const boxes = this.#boxes.get(screen);
    const picture = readIfThere(this.#pictureFile(screen));
    return boxes === undefined || picture === null ? null : { picture: readPicture(picture), boxes };
  }

  approve(screen: string, { picture, boxes }: Look): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(this.#pictureFile(screen), smallPng(picture));
    this.#boxes.set(screen, boxes);
    this.#writeBoxes();
  }

  #writeBoxes(): void {
    const screens = [...this.#boxes].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = screens.map(([name, all]) => `${JSON.stringify(name)}: [\n${all.map((box) => JSON.stringify(box)).join(',\n')}\n]`);
    writeFileSync(this.#boxesFile, `{\n${lines.join(',\n')}\n}\n`);
  }

  /** Forgets the looks of all screens but these. */
  keepOnly(screens: readonly string[]): void {
    for (const known of this.known()) {
      if (screens.includes(known)) continue;
      this.#boxes.delete(known);
      rmSync(this.#pictureFile(known), { force: true });
    }
    this.#writeBoxes();
  }

  /** The screens of which there is a picture or a list of boxes. */
  known(): string[] {
    const ending = `.${this.#language}.${this.#orientation}.png`;
    const pictures = filesIn(folder).filter((file) => file.endsWith(ending));
    return [...new Set([...this.#boxes.keys(), ...pictures.map((file) => file.slice(0, -ending.length))])].sort();
  }
}

function readIfThere(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

function readJson(file: string): Record<string, ElementBox[]> {
  const text = readIfThere(file);
  return text === null ? {} : (JSON.parse(text.toString('utf8')) as Record<string, ElementBox[]>);
}

function filesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
