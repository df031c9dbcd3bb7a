import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hubFileSchema } from '../../src/contract/hub-file.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { connectHub, type HubClient } from '../../src/ledger/client/hub-client.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import type { Act } from '../../src/ledger/verify/acts.ts';
import { signEnvelope } from '../../src/ledger/verify/envelope.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { symbolsToReceipt } from '../../src/ledger/verify/receipt-symbols.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { decodeRecord, stateKey } from '../../src/ledger/verify/records.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';
import { wayToHub } from '../../src/main/way-to-hub.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { demoHubPath, demoTlsHubPath } from '../../tools/demo/world.ts';
import { openKioskStand, type KioskStand } from '../main/kiosk-stand.ts';
import { cardInMemory } from './card-in-memory.ts';
import { callDirectly, must, soon, Visitor } from './visitor.ts';

const tax = 'tax/property-tax-certificate';

let stand: KioskStand;
let other: HubClient | null = null;
beforeAll(async () => {
  stand = await openKioskStand({ over: 'tls' });
});
afterAll(async () => {
  other?.close();
  await stand.close();
});

const hub = (): Hub => {
  if (stand.hub === null) throw new Error('the hub is stopped');
  return stand.hub;
};
async function out(): Promise<void> {
  await stand.pull();
  await stand.screen.sees('goodbye');
}
/** A kiosk's own end of the door, without the kiosk. */
function clientOf(id: 'hall-1' | 'hall-2', calls: string = id): HubClient {
  other?.close();
  const dataDir = stand.world.kioskDirs[id] ?? '';
  const place = { address: hub().doors[0]?.address ?? '', pin: hub().pin ?? '' };
  other = connectHub(wayToHub(place, { kioskId: calls, dataDir, deviceKey: must(readDeviceKey(`${dataDir}/device.key.json`)) }));
  return other;
}

test('the hub listens on TLS alone, and the demonstration’s two files differ in nothing else', () => {
  expect(hub().doors.map(({ address }) => address)).toEqual([expect.stringMatching(/^tls:\/\/127\.0\.0\.1:\d+$/)]);
  expect(hub().socketPath).toBe('');
  const [plain, tls] = [demoHubPath, demoTlsHubPath].map((path) => hubFileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
  expect({ ...tls, hub: null }).toEqual({ ...plain, hub: null });
  expect(tls?.hub).toEqual({ address: 'tls://127.0.0.1:7443', pin: hub().pin });
});

describe('a resident at a kiosk on another machine', () => {
  test('signs in and makes a request, and has a receipt that a stranger can check', async () => {
    await stand.signIn('lin');
    const { state, qr, reference } = await stand.sign(tax);
    expect(state).toBe('recorded');
    const proof = verifyReceipt(symbolsToReceipt(qr) ?? new Uint8Array(), trustOf(stand.world.hubFile.trustRoot), nodeCrypto);
    expect(proof).toMatchObject({ ok: true, value: { reference } });
    await out();
  });

  test('signs while the cable is out: the request waits, and is recorded when the cable is in again', async () => {
    await stand.signIn('chen');
    await stand.toSign(tax);
    stand.cable?.pull();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    expect(await stand.screen.sees('receipt')).toMatchObject({ state: 'queued' });
    await expect.poll(() => hub().doors[0]?.connections, { timeout: 15_000 }).toBe(0);
    await out();
    await stand.insert('lin');
    expect(await stand.screen.sees('failure')).toMatchObject({ code: 'hub-unreachable' });
    stand.cable?.plug();
    stand.screen.touch({ intent: 'retry' });
    await stand.screen.sees('pin', () => true);
    await out();
    await expect
      .poll(
        async () => {
          const { requests } = await stand.signIn('chen');
          await out();
          return requests.map(({ state }) => state);
        },
        { timeout: 15_000 },
      )
      .toEqual(['recorded']);
  }, 60_000);

  test('goes on when the hub was started anew in the middle', async () => {
    await stand.signIn('lin');
    await stand.toSign(tax);
    await stand.stopHub();
    await stand.startHub();
    stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
    const { reference } = await stand.screen.sees('receipt');
    await out();
    await expect
      .poll(
        async () => {
          const { requests } = await stand.signIn('lin');
          await out();
          return requests.find((request) => request.reference === reference)?.state;
        },
        { timeout: 15_000 },
      )
      .toBe('recorded');
  }, 30_000);
});

describe('a kiosk speaks for itself only', () => {
  test('by its own name', async () => {
    const answer = await clientOf('hall-2', 'hall-1').call('hello', { kiosk: 'hall-1' });
    expect(answer).toMatchObject({ ok: false, failure: { code: 'kiosk-not-enrolled', detail: 'key' } });
    expect(await clientOf('hall-2').call('hello', { kiosk: 'hall-2' })).toMatchObject({ ok: true });
  });

  test('at sign-in', async () => {
    const client = clientOf('hall-2');
    const lin = new Visitor(stand.world, 'lin', (method, params) => client.call(method, params));
    expect(await client.call('space.open', await lin.proveKey())).toMatchObject({ ok: false, failure: { code: 'hub-refused', detail: 'kiosk-mismatch' } });
    expect(await client.call('space.open', await lin.proveKey((challenge) => ({ ...challenge, kiosk: 'hall-2' })))).toMatchObject({ ok: true });
  });

  test('when it attests, and nothing is lost by it: the right kiosk can still bring it', async () => {
    const atHall1 = callDirectly(hub(), 'hall-1');
    const huang = new Visitor(stand.world, 'huang', atHall1);
    const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
    const { id, submission } = await huang.request(await huang.signIn(), tax, answers);
    const hall2 = clientOf('hall-2');
    expect(await hall2.call('transaction.submit', submission)).toEqual({ ok: false, failure: { code: 'hub-refused', detail: 'kiosk-mismatch' } });
    expect(must(await hall2.call('transaction.state', { transaction: id }))).toEqual({ state: 'unknown' });
    expect(must(await atHall1('transaction.submit', submission)).state).toMatch(/queued|recorded/);
  });
});

test('a kiosk that is retired while it serves is out of service at once', async () => {
  other?.close();
  await stand.signIn('lin');
  await retire('hall-1');
  expect(await stand.screen.sees('failure', ({ code }) => code === 'kiosk-not-enrolled')).toMatchObject({ detail: 'retired' });
  await expect.poll(() => hub().doors[0]?.connections).toBe(0);
});

async function retire(id: string): Promise<void> {
  const [value] = must(await hub().ledger.values([stateKey.kiosk(id)]));
  const { attested } = decodeRecord('kiosk', value ?? new Uint8Array());
  const act: Act = { kind: 'kiosk.retire', id, attested: attested ?? { count: 0, hash: new Uint8Array(32) } };
  const body = { v: 1 as const, chain: hub().ledger.chain, nonce: new Uint8Array(randomBytes(16)), notAfter: soon() + 3600, acts: [act] };
  const signers = [cardInMemory(stand.world.cards['tech-ou'] ?? '').sig, ed25519Signer(partySecrets('xiguan-hub').sign)];
  expect(must(await hub().keeper.take({ envelope: await signEnvelope(body, signers, nodeCrypto), payloads: [] })).code).toBeUndefined();
}
