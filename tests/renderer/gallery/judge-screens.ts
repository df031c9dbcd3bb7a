import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languages } from '../../../src/contract/language.ts';
import { screens, type Screen } from '../../fixtures/snapshots.ts';
import { axeFindings } from './axe.ts';
import { Baseline, differences, type Look } from './baseline.ts';
import { elementBoxes, type ElementBox } from './element-boxes.ts';
import { openGallery, type Gallery, type Orientation } from './gallery.ts';
import { faultsOfLayout } from './layout.ts';
import { shrink } from './small-picture.ts';

const pxPerMm = 4.03;

/** `UPDATE_BASELINE=1 npm test -- tests/renderer/screens` approves what the screens look like now; look at the pictures before they are committed. */
const renew = process.env['UPDATE_BASELINE'] === '1';
/** Of the failures, which are one page with other words, a picture is kept upright only; everything else is looked at lying as well. */
const isPictured = (screen: Screen, orientation: Orientation): boolean => orientation === 'portrait' || screen.page.page !== 'failure';
/** What axe judges is the same lying as upright, but for what lies over what: there it looks at one page of each kind. */
const isJudgedByAxe = (screen: Screen, orientation: Orientation): boolean => orientation === 'portrait' || oneOfEach.includes(screen);

/** One screen of each kind of page. */
const oneOfEach = [...new Map(screens.filter((screen) => screen.overlay === undefined).map((screen) => [screen.page.page, screen])).values()];

/** What the browser says of the page before it. */
interface Measured {
  /** Its parts that are called a page, and what failure each says that it tells of. */
  pages: { page: string; code: string | null }[];
  language: string;
  boxes: ElementBox[];
  faults: string[];
}

/** Runs in the page; all at once, since each question to the browser costs as much as its answer. */
const measure = `({
  pages: [...document.querySelectorAll('[data-page]')].map((part) => ({ page: part.getAttribute('data-page'), code: part.getAttribute('data-code') })),
  language: document.documentElement.lang,
  boxes: (${elementBoxes.toString()})(),
  faults: (${faultsOfLayout.toString()})({ pxPerMm: ${pxPerMm} }),
})`;

/** The tests of all screens in one orientation: a file each, since together they would be the last ones to run. */
export function judgeScreens(orientation: Orientation): void {
  let gallery: Gallery;
  beforeAll(async () => {
    gallery = await openGallery();
    await gallery.turn(orientation);
  }, 60_000);
  afterAll(() => gallery.close());

  describe.each(languages)('%s', (language) => {
    const baseline = new Baseline(language, orientation);

    /** How what is on the screen differs from what was approved. Renewing approves what differs, and leaves the rest as it is. */
    async function newsOf(name: string, boxes: ElementBox[]): Promise<string[]> {
      const screenshot = await gallery.screenshot();
      const look: Look = { picture: shrink(screenshot), boxes };
      const approved = baseline.approved(name);
      const news = approved === null ? ['never approved'] : differences(approved, look);
      if (news.length === 0) return news;
      if (renew) {
        baseline.approve(name, look);
        return [];
      }
      const seen = path.resolve('out/baseline', `${name}.${language}.${orientation}.png`);
      mkdirSync(path.dirname(seen), { recursive: true });
      writeFileSync(seen, screenshot);
      return news;
    }

    // Each screen is shown once, and everything that is to be said about it is said then.
    test.each(screens.map((screen) => ({ name: screen.name, screen })))('$name is whole, large enough, inside the screen, as approved, and axe finds nothing', async ({ name, screen }) => {
      await gallery.show(screen, language);
      if (screen.touched !== undefined) {
        await gallery.page.locator(screen.touched.press).click();
        await gallery.page.locator(screen.touched.shows).waitFor();
        await gallery.settle();
      }
      const { pages, language: spoken, boxes, faults } = await gallery.page.evaluate<Measured>(measure);
      const { page } = screen;
      expect.soft(pages).toEqual([{ page: page.page, code: page.page === 'failure' ? page.code : null }]);
      expect.soft(spoken).toBe(language);
      if (isPictured(screen, orientation)) expect.soft(await newsOf(name, boxes)).toEqual([]);
      if (isJudgedByAxe(screen, orientation)) expect.soft(await axeFindings(gallery.page)).toEqual([]);
      expect(faults).toEqual([]);
    });

    test('no screen is kept that is gone', () => {
      const names = screens.filter((screen) => isPictured(screen, orientation)).map(({ name }) => name);
      if (renew) baseline.keepOnly(names);
      expect(baseline.known().filter((known) => !names.includes(known))).toEqual([]);
    });
  });

  test('back, help and end never move', async () => {
    const places = new Map<string, Set<string>>();
    for (const screen of oneOfEach) {
      await gallery.show(screen, 'en');
      for (const control of await gallery.page.locator('nav.bar [data-intent]').all()) {
        const intent = (await control.getAttribute('data-intent')) ?? '';
        places.set(intent, (places.get(intent) ?? new Set()).add(JSON.stringify(await control.boundingBox())));
      }
    }
    expect([...places].map(([intent, seen]) => [intent, seen.size]).sort()).toEqual([
      ['back', 1],
      ['help.open', 1],
      ['visit.end', 1],
    ]);
  }, 60_000);

  test('the page never breaks its own policy', () => {
    // Said about the header itself, whatever the page does.
    const ofTheHeader = /Permissions-Policy header|allow-scripts and allow-same-origin/;
    expect(gallery.complaints.filter((complaint) => !ofTheHeader.test(complaint))).toEqual([]);
  });
}
