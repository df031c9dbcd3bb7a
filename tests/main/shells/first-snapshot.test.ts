import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hubFileSchema } from '../../../src/contract/hub-file.ts';
import { firstSnapshot } from '../../../src/main/shells/first-snapshot.ts';

const demo = JSON.parse(readFileSync('hubs/demo.json', 'utf8')) as Record<string, unknown>;

describe('firstSnapshot', () => {
  it("is the attract page with the facts of the hub's file, before any of the kiosk's own", () => {
    const hub = hubFileSchema.parse(demo);
    expect(firstSnapshot(demo, 'hall-1')).toEqual({
      seq: 0,
      language: hub.languages[0],
      languages: hub.languages,
      kiosk: { id: 'hall-1', hub: hub.name, help: hub.help, pxPerMm: hub.kiosks['hall-1']?.screen.pxPerMm, standIns: true },
      cardIn: false,
      staffWaits: false,
      overlay: null,
      page: { page: 'attract' },
    });
  });

  it.each([
    { name: 'no such kiosk', hub: demo, kiosk: 'hall-9' },
    { name: 'no languages', hub: { ...demo, languages: [] }, kiosk: 'hall-1' },
    { name: 'languages of another kind', hub: { ...demo, languages: 'en' }, kiosk: 'hall-1' },
    { name: 'no name', hub: { ...demo, name: undefined }, kiosk: 'hall-1' },
    { name: 'no kiosks', hub: {}, kiosk: 'hall-1' },
  ])('is none where the file has $name', ({ hub, kiosk }) => {
    expect(firstSnapshot(hub, kiosk)).toBeNull();
  });
});
