import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languages } from '../../src/contract/language.ts';
import { screens } from '../fixtures/snapshots.ts';
import { Baseline, differences, lookOf } from './gallery/baseline.ts';
import { openGallery, type Gallery, type Orientation } from './gallery/gallery.ts';

/** `UPDATE_BASELINE=1 npm test -- tests/renderer/baseline.test.ts` approves what the screens look like now; look at the pictures before they are committed. */
const renew = process.env['UPDATE_BASELINE'] === '1';
const orientations: readonly Orientation[] = ['portrait', 'landscape'];
const names = screens.map(({ name }) => name);

let gallery: Gallery;
beforeAll(async () => {
  gallery = await openGallery();
}, 60_000);
afterAll(() => gallery.close());

describe.each(orientations)('%s', (orientation) => {
  beforeAll(() => gallery.turn(orientation));

  describe.each(languages)('%s', (language) => {
    const baseline = new Baseline(language, orientation);

    test.each(screens.map((screen) => ({ name: screen.name, screen })))('$name looks as approved', async ({ name, screen }) => {
      await gallery.show(screen, language);
      const look = await lookOf(gallery);
      if (renew) {
        baseline.approve(name, look);
        expect(baseline.known()).toContain(name);
        return;
      }
      const approved = baseline.approved(name);
      const found = approved === null ? ['never approved'] : differences(approved, look);
      if (found.length > 0) {
        const seen = path.resolve('out/baseline', `${name}.${language}.${orientation}.png`);
        mkdirSync(path.dirname(seen), { recursive: true });
        writeFileSync(seen, await gallery.screenshot());
      }
      expect(found).toEqual([]);
    });

    test('no screen is kept that is gone', () => {
      if (renew) baseline.keepOnly(names);
      expect(baseline.known().filter((known) => !names.includes(known))).toEqual([]);
    });
  });
});
