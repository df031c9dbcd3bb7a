import { describe, expect, test } from 'vitest';
import { countDay } from '../../../src/main/desk/day-figures.ts';
import type { JournalEntry, JournalEvent } from '../../../src/main/journal.ts';

const visit = '0'.repeat(16);
const day = '2026-11-22';
/** At this time of day in the district, on `day`. */
const at = (time: string, event: JournalEvent): JournalEntry => ({ at: new Date(`${day}T${time}+08:00`).toISOString(), event });
const ended = (time: string, seconds: number, more: Partial<Extract<JournalEvent, { event: 'visit.ended' }>> = {}): JournalEntry =>
  at(time, { event: 'visit.ended', visit, ended: 'done', durationMs: seconds * 1000, requests: 0, signedIn: true, ...more });

test('nothing happened: nothing is drawn', () => {
  expect(countDay([], day)).toEqual({ hours: [], minutes: [1, 2, 5, 10, null].map((upTo) => ({ upTo, count: 0 })), medianSeconds: null, refusals: [] });
});

test('by the hour in which a visit began, with the empty hours in between', () => {
  const counted = countDay([ended('09:00:30', 60), ended('11:20:00', 60), ended('11:30:00', 20, { signedIn: false })], day);
  expect(counted.hours).toEqual([
    { hour: 8, signedIn: 1, others: 0 },
    { hour: 9, signedIn: 0, others: 0 },
    { hour: 10, signedIn: 0, others: 0 },
    { hour: 11, signedIn: 1, others: 1 },
  ]);
});

describe('at the bounds of the day', () => {
  test.each([
    { name: 'ended a second after the midnight before which it began', entry: ended('00:00:01', 2), counted: 0 },
    { name: 'began at the first second', entry: ended('00:00:10', 10), counted: 1 },
    { name: 'began before the day’s own midnight and ended after it', entry: { ...ended('23:59:59', 0), at: new Date(Date.parse(`${day}T23:59:59+08:00`) + 5_000).toISOString(), event: ended('12:00:00', 6).event }, counted: 1 },
  ])('$name: $counted', ({ entry, counted }) => {
    expect(countDay([entry], day).hours.reduce((sum, { signedIn }) => sum + signedIn, 0)).toBe(counted);
  });
});

test('a staff card in a reader for all is no visit; one of before this was told has nobody signed in', () => {
  const entry = ended('10:00:00', 30);
  const old = { ...entry, event: { event: 'visit.ended', visit, ended: 'done', durationMs: 1000, requests: 0 } as const };
  expect(countDay([ended('10:00:00', 1, { ended: 'of-staff', signedIn: false }), old], day).hours).toEqual([{ hour: 9, signedIn: 0, others: 1 }]);
});

test.each([
  { seconds: [30], median: 30, columns: [1, 0, 0, 0, 0] },
  { seconds: [60, 61], median: 60, columns: [1, 1, 0, 0, 0] },
  { seconds: [600, 120, 121, 601, 300], median: 300, columns: [0, 1, 2, 1, 1] },
])('of $seconds s half took no longer than $median s', ({ seconds, median, columns }) => {
  const counted = countDay(seconds.map((one) => ended('12:00:00', one)), day);
  expect(counted.medianSeconds).toBe(median);
  expect(counted.minutes.map(({ count }) => count)).toEqual(columns);
});

describe('a visit that ended with the kiosk’s power', () => {
  const began = (time: string): JournalEntry => at(time, { event: 'visit.began', visit });
  const state = (time: string, to: string, of = visit): JournalEntry => at(time, { event: 'visit.state', visit: of, from: 'welcome.attract', to, durationMs: 1 });
  const started = (time: string): JournalEntry => at(time, { event: 'kiosk.started', kiosk: 'hall-1', chain: 'imi-demo' });
  const later = ({ event }: JournalEntry): JournalEntry => ({ at: new Date(Date.parse(`${day}T12:00:00+08:00`) + 3 * 86_400_000).toISOString(), event });
  const none = { hours: [], medianSeconds: null };

  test.each([
    { name: 'after its PIN', entries: [began('10:00:00'), state('10:00:20', 'visiting.inside.home'), started('10:05:00')], expected: { hours: [{ hour: 10, signedIn: 1, others: 0 }], medianSeconds: null } },
    { name: 'before it', entries: [began('10:00:00'), state('10:00:20', 'visiting.signIn.pin'), started('10:05:00')], expected: { hours: [{ hour: 10, signedIn: 0, others: 1 }], medianSeconds: null } },
    { name: 'and with it the kiosk’s for days', entries: [began('16:00:00'), state('16:00:20', 'visiting.inside.home'), later(started('12:00:00'))], expected: { hours: [{ hour: 16, signedIn: 1, others: 0 }], medianSeconds: null } },
    { name: 'on another day', entries: [{ ...began('10:00:00'), at: new Date(Date.parse(`${day}T10:00:00+08:00`) - 86_400_000).toISOString() }, started('10:05:00')], expected: none },
    { name: 'that goes on just now', entries: [began('10:00:00'), state('10:00:20', 'visiting.inside.home')], expected: none },
    { name: 'that had ended by itself', entries: [began('10:00:00'), state('10:00:20', 'visiting.inside.home'), ended('10:01:00', 60), started('10:05:00')], expected: { hours: [{ hour: 10, signedIn: 1, others: 0 }], medianSeconds: 60 } },
    { name: 'another’s steps are not its own', entries: [began('10:00:00'), state('10:00:20', 'visiting.inside.home', '1'.repeat(16)), started('10:05:00')], expected: { hours: [{ hour: 10, signedIn: 0, others: 1 }], medianSeconds: null } },
  ])('$name', ({ entries, expected }) => {
    expect(countDay(entries, day)).toMatchObject(expected);
  });
});

test('how long it took those who never signed in is not asked', () => {
  expect(countDay([ended('12:00:00', 5, { signedIn: false })], day)).toMatchObject({ medianSeconds: null });
});

test('refusals of visits and of the ledger, the most frequent first; what went well is none', () => {
  const failure = (time: string, code: 'card-removed' | 'pin-last-try'): JournalEntry => at(time, { event: 'visit.failure', visit, code });
  const outbox = (what: 'recorded' | 'rejected' | 'expired' | 'waiting', code?: string): JournalEntry => at('10:00:00', { event: 'outbox', what, ...(code === undefined ? {} : { code }) });
  const entries = [failure('09:00:00', 'pin-last-try'), failure('09:10:00', 'card-removed'), failure('09:20:00', 'card-removed'), outbox('recorded'), outbox('waiting', 'hub-unreachable'), outbox('rejected', 'key-inactive'), outbox('expired', 'expired')];
  expect(countDay(entries, day).refusals).toEqual([
    { code: 'card-removed', count: 2 },
    { code: 'expired', count: 1 },
    { code: 'key-inactive', count: 1 },
    { code: 'pin-last-try', count: 1 },
  ]);
  expect(countDay(entries, '2026-11-21').refusals).toEqual([]);
});
