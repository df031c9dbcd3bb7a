import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fail } from '../../src/contract/result.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { openGrantInner } from '../../src/identity/grant.ts';
import { openSealed } from '../../src/identity/sealing.ts';
import { tagsUnder } from '../../src/keeper/agency-tag.ts';
import { Keeper, type KeeperParts } from '../../src/keeper/keeper.ts';
import { openKeeperStore } from '../../src/keeper/sqlite-store.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import type { Act, Id } from '../../src/ledger/verify/acts.ts';
import type { Order, OrderBody } from '../../src/ledger/verify/order.ts';
import { decodeOpenedPart } from '../../src/ledger/verify/private-part.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, soon, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { cardSigner, newId, orderBy, partyOpener, partySigner, record } from './agency-stand.ts';
import { viewOf } from './ledger-view.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let lin: Visitor;
let visit: OpenVisit;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-release-'));
  world = await seedWorld(dataDir);
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  lin = new Visitor(world, 'lin', callDirectly(parts));
  visit = await lin.signIn();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
const purpose = 'tax.property-certificate';

interface Given {
  grant: Id;
  request: Id;
}

/** Lin asks the Tax Bureau for something and grants it so many reads. */
async function granted(reads = 1, until?: number): Promise<Given> {
  const { id, submission, draft } = await lin.request(visit, 'tax/property-tax-certificate', answers, { spoil: (one) => ({ ...one, reads, until: until ?? one.until }) });
  const taken = must(await parts.keeper.take(submission));
  if (taken.state === 'rejected') throw new Error(taken.code);
  must(await parts.ledger.receipt(id, 5000));
  await lin.signIn();
  return { grant: draft.grant, request: draft.request };
}

type ReadOrder = Extract<Order, { kind: 'grant.read' }>;
const readOrder = ({ grant }: Given, change: Partial<ReadOrder> = {}): ReadOrder => ({ kind: 'grant.read', party: 'tax-bureau', purpose, subject: lin.resident, grant, access: newId(), ...change });
const signedBy = (person: string, order: Order, change: Partial<OrderBody> = {}): Promise<Uint8Array> => orderBy(cardSigner(world, person), parts.ledger.chain, order, change);
const code = async (release: ReturnType<Keeper['release']>): Promise<string> => {
  const released = await release;
  return released.ok ? 'released' : released.failure.code;
};
const readsLeft = async ({ grant }: Given): Promise<number> => (await lin.record('grant', stateKey.grant(grant))).reads;

describe('an officer of the agency', () => {
  it('is given the presentations, sealed to the agency, and the resident finds who looked', async () => {
    const given = await granted(2);
    const order = readOrder(given);
    const signed = await signedBy('officer-mai', order);
    const { transaction, inner } = must(await parts.keeper.release(signed));
    expect(must(await parts.ledger.state(transaction)).state).toBe('recorded');
    expect(must(await openGrantInner(inner, given.grant, partyOpener('tax-bureau'))).length).toBeGreaterThan(0);
    expect(await readsLeft(given)).toBe(1);

    const { contents } = await lin.signIn();
    const looked = contents.parts.find((one) => Buffer.from(one.transaction).equals(transaction));
    const { claims } = await grantPartOf(given);
    expect(looked?.opened.part).toEqual({ kind: 'access.record', party: 'tax-bureau', officer: demoId('officer-mai'), purpose, claims, signed });
  });

  it('who asks again with the same order is given the same again, and one read is counted', async () => {
    const given = await granted(2);
    const signed = await signedBy('officer-mai', readOrder(given));
    const first = must(await parts.keeper.release(signed));
    const again = must(await parts.keeper.release(signed));
    const [twice, thrice] = await Promise.all([parts.keeper.release(signed), parts.keeper.release(signed)]);
    expect([again, must(twice), must(thrice)]).toEqual([first, first, first]);
    expect(await readsLeft(given)).toBe(1);
  });

  it('finds in the agency lists what was granted, with what is left of it', async () => {
    const given = await granted(3);
    must(await parts.keeper.release(await signedBy('officer-mai', readOrder(given))));
    const { items } = must(await parts.keeper.grantsOf('tax-bureau', { limit: 100 }));
    expect(items.find(({ id }) => Buffer.from(id).equals(given.grant))).toMatchObject({ purpose, service: 'tax/property-tax-certificate', reads: 2, state: 'live', subject: lin.resident });
    const request = must(await parts.keeper.requestOf('tax-bureau', given.request));
    expect(request).toMatchObject({ service: 'tax/property-tax-certificate', step: 'submitted', grants: [given.grant] });
    const part = decodeOpenedPart(must(await openSealed(request.part, 'part', lin.resident, partyOpener('tax-bureau'))));
    expect(part?.part.kind).toBe('request.submit');
    const another = await parts.keeper.requestOf('pension-office', given.request);
    expect(!another.ok && another.failure.code).toBe('request-unknown');
  });
});

async function grantPartOf(given: Given): Promise<{ claims: string[] }> {
  const { items } = must(await parts.keeper.grantsOf('tax-bureau', { limit: 200 }));
  const found = items.find(({ id }) => Buffer.from(id).equals(given.grant));
  if (found === undefined) throw new Error('no grant');
  return found;
}

describe('nothing is released, nothing counted and nothing said of it', () => {
  let given: Given;
  beforeAll(async () => {
    given = await granted(1);
  });
  interface Refused {
    name: string;
    code: string;
    by?: string;
    order?: () => Partial<ReadOrder>;
    body?: () => Partial<OrderBody>;
  }
  const cases: Refused[] = [
    { name: 'a grant that nobody gave', code: 'grant-unknown', order: () => ({ grant: newId() }) },
    { name: "another resident's grant", code: 'grant-unknown', order: () => ({ subject: demoId('chen') }) },
    { name: "another agency's grant, by its own officer", code: 'grant-unknown', by: 'officer-luo', order: () => ({ party: 'civil-affairs', purpose: 'civil.anything' }) },
    { name: "an officer of another agency in this one's name", code: 'signer-role', by: 'officer-luo' },
    { name: 'an auditor', code: 'signer-role', by: 'auditor-shen' },
    { name: "hub staff in their hub's name", code: 'signer-role', by: 'staff-liang', order: () => ({ party: 'xiguan-hub' }) },
    { name: "a resident's card", code: 'signer-role', by: 'lin' },
    { name: 'a card that nobody knows', code: 'signer-unknown', by: 'he' },
    { name: 'another purpose', code: 'purpose-mismatch', order: () => ({ purpose: 'tax.contact-details' }) },
    { name: 'an order for another chain', code: 'chain-wrong', body: () => ({ chain: 'imi-other' }) },
    { name: 'an order that is over', code: 'expired', body: () => ({ at: soon() - 3600, notAfter: soon() - 1 }) },
    { name: 'an order of tomorrow', code: 'order-too-early', body: () => ({ at: soon() + 86_400, notAfter: soon() + 86_400 + 60 }) },
    { name: 'an order that lasts a day', code: 'not-after-too-far', body: () => ({ notAfter: soon() + 86_400 }) },
  ];
  it.each(cases)('$name: $code', async (one) => {
    const signed = await signedBy(one.by ?? 'officer-mai', readOrder(given, one.order?.()), one.body?.());
    expect(await code(parts.keeper.release(signed))).toBe(one.code);
    expect(await readsLeft(given)).toBe(1);
  });

  it("the agency's own key, which is nobody: signer-role", async () => {
    const signed = await orderBy(partySigner('tax-bureau'), parts.ledger.chain, readOrder(given));
    expect(await code(parts.keeper.release(signed))).toBe('signer-role');
  });

  it('an order of another kind: act-unknown', async () => {
    const signed = await signedBy('officer-mai', { kind: 'request.step', party: 'tax-bureau', subject: lin.resident, request: given.request, step: 'received' });
    expect(await code(parts.keeper.release(signed))).toBe('act-unknown');
  });

  it('an order with any bit flipped', async () => {
    const signed = await signedBy('officer-mai', readOrder(given));
    for (let at = 0; at < signed.length; at += 7) {
      const flipped = signed.with(at, (signed[at] ?? 0) ^ 1);
      expect(await code(parts.keeper.release(flipped)), `byte ${at}`).not.toBe('released');
    }
    expect(await readsLeft(given)).toBe(1);
  });
});

describe('an access id', () => {
  it('is of one order: another one with it is refused, whatever its nonce', async () => {
    const given = await granted(3);
    const order = readOrder(given);
    must(await parts.keeper.release(await signedBy('officer-mai', order)));
    expect(await code(parts.keeper.release(await signedBy('officer-mai', order)))).toBe('access-known');
    expect(await readsLeft(given)).toBe(2);
  });

  it('does not help with a nonce that was used', async () => {
    const given = await granted(3);
    const nonce = newId();
    must(await parts.keeper.release(await signedBy('officer-mai', readOrder(given), { nonce })));
    expect(await code(parts.keeper.release(await signedBy('officer-mai', readOrder(given), { nonce })))).toBe('nonce-spent');
    expect(await readsLeft(given)).toBe(2);
  });
});

describe('a grant that covers no more', () => {
  it('has been read as often as it may: reads-spent, and the order that read it last still stands', async () => {
    const given = await granted(1);
    const last = await signedBy('officer-mai', readOrder(given));
    must(await parts.keeper.release(last));
    expect(await code(parts.keeper.release(await signedBy('officer-mai', readOrder(given))))).toBe('reads-spent');
    expect(await code(parts.keeper.release(last))).toBe('released');
  });

  it('is raced for by two orders: one is served', async () => {
    const given = await granted(1);
    const orders = await Promise.all([signedBy('officer-mai', readOrder(given)), signedBy('officer-mai', readOrder(given))]);
    const codes = await Promise.all(orders.map((order) => code(parts.keeper.release(order))));
    expect(codes.toSorted()).toEqual(['reads-spent', 'released'].toSorted());
    expect(await readsLeft(given)).toBe(0);
  });

  it('was ended: grant-ended, also for the order that read it before', async () => {
    const given = await granted(3);
    const before = await signedBy('officer-mai', readOrder(given));
    must(await parts.keeper.release(before));
    must(await parts.keeper.take(await lin.end(visit, given.grant, 'tax-bureau')));
    expect(await code(parts.keeper.release(before))).toBe('grant-ended');
    expect(await code(parts.keeper.release(await signedBy('officer-mai', readOrder(given))))).toBe('grant-ended');
    await lin.signIn();
    const changes = must(await parts.keeper.changes('tax-bureau', 0, 200));
    expect(changes.find(({ kind, id }) => kind === 'grant.end' && Buffer.from(id).equals(given.grant))).toBeDefined();
  });
});

/** The hub's keeper over a ledger that does as told. */
function keeperOver(name: string, ledger: KeeperParts['ledger'], now: () => number = Date.now): Keeper {
  const secrets = partySecrets('keeper');
  return new Keeper({
    ledger,
    store: must(openKeeperStore(join(dataDir, name))),
    opener: partyOpener('keeper'),
    tags: tagsUnder(secrets.seal),
    name: 'keeper',
    signer: partySigner('keeper'),
    crypto: nodeCrypto,
    now,
    recordWaitMs: 50,
  });
}
/** A grant in a keeper of its own. */
async function grantedAt(keeper: Keeper, reads = 1): Promise<Given> {
  const { id, submission, draft } = await lin.request(visit, 'tax/property-tax-certificate', answers, { spoil: (one) => ({ ...one, reads }) });
  must(await keeper.take(submission));
  must(await parts.ledger.receipt(id, 5000));
  must(await keeper.recover());
  return { grant: draft.grant, request: draft.request };
}

describe('the clock and the ledger', () => {
  it('the keeper’s own clock ends a grant too, while no block is made: grant-expired', async () => {
    let aheadMs = 0;
    const keeper = keeperOver('clock.sqlite', viewOf(parts.ledger, {}), () => Date.now() + aheadMs);
    const given = await grantedAt(keeper, 3);
    const { until } = await lin.record('grant', stateKey.grant(given.grant));
    aheadMs = until * 1000 - Date.now();
    const at = until - 60;
    expect(await code(keeper.release(await signedBy('officer-mai', readOrder(given), { at, notAfter: at + 600 })))).toBe('grant-expired');
    await keeper.close();
  });

  it('a consent that is withdrawn between check and record: the rules decide, and the code says which', async () => {
    let ending: (() => Promise<void>) | null = null;
    const keeper = keeperOver('between.sqlite', viewOf(parts.ledger, {
      submit: async (envelope) => {
        const end = ending;
        ending = null;
        if (end !== null) await end();
        return parts.ledger.submit(envelope);
      },
    }));
    const given = await grantedAt(keeper, 3);
    ending = async () => {
      must(await keeper.take(await lin.end(visit, given.grant, 'tax-bureau')));
    };
    expect(await code(keeper.release(await signedBy('officer-mai', readOrder(given))))).toBe('grant-ended');
    expect(await readsLeft(given)).toBe(3);
    await keeper.close();
  });

  it('without the ledger nothing is released, and what was on its way is released later, once', async () => {
    let isAway = false;
    const keeper = keeperOver('away.sqlite', viewOf(parts.ledger, {
      submit: (envelope) => (isAway ? Promise.resolve(fail('hub-unreachable', 'no node')) : parts.ledger.submit(envelope)),
    }));
    const given = await grantedAt(keeper, 3);
    const signed = await signedBy('officer-mai', readOrder(given));
    isAway = true;
    expect(await code(keeper.release(signed))).toBe('hub-unreachable');
    expect(await code(keeper.release(signed))).toBe('hub-unreachable');
    expect(await readsLeft(given)).toBe(3);
    isAway = false;
    expect(await code(keeper.release(signed))).toBe('released');
    expect(await readsLeft(given)).toBe(2);
    await keeper.close();
  });

  it('a ledger that cannot be read releases nothing', async () => {
    let isAway = false;
    const keeper = keeperOver('unread.sqlite', viewOf(parts.ledger, { values: (keys) => (isAway ? Promise.resolve(fail('hub-unreachable', 'no node')) : parts.ledger.values(keys)) }));
    const given = await grantedAt(keeper);
    const signed = await signedBy('officer-mai', readOrder(given));
    isAway = true;
    expect(await code(keeper.release(signed))).toBe('hub-unreachable');
    await keeper.close();
  });

  it('a submission that is taken and not recorded releases nothing yet: hub-busy, then the same order releases', async () => {
    const held: Uint8Array[] = [];
    let holds = false;
    const keeper = keeperOver('held.sqlite', viewOf(parts.ledger, {
      submit: (envelope) => {
        if (!holds) return parts.ledger.submit(envelope);
        held.push(envelope);
        return Promise.resolve({ ok: true, value: { state: 'queued' } });
      },
    }));
    const given = await grantedAt(keeper, 2);
    const signed = await signedBy('officer-mai', readOrder(given));
    holds = true;
    expect(await code(keeper.release(signed))).toBe('hub-busy');
    expect(await readsLeft(given)).toBe(2);
    for (const envelope of held.slice(0, 1)) must(await parts.ledger.submit(envelope));
    holds = false;
    expect(await code(keeper.release(signed))).toBe('released');
    expect(await readsLeft(given)).toBe(1);
    await keeper.close();
  });
});

describe('those who may no more', () => {
  it('an officer who was retired, an agency that was suspended', async () => {
    const given = await granted(3);
    const early = await signedBy('officer-mai', readOrder(given));
    must(await parts.keeper.release(early));
    const authority = ed25519Signer(demoSecret('authority'));
    const suspend = (suspended: boolean): Act => ({ kind: 'party.suspend', id: 'tax-bureau', suspended });
    await record(parts, [authority], [suspend(true)]);
    expect(await code(parts.keeper.release(early))).toBe('party-inactive');
    expect(await code(parts.keeper.release(await signedBy('officer-mai', readOrder(given))))).toBe('party-inactive');
    await record(parts, [authority], [suspend(false)]);
    expect(await code(parts.keeper.release(early))).toBe('released');
    await record(parts, [partySigner('tax-bureau')], [{ kind: 'staff.retire', id: demoId('officer-mai') }]);
    expect(await code(parts.keeper.release(early))).toBe('signer-revoked');
    expect(await code(parts.keeper.release(await signedBy('officer-mai', readOrder(given))))).toBe('signer-revoked');
    expect(await readsLeft(given)).toBe(2);
  });
});
