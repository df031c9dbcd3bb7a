import { expect, test } from 'vitest';
import { keepStandings } from '../../src/hub/kiosk-standings.ts';

test('the last word of each kiosk, with its time', () => {
  let now = 1_795_300_000_000;
  const standings = keepStandings(() => now);
  standings.note({ kiosk: 'hall-1', standing: 'open', reason: null });
  now += 60_000;
  standings.note({ kiosk: 'hall-2', standing: 'unfit', reason: null });
  standings.note({ kiosk: 'hall-1', standing: 'closed', reason: 'cleaning' });
  expect(standings.list()).toEqual({
    since: 1_795_300_000,
    kiosks: [
      { kiosk: 'hall-1', standing: 'closed', reason: 'cleaning', at: 1_795_300_060 },
      { kiosk: 'hall-2', standing: 'unfit', reason: null, at: 1_795_300_060 },
    ],
  });
});

test('names without end are not kept, and those that are go on being heard', () => {
  const standings = keepStandings(() => 0);
  for (let i = 0; i < 300; i += 1) standings.note({ kiosk: `kiosk-${i}`, standing: 'open', reason: null });
  standings.note({ kiosk: 'kiosk-0', standing: 'unfit', reason: null });
  expect(standings.list().kiosks).toHaveLength(256);
  expect(standings.list().kiosks[0]).toMatchObject({ standing: 'unfit' });
});
