import { describe, expect, test } from 'vitest';
import { hubKiosks, ownLines, type OwnHealth } from '../../../src/main/desk/machine-health.ts';
import type { KioskRecord } from '../../../src/ledger/verify/records.ts';

const now = Date.parse('2026-11-22T02:14:00Z');
const well: OwnHealth = { away: null, headMs: now - 41_000, maxHeadAgeMs: 900_000, nowMs: now, disk: { free: 72, total: 100 }, chip: null };
const line = (change: Partial<OwnHealth>, what: string): object | undefined => ownLines({ ...well, ...change }).find((one) => one.what === what);

test('all is well', () => {
  expect(ownLines(well).map(({ what, state, says, amount }) => [what, state, says, amount])).toEqual([
    ['hub', 'good', 'reachable', null],
    ['ledger', 'good', 'fresh', 41],
    ['clock', 'good', 'agrees', null],
    ['disk', 'good', 'free', 72],
  ]);
});

describe('each as what it is, at its bounds', () => {
  test.each([
    { name: 'the hub is away', change: { away: { code: 'hub-unreachable' as const } }, what: 'hub', is: { state: 'bad', says: 'away', code: 'hub-unreachable' } },
    { name: 'nothing was seen of the ledger', change: { headMs: null }, what: 'ledger', is: { state: 'bad', says: 'none' } },
    { name: 'nor is there anything to set the clock against', change: { headMs: null }, what: 'clock', is: { state: 'watch', says: 'unknown' } },
    { name: 'a head as old as it may be', change: { headMs: now - 900_000 }, what: 'ledger', is: { state: 'good', amount: 900 } },
    { name: 'a millisecond older', change: { headMs: now - 900_001 }, what: 'ledger', is: { state: 'bad', says: 'old', code: 'head-too-old' } },
    { name: 'a head a minute ahead', change: { headMs: now + 60_000 }, what: 'clock', is: { state: 'good' } },
    { name: 'one further ahead: the clock is behind', change: { headMs: now + 61_000 }, what: 'clock', is: { state: 'bad', says: 'behind', amount: 61 } },
    { name: 'an age is never less than none', change: { headMs: now + 61_000 }, what: 'ledger', is: { state: 'good', amount: 0 } },
    { name: 'a twentieth of the disk', change: { disk: { free: 5, total: 100 } }, what: 'disk', is: { state: 'good', amount: 5 } },
    { name: 'less', change: { disk: { free: 49, total: 1000 } }, what: 'disk', is: { state: 'bad', says: 'free', amount: 4 } },
    { name: 'a disk that says nothing', change: { disk: null }, what: 'disk', is: { state: 'bad', says: 'unreadable', code: 'kiosk-storage' } },
    { name: 'a chip that nobody has asked', change: { chip: 'untried' as const }, what: 'device-key', is: { state: 'watch', says: 'untried' } },
    { name: 'a chip that signs', change: { chip: 'signs' as const }, what: 'device-key', is: { state: 'good', says: 'signs', code: null } },
    { name: 'a chip that does not', change: { chip: { code: 'device-key-silent' as const } }, what: 'device-key', is: { state: 'bad', says: 'silent', code: 'device-key-silent' } },
  ])('$name', ({ change, what, is }) => {
    expect(line(change, what)).toMatchObject(is);
  });
});

describe('the hub’s kiosks', () => {
  const record = (id: string, change: Partial<KioskRecord> = {}): KioskRecord => ({ id, hub: 'hub-a', key: [-19, new Uint8Array(32)], state: 'active', ...change });
  const records = new Map<string, KioskRecord | null>([
    ['own', record('own')],
    ['open', record('open')],
    ['gone', record('gone', { state: 'retired' })],
    ['new', null],
    ['lent', record('lent', { hub: 'hub-b' })],
  ]);
  const at = Math.floor(now / 1000);
  const seen = {
    since: at - 3600,
    kiosks: [
      { kiosk: 'own', standing: 'open' as const, reason: null, at },
      { kiosk: 'open', standing: 'closed' as const, reason: 'cleaning' as const, at: at - 150 },
      { kiosk: 'gone', standing: 'open' as const, reason: null, at: at - 151 },
      { kiosk: 'stranger', standing: 'open' as const, reason: null, at },
    ],
  };
  const ids = ['own', 'open', 'gone', 'new', 'lent'];

  test('by the ledger and by what they say; one that the file does not name is not listed', () => {
    expect(hubKiosks(ids, 'own', records, seen, now).map(({ id, isThis, ledger, standing, reason }) => [id, isThis, ledger, standing, reason])).toEqual([
      ['own', true, 'enrolled', 'open', null],
      ['open', false, 'enrolled', 'closed', 'cleaning'],
      ['gone', false, 'retired', 'silent', null],
      ['new', false, 'unknown', 'unseen', null],
      ['lent', false, 'another-hub', 'unseen', null],
    ]);
  });

  test('where the ledger cannot be asked, nothing is said of it', () => {
    expect(new Set(hubKiosks(ids, 'own', undefined, seen, now).map(({ ledger }) => ledger))).toEqual(new Set(['unasked']));
  });
});
