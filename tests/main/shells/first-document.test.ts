import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../src/contract/bridge.ts';
import type { Assets } from '../../../src/main/shells/assets.ts';
import { firstDocument, firstDocumentPath, hubHole, pxPerMmHole } from '../../../src/main/shells/first-document.ts';

const snapshot: Snapshot = {
  seq: 0,
  language: 'en',
  languages: ['en', 'zh-Hans'],
  kiosk: { id: 'hall-1', hub: { 'zh-Hans': '便民中心', en: 'A & B <"Hub"> $&' }, help: { 'zh-Hans': '', en: '' }, pxPerMm: 3.78, standIns: false },
  cardIn: false,
  staffWaits: false,
  overlay: null,
  page: { page: 'attract' },
};
const assetsOf = (path: string, text: string): Assets => new Map([[path, { contentType: 'text/html; charset=utf-8', body: () => Buffer.from(text) }]]);

describe('firstDocumentPath', () => {
  it.each([
    { name: 'one language', change: { languages: ['en'] as Snapshot['languages'] }, standIns: false, path: '/first/en.html' },
    { name: 'two, in their order', change: {}, standIns: false, path: '/first/en.zh-Hans.html' },
    { name: 'with stand-ins', change: {}, standIns: true, path: '/first/en.zh-Hans.stand-ins.html' },
  ])('$name: $path', ({ change, standIns, path }) => {
    expect(firstDocumentPath({ ...snapshot, ...change, kiosk: { ...snapshot.kiosk, standIns } })).toBe(path);
  });
});

describe('firstDocument', () => {
  it("says the hub's name as text, whatever is in it, and the panel's density", () => {
    const document = firstDocument(assetsOf('/first/en.zh-Hans.html', `<html data-px-per-mm="${pxPerMmHole}"><title>${hubHole}</title><p>${hubHole}</p>`), snapshot);
    const name = 'A &amp; B &lt;&quot;Hub&quot;&gt; $&amp;';
    expect(document?.toString('utf8')).toBe(`<html data-px-per-mm="3.78"><title>${name}</title><p>${name}</p>`);
  });

  it('is none where the screens were built without', () => {
    expect(firstDocument(assetsOf('/index.html', ''), snapshot)).toBeNull();
  });
});
