import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fail } from '../../src/contract/result.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { Keeper, type KeeperParts } from '../../src/keeper/keeper.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { partySigner } from './agency-stand.ts';
import type { CommittedBlock } from '../../src/ledger/ledger.ts';
import { viewOf } from './ledger-view.ts';
import { callDirectly, must, Visitor, type OpenVisit } from '../hub/visitor.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let lin: Visitor;
let visit: OpenVisit;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-interruption-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  lin = new Visitor(world, 'lin', callDirectly(parts));
  visit = await lin.signIn();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { meter_number: '12345678', meter_reading: '10.5', takeover_date: '2026-11-01', phone: '13800138000' };

/** A keeper of its own beside the hub's, over the same ledger, whose node fails as told. */
function keeperBeside(name: string, ledger: KeeperParts['ledger']): { keeper: Keeper; store: ReturnType<typeof openStore> } {
  const store = openStore(name);
  return { store, keeper: new Keeper({ ledger, store, opener: softwareOpener(partySecrets('keeper').seal), tags: tagsUnder(partySecrets('keeper').seal), name: 'keeper', signer: partySigner('keeper'), crypto: nodeCrypto, now: Date.now }) };
}
const openStore = (name: string) => must(openKeeperStore(join(dataDir, name)));

/** The ledger, whose submission fails until it is mended. */
function brokenLedger(): { ledger: KeeperParts['ledger']; mend: () => void } {
  let broken = true;
  const { ledger } = parts;
  return {
    mend: () => (broken = false),
    ledger: viewOf(ledger, { submit: (envelope) => (broken ? Promise.resolve(fail('hub-storage', 'sqlite-13')) : ledger.submit(envelope)) }),
  };
}

describe('a ledger that cannot write', () => {
  it('makes the keeper say so, and takes the same submission later', async () => {
    const { ledger, mend } = brokenLedger();
    const { keeper } = keeperBeside('later.sqlite', ledger);
    const { id, submission } = await lin.request(visit, 'utility/water-account-transfer', answers);
    const refused = await keeper.take(submission);
    expect(!refused.ok && refused.failure.code).toBe('hub-storage');
    expect(must(await keeper.state(id)).state).toBe('queued');
    mend();
    expect(must(await keeper.take(submission)).state).toBe('queued');
    expect(must(await parts.ledger.receipt(id, 5000))).not.toBeNull();
    await keeper.close();
  });

  it('is given what was kept when the hub starts again', async () => {
    const { ledger, mend } = brokenLedger();
    const first = keeperBeside('again.sqlite', ledger);
    const { id, submission } = await lin.request(visit, 'utility/water-account-transfer', answers);
    await first.keeper.take(submission);
    await first.keeper.close();
    mend();
    const second = keeperBeside('again.sqlite', ledger);
    must(await second.keeper.recover());
    expect(must(await parts.ledger.receipt(id, 5000))).not.toBeNull();
    await second.keeper.close();
  });

  it('is given what was kept with the next block, without a restart', async () => {
    const { ledger, mend } = brokenLedger();
    const { keeper, store } = keeperBeside('block.sqlite', ledger);
    const { id, submission } = await lin.request(visit, 'utility/water-account-transfer', answers);
    await keeper.take(submission);
    mend();
    const other = await lin.request(visit, 'utility/water-account-transfer', answers);
    const recorded = new Promise<void>((resolve) => {
      const stop = parts.ledger.onBlock(({ transactions }) => {
        if (!transactions.some((transaction) => Buffer.from(transaction.id).equals(id))) return;
        stop();
        resolve();
      });
    });
    must(await parts.keeper.take(other.submission));
    await recorded;
    expect(must(await parts.ledger.state(id)).state).toBe('recorded');
    expect(must(await store.state(id))).not.toBeNull();
    await keeper.close();
  });
});

describe('an exception while a block is settled', () => {
  it('is told, ends nothing, and the next block is settled', async () => {
    const { ledger } = parts;
    let [fault, heard]: [Error | null, ((block: CommittedBlock) => void) | null] = [null, null];
    const told: unknown[] = [];
    const failing = viewOf(ledger, {
      state: (id) => (fault === null ? ledger.state(id) : Promise.reject(fault)),
      onBlock: (listener) => {
        heard ??= listener;
        return () => undefined;
      },
    });
    const store = openStore('fault.sqlite');
    const keeper = new Keeper({ ledger: failing, store, opener: softwareOpener(partySecrets('keeper').seal), tags: tagsUnder(partySecrets('keeper').seal), name: 'keeper', signer: partySigner('keeper'), crypto: nodeCrypto, now: Date.now, onFault: (...what) => told.push(what) });
    const { id, submission } = await lin.request(visit, 'utility/water-account-transfer', answers);
    must(await keeper.take(submission));
    must(await ledger.receipt(id, 5000));
    fault = new Error('a bug');
    const hear = (): void => heard?.({ height: 1, timeMs: Date.now(), transactions: [] });
    hear();
    // With the round of the block, or one after it.
    await expect(keeper.recover()).rejects.toThrow('a bug');
    expect(told).toEqual([['settling', fault]]);
    fault = null;
    hear();
    must(await keeper.recover());
    expect(must(await store.state(id))).toEqual({ state: 'recorded' });
    await keeper.close();
  });
});

describe("a disk on which the keeper's own file is full", () => {
  it('gives nothing to the ledger that is not kept, and takes it when there is room', async () => {
    const { keeper, store } = keeperBeside('full.sqlite', parts.ledger);
    const { id, submission } = await lin.request(visit, 'utility/water-account-transfer', answers);
    store.database.exec(`PRAGMA max_page_count = ${Number(store.database.prepare('PRAGMA page_count').get()?.['page_count'])}`);
    const refused = await keeper.take(submission);
    expect(!refused.ok && refused.failure.code).toBe('hub-storage');
    expect(must(await parts.ledger.state(id)).state).toBe('unknown');
    store.database.exec('PRAGMA max_page_count = 1073741823');
    expect(must(await keeper.take(submission)).state).toBe('queued');
    await keeper.close();
  });
});
