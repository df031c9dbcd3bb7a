import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import type { HubFile } from '../../src/contract/hub-file.ts';
import { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';
import { KioskProcess } from '../../tools/kiosk-driver/kiosk-process.ts';
import { demoHubPath, worldAt } from '../../tools/demo/world.ts';
import { EscposPaper } from '../../tools/virtual-devices/escpos-paper.ts';
import { plugSerialWire } from '../../tools/virtual-devices/serial-wire.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';
import { must } from '../hub/visitor.ts';
import { TerminalWithCards } from '../cli/terminal-with-cards.ts';
import { expect, test } from './journey.ts';
import type { Hall } from './hall.ts';
import { expectReport } from './saved-report.ts';
import { fillIn, pin, services, signIn } from './steps.ts';

const { kiosks } = worldAt('', { hubPath: demoHubPath }).hubFile;
const first = kiosks['hall-1'] as HubFile['kiosks'][string];

/** Of the kiosk that the wizard makes; python3 holds its line. */
const printer = existsSync('/usr/bin/python3') ? { path: join(tmpdir(), `imi-lp-wizard-${process.pid}`), widthDots: 576 } : undefined;

// The first kiosk leaves the reader to the one that is set up beside it.
test.use({ plan: { hubFile: { kiosks: { ...kiosks, 'hall-1': { ...first, readers: { resident: 'A reader that is not there' } }, 'hall-3': first, 'hall-4': { ...first, ...(printer === undefined ? {} : { devices: { printer } }) } } } } });

/** Pictures for docs/workshop.md, where somebody wants them. */
const album = process.env['WORKSHOP_ALBUM'];
if (album !== undefined) mkdirSync(album, { recursive: true });

/** `imi kiosk provision` at a terminal beside the new kiosk. */
async function provision(hall: Hall, kioskId: string, card: string): Promise<string> {
  const config = join(hall.world.dataDir, `${kioskId}.json`);
  writeFileSync(config, JSON.stringify({ hub: hall.hubPath, kiosk: kioskId, data: join(hall.world.dataDir, kioskId) }));
  return (await new TerminalWithCards(hall.pcscd, hall.hand).imi(['kiosk', 'provision', '--config', config], [hall.cardFile(card)])).out;
}

test('a second kiosk is made of an empty folder at a terminal, and serves', async ({ hall }) => {
  expect(await provision(hall, 'hall-3', 'tech-ou')).toContain('Enrolled: hall-3');
  const process = new KioskProcess({ hubFile: hall.hubPath, kioskId: 'hall-3', dataDir: join(hall.world.dataDir, 'hall-3'), pcscSocket: hall.pcscd.socketPath });
  try {
    const kiosk = new Kiosk(process, hall.hand, (person) => hall.cardFile(person));
    await signIn(kiosk, 'lin');
    await fillIn(kiosk, services.tax);
    await kiosk.enterPin(pin);
    await kiosk.sees('receipt', 'recorded');
    expect(hall.requestsInLedger()).toHaveLength(1);
  } finally {
    await process.stop();
  }
});

test('the whole wizard, from an empty folder to a visit, over a power cut', async ({ hall }) => {
  const dataDir = join(hall.world.dataDir, 'hall-4');
  const start = (): KioskProcess => new KioskProcess({ hubFrom: hall.hubPath, dataDir, pcscSocket: hall.pcscd.socketPath });
  let process = start();
  const kiosk = new Kiosk({ current: () => process.current() }, hall.hand, (person) => hall.cardFile(person));
  const paper = new EscposPaper((answer) => wire?.send(answer));
  const wire = printer === undefined ? null : await plugSerialWire(printer.path, (bytes) => paper.hear(bytes));
  const { resident, staff } = hall.pcscd.readerNames;
  const picture = async (name: string): Promise<void> => {
    if (album !== undefined) await kiosk.screenshot(join(album, `wizard-${name}.png`));
  };
  try {
    await kiosk.sees('setup', 'language');
    await kiosk.chooseLanguage('en');
    await picture('1-language');
    await kiosk.next();
    await kiosk.choose(hall.hubPath);
    await kiosk.sees('setup', 'hub-check');
    await kiosk.reads(hall.world.hubFile.trustRoot.chain);
    await picture('2-hub');
    await kiosk.next();
    await kiosk.typeText('hall-4');
    await kiosk.sees('setup', 'clock');
    await kiosk.next();
    await kiosk.sees('setup', 'screen');
    await picture('3-screen');
    await kiosk.measureCard();
    await kiosk.touchSpots();
    await kiosk.next();
    await kiosk.sees('setup', 'reader-resident');
    await kiosk.choose(resident);
    await kiosk.next();
    await kiosk.sees('setup', 'reader-staff');

    await process.stop('SIGKILL');
    process = start();
    await kiosk.sees('setup', 'reader-staff');
    await kiosk.reads('Which reader is for staff?');
    await kiosk.choose(staff);
    await picture('4-readers');
    await kiosk.next();
    for (const device of ['identity-reader', 'scanner', 'printer'] as const) {
      await kiosk.sees('setup', device);
      await kiosk.choose(device === 'printer' && printer !== undefined ? `${printer.widthDots}:${printer.path}` : '');
      await kiosk.next();
    }
    await kiosk.sees('setup', 'network');
    await kiosk.reads('Hub and ledger are there');
    await kiosk.next();
    await kiosk.sees('setup', 'device-key');
    await kiosk.choose('file');
    await kiosk.reads('The key is made');
    await picture('5-key');
    await kiosk.next();
    await kiosk.sees('setup', 'enrol');
    await kiosk.insertStaffCard('tech-ou');
    await kiosk.enterPin(pin);
    await kiosk.reads('The ledger knows this kiosk');
    await picture('6-enrolled');
    await hall.hand.pull({ slot: 'staff' });
    await kiosk.next();
    await kiosk.reads('This kiosk is ready');
    await picture('7-ready');
    if (wire !== null) {
      await kiosk.printReport();
      expect(paper.slips).toHaveLength(1);
      if (album !== undefined) writeFileSync(join(album, 'wizard-8-slip.png'), PNG.sync.write(paper.slips[0] as PNG));
    }
    await kiosk.saveReport(join(dataDir, 'exports'));
    await picture('9-saved');
    expectReport(join(dataDir, 'exports'), must(readDeviceKey(join(dataDir, 'device.key.json'))).publicKey, { kiosk: 'hall-4', ready: true });
    await kiosk.back();
    await kiosk.reads('This kiosk is ready');
    await kiosk.next();

    await kiosk.sees('attract');
    await signIn(kiosk, 'lin');
    await fillIn(kiosk, services.tax);
    await kiosk.enterPin(pin);
    await kiosk.sees('receipt', 'recorded');
  } finally {
    await process.stop();
    await wire?.unplug();
  }
});
