import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyFile } from '../../src/hub/key-file.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustThrough } from '../../src/ledger/verify/handover.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';
import { openJournalFile } from '../../src/main/workshop/journal-export.ts';
import { must } from '../hub/visitor.ts';
import { expectReport } from './saved-report.ts';
import { expect, test } from './journey.ts';
import { pin } from './steps.ts';

/** Pictures for docs/workshop.md, where somebody wants them. */
const album = process.env['WORKSHOP_ALBUM'];
if (album !== undefined) mkdirSync(album, { recursive: true });

test('a technician tests a reader, reads and exports the journal, and retires the kiosk', async ({ kiosk, hall }) => {
  const picture = async (name: string): Promise<void> => {
    if (album !== undefined) await kiosk.screenshot(join(album, `${name}.png`));
  };
  const dataDir = hall.world.kioskDirs['hall-1'] ?? '';
  const key = must(readDeviceKey(join(dataDir, 'device.key.json')));
  await kiosk.sees('attract');
  await kiosk.insertStaffCard('tech-ou');
  await kiosk.sees('staff-pin');
  await kiosk.chooseLanguage('en');
  await kiosk.enterPin(pin);
  await kiosk.sees('staff-home');
  await kiosk.openWorkshop();
  await picture('bench-1-devices');

  await kiosk.openDevice('reader-resident');
  await kiosk.insertCard('lin');
  await kiosk.reads('Card in');
  await kiosk.tryDevice();
  await kiosk.reads('OpenPGP 3.4, a card in use');
  await kiosk.reads('00 a4 04 00');
  await picture('bench-2-reader');
  await kiosk.pullCard();
  await kiosk.reads('Ready, empty');
  await kiosk.back();

  await kiosk.openWorkshop('journal');
  await kiosk.reads('staff.signed-in');
  await kiosk.filterJournal('devices');
  await kiosk.doesNotRead('staff.signed-in');
  await kiosk.filterJournal('staff');
  await kiosk.reads('staff.signed-in');
  await picture('bench-3-journal');
  await kiosk.back();

  await kiosk.openWorkshop('export');
  await kiosk.exportTo(join(dataDir, 'exports'));
  await kiosk.reads('Safe to remove');
  await picture('bench-4-export');
  const [file = ''] = readdirSync(join(dataDir, 'exports'));
  const hubKey = must(readKeyFile(join(hall.world.hubDir, hall.world.serverFile.key)));
  const lines = must(await openJournalFile(new Uint8Array(readFileSync(join(dataDir, 'exports', file))), key.publicKey, softwareOpener(hubKey.seal ?? new Uint8Array()), nodeCrypto.verify));
  expect(lines).toContain('"event":"journal.exported"');
  await kiosk.back();

  // A folder that others may read is no kiosk's; this one was copied, and has to be shut.
  await kiosk.openWorkshop('readiness');
  await kiosk.reads('others may read it');
  chmodSync(dataDir, 0o700);
  await kiosk.back();
  await kiosk.openWorkshop('readiness');
  await kiosk.reads('This kiosk is ready');
  await picture('bench-7-readiness');
  await kiosk.saveReport(join(dataDir, 'exports'));
  expectReport(join(dataDir, 'exports'), key.publicKey, { kiosk: 'hall-1', ready: true });
  await kiosk.back();
  await kiosk.back();

  await kiosk.openWorkshop('retire');
  await picture('bench-5-retire');
  await kiosk.retireKiosk();
  await kiosk.enterPin(pin);
  await kiosk.reads('hall-1 is retired');
  await picture('bench-6-retired');
  expect(verifyReceipt(await kiosk.takeReceipt(), trustThrough(hall.world.hubFile.trustRoot, nodeCrypto), nodeCrypto).ok).toBe(true);
  expect(existsSync(join(dataDir, 'device.key.json'))).toBe(false);
  await kiosk.end();
  await hall.hand.pull({ slot: 'staff' });
  await kiosk.sees('failure', 'kiosk-not-enrolled');
});
