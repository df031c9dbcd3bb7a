import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { handOffLifetimeSeconds, openHandOffs, placeWhenCalled, type HandOffs } from '../../src/hub/hand-offs.ts';
import { must } from './visitor.ts';

const lin = new Uint8Array(16).fill(1);
const chen = new Uint8Array(16).fill(2);
const sealed = (mark: number): Uint8Array => new Uint8Array(40).fill(mark);
let folder: string;
let path: string;
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-hand-offs-'));
  path = join(folder, 'hand-offs.sqlite');
  now = 1_795_300_000_000;
});
afterEach(() => rmSync(folder, { recursive: true }));
const open = (): HandOffs => must(openHandOffs({ path, queueLetter: 'K', now: () => now }));

test('given back to its resident under its code, in whatever form it is typed, and after a restart', () => {
  const first = open();
  const { code, until } = must(first.put(lin, sealed(7)));
  expect(code).toMatch(/^[2-9A-HJKMNP-TV-Z]{8}$/);
  expect(until).toBe(now / 1000 + handOffLifetimeSeconds);
  first.close();
  const again = open();
  expect(must(again.get(lin, `${code.slice(0, 4).toLowerCase()}-${code.slice(4)}`))).toEqual(sealed(7));
  expect(must(again.until(code))).toBe(until);
  again.close();
});

describe('to nobody', () => {
  test.each([
    { name: 'another resident', ask: (offs: HandOffs, code: string) => offs.get(chen, code) },
    { name: 'another code', ask: (offs: HandOffs) => offs.get(lin, '22222222') },
    { name: 'what is no code', ask: (offs: HandOffs) => offs.get(lin, "' OR 1=1") },
  ])('$name', ({ ask }) => {
    const offs = open();
    const { code } = must(offs.put(lin, sealed(7)));
    expect(must(ask(offs, code))).toBeNull();
    offs.close();
  });

  test('when its day is over: the last second counts', () => {
    const offs = open();
    const { code } = must(offs.put(lin, sealed(7)));
    now += handOffLifetimeSeconds * 1000 - 1;
    expect(must(offs.get(lin, code))).toEqual(sealed(7));
    now += 1;
    expect(must(offs.get(lin, code))).toBeNull();
    expect(must(offs.until(code))).toBeNull();
    offs.close();
  });

  test('when it was dropped, which nobody else can do; then no byte of it is left', () => {
    const offs = open();
    const mark = new TextEncoder().encode('a sealed matter as good as any');
    const { code } = must(offs.put(lin, mark));
    must(offs.drop(chen, code));
    expect(must(offs.get(lin, code))).toEqual(mark);
    must(offs.drop(lin, code));
    expect(must(offs.get(lin, code))).toBeNull();
    offs.close();
    expect(readFileSync(path).includes(Buffer.from(mark))).toBe(false);
  });
});

test('of one resident four are kept, the newest; another’s are left alone', () => {
  const offs = open();
  const others = must(offs.put(chen, sealed(9)));
  const codes = [1, 2, 3, 4, 5].map((mark) => {
    now += 1000;
    return must(offs.put(lin, sealed(mark))).code;
  });
  expect(codes.map((code) => must(offs.get(lin, code)) !== null)).toEqual([false, true, true, true, true]);
  expect(must(offs.get(chen, others.code))).toEqual(sealed(9));
  offs.close();
});

describe('its number in the hall’s queue', () => {
  const place = (offs: HandOffs, code: string) => must(offs.place(lin, code));

  test('is drawn once, in turn, and kept over a restart', () => {
    const first = open();
    const [one, two] = [must(first.put(lin, sealed(1))), must(first.put(chen, sealed(2)))];
    expect(place(first, one.code)).toEqual({ ticket: 'K001', counter: null });
    expect(must(first.place(chen, two.code))).toEqual({ ticket: 'K002', counter: null });
    must(first.call('K001', '3'));
    first.close();
    const again = open();
    expect(place(again, one.code)).toEqual({ ticket: 'K001', counter: '3' });
    expect(must(again.tickets())).toEqual([
      { ticket: 'K001', state: 'called', counter: '3', until: one.until },
      { ticket: 'K002', state: 'waiting', counter: null, until: two.until },
    ]);
    again.close();
  });

  test('is told to its resident only, and only where the hub has a queue', () => {
    const offs = open();
    const { code } = must(offs.put(lin, sealed(1)));
    expect(must(offs.place(chen, code))).toBeNull();
    expect(must(offs.place(lin, '22222222'))).toBeNull();
    offs.close();
    const without = must(openHandOffs({ path, queueLetter: null, now: () => now }));
    expect(must(without.place(lin, code))).toBeNull();
    expect(must(without.tickets())).toEqual([]);
    without.close();
  });

  test('goes round, over those that wait, and none is drawn where all wait', () => {
    const offs = open();
    const codes = Array.from({ length: 999 }, (_, at) => {
      const resident = new Uint8Array(16).fill(9);
      new DataView(resident.buffer).setUint16(0, at);
      const { code } = must(offs.put(resident, sealed(1)));
      return { resident, code, ticket: must(offs.place(resident, code))?.ticket };
    });
    expect(codes.map(({ ticket }) => ticket).slice(-1)).toEqual(['K999']);
    const late = must(offs.put(lin, sealed(2)));
    expect(place(offs, late.code)).toBeNull();
    must(offs.drop(codes[4]?.resident ?? lin, codes[4]?.code ?? ''));
    expect(place(offs, late.code)).toEqual({ ticket: 'K005', counter: null });
    offs.close();
  });

  test.each([
    { name: 'signed or taken back', end: (offs: HandOffs, code: string) => must(offs.drop(lin, code)) },
    { name: 'one of more than four', end: (offs: HandOffs) => [1, 2, 3, 4].forEach((mark) => [(now += 1000), must(offs.put(lin, sealed(mark)))]) },
    { name: 'over', end: (offs: HandOffs) => [(now += handOffLifetimeSeconds * 1000), must(offs.tickets())] },
  ])('ends with its matter: $name', ({ end }) => {
    const offs = open();
    const told: unknown[] = [];
    const { code } = must(offs.put(lin, sealed(1)));
    const unlisten = offs.onTicket((event) => told.push([event.ticket, event.state]));
    place(offs, code);
    end(offs, code);
    expect(told).toEqual([['K001', 'waiting'], ['K001', 'ended']]);
    expect(must(offs.tickets())).toEqual([]);
    expect(must(offs.call('K001', '3'))).toBeNull();
    unlisten();
    offs.close();
  });

  test('is waited for until it is called, or the time is over', async () => {
    const offs = open();
    const { code } = must(offs.put(lin, sealed(1)));
    const called = placeWhenCalled(offs, lin, code, null, 10_000);
    must(offs.call('K001', '4'));
    expect(must(await called)).toEqual({ ticket: 'K001', counter: '4' });
    expect(must(await placeWhenCalled(offs, lin, code, null, 10_000))).toEqual({ ticket: 'K001', counter: '4' });
    expect(must(await placeWhenCalled(offs, lin, code, '4', 20))).toEqual({ ticket: 'K001', counter: '4' });
    offs.close();
  });
});

test('a file of version 1 is gone on with', () => {
  const database = new DatabaseSync(path);
  database.exec(`CREATE TABLE hand_off (code TEXT PRIMARY KEY, resident BLOB NOT NULL, sealed BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID; PRAGMA application_id = ${0x696d6968}; PRAGMA user_version = 1`);
  database.prepare('INSERT INTO hand_off VALUES (?, ?, ?, ?)').run('22222222', lin, sealed(7), now / 1000 + 60);
  database.close();
  const offs = open();
  expect(must(offs.get(lin, '22222222'))).toEqual(sealed(7));
  expect(must(offs.place(lin, '22222222'))).toEqual({ ticket: 'K001', counter: null });
  offs.close();
});

test('another program’s file is not touched', () => {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE t (a)');
  database.close();
  expect(openHandOffs({ path, queueLetter: null, now: () => now })).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'this is no file of hand-offs' } });
});
