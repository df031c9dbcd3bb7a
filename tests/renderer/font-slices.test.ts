import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Snapshot } from '../../src/contract/bridge.ts';
import type { Language } from '../../src/contract/language.ts';
import { kioskOrigin } from '../../src/contract/origin.ts';
import { screens, snapshotOf, type Screen } from '../fixtures/snapshots.ts';
import { openGallery, type Gallery } from './gallery/gallery.ts';

let gallery: Gallery;
beforeAll(async () => {
  gallery = await openGallery();
}, 60_000);
afterAll(() => gallery.close());

beforeEach(() => gallery.open(`${kioskOrigin}/`));

function screen(name: string): Screen {
  const found = screens.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no screen ${name}`);
  return found;
}

function named(name: string, language: Language, seq: number, hub: string): Snapshot {
  const snapshot = snapshotOf(screen(name), language, seq);
  return { ...snapshot, kiosk: { ...snapshot.kiosk, hub: { ...snapshot.kiosk.hub, 'zh-Hans': hub } } };
}

/** How many faces the document knows, once the module that brings more of them is there. */
async function faces(): Promise<number> {
  await expect.poll(() => [...gallery.loaded.keys()].some((file) => file.endsWith('/font-slices.js'))).toBe(true);
  await gallery.settle();
  return gallery.page.evaluate('document.fonts.size');
}

test.each(['zh-Hans', 'en'] as const)('the attract page does without the slices, and the next page has them: %s', async (language) => {
  await gallery.deliver(named('attract', language, 1, '西关区便民服务中心'));
  const few = await faces();
  expect(few).toBeGreaterThan(0);
  await gallery.deliver(named('insert-card', language, 2, '西关区便民服务中心'));
  expect(await faces()).toBeGreaterThan(few + 90);
});

test('the attract page of a hub whose name needs a slice has them', async () => {
  await gallery.deliver(named('attract', 'zh-Hans', 1, '龘镇服务站'));
  await expect.poll(faces).toBeGreaterThan(90);
  expect(await gallery.page.evaluate("[...document.fonts].some(({ family, status }) => family.includes('Noto Sans SC') && status === 'loaded')")).toBe(true);
});
