import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { must } from '../hub/visitor.ts';
import { describeStore, id32, message, resident, transaction } from './store-suite.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-store-'));
  path = join(folder, 'keeper.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): ReturnType<typeof mustOpen> => mustOpen();
const mustOpen = () => must(openKeeperStore(path));
describe('the file', () => {
  it('is in WAL with synchronous FULL, also after a write', async () => {
    const store = open();
    await store.foundSpace({ resident, wrapped: message, recovery: message });
    expect(store.database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(store.database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    await store.close();
  });

  it.each([
    { name: 'garbage', make: () => writeFileSync(path, 'x'.repeat(5000)) },
    {
      name: "another program's",
      make: () => {
        const other = new DatabaseSync(path);
        other.exec('CREATE TABLE t (a); PRAGMA user_version = 7');
        other.close();
      },
    },
    { name: 'in a folder that is not there', make: () => (path = join(folder, 'no', 'keeper.sqlite')) },
  ])('is refused when it is $name', ({ make }) => {
    make();
    const opened = openKeeperStore(path);
    expect(!opened.ok && opened.failure.code).toBe('hub-storage');
  });
});

describeStore('SQLite', { fresh: () => undefined, open: () => Promise.resolve(open()), end: () => undefined });

it('shows whoever asks all that was kept by then, however many read beside them', async () => {
  const store = open();
  await store.foundSpace({ resident, wrapped: message, recovery: message });
  for (let counter = 1; counter <= 20; counter++) {
    // Under way when the write ends: a read that joined one of these would be of the moment before it.
    const others = Array.from({ length: 8 }, () => store.queued());
    must(await store.keep(transaction(counter, counter)));
    expect(must(await store.queued()).map(({ id }) => id)).toContainEqual(id32(counter));
    await Promise.all(others);
  }
  await store.close();
});

describe('a disk that is full', () => {
  it('refuses with hub-storage, loses nothing, and works again when there is room', async () => {
    const store = open();
    await store.foundSpace({ resident, wrapped: message, recovery: message });
    must(await store.keep(transaction(5, 9)));
    store.database.exec(`PRAGMA max_page_count = ${Number(store.database.prepare('PRAGMA page_count').get()?.['page_count'])}`);
    const refused = await store.keep(transaction(6, 10, new Uint8Array(60_000)));
    expect(!refused.ok && refused.failure).toEqual({ code: 'hub-storage', detail: 'sqlite-13' });
    expect(must(await store.state(id32(6)))).toBeNull();
    expect(must(await store.queued()).map(({ id }) => id)).toEqual([id32(5)]);
    store.database.exec('PRAGMA max_page_count = 1073741823');
    must(await store.keep(transaction(6, 10, new Uint8Array(60_000))));
    expect(must(await store.queued())).toHaveLength(2);
    await store.close();
  });

  it('still reads when it cannot be written', async () => {
    const store = open();
    await store.foundSpace({ resident, wrapped: message, recovery: message });
    store.database.exec('PRAGMA query_only = ON');
    const refused = await store.noteOpened(resident, 1);
    expect(!refused.ok && refused.failure).toEqual({ code: 'hub-storage', detail: 'sqlite-8' });
    expect(must(await store.space(resident))).not.toBeNull();
    await store.close();
  });
});
