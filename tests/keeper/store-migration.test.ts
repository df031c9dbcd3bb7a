import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { noteConcerns } from '../../src/keeper/concerns.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { readPart } from '../../src/keeper/submission-walk.ts';
import { fromHex, toHex } from '../../src/ledger/verify/bytes.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { must } from '../hub/visitor.ts';
import { partyOpener } from './agency-stand.ts';
import { id32, transaction } from './store-suite.ts';

/** A store of version 1: the demonstration's residents, a request of lin's and one of chen's to the Tax Bureau, and a refused one of each. */
const fixture = join(import.meta.dirname, '../fixtures/keeper-1/keeper.sqlite.gz');
const lin = { request: '057954e6d7d91e0473b69cc1040ad11c', grant: '079b99014870c8f1b283ab01ec581f3f', transaction: '06d48505ff7e04011f21ed99fd47e3504ad0bef2999948ede87805f4d4c090b8' };
const chen = { request: '73ec2b3fb8ff3325cbbd2358726ec79e' };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-migration-'));
  path = join(folder, 'keeper.sqlite');
  writeFileSync(path, gunzipSync(readFileSync(fixture)));
});
afterEach(() => rmSync(folder, { recursive: true }));

const opener = partyOpener('keeper');
const tags = tagsUnder(partySecrets('keeper').seal);
const page = { after: 0, limit: 10 };

describe('a store of version 1', () => {
  it('keeps spaces, counters and states', async () => {
    const store = must(openKeeperStore(path));
    const space = must(await store.space(demoId('lin')));
    const names = space?.objects.map(({ name }) => name.replace(/[0-9a-f]{64}/, 'tx').replace(/[0-9]+$/, 'n'));
    expect(names?.toSorted()).toEqual(['credential/urn:imi:credential:identity:n', 'part/tx/n', 'part/tx/n', 'part/tx/n', 'self'].toSorted().map((name) => name.replace('identity:n', 'identity:1/n')));
    expect(space?.knownCounters).toHaveLength(1);
    expect(must(await store.state(fromHex(lin.transaction) ?? new Uint8Array()))).toEqual({ state: 'recorded' });
    await store.close();
  });

  it('tells each agency of what it concerns, once the keeper has read it, and not twice', async () => {
    const first = must(openKeeperStore(path));
    expect(must(await first.requests(tags.agency('tax-bureau'), page))).toEqual([]);
    must(await noteConcerns({ store: first, opener, tags }));
    await first.close();
    const store = must(openKeeperStore(path));
    must(await noteConcerns({ store, opener, tags }));
    const requests = must(await store.requests(tags.agency('tax-bureau'), { ...page, service: tags.service('tax/property-tax-certificate') }));
    expect(requests.map(({ id }) => toHex(id))).toEqual([lin.request, chen.request]);
    const [of] = requests;
    expect(of?.at).toBeGreaterThan(1_700_000_000);
    expect(of === undefined ? null : await readPart(of.keeperPart, of.subject, 'request.submit', opener)).toMatchObject({ agency: 'tax-bureau', version: 1 });
    expect(must(await store.grants(tags.agency('tax-bureau'), page)).map(({ id }) => toHex(id))[0]).toBe(lin.grant);
    expect(must(await store.changes(tags.agency('tax-bureau'), page)).map(({ kind }) => kind)).toEqual(['grant.give', 'request.submit', 'grant.give', 'request.submit']);
    expect(must(await store.requests(tags.agency('pension-office'), page))).toEqual([]);
    await store.close();
  });

  it('has what a release needs, under the kind of its act', async () => {
    const store = must(openKeeperStore(path));
    const of = { subject: demoId('lin'), actId: fromHex(lin.grant) ?? new Uint8Array(), kind: 'grant.give' } as const;
    expect(must(await store.payload({ ...of, what: 'grant', to: 'keeper' }))).not.toBeNull();
    expect(await readPart(must(await store.payload({ ...of, what: 'part', to: 'keeper' })) ?? new Uint8Array(), of.subject, 'grant.give', opener)).not.toBeNull();
    await store.close();
  });
});

it('a store of version 2 takes what is rejected and recorded after all', async () => {
  await must(openKeeperStore(path)).close();
  const second = new DatabaseSync(path);
  second.exec('DROP INDEX tx_refused; ALTER TABLE tx DROP COLUMN kept_until; PRAGMA user_version = 2');
  second.close();
  const store = must(openKeeperStore(path));
  must(await store.keep(transaction(5, 9)));
  must(await store.settle([{ id: id32(5), state: 'rejected', code: 'expired', until: 7 }]));
  must(await store.settle([{ id: id32(5), state: 'recorded', at: 7, index: 1 }]));
  expect(must(await store.state(id32(5)))).toEqual({ state: 'recorded' });
  await store.close();
});

it('a store of a newer program is left as it is', () => {
  const newer = new DatabaseSync(path);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  const opened = openKeeperStore(path);
  expect(!opened.ok && opened.failure).toEqual({ code: 'hub-storage', detail: 'schema 99' });
});
