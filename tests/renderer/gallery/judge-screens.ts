import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languages } from '../../../src/contract/language.ts';
import { screens, type Screen } from '../../fixtures/snapshots.ts';
import { axeFindings } from './axe.ts';
import { Baseline, differences, lookOf } from './baseline.ts';
import { openGallery, type Gallery, type Orientation } from './gallery.ts';
import { faultsOfLayout } from './layout.ts';

const pxPerMm = 4.03;

/** `UPDATE_BASELINE=1 npm test -- tests/renderer/screens` approves what the screens look like now; look at the pictures before they are committed. */
const renew = process.env['UPDATE_BASELINE'] === '1';
/** Of the failures, which are one page with other words, a picture is kept upright only; everything else is looked at lying as well. */
const isPictured = (screen: Screen, orientation: Orientation): boolean => orientation === 'portrait' || screen.page.page !== 'failure';
/** What axe judges is the same lying as upright, but for what lies over what: there it looks at one page of each kind. */
const isJudgedByAxe = (screen: Screen, orientation: Orientation): boolean => orientation === 'portrait' || oneOfEach.includes(screen);

/** One screen of each kind of page. */
const oneOfEach = [...new Map(screens.filter((screen) => screen.overlay === undefined).map((screen) => [screen.page.page, screen])).values()];

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
    async function newsOf(name: string): Promise<string[]> {
      const look = await lookOf(gallery);
      const approved = baseline.approved(name);
      const news = approved === null ? ['never approved'] : differences(approved, look);
      if (news.length === 0) return news;
      if (renew) {
        baseline.approve(name, look);
        return [];
      }
      const seen = path.resolve('out/baseline', `${name}.${language}.${orientation}.png`);
      mkdirSync(path.dirname(seen), { recursive: true });
      writeFileSync(seen, await gallery.screenshot());
      return news;
    }

    // Each screen is shown once, and everything that is to be said about it is said then.
    test.each(screens.map((screen) => ({ name: screen.name, screen })))('$name is whole, large enough, inside the screen, as approved, and axe finds nothing', async ({ name, screen }) => {
      await gallery.show(screen, language);
      const root = gallery.page.locator('[data-page]');
      expect.soft(await root.getAttribute('data-page')).toBe(screen.page.page);
      if (screen.page.page === 'failure') expect.soft(await root.getAttribute('data-code')).toBe(screen.page.code);
      expect.soft(await gallery.page.evaluate(() => (globalThis as unknown as { document: { documentElement: { lang: string } } }).document.documentElement.lang)).toBe(language);
      if (isPictured(screen, orientation)) expect.soft(await newsOf(name)).toEqual([]);
      if (isJudgedByAxe(screen, orientation)) expect.soft(await axeFindings(gallery.page)).toEqual([]);
      expect(await gallery.page.evaluate(faultsOfLayout, { pxPerMm })).toEqual([]);
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
