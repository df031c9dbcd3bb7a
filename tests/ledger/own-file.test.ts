import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOwnFile, openOwnFile, type FileKind } from '../../src/ledger/own-file.ts';

const first: FileKind = { name: 'notes', mark: 'note', steps: ['CREATE TABLE note (text TEXT NOT NULL)'] };
const second: FileKind = { ...first, steps: [...first.steps, 'ALTER TABLE note ADD COLUMN at INTEGER NOT NULL DEFAULT 7'] };

let folder = '';
const path = (): string => join(folder, 'notes.sqlite');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-own-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function opened(kind: FileKind): DatabaseSync {
  const file = openOwnFile(path(), kind);
  if (!file.ok) throw new Error(JSON.stringify(file.failure));
  return file.value;
}

describe('a file of our own', () => {
  it('is made, and found as it was left', () => {
    const made = opened(first);
    made.exec("INSERT INTO note VALUES ('kept')");
    made.close();
    const again = opened(first);
    expect(again.prepare('SELECT text FROM note').all()).toEqual([{ text: 'kept' }]);
    expect(again.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(again.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(isOwnFile(again, first)).toBe(true);
    again.close();
  });

  it('overwrites what is deleted only where its kind says so', () => {
    const kept = opened(first);
    expect(kept.prepare('PRAGMA secure_delete').get()).toEqual({ secure_delete: 0 });
    kept.close();
    const erased = opened({ ...first, erases: true });
    expect(erased.prepare('PRAGMA secure_delete').get()).toEqual({ secure_delete: 1 });
    erased.close();
  });

  it('of an earlier version is brought to today’s, with what is in it', () => {
    const old = opened(first);
    old.exec("INSERT INTO note VALUES ('kept')");
    expect(isOwnFile(old, second)).toBe(true);
    old.close();
    const today = opened(second);
    expect(today.prepare('SELECT text, at FROM note').all()).toEqual([{ text: 'kept', at: 7 }]);
    expect(isOwnFile(today, first)).toBe(false);
    today.close();
  });

  it('stays as it was where a step fails', () => {
    opened(first).close();
    const broken: FileKind = { ...first, steps: [...first.steps, 'CREATE TABLE other (a); ALTER TABLE nowhere ADD COLUMN at'] };
    expect(openOwnFile(path(), broken)).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    const after = opened(first);
    expect(after.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()).toEqual([{ name: 'note' }]);
    after.close();
  });

  it.each([
    { what: 'another kind’s', spoil: 'PRAGMA application_id = 7', said: 'this is no file of notes' },
    { what: 'of a later version', spoil: 'PRAGMA user_version = 9', said: 'the file of notes is a later program’s' },
  ])('is not touched where it is $what', ({ spoil, said }) => {
    const made = opened(first);
    made.exec(spoil);
    made.close();
    const before = readFileSync(path());
    expect(openOwnFile(path(), second)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: said } });
    expect(readFileSync(path())).toEqual(before);
  });

  it('is known by a table of its own where an earlier build gave it another kind’s mark, and no other is', () => {
    const renamed: FileKind = { ...first, mark: 'neue', former: { mark: 'note', table: 'note' } };
    const old = opened(first);
    old.exec("INSERT INTO note VALUES ('kept')");
    old.close();
    const marked = opened(renamed);
    expect(marked.prepare('SELECT text FROM note').all()).toEqual([{ text: 'kept' }]);
    marked.close();
    expect(openOwnFile(path(), first)).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    const other = join(folder, 'other.sqlite');
    const made = openOwnFile(other, { ...first, steps: ['CREATE TABLE elsewhere (a)'] });
    if (made.ok) made.value.close();
    expect(openOwnFile(other, renamed)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'this is no file of notes' } });
  });

  it('is refused where it is no database', () => {
    writeFileSync(path(), 'not a database, though as long as the header of one would have to be, and then some more of it');
    expect(openOwnFile(path(), first)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'sqlite-26' } });
  });
});

it('no two kinds share a mark', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const marks = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(source, name), 'utf8').matchAll(/^ {2}mark: '(.+)',$/gm)].map(([, mark]) => mark));
  expect(marks.length).toBeGreaterThanOrEqual(9);
  expect(new Set(marks).size).toBe(marks.length);
});
