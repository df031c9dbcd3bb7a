import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSharedStore } from '../../src/keeper/postgres-store.ts';
import type { SqlDatabase } from '../../src/keeper/sql-database.ts';
import type { KeeperStore } from '../../src/keeper/store.ts';
import { must } from '../hub/visitor.ts';
import { noPostgres, PostgresServer } from './postgres-server.ts';
import { describeStore, id16, id32, message, resident, transaction } from './store-suite.ts';

describe.skipIf(noPostgres !== null)(`PostgreSQL${noPostgres === null ? '' : ` (${noPostgres})`}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());
  const empty = (): void => void server.sql('DROP SCHEMA IF EXISTS imi_keeper CASCADE');
  const open = async (): Promise<KeeperStore & { database: SqlDatabase }> => must(await openSharedStore(server.url()));

  describeStore('PostgreSQL', { fresh: empty, open, end: () => undefined });

  describe('the database', () => {
    beforeEach(empty);

    it('is laid out once by hubs that start together, and found again', async () => {
      const stores = await Promise.all([open(), open(), open()]);
      must(await stores[0].foundSpace({ resident, wrapped: message, recovery: message }));
      for (const store of stores) {
        expect(must(await store.space(resident))?.wrapped).toEqual(message);
        await store.close();
      }
    });

    it('is laid out once by hubs that start together on a server with another default isolation', async () => {
      server.create('strict');
      server.sql("ALTER DATABASE strict SET default_transaction_isolation = 'serializable'");
      const opened = await Promise.all([1, 2, 3].map(() => openSharedStore(server.url('strict'))));
      expect(opened.map(({ ok }) => ok)).toEqual([true, true, true]);
      for (const store of opened) await must(store).close();
    });

    it('of the first version is brought to today’s, with what is in it', async () => {
      const store = await open();
      must(await store.foundSpace({ resident, wrapped: message, recovery: message }));
      await store.close();
      server.sql('DROP TABLE imi_keeper.ask, imi_keeper.hand_off; ALTER TABLE imi_keeper.tx DROP COLUMN kept_until; UPDATE imi_keeper.version SET version = 1');
      const opened = await Promise.all([open(), open()]);
      for (const one of opened) {
        expect(must(await one.space(resident))?.wrapped).toEqual(message);
        for (const table of ['ask', 'hand_off']) expect(must(await one.database.read((sql) => sql.all(`SELECT * FROM ${table}`)))).toEqual([]);
        await one.close();
      }
      expect(server.sql('SELECT version FROM imi_keeper.version')).toBe('5');
    });

    it('is brought to today’s form however long a step takes', async () => {
      await (await open()).close();
      server.sql('DROP TABLE imi_keeper.ask, imi_keeper.hand_off; ALTER TABLE imi_keeper.tx DROP COLUMN kept_until; UPDATE imi_keeper.version SET version = 1');
      server.sql("CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.3); END'; CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.slow()");
      const opened = await openSharedStore(server.url(), { statementMs: 150 });
      server.sql('DROP EVENT TRIGGER slow; DROP FUNCTION public.slow()');
      expect(opened).toMatchObject({ ok: true });
      expect(server.sql('SELECT version FROM imi_keeper.version')).toBe('5');
      await must(opened).close();
    });

    it.each([
      { name: 'of a newer program', sql: 'CREATE SCHEMA imi_keeper; CREATE TABLE imi_keeper.version AS SELECT 99::bigint AS version', detail: 'schema 99' },
      { name: 'with another program’s schema of that name', sql: 'CREATE SCHEMA imi_keeper; CREATE TABLE imi_keeper.t (a int)', detail: 'the schema imi_keeper is another program’s' },
    ])('$name is left as it is', async ({ sql, detail }) => {
      server.sql(sql);
      expect(await openSharedStore(server.url())).toEqual({ ok: false, failure: { code: 'hub-storage', detail } });
      expect(server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'imi_keeper'")).toBe('1');
    });

    it.each([
      { name: 'that is not there', url: () => server.url('nowhere'), detail: 'postgres-3D000' },
      { name: 'of somebody it does not know', url: () => server.url().replace('user=imi', 'user=nobody'), detail: 'postgres-28000' },
      { name: 'at a socket that nobody listens at', url: () => 'postgres:///postgres?host=/nowhere&user=imi', detail: 'postgres-ENOENT' },
      { name: 'on a machine that does not answer', url: () => 'postgres://imi@127.0.0.1:1/postgres', detail: 'postgres-ECONNREFUSED' },
    ])('$name is hub-storage', async ({ url, detail }) => {
      expect(await openSharedStore(url())).toEqual({ ok: false, failure: { code: 'hub-storage', detail } });
    });
  });

  describe('a keeper beside another', () => {
    let stores: KeeperStore[] = [];
    beforeEach(async () => {
      empty();
      stores = [await open(), await open(), await open()];
    });
    afterEach(() => Promise.all(stores.map((store) => store.close())));

    it('uses a name once, whoever is first', async () => {
      for (let round = 0; round < 20; round++) {
        const once = [{ name: id32(100 + round), order: id32(1), until: 100 }];
        const kept = await Promise.all(stores.map((store, i) => store.keep({ ...transaction(round * 3 + i, 0), once })));
        expect(kept.map(must).toSorted()).toEqual(['kept', 'used', 'used']);
      }
      expect(must(await stores[0]!.queued())).toHaveLength(20);
    });

    it('numbers what an agency is told without a gap, and settles once', async () => {
      const note = (store: KeeperStore, i: number) => store.note(id32(201), { kind: 'ask.refused', subject: null, id: id16(i), at: i });
      for (const result of await Promise.all(Array.from({ length: 60 }, (_, i) => note(stores[i % 3]!, i)))) must(result);
      const changes = must(await stores[0]!.changes(id32(201), { after: 0, limit: 100 }));
      expect(changes.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
      expect(new Set(changes.map(({ at }) => at)).size).toBe(60);

      must(await stores[0]!.keep({ ...transaction(5, 9), concerns: [{ act: 0, kind: 'grant.give', agency: id32(202), subject: resident, id: id16(5), service: null, step: null }] }));
      const told = await Promise.all(stores.map((store) => store.settle([{ id: id32(5), state: 'recorded', at: 7, index: 1 }])));
      expect(told.map(must).filter((agencies) => agencies.length > 0)).toEqual([[id32(202)]]);
      expect(must(await stores[1]!.changes(id32(202), { after: 0, limit: 10 }))).toHaveLength(1);
    });
  });

  describe('a server', () => {
    let store: KeeperStore;
    beforeEach(async () => {
      empty();
      store = await open();
      must(await store.foundSpace({ resident, wrapped: message, recovery: message }));
    });
    afterEach(() => store.close());

    it('that is gone is hub-storage, and what it acknowledged is there when it is back', async () => {
      must(await store.keep(transaction(5, 9)));
      const writing = Array.from({ length: 20 }, (_, i) => store.keep(transaction(20 + i, 20 + i)));
      await server.kill();
      const answers = await Promise.all(writing);
      for (const read of [await store.space(resident), await store.keep(transaction(6, 10))]) expect(!read.ok && read.failure.code).toBe('hub-storage');
      await server.resume();
      const there = must(await store.queued()).map(({ id }) => id[0]);
      expect(there).toContain(5);
      for (const [i, answer] of answers.entries()) if (answer.ok) expect(there).toContain(20 + i);
      expect(must(await store.keep(transaction(6, 10)))).toBe('kept');
    });

    it('that ends a connection in the middle of a write leaves nothing of it', async () => {
      server.sql(`CREATE FUNCTION imi_keeper.end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
        CREATE TRIGGER end_it BEFORE INSERT ON imi_keeper.payload FOR EACH ROW EXECUTE FUNCTION imi_keeper.end_it()`);
      expect(await store.keep(transaction(5, 9))).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'postgres-57P01' } });
      server.sql('DROP TRIGGER end_it ON imi_keeper.payload');
      expect(must(await store.state(id32(5)))).toBeNull();
      expect(must(await store.keep(transaction(5, 9)))).toBe('kept');
    });

    it('that may only be read still reads', async () => {
      server.sql('CREATE ROLE reader SUPERUSER LOGIN; ALTER ROLE reader SET default_transaction_read_only = on');
      const reading = must(await openSharedStore(server.url().replace('user=imi', 'user=reader')));
      expect(must(await reading.space(resident))?.wrapped).toEqual(message);
      expect(await reading.noteOpened(resident, 1)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'postgres-25006' } });
      await reading.close();
    });

    it('whose rows another holds too long is hub-storage, and goes on when they are free', async () => {
      const impatient = must(await openSharedStore(server.url(), { lockMs: 50 }));
      const other = new Client({ connectionString: server.url() });
      await other.connect();
      await other.query('BEGIN; UPDATE imi_keeper.space SET last_opened = 1');
      expect(await impatient.noteOpened(resident, 2)).toEqual({ ok: false, failure: { code: 'hub-storage', detail: 'postgres-55P03' } });
      await other.query('ROLLBACK');
      await other.end();
      must(await impatient.noteOpened(resident, 2));
      expect(must(await store.space(resident))?.lastOpened).toBe(2);
      await impatient.close();
    });

    it('that does not write through is not used', async () => {
      await store.close();
      await server.stopServing();
      await server.resume({ fsync: 'off' });
      expect(await openSharedStore(server.url())).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(/fsync = off/) as unknown } });
      await server.stopServing();
      await server.resume();
      store = await open();
    });
  });
});
