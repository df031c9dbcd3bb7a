import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Language } from '../../src/contract/language.ts';
import { kioskOrigin } from '../../src/contract/origin.ts';
import { firstDocumentPath, hubHole } from '../../src/main/shells/first-document.ts';
import { screens, snapshotOf } from '../fixtures/snapshots.ts';
import { openGallery, type Gallery, type Orientation } from './gallery/gallery.ts';

let gallery: Gallery;
beforeAll(async () => {
  gallery = await openGallery();
}, 60_000);
afterAll(() => gallery.close());

const attract = screens.find((screen) => screen.name === 'attract');

const cases: { languages: Language[]; standIns: boolean; orientation: Orientation }[] = [
  { languages: ['zh-Hans', 'en'], standIns: true, orientation: 'portrait' },
  { languages: ['en', 'zh-Hans'], standIns: false, orientation: 'portrait' },
  { languages: ['zh-Hans'], standIns: false, orientation: 'landscape' },
  { languages: ['en'], standIns: true, orientation: 'landscape' },
];

test.each(cases)('$languages, stand-ins $standIns, $orientation: the document shows to the pixel what the script draws, which takes it over as it stands', async ({ languages, standIns, orientation }) => {
  const [language = 'en'] = languages;
  if (attract === undefined) throw new Error('no attract page');
  const snapshot = snapshotOf(attract, language, 0);
  const kiosk = { ...snapshot.kiosk, hub: { 'zh-Hans': hubHole, en: hubHole }, standIns };
  await gallery.turn(orientation);
  await gallery.open(`${kioskOrigin}${firstDocumentPath({ languages, kiosk })}`);
  await gallery.settle();
  expect(await gallery.page.locator('h1').count()).toBe(1);
  await gallery.page.evaluate("document.querySelector('h1').setAttribute('data-drawn', 'before')");
  const before = await gallery.screenshot();

  await gallery.deliver({ ...snapshot, languages, kiosk });
  expect(await gallery.page.locator('h1[data-drawn]').count()).toBe(1);
  expect((await gallery.screenshot()).equals(before)).toBe(true);

  await gallery.open(`${kioskOrigin}/`);
  await gallery.deliver({ ...snapshot, languages, kiosk });
  expect((await gallery.screenshot()).equals(before)).toBe(true);
  const ofTheHeader = /Permissions-Policy header|allow-scripts and allow-same-origin/;
  expect(gallery.complaints.filter((complaint) => !ofTheHeader.test(complaint))).toEqual([]);
});

test.each([
  { name: 'counts once the script is there', seq: 0, shown: 'attract', touched: '[data-intent=start]', sent: [{ intent: 'start' }] },
  { name: 'the last of several counts', seq: 0, shown: 'attract', touched: '[data-intent="language.set"][data-value=en]', sent: [{ intent: 'language.set', language: 'en' }] },
  { name: 'beside a button changes nothing', seq: 0, shown: 'attract', touched: '.attract > .text', sent: [{ intent: 'start' }] },
  { name: 'is not for another page that comes instead', seq: 3, shown: 'insert-card', touched: '[data-intent=start]', sent: [] },
])('a touch of the first document $name', async ({ seq, shown, touched, sent }) => {
  const screen = screens.find(({ name }) => name === shown);
  if (screen === undefined) throw new Error(`no ${shown}`);
  const snapshot = snapshotOf(screen, 'zh-Hans', seq);
  const kiosk = { ...snapshot.kiosk, hub: { 'zh-Hans': hubHole, en: hubHole }, standIns: true };
  const languages: Language[] = ['zh-Hans', 'en'];
  await gallery.open(`${kioskOrigin}${firstDocumentPath({ languages, kiosk })}`);
  await gallery.page.locator('[data-intent=start]').click();
  await gallery.page.locator(touched).dispatchEvent('click');
  expect(await gallery.takeSent()).toEqual([]);
  await gallery.deliver({ ...snapshot, languages, kiosk });
  expect(await gallery.takeSent()).toEqual(sent);
  // From then on nothing is kept: a touch is the page's own, and counts once.
  expect(await gallery.page.evaluate('typeof takeFirstTouch')).toBe('undefined');
});
