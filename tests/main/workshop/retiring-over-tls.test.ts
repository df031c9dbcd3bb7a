import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeCrypto } from '../../../src/ledger/node-crypto.ts';
import { trustThrough } from '../../../src/ledger/verify/handover.ts';
import { verifyReceipt } from '../../../src/ledger/verify/receipt.ts';
import { decodeRecord, stateKey } from '../../../src/ledger/verify/records.ts';
import { readDeviceKey } from '../../../src/main/device-key.ts';
import { must } from '../../hub/visitor.ts';
import { openKioskStand, type KioskStand } from '../kiosk-stand.ts';

/** A kiosk with a cable between itself and its hub, which hangs up on it the moment that it is retired. */
let stand: KioskStand;
beforeAll(async () => {
  stand = await openKioskStand({ over: 'tls' });
}, 60_000);
afterAll(() => stand.close());

test('a kiosk that is retired over TLS keeps the proof of it, and its key goes after that', async () => {
  const dir = stand.world.kioskDirs['hall-1'] ?? '';
  const { publicKey } = must(readDeviceKey(join(dir, 'device.key.json')));
  await stand.hand.insert(stand.world.cards['tech-ou'] ?? '', { slot: 'staff' });
  await stand.screen.sees('staff-pin');
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  await stand.screen.sees('staff-home');
  stand.screen.touch({ intent: 'workshop.open', part: 'devices' });
  await stand.screen.sees('workshop');
  stand.screen.touch({ intent: 'workshop.open', part: 'retire' });
  stand.screen.touch({ intent: 'workshop.retire' });
  await stand.screen.sees('workshop', (page) => page.part === 'retire' && page.state === 'pin');
  stand.screen.touch({ intent: 'pin.submit', pin: '123456' });
  const shown = await stand.screen.sees('workshop', (page) => page.part === 'retire' && (page.state === 'done' || page.state === 'refused'));
  expect(shown).toMatchObject({ state: 'done', qr: [expect.any(String)] });

  const proof = verifyReceipt(new Uint8Array(readFileSync(join(dir, 'retired.receipt'))), trustThrough(stand.world.hubFile.trustRoot, nodeCrypto), nodeCrypto);
  if (!proof.ok) throw new Error(proof.failure.code);
  expect(proof.value.body.acts).toMatchObject([{ kind: 'kiosk.retire', id: 'hall-1' }]);
  expect(existsSync(join(dir, 'device.key.json'))).toBe(false);
  const [value] = must((await stand.hub?.ledger.values([stateKey.kiosk('hall-1')])) ?? { ok: true, value: [] });
  expect(decodeRecord('kiosk', value ?? new Uint8Array())).toMatchObject({ state: 'retired', key: publicKey });
}, 60_000);
