import { afterAll, beforeAll, describe } from 'vitest';
import { openSharedStore } from '../../src/keeper/postgres-store.ts';
import { must } from '../hub/visitor.ts';
import { noPostgres, PostgresServer } from './postgres-server.ts';
import { describeStore } from './store-suite.ts';

describe.skipIf(noPostgres !== null)(`PostgreSQL${noPostgres === null ? '' : ` (${noPostgres})`}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());

  describeStore('PostgreSQL', {
    fresh: () => void server.sql('DROP SCHEMA IF EXISTS imi_keeper CASCADE'),
    open: async () => must(await openSharedStore(server.url())),
    end: () => undefined,
  });
});
