import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { ActivityIndex, mostOnPage, type ActivityPage } from '../../src/keeper/activity.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustOf, verifyHead } from '../../src/ledger/verify/head.ts';
import { decodeRecord } from '../../src/ledger/verify/records.ts';
import { verifyResidentChain, type ChainEntry } from '../../src/ledger/verify/resident-chain.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { cardSigner, newId, orderBy } from './agency-stand.ts';
import { viewOf } from './ledger-view.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let lin: Visitor;
let visit: OpenVisit;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-activity-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  must(await parts.keeper.recover());
  lin = new Visitor(world, 'lin', callDirectly(parts));
  visit = await lin.signIn();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };

/** As the kiosk does it: nothing of the answer is believed but what verifies. */
function verified(page: Pick<ActivityPage, 'head' | 'record' | 'proof'> & { entries: ChainEntry[] }, subject = lin.resident): string {
  const head = verifyHead(page.head, trustOf(world.hubFile.trustRoot), nodeCrypto);
  if (!head.ok) return 'head';
  const { record, proof } = page;
  const entries = page.entries.map(({ logIndex, actIndex, act }) => ({ logIndex, actIndex, act }));
  const chain = verifyResidentChain({ subject, entries, record, proof }, head.value.stateRoot, nodeCrypto);
  return chain.ok ? chain.value.map(({ kind }) => kind).join(' ') : chain.failure.fault;
}

describe("a resident's list of everything", () => {
  it('is proven complete: what was anchored, granted, asked, looked at and ended', async () => {
    const { submission, draft } = await lin.request(visit, 'tax/property-tax-certificate', answers);
    must(await parts.keeper.take(submission));
    const order = { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.property-certificate', subject: lin.resident, grant: draft.grant, access: newId() } as const;
    const { transaction } = must(await parts.keeper.release(await orderBy(cardSigner(world, 'officer-mai'), parts.ledger.chain, order)));
    must(await parts.keeper.take(await lin.end(visit, draft.grant, 'tax-bureau')));
    const page = must(await parts.keeper.activity(visit.session, 0));
    expect(verified(page)).toMatch(/^(?:credential\.anchor )+grant\.give request\.submit access\.record grant\.end$/);
    expect(page.entries.at(-2)?.transaction).toEqual(transaction);
  });

  it('has the same entries behind any place, and nothing behind its end', async () => {
    const all = must(await parts.keeper.activity(visit.session, 0)).entries;
    const pages = [...must(await parts.keeper.activity(visit.session, 0)).entries.slice(0, 2), ...must(await parts.keeper.activity(visit.session, 2)).entries];
    expect(pages).toEqual(all);
    expect(must(await parts.keeper.activity(visit.session, all.length)).entries).toEqual([]);
    expect(all.length).toBeLessThan(mostOnPage);
  });

  it.each<{ name: string; fault: string; damage: (entries: ActivityPage['entries']) => ActivityPage['entries'] }>([
    { name: 'one entry left out', fault: 'missing', damage: (entries) => entries.toSpliced(1, 1) },
    { name: 'the last one left out', fault: 'missing', damage: (entries) => entries.slice(0, -1) },
    { name: 'two swapped', fault: 'out-of-order', damage: ([first, second, ...others]) => [second!, first!, ...others] },
    { name: 'two whose places are swapped too', fault: 'altered', damage: ([first, second, ...others]) => [{ ...second!, logIndex: first!.logIndex }, { ...first!, logIndex: second!.logIndex }, ...others] },
    { name: 'one doubled', fault: 'out-of-order', damage: ([first, ...others]) => [first!, first!, ...others] },
    { name: 'one put elsewhere in the log', fault: 'altered', damage: (entries) => entries.with(-1, { ...entries.at(-1)!, logIndex: entries.at(-1)!.logIndex + 1 }) },
  ])('does not hold with $name', async ({ fault, damage }) => {
    const page = must(await parts.keeper.activity(visit.session, 0));
    expect(verified({ ...page, entries: damage(page.entries) })).toBe(fault);
  });

  it("does not hold with another resident's entries among them, nor as another's", async () => {
    const chen = new Visitor(world, 'chen', callDirectly(parts));
    const theirs = must(await parts.keeper.activity((await chen.signIn()).session, 0));
    const own = must(await parts.keeper.activity(visit.session, 0));
    expect(verified({ ...own, entries: own.entries.with(0, theirs.entries[0]!) })).toBe('not-theirs');
    expect(verified(theirs)).toBe('unproven');
    expect(verified(theirs, chen.resident)).toMatch(/credential\.anchor/);
  });

  it('is given to the open visit alone', async () => {
    const refused = await parts.keeper.activity(newId(), 0);
    expect(!refused.ok && refused.failure).toEqual({ code: 'hub-refused', detail: 'session' });
  });
});

describe('the index', () => {
  const open = (name: string) => must(openKeeperStore(join(dataDir, name)));

  it('is made anew from the log, and comes to the same', async () => {
    const store = open('anew.sqlite');
    const index = new ActivityIndex({ ledger: viewOf(parts.ledger), store, crypto: nodeCrypto });
    const page = must(await index.of(lin.resident, 0));
    expect(page.entries).toEqual(must(await parts.keeper.activity(visit.session, 0)).entries);
    await index.close();
    await store.close();
  });

  it('goes on behind a gap of blocks that nobody told it of, and takes one that is told twice once', async () => {
    const store = open('gap.sqlite');
    let isDeaf = true;
    const listening: ((block: Parameters<Parameters<typeof parts.ledger.onBlock>[0]>[0]) => void)[] = [];
    const ledger = viewOf(parts.ledger, {
      onBlock: (listener) => {
        listening.push(listener);
        return parts.ledger.onBlock((block) => {
          if (!isDeaf) for (let i = 0; i < 2; i++) listener(block);
        });
      },
    });
    const index = new ActivityIndex({ ledger, store, crypto: nodeCrypto });
    must(await index.catchUp());
    const before = must(await store.activity(lin.resident, { after: 0, limit: 1000 })).length;
    for (const deaf of [true, false, true]) {
      isDeaf = deaf;
      const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
      must(await parts.keeper.take(submission));
      must(await parts.ledger.receipt(id, 5000));
    }
    const page = must(await index.of(lin.resident, 0));
    expect(page.entries).toHaveLength(before + 6);
    expect(verified(page)).not.toMatch(/^[a-z-]+$/);
    await index.close();
    await store.close();
  });

  it('goes on with the next block after one that could not be looked at, and says so', async () => {
    const store = open('broken.sqlite');
    let isBroken = true;
    const faults: string[] = [];
    const indexed: typeof store.indexed = () => (isBroken ? Promise.reject(new TypeError('a bug')) : store.indexed());
    const index = new ActivityIndex({
      ledger: viewOf(parts.ledger),
      store: { indexed, index: (...given) => store.index(...given), activity: (...given) => store.activity(...given) },
      crypto: nodeCrypto,
      onFault: (where, error) => faults.push(`${where}: ${String(error)}`),
    });
    const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
    must(await parts.keeper.take(submission));
    must(await parts.ledger.receipt(id, 5000));
    await expect.poll(() => faults).toEqual(['activity: TypeError: a bug']);
    isBroken = false;
    expect(must(await index.of(lin.resident, 0)).entries).toEqual(must(await parts.keeper.activity(visit.session, 0)).entries);
    await index.close();
    await store.close();
  });

  it('of a resident who does not exist is empty, with the proof of that', async () => {
    const store = open('nobody.sqlite');
    const index = new ActivityIndex({ ledger: viewOf(parts.ledger), store, crypto: nodeCrypto });
    const page = must(await index.of(newId(), 0));
    expect([page.record, page.entries]).toEqual([null, []]);
    await index.close();
    await store.close();
  });

  it('says hub-busy rather than a list that is not whole', async () => {
    const store = open('behind.sqlite');
    const index = new ActivityIndex({ ledger: viewOf(parts.ledger, { entries: () => Promise.resolve({ ok: true, value: [] }) }), store, crypto: nodeCrypto });
    const refused = await index.of(lin.resident, 0);
    expect(!refused.ok && refused.failure.code).toBe('hub-busy');
    const record = must(await parts.keeper.activity(visit.session, 0)).record;
    expect(decodeRecord('resident', record ?? new Uint8Array()).id).toEqual(demoId('lin'));
    await index.close();
    await store.close();
  });
});

describe('mutes', () => {
  it('are the resident’s own, and are named to nobody but the keeper', async () => {
    const call = callDirectly(parts);
    must(await call('mute.set', { session: visit.session, agency: 'tax-bureau', muted: true }));
    must(await call('mute.set', { session: visit.session, agency: 'tax-bureau', muted: true }));
    must(await call('mute.set', { session: visit.session, agency: 'bank', muted: true }));
    expect(must(await call('mute.list', { session: visit.session })).agencies).toEqual(['bank', 'tax-bureau']);
    expect(must(await parts.keeper.isMuted(lin.resident, 'tax-bureau'))).toBe(true);
    expect(must(await parts.keeper.isMuted(demoId('chen'), 'tax-bureau'))).toBe(false);
    must(await call('mute.set', { session: visit.session, agency: 'tax-bureau', muted: false }));
    expect(must(await parts.keeper.isMuted(lin.resident, 'tax-bureau'))).toBe(false);
  });
});

it('an agency is told what became of an ask that never reached the ledger', async () => {
  const ask = newId();
  const before = must(await parts.keeper.changes('bank', 0, 200)).length;
  let told = 0;
  const stop = parts.keeper.onChange('bank', () => (told += 1));
  must(await parts.keeper.noteAsk('bank', 'ask.refused', ask, lin.resident));
  stop();
  expect(told).toBe(1);
  expect(must(await parts.keeper.changes('bank', before, 200))).toMatchObject([{ seq: before + 1, kind: 'ask.refused', id: ask, subject: lin.resident, transaction: null }]);
});
