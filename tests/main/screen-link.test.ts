import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../src/contract/bridge.ts';
import { ScreenLink } from '../../src/main/screen-link.ts';

const farewell = (seq: number): Snapshot => ({
  seq,
  language: 'en',
  languages: ['en'],
  kiosk: { id: 'hall-1', hub: { 'zh-Hans': '厅', en: 'Hub' }, help: { 'zh-Hans': '台', en: 'Desk' }, pxPerMm: 4, standIns: false },
  cardIn: false,
  staffWaits: false,
  overlay: null,
  page: { page: 'goodbye', ended: 'card-removed', receipts: [], unsent: false },
});

let done: string[];
let link: ScreenLink;
const say = (signal: object): void => link.receive(JSON.stringify(signal));

beforeEach(() => {
  vi.useFakeTimers();
  done = [];
  link = new ScreenLink(
    {
      deliver: (text) => done.push(`deliver ${(JSON.parse(text) as Snapshot).seq}`),
      wipe: () => done.push('wipe'),
      close: () => Promise.resolve(),
    },
    () => 0,
  );
});
afterEach(() => {
  vi.useRealTimers();
});

test('a wipe waits for the page without facts, and the fresh document gets the latest', () => {
  say({ signal: 'listening' });
  link.show(farewell(1));
  link.wipe();
  link.show(farewell(2));
  expect(done).toEqual(['deliver 1', 'deliver 2']);
  say({ signal: 'painted', seq: 0 });
  expect(done).toHaveLength(2);
  say({ signal: 'painted', seq: 1 });
  say({ signal: 'painted', seq: 2 });
  expect(done).toEqual(['deliver 1', 'deliver 2', 'wipe']);
  say({ signal: 'listening' });
  expect(done.at(-1)).toBe('deliver 2');
  vi.advanceTimersByTime(1000);
  expect(done.filter((what) => what === 'wipe')).toHaveLength(1);
});

test('a page that paints nothing is wiped all the same', () => {
  say({ signal: 'listening' });
  link.show(farewell(1));
  link.wipe();
  vi.advanceTimersByTime(149);
  expect(done).toEqual(['deliver 1']);
  vi.advanceTimersByTime(1);
  expect(done).toEqual(['deliver 1', 'wipe']);
});

test('a document that does not listen yet is wiped at once', () => {
  link.show(farewell(1));
  link.wipe();
  expect(done).toEqual(['wipe']);
});

test('a screen that is lost or closed while a wipe waits is not wiped afterwards', async () => {
  say({ signal: 'listening' });
  link.show(farewell(1));
  link.wipe();
  link.lost('crashed');
  say({ signal: 'listening' });
  link.show(farewell(2));
  link.wipe();
  await link.close();
  vi.advanceTimersByTime(1000);
  expect(done).not.toContain('wipe');
});
