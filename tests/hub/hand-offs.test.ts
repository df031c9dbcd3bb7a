import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { handOffLifetimeSeconds, openHandOffs, type HandOffs } from '../../src/hub/hand-offs.ts';
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
const open = (): HandOffs => must(openHandOffs({ path, now: () => now }));

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

test('another program’s file is not touched', () => {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE t (a)');
  database.close();
  expect(openHandOffs({ path, now: () => now })).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'this is no file of hand-offs' } });
});
