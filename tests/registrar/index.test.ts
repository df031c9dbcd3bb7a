import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openResidentIndex } from '../../src/registrar/index.ts';
import { identityNumber } from '../../tools/demo/people.ts';
import { must } from '../hub/visitor.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-index-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const key = new Uint8Array(32).fill(4);
const open = (useKey = key) => must(openResidentIndex(join(folder, 'registrar.sqlite'), useKey));
const resident = new Uint8Array(16).fill(1);
const number = identityNumber('1991-08-23', 226);

describe('the index of identity numbers', () => {
  it('finds whom it was given, after a new start and however the number is written', () => {
    const first = open();
    must(first.add('11010519491231002X', resident));
    first.close();
    const second = open();
    expect(must(second.find('110105 19491231 002x'))).toEqual(resident);
    expect(must(second.find(number))).toBeNull();
    second.close();
  });

  it('gives a number to one resident only', () => {
    const index = open();
    must(index.add(number, resident));
    expect(index.add(number, resident).ok).toBe(true);
    const taken = index.add(number, resident.with(0, 9));
    expect(!taken.ok && taken.failure.code).toBe('number-taken');
    index.close();
  });

  it('tells nothing without its key: no number and no resident in the file', () => {
    const index = open();
    must(index.add(number, resident));
    index.close();
    for (const file of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, file));
      expect(bytes.includes(number)).toBe(false);
      expect(bytes.includes(Buffer.from(resident))).toBe(false);
    }
  });

  it('is not opened with another key, in which every number would be new', () => {
    const index = open();
    must(index.add(number, resident));
    index.close();
    const other = openResidentIndex(join(folder, 'registrar.sqlite'), new Uint8Array(32).fill(5));
    expect(other).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'index-key' } });
  });

  it('says so where an entry is damaged', () => {
    const index = open();
    must(index.add(number, resident));
    const database = new DatabaseSync(join(folder, 'registrar.sqlite'));
    database.exec('UPDATE resident SET sealed = zeroblob(32)');
    database.close();
    expect(index.find(number)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'index-damaged' } });
    expect(index.add(number, resident)).toMatchObject({ ok: false, failure: { detail: 'index-damaged' } });
    index.close();
  });

  it('never gives a status index twice', () => {
    const first = open();
    expect([must(first.nextStatus()), must(first.nextStatus())]).toEqual([0, 1]);
    first.close();
    const second = open();
    expect(must(second.nextStatus())).toBe(2);
    second.close();
  });
});
