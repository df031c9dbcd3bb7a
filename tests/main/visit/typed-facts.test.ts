import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SpaceObject } from '../../../src/contract/hub-door.ts';
import { fail, ok } from '../../../src/contract/result.ts';
import { openHub, type Hub } from '../../../src/hub/hub.ts';
import { hashOf } from '../../../src/identity/grant.ts';
import { sealTo } from '../../../src/identity/sealing.ts';
import { sealSelfClaims } from '../../../src/identity/self-claims.ts';
import { openObjects, placeName, placeOf } from '../../../src/identity/space.ts';
import { connectHub, type HubClient } from '../../../src/ledger/client/hub-client.ts';
import { createLightClient } from '../../../src/ledger/client/light-client.ts';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import type { OpenedPart } from '../../../src/ledger/verify/acts.ts';
import { trustOf } from '../../../src/ledger/verify/head.ts';
import { encodeOpenedPart } from '../../../src/ledger/verify/private-part.ts';
import { createDistrict, type District } from '../../../src/main/district.ts';
import { handedOutFacts, provenFacts } from '../../../src/main/visit/typed-facts.ts';
import type { ProvenResident } from '../../../src/main/visit/work.ts';
import { seedWorld, type World } from '../../../tools/demo/world.ts';
import { must, Visitor, type OpenVisit } from '../../hub/visitor.ts';

let dataDir: string;
let world: World;
let hub: Hub;
let client: HubClient;
let district: District;
let lin: OpenVisit;
let resident: ProvenResident;
/** As the keeper has it: the request of `first` came before that of `second`; `another` is of another resident. */
let honest: SpaceObject[];
let firstMap: Uint8Array;
let first: Uint8Array;
let second: Uint8Array;
let another: Uint8Array;

const answers = (phone: string) => ({ property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone });

async function ask(visitor: Visitor, phone: string): Promise<{ id: Uint8Array; map: Uint8Array }> {
  const { id, submission } = await visitor.request(await visitor.signIn(), 'tax/property-tax-certificate', answers(phone));
  must(await client.call('transaction.submit', submission));
  must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
  return { id, map: submission.payloads.find(({ what }) => what === 'self')?.sealed ?? new Uint8Array(0) };
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-facts-'));
  world = await seedWorld(dataDir);
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  client = connectHub({ socketPath: hub.socketPath });
  const light = createLightClient({ hub: client, trustRoot: world.hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: 60_000 });
  district = createDistrict({ hub: client, light, crypto: nodeCrypto, kioskId: 'hall-1', now: Date.now });
  const visitor = (person: string): Visitor => new Visitor(world, person, (method, params) => client.call(method, params));
  const visitorLin = visitor('lin');
  ({ id: first, map: firstMap } = await ask(visitorLin, '13800000001'));
  ({ id: second } = await ask(visitorLin, '13800000002'));
  ({ id: another } = await ask(visitor('chen'), '13800000003'));
  lin = await visitorLin.signIn();
  honest = lin.opened.objects;
  const { card } = visitorLin;
  resident = must(await district.residentOf({ sig: card.sig.key[1], aut: card.aut.key[1], dec: card.dec.publicKey }));
});
afterAll(async () => {
  client.close();
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

/** Anybody can make them. */
const plantedMap = (): SpaceObject => ({ name: 'self', sealed: sealSelfClaims(lin.space.publicKey, lin.space.resident, { phone: { value: '999', at: 1 } }), at: 1 });
const plantedPart = (map: SpaceObject, transaction: Uint8Array): SpaceObject => {
  const genuine = lin.contents.parts.find(({ opened }) => opened.part.kind === 'request.submit')?.opened;
  if (genuine?.part.kind !== 'request.submit') throw new Error('no request');
  const part: OpenedPart = { ...genuine, part: { ...genuine.part, self: hashOf(map.sealed) } };
  return { name: placeName({ kind: 'part', transaction, act: 1 }), sealed: sealTo(lin.space.publicKey, 'part', lin.space.resident, encodeOpenedPart(part)), at: 4_000_000_000 };
};
const withMap = (objects: SpaceObject[], map: SpaceObject): SpaceObject[] => [...objects.filter(({ name }) => name !== 'self'), map];
const isPartOf = (transaction: Uint8Array) => ({ name }: SpaceObject): boolean => {
  const place = placeOf(name);
  return place?.kind === 'part' && Buffer.from(place.transaction).equals(transaction);
};

async function phoneIn(objects: SpaceObject[], door: Pick<District, 'receipt' | 'isSigningKeyOf'> = district, of: ProvenResident = resident) {
  const handedOut = handedOutFacts(must(await openObjects(objects, lin.space)));
  if (handedOut === null) return 'nothing handed out';
  const facts = await provenFacts(handedOut, of, { district: door, trust: trustOf(world.hubFile.trustRoot), crypto: nodeCrypto });
  return facts.ok ? (facts.value['phone']?.value ?? 'none') : facts.failure.code;
}

test('what the newest signed request names is believed', async () => {
  expect(await phoneIn(honest)).toBe('13800000002');
  expect(await phoneIn(honest.toReversed())).toBe('13800000002');
});

test.each<{ name: string; objects: () => SpaceObject[]; phone: string }>([
  { name: 'no map at all', objects: () => honest.filter(({ name }) => name !== 'self'), phone: 'nothing handed out' },
  { name: 'a planted map', objects: () => withMap(honest, plantedMap()), phone: 'none' },
  { name: 'a map that an earlier request named', objects: () => withMap(honest, { name: 'self', sealed: firstMap, at: 4_000_000_000 }), phone: 'none' },
  { name: 'a map without any request that names one', objects: () => honest.filter((object) => !isPartOf(first)(object) && !isPartOf(second)(object)), phone: 'none' },
  {
    name: 'a planted map with a planted part of a transaction that never was',
    objects: () => {
      const map = plantedMap();
      return withMap([...honest, plantedPart(map, new Uint8Array(32).fill(7))], map);
    },
    phone: 'none',
  },
  {
    name: 'a planted map with a planted part in the place of the signed one',
    objects: () => {
      const map = plantedMap();
      return withMap([...honest.filter((object) => !isPartOf(second)(object)), plantedPart(map, second)], map);
    },
    phone: 'none',
  },
  {
    name: "a planted map with a planted part of another resident's request",
    objects: () => {
      const map = plantedMap();
      return withMap([...honest, plantedPart(map, another)], map);
    },
    phone: 'none',
  },
  { name: 'the signed map beside a planted part', objects: () => [...honest, plantedPart(plantedMap(), another)], phone: '13800000002' },
  // Until the resident's chain is proved complete, a withheld request takes the facts back to the one before it.
  { name: 'the first map, with the second request withheld', objects: () => withMap(honest.filter((object) => !isPartOf(second)(object)), { name: 'self', sealed: firstMap, at: 1 }), phone: '13800000001' },
])('$name gives $phone', async ({ objects, phone }) => {
  expect(await phoneIn(objects())).toBe(phone);
});

test('a request that another card signed vouches for nothing', async () => {
  expect(await phoneIn(honest, district, { ...resident, sig: resident.sig.with(0, (resident.sig[0] ?? 0) ^ 1) })).toBe('none');
  expect(await phoneIn(honest, district, { ...resident, id: new Uint8Array(16) })).toBe('none');
});

test('a request that the card before signed still vouches, and another card’s does not', async () => {
  const newCard: ProvenResident = { ...resident, sig: new Uint8Array(32).fill(7), readOnlyUntil: 2_000_000_000 };
  expect(await phoneIn(honest, district, newCard)).toBe('13800000002');
  expect(await phoneIn(honest, { ...district, isSigningKeyOf: () => Promise.resolve(ok(false)) }, newCard)).toBe('none');
  expect(await phoneIn(honest, { ...district, isSigningKeyOf: () => Promise.resolve(fail('hub-unreachable')) }, newCard)).toBe('hub-unreachable');
});

test('whose signing key it is, the ledger says', async () => {
  expect(must(await district.isSigningKeyOf([-19, resident.sig], resident.id))).toBe(true);
  expect(must(await district.isSigningKeyOf([-19, resident.aut], resident.id))).toBe(false);
  expect(must(await district.isSigningKeyOf([-19, resident.sig], new Uint8Array(16)))).toBe(false);
  expect(must(await district.isSigningKeyOf([-19, new Uint8Array(32).fill(7)], resident.id))).toBe(false);
});

test.each([
  { name: 'the hub has no receipt', door: () => Promise.resolve(ok(null)), phone: 'none' },
  { name: 'its receipts do not hold', door: () => Promise.resolve(fail('proof-invalid')), phone: 'none' },
  { name: 'it is away', door: () => Promise.resolve(fail('hub-unreachable')), phone: 'hub-unreachable' },
])('where $name the answer is $phone', async ({ door, phone }) => {
  expect(await phoneIn(honest, { ...district, receipt: door })).toBe(phone);
});

test('a receipt of another transaction vouches for nothing', async () => {
  const chens = must(await district.receipt(another, 0));
  expect(await phoneIn(honest, { ...district, receipt: () => Promise.resolve(ok(chens)) })).toBe('none');
});
