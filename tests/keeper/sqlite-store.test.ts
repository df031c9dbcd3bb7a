import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import type { KeptTransaction } from '../../src/keeper/store.ts';
import { must } from '../hub/visitor.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-store-'));
  path = join(folder, 'keeper.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): ReturnType<typeof mustOpen> => mustOpen();
const mustOpen = () => must(openKeeperStore(path));
const id16 = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const id32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const resident = id16(1);
const message = { enc: id32(2), ciphertext: id32(3) };
const transaction = (fill: number, counter: number, sealed = new Uint8Array(100).fill(fill)): KeptTransaction => ({
  id: id32(fill),
  envelope: new Uint8Array(50).fill(fill),
  resident,
  counter,
  payloads: [
    { act: 1, what: 'self', to: 'space', sealed, subject: resident, actId: id16(fill), place: 'self' },
    { act: 0, what: 'part', to: 'space', sealed, subject: resident, actId: id16(fill), place: `part/${Buffer.from(id32(fill)).toString('hex')}/0` },
    { act: 0, what: 'part', to: 'keeper', sealed, subject: resident, actId: id16(fill), place: null },
  ],
});

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

describe('a transaction', () => {
  it('shows in the space only once it is recorded', async () => {
    const store = open();
    await store.foundSpace({ resident, wrapped: message, recovery: message });
    must(await store.keep(transaction(5, 9)));
    const queued = must(await store.space(resident));
    expect(queued).toMatchObject({ wrapped: message, objects: [], knownCounters: [9], lastOpened: null });
    expect(must(await store.payload(resident, id16(5), 'part', 'keeper'))).toBeNull();
    must(await store.settleRecorded(id32(5), 1_800_000_000));
    const recorded = must(await store.space(resident));
    expect(recorded?.objects.map(({ name, at }) => [name, at])).toEqual([
      [`part/${'05'.repeat(32)}/0`, 1_800_000_000],
      ['self', 1_800_000_000],
    ]);
    expect(recorded?.knownCounters).toEqual([]);
    expect(must(await store.payload(resident, id16(5), 'part', 'keeper'))).toEqual(new Uint8Array(100).fill(5));
    expect(must(await store.queued())).toEqual([]);
    await store.close();
  });

  it('leaves its counter and nothing else when it is rejected', async () => {
    const store = open();
    await store.foundSpace({ resident, wrapped: message, recovery: message });
    must(await store.keep(transaction(5, 9)));
    must(await store.settleRejected(id32(5), 'expired'));
    must(await store.settleRecorded(id32(5), 1));
    expect(must(await store.state(id32(5)))).toEqual({ state: 'rejected', code: 'expired' });
    expect(must(await store.space(resident))).toMatchObject({ objects: [], knownCounters: [9] });
    expect(store.database.prepare('SELECT count(*) AS n FROM payload').get()).toEqual({ n: 0 });
    await store.close();
  });

  it('does not put an earlier map of typed facts over a later one', async () => {
    const store = open();
    await store.foundSpace({ resident, wrapped: message, recovery: message });
    must(await store.keep(transaction(5, 9)));
    must(await store.keep(transaction(6, 10)));
    must(await store.settleRecorded(id32(6), 2));
    must(await store.settleRecorded(id32(5), 3));
    const self = must(await store.space(resident))?.objects.find(({ name }) => name === 'self');
    expect(self?.sealed).toEqual(new Uint8Array(100).fill(6));
    await store.close();
  });

  it('survives a second keeping of the same id and a new start', async () => {
    const first = open();
    must(await first.keep(transaction(5, 9)));
    must(await first.keep(transaction(5, 9)));
    await first.close();
    const second = open();
    expect(must(await second.queued())).toEqual([{ id: id32(5), envelope: new Uint8Array(50).fill(5) }]);
    await second.close();
  });
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
