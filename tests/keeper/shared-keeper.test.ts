import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RejectionCode } from '../../src/contract/failures.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { openGrantInner } from '../../src/identity/grant.ts';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { askBookIn, openAskBook } from '../../src/keeper/ask-book.ts';
import { Keeper, type KeeperParts } from '../../src/keeper/keeper.ts';
import { openPostgresDatabase } from '../../src/keeper/postgres-database.ts';
import { openSharedStore } from '../../src/keeper/postgres-store.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import type { Id } from '../../src/ledger/verify/acts.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import type { OrderBody } from '../../src/ledger/verify/order.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { demoPeople } from '../../tools/demo/people.ts';
import { demoServerPath, seedWorld, worldAt, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, soon, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { filesBelow, findTexts } from '../journeys/byte-search.ts';
import { cardSigner, newId, orderBy, partyOpener, partySigner } from './agency-stand.ts';
import { viewOf } from './ledger-view.ts';
import { noPostgres, PostgresServer } from './postgres-server.ts';

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };

describe.skipIf(noPostgres !== null)(`a keeper that hubs share${noPostgres === null ? '' : ` (${noPostgres})`}`, () => {
  let dataDir: string;
  let server: PostgresServer;
  let serverPath: string;
  let world: World;
  let hub: HubParts;
  let lin: Visitor;
  let visit: OpenVisit;

  /** The demonstration's server file, with its data spaces there. */
  const serverFileWith = (name: string, keeper: string | object): string => {
    const path = join(dataDir, `${name}.server.json`);
    writeFileSync(path, JSON.stringify({ ...worldAt('', { serverPath: demoServerPath }).serverFile, keeper }));
    return path;
  };

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'imi-shared-'));
    server = await PostgresServer.start();
    serverPath = serverFileWith('hub', server.create('district'));
    world = await seedWorld(join(dataDir, 'world'), Date.now, { serverPath });
    hub = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
    must(await hub.keeper.recover());
    lin = new Visitor(world, 'lin', callDirectly(hub));
    visit = await lin.signIn();
  });
  afterAll(async () => {
    await hub.close();
    await server.stop();
    rmSync(dataDir, { recursive: true });
  });

  /** Another hub's keeper: a store of its own on the same database, the same keys, and the ledger as it sees it. */
  const keeperBeside = async (change: Partial<KeeperParts['ledger']> = {}, database = 'district'): Promise<Keeper> =>
    new Keeper({
      ledger: viewOf(hub.ledger, change),
      store: must(await openSharedStore(server.url(database))),
      opener: partyOpener('keeper'),
      tags: tagsUnder(partySecrets('keeper').seal),
      name: 'keeper',
      signer: partySigner('keeper'),
      crypto: nodeCrypto,
      now: Date.now,
    });

  const granted = async (reads: number): Promise<Id> => {
    const { id, submission, draft } = await lin.request(visit, 'tax/property-tax-certificate', answers, { spoil: (one) => ({ ...one, reads }) });
    must(await hub.keeper.take(submission));
    must(await hub.ledger.receipt(id, 5000));
    return draft.grant;
  };
  const orderOf = (grant: Id, change: Partial<OrderBody> = {}): Promise<Uint8Array> =>
    orderBy(cardSigner(world, 'officer-mai'), hub.ledger.chain, { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.property-certificate', subject: lin.resident, grant, access: newId() }, change);
  const readsLeft = async (grant: Id): Promise<number> => (await lin.record('grant', stateKey.grant(grant))).reads;
  const code = async (release: ReturnType<Keeper['release']>): Promise<string> => {
    const released = await release;
    return released.ok ? 'released' : released.failure.code;
  };

  it('releases the last read of a grant at one of two hubs, whichever is asked first', async () => {
    const other = await keeperBeside();
    for (let round = 0; round < 5; round++) {
      const grant = await granted(1);
      const codes = await Promise.all([code(hub.keeper.release(await orderOf(grant))), code(other.release(await orderOf(grant)))]);
      expect(codes.toSorted()).toEqual(['reads-spent', 'released']);
      expect(await readsLeft(grant)).toBe(0);
    }
    await other.close();
  });

  it('carries an order out once where it comes to both hubs, and a nonce once', async () => {
    const other = await keeperBeside();
    const grant = await granted(3);
    const order = await orderOf(grant);
    const [here, there] = (await Promise.all([hub.keeper.release(order), other.release(order)])).map(must);
    expect(here?.transaction).toEqual(there?.transaction);
    expect(await readsLeft(grant)).toBe(2);
    const nonce = newId();
    const codes = await Promise.all([code(hub.keeper.release(await orderOf(grant, { nonce }))), code(other.release(await orderOf(grant, { nonce })))]);
    expect(codes.toSorted()).toEqual(['nonce-spent', 'released']);
    expect(await readsLeft(grant)).toBe(1);
    await other.close();
  });

  it('tells nobody that an order is refused which the other hub is carrying out, because its own node is behind', async () => {
    const waiting: Uint8Array[] = [];
    const north = await keeperBeside({
      submit: (envelope) => (waiting.push(envelope), Promise.resolve(ok({ state: 'queued' }))),
      receipt: () => Promise.resolve(ok(null)),
      onBlock: () => () => undefined,
    });
    const south = await keeperBeside({ submit: () => Promise.resolve(ok({ state: 'rejected', code: 'grant-unknown' })), onBlock: () => () => undefined });
    const grant = await granted(2);
    const order = await orderOf(grant);
    expect(await code(north.release(order))).toBe('hub-busy');
    expect(await code(south.release(order))).toBe('hub-busy');
    for (const envelope of waiting) must(await hub.ledger.submit(envelope));
    await expect.poll(() => readsLeft(grant)).toBe(1);
    expect(await code(south.release(order))).toBe('released');
    expect(await readsLeft(grant)).toBe(1);
    await Promise.all([north.close(), south.close()]);
  });

  it('shows at each hub what came in at the other', async () => {
    const other = await keeperBeside();
    const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
    must(await other.take(submission));
    must(await hub.ledger.receipt(id, 5000));
    const { contents } = await lin.signIn();
    expect(contents.parts.some((part) => Buffer.from(part.transaction).equals(id))).toBe(true);
    must(await hub.keeper.recover());
    const [here, there] = [must(await hub.keeper.changes('tax-bureau', 0, 200)), must(await other.changes('tax-bureau', 0, 200))];
    expect(here).toEqual(there);
    expect(here.length).toBeGreaterThan(2);
    await other.close();
  });

  it('tells whoever listens at one hub of what the other settled', async () => {
    const other = await keeperBeside({ onBlock: () => () => undefined });
    const [settledThere, heard] = [Promise.withResolvers<null>(), Promise.withResolvers<null>()];
    // It hears of the block only when the other has settled what is in it.
    const listening = await keeperBeside({ onBlock: (listener) => hub.ledger.onBlock((block) => void settledThere.promise.then(() => listener(block))) });
    const known = must(await listening.changes('tax-bureau', 0, 200)).length;
    listening.onChange('tax-bureau', () => heard.resolve(null));
    const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
    must(await other.take(submission));
    must(await hub.ledger.receipt(id, 5000));
    must(await other.recover());
    settledThere.resolve(null);
    await heard.promise;
    expect(must(await listening.changes('tax-bureau', known, 200)).map(({ kind }) => kind)).toEqual(['grant.give', 'request.submit']);
    await Promise.all([other.close(), listening.close()]);
  });

  describe('a request that one hub brings to the ledger and another’s node would not have yet', () => {
    type Block = Parameters<Parameters<KeeperParts['ledger']['onBlock']>[0]>[0];
    /** A hub whose node refuses what it is given, and hears of blocks when it is told to. */
    const southThat = async (refuses: RejectionCode, database = 'district'): Promise<{ south: Keeper; hears: (block: Partial<Block>) => Promise<void>; given: () => number }> => {
      let listener: ((block: Block) => void) | null = null;
      let given = 0;
      const south = await keeperBeside({
        submit: () => {
          given++;
          return Promise.resolve(ok({ state: 'rejected', code: refuses }));
        },
        // As a node that is behind, which has heard of nothing.
        state: () => Promise.resolve(ok({ state: 'unknown' })),
        onBlock: (heard) => {
          listener ??= heard;
          return () => undefined;
        },
      }, database);
      return {
        south,
        given: () => given,
        hears: async (block) => {
          listener?.({ height: 1, timeMs: Date.now(), transactions: [], ...block });
          must(await south.recover());
        },
      };
    };
    const stateOf = (id: Uint8Array, database = 'district'): string => server.sql(`SELECT state FROM imi_keeper.tx WHERE id = '\\x${toHex(id)}'`, database);
    const partsOf = (id: Uint8Array): number => Number(server.sql(`SELECT count(*) FROM imi_keeper.payload WHERE tx = '\\x${toHex(id)}'`, 'alone'));

    it.each([
      { name: 'behind', refuses: 'grant-unknown', heights: [5] },
      { name: 'two blocks behind', refuses: 'grant-unknown', heights: [5, 6, 7] },
      { name: 'with a clock that runs ahead', refuses: 'expired', heights: [5, 6, 7, 8] },
    ] as const)('reaches its agency with what came along, where the other is $name', async ({ refuses, heights }) => {
      const waiting: Uint8Array[] = [];
      const north = await keeperBeside({
        submit: (envelope) => {
          waiting.push(envelope);
          return Promise.resolve(ok({ state: 'queued' }));
        },
        onBlock: () => () => undefined,
      });
      const { south, hears } = await southThat(refuses);
      const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
      expect(must(await north.take(submission))).toMatchObject({ state: 'queued' });
      for (const height of heights) await hears({ height });
      expect(stateOf(id)).toBe(heights.length === 3 ? 'rejected' : 'queued');
      for (const envelope of waiting) must(await hub.ledger.submit(envelope));
      must(await hub.ledger.receipt(id, 5000));
      must(await hub.keeper.recover());
      must(await north.recover());
      // The block itself, at the hub that has refused it.
      const recorded = must(await hub.ledger.state(id));
      if (recorded.state !== 'recorded') throw new Error(recorded.state);
      const opened = openEnvelope(submission.envelope, nodeCrypto);
      if (!opened.ok) throw new Error(opened.failure.code);
      await hears({ height: recorded.height, transactions: [{ id, index: recorded.index, envelope: submission.envelope, body: opened.value.body }] });
      expect(stateOf(id)).toBe('recorded');
      const listed = must(await hub.keeper.requestsOf('tax-bureau', { limit: 200 }));
      expect(listed.items.some(({ transaction }) => Buffer.from(transaction).equals(id))).toBe(true);
      await Promise.all([north.close(), south.close()]);
    });

    it('is on its way at both, where it comes to the one that is behind as well', async () => {
      const north = await keeperBeside({ submit: () => Promise.resolve(ok({ state: 'queued' })), onBlock: () => () => undefined });
      const { south } = await southThat('grant-unknown');
      const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
      const taken = must(await north.take(submission));
      expect(must(await south.take(submission))).toEqual(taken);
      expect(stateOf(id)).toBe('queued');
      must(await hub.ledger.submit(submission.envelope));
      must(await hub.ledger.receipt(id, 5000));
      must(await hub.keeper.recover());
      expect(stateOf(id)).toBe('recorded');
      await Promise.all([north.close(), south.close()]);
    });

    it.each([
      { name: 'though the other has refused it for good', heights: [5, 6, 7], isStale: false },
      { name: 'though what it was held against is gone', heights: [], isStale: true },
    ])('is on its way still where it was taken, when it comes there again, $name', async ({ heights, isStale }) => {
      let isTaken = false;
      const north = await keeperBeside({
        submit: () => Promise.resolve(ok({ state: 'queued' })),
        state: (id) => (isTaken ? Promise.resolve(ok({ state: 'queued' })) : hub.ledger.state(id)),
        values: (keys) => (isTaken && isStale ? Promise.resolve(ok(keys.map(() => null))) : hub.ledger.values(keys)),
        onBlock: () => () => undefined,
      });
      const { south, hears } = await southThat('grant-unknown');
      const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
      const taken = must(await north.take(submission));
      isTaken = true;
      for (const height of heights) await hears({ height });
      expect(stateOf(id)).toBe(isStale ? 'queued' : 'rejected');
      expect(must(await north.take(submission))).toEqual(taken);
      await Promise.all([north.close(), south.close()]);
    });

    it('is refused for good on states two blocks apart, and what came along goes a day after its own end', async () => {
      server.create('alone');
      const north = await keeperBeside({ submit: () => Promise.resolve(fail('hub-busy', 'queue full')), onBlock: () => () => undefined }, 'alone');
      const { south, hears, given } = await southThat('grant-unknown', 'alone');
      const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
      expect((await north.take(submission)).ok).toBe(false);
      must(await south.recover());
      expect(stateOf(id, 'alone')).toBe('queued');
      for (const [height, state] of [[5, 'queued'], [6, 'queued'], [7, 'rejected'], [8, 'rejected']] as const) {
        await hears({ height });
        expect(stateOf(id, 'alone')).toBe(state);
      }
      const before = given();
      const opened = openEnvelope(submission.envelope, nodeCrypto);
      const end = opened.ok ? opened.value.body.notAfter : 0;
      await hears({ height: 9, timeMs: (end + 86_400) * 1000 });
      expect(partsOf(id)).toBeGreaterThan(3);
      await hears({ height: 10, timeMs: (end + 86_401) * 1000 });
      expect(partsOf(id)).toBe(0);
      expect(given()).toBe(before);
      expect(must(await south.state(id))).toMatchObject({ state: 'rejected', code: 'grant-unknown' });
      await Promise.all([north.close(), south.close()]);
    });
  });

  it.each([
    { name: 'kept and not yet given to the ledger', killBefore: true },
    { name: 'recorded and not yet handed out', killBefore: false },
  ])('whose server is killed with the access $name releases later, and one read is counted', async ({ killBefore }) => {
    let isToDie = false;
    const keeper = await keeperBeside({
      submit: async (envelope) => {
        if (isToDie && killBefore) await server.kill();
        const submitted = await hub.ledger.submit(envelope);
        if (isToDie && !killBefore) await server.kill();
        isToDie = false;
        return submitted;
      },
    });
    const grant = await granted(2);
    const order = await orderOf(grant);
    isToDie = true;
    // What was sealed to the agency may be at hand already: then it is the last that is had without the store.
    expect(['hub-storage', 'released']).toContain(await code(keeper.release(order)));
    expect(await code(keeper.release(await orderOf(grant)))).toBe('hub-storage');
    await server.resume();
    const released = must(await keeper.release(order));
    expect(must(await openGrantInner(released.inner, grant, partyOpener('tax-bureau')))).toHaveLength(1);
    expect(await readsLeft(grant)).toBe(1);
    must(await hub.keeper.recover());
    const { contents } = await lin.signIn();
    expect(contents.parts.filter((part) => Buffer.from(part.transaction).equals(released.transaction))).toHaveLength(1);
    await keeper.close();
  });

  /** `imi keeper`, as whoever runs a hub calls it. */
  const cli = (name: string, path: string, ...more: string[]): { code: number; said: string } => {
    const args = [join(import.meta.dirname, '../../src/cli/imi.ts'), 'keeper', name, '--server', path, '--data', world.hubDir, ...more];
    try {
      return { code: 0, said: execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }) };
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: string };
      return { code: status, said: stderr };
    }
  };
  const check = (path: string): ReturnType<typeof cli> => cli('check', path);

  it('is copied into a folder while the hubs go on, and back from it onto another server or into a file', { timeout: 60_000 }, async () => {
    const whole = check(serverPath);
    const asks = askBookIn(must(await openPostgresDatabase(server.url('district'))), partySecrets('keeper').seal);
    const asked = newId();
    must(await asks.keepAsk({ id: asked, agency: 'tax-bureau', subject: lin.resident, signed: 'signed.by.tax', until: soon() + 600, withCode: false }, soon()));
    await asks.close();
    const out = join(dataDir, 'backup');
    const copied = cli('backup', serverPath, '--out', out);
    expect(copied.code).toBe(0);
    expect(copied.said).toContain(`${out}: ${whole.said.trim()}; 1 asks, `);
    for (const path of ['asks.sqlite', 'asks.sqlite-wal', 'asks.sqlite-shm', 'status-lists']) {
      if (existsSync(join(world.hubDir, path))) renameSync(join(world.hubDir, path), join(dataDir, path));
    }
    const [second, file] = [serverFileWith('second', server.create('second')), serverFileWith('file', { path: 'moved.sqlite' })];
    expect(cli('restore', second, '--from', out)).toEqual(copied);
    expect(check(second)).toEqual(whole);
    expect(cli('restore', second, '--from', out)).toMatchObject({ code: 1, said: expect.stringContaining('nothing is written over') as unknown });
    rmSync(join(world.hubDir, 'asks.sqlite'), { force: true });
    expect(cli('restore', second, '--from', out)).toMatchObject({ code: 1, said: expect.stringContaining('there are data spaces already') as unknown });
    expect(cli('restore', file, '--from', out)).toEqual(copied);
    expect(check(file)).toEqual(whole);
    const restored = must(openAskBook(join(world.hubDir, 'asks.sqlite'), partySecrets('keeper').seal));
    expect(must(await restored.ask(asked))).toMatchObject({ agency: 'tax-bureau', signed: 'signed.by.tax' });
    await restored.close();
    for (const path of ['asks.sqlite', 'asks.sqlite-wal', 'asks.sqlite-shm', 'status-lists']) {
      rmSync(join(world.hubDir, path), { recursive: true, force: true });
      if (existsSync(join(dataDir, path))) renameSync(join(dataDir, path), join(world.hubDir, path));
    }
  });

  it('is brought back from a dump: looked through, and every space opens as before', { timeout: 60_000 }, async () => {
    const whole = check(serverPath);
    expect(whole).toMatchObject({ code: 0, said: expect.stringMatching(/^[1-9]\d* spaces with [1-9]\d* objects, [1-9]\d* private parts opened/) as unknown });
    const dump = server.run('pg_dump', ['--format', 'custom', 'district']);
    const restored = serverFileWith('restored', server.create('restored'));
    server.run('pg_restore', ['--exit-on-error', '--no-owner', '--dbname', 'restored'], dump);
    expect(check(restored)).toEqual(whole);
    const before = (await lin.signIn()).opened.objects;
    await hub.close();
    hub = must(await openHubParts({ hubFile: world.hubFile, serverFile: worldAt('', { serverPath: restored }).serverFile, dataDir: world.hubDir }));
    must(await hub.keeper.recover());
    lin = new Visitor(world, 'lin', callDirectly(hub));
    visit = await lin.signIn();
    expect(visit.opened.objects).toEqual(before);
    expect(must(await hub.keeper.activity(visit.session, 0)).entries.length).toBeGreaterThan(2);
    expect(await code(hub.keeper.release(await orderOf(await granted(1))))).toBe('released');

    server.sql("UPDATE imi_keeper.payload SET sealed = decode(repeat('00', 600), 'hex') WHERE what = 'part' AND addressee = 'keeper'", 'district');
    expect(check(serverPath)).toMatchObject({ code: 1, said: expect.stringContaining('does not open with this keeper’s key') as unknown });
  });

  it('holds nothing of a resident in the clear: neither its dumps nor its files', async () => {
    const told = demoPeople.flatMap(({ facts = {} }) => [facts.name, facts.name_latin, facts.identity_number, facts.address, facts.birth_date, facts.household_number]);
    const canaries = [...told, answers.phone].filter((text) => text !== undefined);
    expect(canaries.length).toBeGreaterThan(30);
    // A row's bytes stand in a plain dump as hexadecimal digits, which is one of the forms that are looked for.
    const dump = join(dataDir, 'dump.sql');
    writeFileSync(dump, server.run('pg_dump', ['--format', 'plain', 'restored']));
    expect(findTexts([Buffer.from(lin.resident).toString('hex')], [dump])).toHaveLength(1);
    expect(findTexts([...canaries, 'tax-bureau', 'tax.property-certificate', 'officer-mai'], [dump])).toEqual([]);
    server.sql('CHECKPOINT');
    expect(findTexts([demoPeople.find(({ id }) => id === 'lin')?.facts?.name ?? '', answers.phone], filesBelow(server.folder))).toEqual([]);
  });
});
