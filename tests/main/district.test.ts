import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DoorResult } from '../../src/contract/hub-door.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { connectHub, type HubClient } from '../../src/ledger/client/hub-client.ts';
import { createLightClient, type LightClient } from '../../src/ledger/client/light-client.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { createDistrict } from '../../src/main/district.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { must } from '../hub/visitor.ts';
import { receiptOfLin } from '../ledger/receipt-of-lin.ts';
import { chain, genesis } from '../ledger/small-district.ts';

type Files = DoorResult<'services.list'>['services'];

let dataDir: string;
let world: World;
let hub: Hub;
let client: HubClient;
let files: Files;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-district-'));
  world = await seedWorld(dataDir);
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  client = connectHub({ socketPath: hub.socketPath });
  files = must(await client.call('services.list', {})).services;
});
afterAll(async () => {
  client.close();
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

/** A hub that hands out these service files, and is otherwise honest. */
async function offered(handedOut: Files): Promise<{ ids: string[]; refused: number }> {
  const lying = { ...client, call: (method, params, options) => (method === 'services.list' ? Promise.resolve(ok({ services: handedOut, held: [] })) : client.call(method, params, options)) } as HubClient;
  const light = createLightClient({ hub: lying, trustRoot: world.hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: 60_000 });
  const { offers, bundles, refused } = must(await createDistrict({ hub: lying, light, crypto: nodeCrypto, kioskId: 'hall-1', now: Date.now }).services());
  return { ids: [...offers.map(({ service }) => service.id), ...bundles.map(({ bundle }) => bundle.id)].sort(), refused };
}

const altered = (definition: Uint8Array): Uint8Array => new Uint8Array(Buffer.from(Buffer.from(definition).toString('utf8').replace('"required"', '"required" '), 'utf8'));

test.each(['ledger-split', 'trust-expired'] as const)('after %s no receipt is believed, however whole', async (code) => {
  const { bare } = await receiptOfLin();
  const proof = verifyReceipt(bare, { chain, height: 1, validators: genesis.validators }, nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.detail);
  const { transaction } = proof.value;
  const receiptHub = { ...client, call: () => Promise.resolve(ok({ receipt: bare })) } as unknown as HubClient;
  let refusal: ReturnType<LightClient['refusal']> = null;
  const light: LightClient = {
    trust: { chain, height: 1, validators: genesis.validators },
    newest: null,
    headAgeMs: () => null,
    refusal: () => refusal,
    ask: () => Promise.resolve(fail('hub-unreachable')),
    refresh: () => Promise.resolve(fail('hub-unreachable')),
    read: () => Promise.resolve(fail('hub-unreachable')),
  };
  const district = createDistrict({ hub: receiptHub, light, crypto: nodeCrypto, kioskId: 'hall-1', now: Date.now });
  expect(await district.receipt(transaction, 0)).toMatchObject({ ok: true, value: { receipt: bare } });
  refusal = fail(code).failure;
  expect(await district.receipt(transaction, 0)).toEqual({ ok: false, failure: { code } });
});

test.each([
  { name: 'an agency', party: 'tax-bureau' },
  { name: 'the registrar', party: 'registrar' },
  { name: 'nobody that the ledger knows', party: 'unheard-of' },
])('a hub that names $name as its keeper is not believed', async ({ party }) => {
  const lying = { ...client, call: (method, params, options) => (method === 'hello' ? client.call('hello', { kiosk: 'hall-1' }).then((said) => (said.ok ? ok({ ...said.value, keeper: party }) : said)) : client.call(method, params, options)) } as HubClient;
  const light = createLightClient({ hub: lying, trustRoot: world.hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: 60_000 });
  expect(await createDistrict({ hub: lying, light, crypto: nodeCrypto, kioskId: 'hall-1', now: Date.now }).keeper()).toMatchObject({ ok: false, failure: { code: 'hub-refused' } });
});

test('the service files that the ledger names are offered', async () => {
  expect(files.length).toBeGreaterThan(1);
  expect(await offered(files)).toEqual({ ids: files.map(({ id }) => id).sort(), refused: 0 });
});

test.each<{ name: string; change: (files: Files) => Files }>([
  { name: 'with one space more', change: ([one, ...rest]) => (one === undefined ? [] : [{ ...one, definition: altered(one.definition) }, ...rest]) },
  { name: 'that is no service', change: ([one, ...rest]) => (one === undefined ? [] : [{ ...one, definition: new Uint8Array([1, 2, 3]) }, ...rest]) },
  { name: 'under the name of another service', change: ([one, other, ...rest]) => (one === undefined || other === undefined ? [] : [{ ...one, definition: other.definition }, other, ...rest]) },
])('a service file $name is not offered, and the others are', async ({ change }) => {
  const handedOut = change(files);
  expect(handedOut).not.toEqual(files);
  expect(await offered(handedOut)).toEqual({ ids: files.slice(1).map(({ id }) => id).sort(), refused: 1 });
});

/** The district as a hub tells it that hands out this for a status list, and is otherwise honest. */
const districtWith = (list?: Uint8Array | null): ReturnType<typeof createDistrict> => {
  const lying = { ...client, call: (method, params, options) => (list !== undefined && method === 'status.get' ? Promise.resolve(ok({ list })) : client.call(method, params, options)) } as HubClient;
  const light = createLightClient({ hub: lying, trustRoot: world.hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: 60_000 });
  return createDistrict({ hub: lying, light, crypto: nodeCrypto, kioskId: 'hall-1', now: Date.now });
};

test('issuers that the ledger does not have cost nobody else, whatever they call themselves and however many they are', async () => {
  const odd = ['', 'nobody', 'Ⅷ 号', '../authority', '\ud800', ...Array.from({ length: 70 }, (_, index) => `nobody-${index}`)];
  const found = must(await districtWith().issuers([...odd, 'registrar']));
  expect(found.map(({ party, list }) => [party.id, list !== null])).toEqual([['registrar', true]]);
});

test.each([
  { name: 'kept back', change: () => null },
  { name: 'altered', change: (list: Uint8Array) => list.map((byte, index) => (index === list.length - 1 ? byte ^ 1 : byte)) },
])('a status list that is $name is none, and its issuer stays', async ({ change }) => {
  const { list } = must(await client.call('status.get', { issuer: 'registrar' }));
  if (list === null) throw new Error('the demo has a list');
  const found = must(await districtWith(change(list)).issuers(['registrar']));
  expect(found.map((issuer) => [issuer.party.id, issuer.list])).toEqual([['registrar', null]]);
});
