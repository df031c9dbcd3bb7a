import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { kioskCountersigning } from '../../src/hub/kiosk-countersigning.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { nothingAttested, type Act } from '../../src/ledger/verify/acts.ts';
import { encodeDraft, inputFor, newDraft, withSignature } from '../../src/ledger/verify/draft.ts';
import type { Signer } from '../../src/ledger/verify/envelope.ts';
import { decodeRecord, stateKey } from '../../src/ledger/verify/records.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { demoServerPath, seedWorld, type World } from '../../tools/demo/world.ts';
import { seedOf } from '../ledger/small-district.ts';
import { cardInMemory } from './card-in-memory.ts';
import { must } from './visitor.ts';

let dir: string;
let world: World;
let hub: Hub;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'countersign-'));
  world = await seedWorld(dir, Date.now, { serverPath: demoServerPath });
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(dir, { recursive: true, force: true });
});

const partySigner = (name: string): Signer => ed25519Signer(partySecrets(name).sign);
const device = ed25519Signer(seedOf('a new kiosk'));
const enrol = (change: Partial<Extract<Act, { kind: 'kiosk.enrol' }>> = {}): Act => ({ kind: 'kiosk.enrol', id: 'hall-9', hub: world.serverFile.hub, key: device.key, ...change });
const retire = (id: string): Act => ({ kind: 'kiosk.retire', id, attested: nothingAttested });
const card = (person: string): Signer => cardInMemory(world.cards[person] ?? '').sig;

/** Signed by one of two, the other being the hub. */
async function draftOf(acts: Act[], { by = card('tech-ou'), chain = world.hubFile.trustRoot.chain, other = partySigner(world.serverFile.hub) }: { by?: Signer; chain?: string; other?: Signer } = {}): Promise<Uint8Array> {
  const body = { v: 1 as const, chain, nonce: new Uint8Array(16).fill(acts.length), notAfter: Math.floor(Date.now() / 1000) + 600, acts };
  const draft = newDraft(body, [by.key, other.key]);
  const signed = must(withSignature(draft, by.key, await by.sign(inputFor(draft, by.key, nodeCrypto) ?? new Uint8Array()), nodeCrypto));
  return encodeDraft(signed);
}

describe('the hub signs nothing', () => {
  const stranger = ed25519Signer(seedOf('nobody'));
  it.each([
    { of: 'that is no draft', draft: () => Promise.resolve(new Uint8Array(8)), by: {}, detail: 'draft-form' },
    { of: 'of two acts', draft: () => draftOf([enrol(), enrol({ id: 'hall-8' })]), by: {}, detail: 'draft-form' },
    { of: 'that is neither enrolment nor retirement', draft: () => draftOf([{ kind: 'staff.retire', id: new Uint8Array(16) }]), by: {}, detail: 'draft-form' },
    { of: 'of another chain', draft: () => draftOf([enrol()], { chain: 'another' }), by: {}, detail: 'draft-form' },
    { of: 'that it is not to sign', draft: () => draftOf([enrol()], { other: partySigner('tax-bureau') }), by: {}, detail: 'draft-form' },
    { of: 'for another hub', draft: () => draftOf([enrol({ hub: 'tax-bureau' })]), by: {}, detail: 'another-hub' },
    { of: 'that staff of another role signed', draft: () => draftOf([enrol()], { by: card('staff-liang') }), by: {}, detail: 'not-a-technician' },
    { of: 'that a resident signed', draft: () => draftOf([enrol()], { by: card('lin') }), by: {}, detail: 'not-a-technician' },
    { of: 'that nobody known signed', draft: () => draftOf([enrol()], { by: stranger }), by: {}, detail: 'not-a-technician' },
    { of: 'with a key that its bringer has not proved', draft: () => draftOf([enrol()]), by: { key: stranger.key }, detail: 'another-kiosk' },
    { of: 'that a kiosk brings for another', draft: () => draftOf([enrol()]), by: { kiosk: 'hall-1' }, detail: 'another-kiosk' },
    { of: 'that retires another kiosk', draft: () => draftOf([retire('hall-2')]), by: { kiosk: 'hall-1' }, detail: 'another-kiosk' },
    { of: 'that retires a kiosk whose key its bringer has not', draft: () => draftOf([retire('hall-2')]), by: { key: stranger.key }, detail: 'another-kiosk' },
  ])('$of', async ({ draft, by, detail }) => {
    expect(await hub.countersign(await draft(), by)).toEqual({ ok: false, failure: { code: 'hub-refused', detail } });
  });

  it('where its key is kept elsewhere', async () => {
    const elsewhere = kioskCountersigning({ ledger: hub.ledger, hub: world.serverFile.hub, signer: null, take: () => Promise.reject(new Error('taken')), crypto: nodeCrypto, now: Date.now });
    expect(await elsewhere(await draftOf([enrol()]), {})).toEqual({ ok: false, failure: { code: 'hub-refused', detail: 'no-hub-key' } });
  });
});

it('what a technician signed for the key that is proved is taken, once', async () => {
  const draft = await draftOf([enrol()]);
  expect(await hub.countersign(draft, { key: device.key })).toMatchObject({ ok: true });
  await expect.poll(async () => must(await hub.ledger.values([stateKey.kiosk('hall-9')]))[0] ?? null).not.toBeNull();
  const [value] = must(await hub.ledger.values([stateKey.kiosk('hall-9')]));
  expect(decodeRecord('kiosk', value ?? new Uint8Array())).toMatchObject({ key: device.key, state: 'active', hub: world.serverFile.hub });
  // Its name is taken now, whoever signs.
  const again = await hub.countersign(await draftOf([enrol({ key: ed25519Signer(seedOf('another device')).key })]), {});
  expect(again).toMatchObject({ ok: true, value: { state: 'rejected', code: 'id-taken' } });
});
