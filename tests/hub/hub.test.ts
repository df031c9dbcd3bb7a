import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { openGrantInner, openGrantOuter } from '../../src/identity/grant.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { verifyPresentation } from '../../src/identity/presentation.ts';
import { openAnswers } from '../../src/identity/request.ts';
import { rememberedAnswers } from '../../src/identity/self-claims.ts';
import { connectHub, type HubClient } from '../../src/ledger/client/hub-client.ts';
import { createLightClient, query } from '../../src/ledger/client/light-client.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { verifyReceipt, withParts } from '../../src/ledger/verify/receipt.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { demoId } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { demoPeople } from '../../tools/demo/people.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { must, soon, Visitor } from './visitor.ts';

let dataDir: string;
let world: World;
let hub: Hub;
let client: HubClient;
const start = async (): Promise<void> => {
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  client = connectHub({ socketPath: hub.socketPath });
};
const stop = async (): Promise<void> => {
  client.close();
  await hub.close();
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-hub-'));
  world = await seedWorld(dataDir);
  await start();
});
afterAll(async () => {
  await stop();
  rmSync(dataDir, { recursive: true });
});

const visitor = (person: string): Visitor => new Visitor(world, person, (method, params) => client.call(method, params));
const taxAnswers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };

describe('a resident at a kiosk, over the real door', () => {
  it('is told chain, hub and keeper', async () => {
    expect(must(await client.call('hello', { kiosk: 'hall-1' }))).toEqual({ chain: 'imi-demo', hub: 'xiguan-hub', keeper: 'keeper' });
  });

  it('finds head and key proven against the trust root of the hub file', async () => {
    const light = createLightClient({ hub: client, trustRoot: world.hubFile.trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: 60_000 });
    const { records } = must(await light.read([query.resident(demoId('lin')), query.resident(demoId('he')), query.kiosk('hall-1')]));
    expect(records.map((record) => record?.state ?? null)).toEqual(['active', null, 'active']);
  });

  it.each(demoPeople.filter(({ situation }) => situation === 'registered' || situation === 'pin-blocked'))('opens the space of $name with every fact of the register', async ({ id, facts }) => {
    const { credential, contents } = await visitor(id).signIn();
    expect(credential.claims).toEqual(facts);
    expect(contents.parts.map(({ opened }) => opened.part.kind)).toContain('credential.anchor');
  });

  it('makes a request, is given a receipt that holds, and finds it in the space at the next visit', async () => {
    const lin = visitor('lin');
    const visit = await lin.signIn();
    const before = visit.opened.lastOpened;
    const { id, submission, prepared, draft } = await lin.request(visit, 'tax/property-tax-certificate', taxAnswers);
    expect(['queued', 'recorded']).toContain(must(await client.call('transaction.submit', submission)).state);
    const { receipt } = must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
    const proof = verifyReceipt(withParts(receipt ?? new Uint8Array(0), prepared.parts) ?? new Uint8Array(0), trustOf(world.hubFile.trustRoot), nodeCrypto);
    expect(proof.ok).toBe(true);
    expect(must(await client.call('transaction.state', { transaction: id })).state).toBe('recorded');
    expect(must(await client.call('transaction.submit', submission)).state).toBe('recorded');

    const again = await lin.signIn();
    expect(again.opened.lastOpened).toBeGreaterThanOrEqual(before ?? 0);
    expect(again.opened.knownCounters).toEqual([]);
    expect(again.contents.parts.filter(({ transaction }) => Buffer.from(transaction).equals(id)).map(({ opened }) => opened)).toEqual(prepared.parts);
    const { services } = must(await client.call('services.list', {}));
    const water = services.find(({ id: name }) => name.startsWith('utility/'));
    expect(rememberedAnswers(again.contents.self, JSON.parse(Buffer.from(water?.definition ?? '').toString('utf8')) as Parameters<typeof rememberedAnswers>[1])).toEqual({ phone: '13812345678' });

    // What the agency will get, once it is released: exactly the granted claims, and the answers.
    const agency = softwareOpener(partySecrets('tax-bureau').seal);
    const outer = submission.payloads.find(({ what }) => what === 'grant')?.sealed ?? new Uint8Array(0);
    const inner = must(await openGrantOuter(outer, draft.grant, softwareOpener(partySecrets('keeper').seal)));
    const [presentation = ''] = must(await openGrantInner(inner, draft.grant, agency));
    const registrar = await lin.record('party', stateKey.party('registrar'));
    const shown = must(verifyPresentation(presentation, { issuer: { name: 'registrar', key: registrar.sign }, grant: draft.grant, agency: 'tax-bureau', now: soon(), verify: nodeCrypto.verify }));
    expect(Object.keys(shown.claims).sort()).toEqual([...draft.claims].sort());
    const answers = submission.payloads.find(({ what }) => what === 'answers')?.sealed ?? new Uint8Array(0);
    expect(must(await openAnswers(answers, draft.request, agency))).toEqual(taxAnswers);
  });

  it('loses nothing when the hub is stopped and started between submission and block', async () => {
    const chen = visitor('chen');
    const { id, submission } = await chen.request(await chen.signIn(), 'tax/property-tax-certificate', taxAnswers);
    must(await client.call('transaction.submit', submission));
    await stop();
    await start();
    must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
    const { contents } = await visitor('chen').signIn();
    expect(contents.parts.filter(({ transaction }) => Buffer.from(transaction).equals(id))).toHaveLength(2);
    expect(contents.self).toHaveProperty('phone');
  });

  it.each([
    { name: 'a card that was reported lost', person: 'wang', code: 'key-blocked' },
    { name: 'a card that was never registered', person: 'he', code: 'key-unknown' },
  ])('refuses $name', async ({ person, code }) => {
    const answer = await client.call('space.open', await visitor(person).proveKey());
    expect(!answer.ok && answer.failure.code).toBe(code);
  });
});

describe('what lies on the disk of the hub', () => {
  const filesBelow = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));

  it('holds no fact of anybody in the clear', async () => {
    const huang = visitor('huang');
    const { id, submission } = await huang.request(await huang.signIn(), 'tax/property-tax-certificate', { ...taxAnswers, phone: '13987650000' });
    must(await client.call('transaction.submit', submission));
    must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
    await huang.signIn();
    const canaries = [
      ...demoPeople.flatMap(({ facts = {} }) => [facts.name, facts.name_latin, facts.identity_number, facts.address, facts.birth_date, facts.household_number]),
      '13987650000',
      '13812345678',
    ].filter((canary) => canary !== undefined);
    expect(canaries.length).toBeGreaterThan(30);
    const files = filesBelow(world.hubDir).filter((path) => statSync(path).isFile());
    expect(files.some((path) => path.endsWith('keeper.sqlite'))).toBe(true);
    for (const path of files) {
      const bytes = readFileSync(path);
      for (const canary of canaries) {
        for (const encoded of [Buffer.from(canary, 'utf8'), Buffer.from(canary, 'utf16le'), Buffer.from(Buffer.from(canary).toString('base64url').slice(0, -2))]) {
          expect(bytes.includes(encoded), `${path}: ${canary}`).toBe(false);
        }
      }
    }
  });
});
