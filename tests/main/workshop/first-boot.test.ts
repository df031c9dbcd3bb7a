import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Intent, Page, Snapshot } from '../../../src/contract/bridge.ts';
import type { HostMessage, HostRequest } from '../../../src/contract/device-host.ts';
import { ok } from '../../../src/contract/result.ts';
import { openHub, type Hub } from '../../../src/hub/hub.ts';
import { ed25519Signer } from '../../../src/ledger/node-signer.ts';
import type { Signer } from '../../../src/ledger/verify/envelope.ts';
import type { Screen } from '../../../src/main/bridge.ts';
import { systemClock } from '../../../src/main/clock.ts';
import { startFirstBoot, type FirstBoot, type FirstBootParts } from '../../../src/main/workshop/first-boot.ts';
import type { Readiness } from '../../../src/main/workshop/readiness.ts';
import { demoTlsHubPath, seedWorld, worldAt } from '../../../tools/demo/world.ts';
import { loadCardState } from '../../../tools/virtual-card/card-state.ts';
import { must } from '../../hub/visitor.ts';
import { cardInfo } from '../visit/visit-stand.ts';

const { hubFile } = worldAt('', { hubPath: demoTlsHubPath });
const pin = hubFile.hub.pin ?? '';

let worldDir: string;
let hub: Hub;
beforeAll(async () => {
  worldDir = mkdtempSync(join(tmpdir(), 'boot-hub-'));
  const world = await seedWorld(worldDir);
  hub = must(await openHub({ hubFile, serverFile: { ...world.serverFile, door: { ...world.serverFile.door, listen: ['tls://127.0.0.1:0'] } }, dataDir: world.hubDir }));
}, 60_000);
afterAll(async () => {
  await hub.close();
  rmSync(worldDir, { recursive: true });
});

let dataDir: string;
let boot: FirstBoot;
let shown: Snapshot[];
let touch: (intent: Intent) => void;
let lose: () => void;
let slips: number;
/** Of the technician at the wizard; null: no card is in. */
let technician: Signer | null;
/** The printer says that it has the slip. */
let onPaper: () => void;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'boot-'));
  technician = null;
});
afterEach(() => {
  boot.stop();
  rmSync(dataDir, { recursive: true });
});

function start(hubPlaces: string[] = []): void {
  [shown, slips] = [[], 0];
  const screen: Screen = {
    show: (snapshot) => shown.push(snapshot),
    onIntent: (listener) => (touch = listener),
    onPainted: () => undefined,
    onLost: (listener) => (lose = () => listener('crashed')),
    onDropped: () => undefined,
    wipe: () => undefined,
    close: () => Promise.resolve(),
  };
  const spawnHost = () => () => {
    let hear: (message: HostMessage) => void = () => undefined;
    return {
      post(request: HostRequest) {
        if (request.command === 'printer.print') {
          slips += 1;
          onPaper = () => hear({ answer: request.id, result: ok(null) });
        } else if (technician !== null && request.command === 'card.open') {
          hear({ answer: request.id, result: ok({ ...cardInfo, keys: { ...cardInfo.keys, sig: technician.key[1] } }) });
        } else if (request.command === 'card.verify') {
          hear({ answer: request.id, result: ok({ verified: true }) });
        } else if (technician !== null && request.command === 'card.sign') {
          void Promise.resolve(technician.sign((request.params as { data: Uint8Array }).data)).then((signature) => hear({ answer: request.id, result: ok(signature) }));
        } else hear({ answer: request.id, result: ok({ hid: [], serial: [], printers: ['/dev/usb/lp0'] }) });
      },
      onMessage(listener: (message: HostMessage) => void) {
        hear = listener;
        queueMicrotask(() => listener({ status: { service: 'ready', readers: [technician === null ? { name: 'A', slot: 'no-card', insertion: 0 } : { name: 'A', slot: 'card-present', insertion: 1 }] } }));
      },
      onExit: () => undefined,
      kill: () => undefined,
    };
  };
  boot = startFirstBoot({ screen, clock: systemClock, dataDir, panel: { widthPx: 1080, heightPx: 1920 }, hubPlaces, stickRoots: [], readinessPdf, version: '1', program: ok(null), spawnHost });
}
const readinessPdf: FirstBootParts['readinessPdf'] = ({ report: { kiosk } }, { name }) => Promise.resolve(ok(new TextEncoder().encode(`%PDF ${kiosk} ${name.en}`)));
const page = (): Page | undefined => shown.at(-1)?.page;
const next = (): void => touch({ intent: 'setup.next' });
const type = (text: string): void => touch({ intent: 'setup.type', text });

test('a hub whose address and pin are typed is believed once it has proved the pin', async () => {
  start();
  next();
  expect(page()).toMatchObject({ step: 'hub', number: 2, files: [] });
  touch({ intent: 'setup.by-hand' });
  type('hub.example');
  expect(page()).toMatchObject({ step: 'hub-address', problem: 'format' });
  type(hub.doors[0]?.address ?? '');
  type('too short');
  expect(page()).toMatchObject({ step: 'hub-pin', problem: 'format' });
  type('A'.repeat(43));
  expect(page()).toMatchObject({ asking: true, problem: null });
  await expect.poll(page).toMatchObject({ step: 'hub-pin', asking: false, problem: 'other-pin' });
  type(pin);
  await expect.poll(page).toMatchObject({ step: 'hub-check', hub: { pin, chain: hubFile.trustRoot.chain } });
  expect(shown.at(-1)?.kiosk.hub).toEqual(hubFile.name);
});

test('an answer that comes after the page was left is nobody’s', async () => {
  start();
  next();
  touch({ intent: 'setup.by-hand' });
  type(hub.doors[0]?.address ?? '');
  type(pin);
  touch({ intent: 'back' });
  touch({ intent: 'back' });
  expect(page()).toMatchObject({ step: 'hub' });
  // As long as the hub takes to answer somebody who stayed.
  touch({ intent: 'setup.by-hand' });
  type(hub.doors[0]?.address ?? '');
  type(`sha256:${'B'.repeat(43)}`);
  await expect.poll(page).toMatchObject({ step: 'hub-pin', problem: 'other-pin' });
});

/** As far as the printer, with everything that is before it. */
function toPrinter(): void {
  const path = join(dataDir, 'found.json');
  writeFileSync(path, JSON.stringify(hubFile));
  start([path]);
  next();
  touch({ intent: 'setup.choose', option: path });
  next();
  type('Hall_1');
  expect(page()).toMatchObject({ step: 'kiosk', problem: 'format' });
  type('hall-7');
  next();
  touch({ intent: 'setup.measure', cardPx: 342.4, widthPx: 1079, heightPx: 1919 });
  expect(shown.at(-1)?.kiosk.pxPerMm).toBe(4);
  next();
  next();
  expect(page(), 'nothing goes on without an answer').toMatchObject({ step: 'reader-resident', chosen: null });
  touch({ intent: 'setup.choose', option: 'A' });
  next();
  touch({ intent: 'setup.choose', option: '' });
  next();
  for (const step of ['identity-reader', 'scanner'] as const) {
    expect(page()).toMatchObject({ step, chosen: null });
    touch({ intent: 'setup.choose', option: '' });
    next();
  }
}

test('goes on where the power went, with every answer, and back over them', async () => {
  toPrinter();
  await expect.poll(page).toMatchObject({ step: 'printer', options: [{ option: '576:/dev/usb/lp0' }, { option: '384:/dev/usb/lp0' }] });
  touch({ intent: 'setup.choose', option: '384:/dev/usb/lp0' });
  boot.stop();
  start();
  expect(page()).toMatchObject({ step: 'printer', chosen: '384:/dev/usb/lp0' });
  for (const [step, chosen] of [['scanner', ''], ['identity-reader', ''], ['reader-staff', ''], ['reader-resident', 'A']] as const) {
    touch({ intent: 'back' });
    expect(page()).toMatchObject({ step, chosen });
  }
});

describe('the report of the whole kiosk', () => {
  const slip = { widthDots: 8, heightDots: 1, dots: deflateSync(Uint8Array.of(1)).toString('base64') };
  const kept = (): Readiness & { signed: string | null } => JSON.parse(readFileSync(join(dataDir, 'readiness.json'), 'utf8')) as Readiness & { signed: string | null };

  /** Nobody has enrolled it, so it is not ready, and its report says so. */
  async function toReport(): Promise<void> {
    toPrinter();
    await expect.poll(page).toMatchObject({ options: [{ option: '576:/dev/usb/lp0' }, {}] });
    touch({ intent: 'setup.choose', option: '576:/dev/usb/lp0' });
    boot.stop();
    const answers = join(dataDir, 'setup.json');
    writeFileSync(answers, readFileSync(answers, 'utf8').replace('"step": "printer"', '"step": "verify"'));
    start();
    expect(page()).toMatchObject({ step: 'verify', report: null });
    touch({ intent: 'workshop.print', slip });
    touch({ intent: 'workshop.save' });
    expect([page(), slips], 'nothing of what is not there yet').toMatchObject([{ step: 'verify' }, 0]);
    await expect.poll(page).toMatchObject({ step: 'verify', widthDots: 576, report: { ready: false } });
    expect(page()).toMatchObject({ report: { at: kept().at } });
  }

  test('is printed once, and nothing leads away meanwhile', async () => {
    await toReport();
    touch({ intent: 'workshop.print', slip });
    for (const intent of [{ intent: 'workshop.print', slip }, { intent: 'workshop.save' }, { intent: 'setup.next' }, { intent: 'back' }] as const) {
      touch(intent);
      expect(page()).toMatchObject({ step: 'verify', busy: true });
    }
    onPaper();
    await expect.poll(page).toMatchObject({ step: 'verify', busy: false, result: { test: 'printed' } });
    expect(slips).toBe(1);
  });

  test('is saved as PDF and JSON, and is the same report after it', async () => {
    await toReport();
    const before = kept();
    touch({ intent: 'workshop.save' });
    expect(page()).toMatchObject({ step: 'report', number: 16, state: 'choosing', places: [{ option: join(dataDir, 'exports') }] });
    touch({ intent: 'setup.next' });
    touch({ intent: 'workshop.export', option: join(dataDir, 'exports') });
    touch({ intent: 'back' });
    expect(page()).toMatchObject({ step: 'report', state: 'writing' });
    const name = join(dataDir, `exports/readiness-hall-7-${before.at.slice(0, 19).replaceAll(':', '')}`);
    await expect.poll(page).toMatchObject({ step: 'report', state: 'safe', files: [{ path: `${name}.pdf` }, { path: `${name}.json` }] });
    expect(readFileSync(`${name}.pdf`, 'utf8')).toBe(`%PDF hall-7 ${hubFile.name.en}`);
    expect(JSON.parse(readFileSync(`${name}.json`, 'utf8'))).toEqual(before);
    touch({ intent: 'back' });
    expect(page()).toMatchObject({ step: 'verify', report: { at: before.at } });
    expect(kept()).toEqual(before);
  });
});

describe('a key that lies there already', () => {
  const keyPath = (): string => join(dataDir, 'device.key.json');
  /** With every answer before it. */
  function startAt(step: 'device-key' | 'enrol', kioskId: string): void {
    const answers = { v: 1, step, language: 'en', hubFile: { ...hubFile, hub: { ...hubFile.hub, address: hub.doors[0]?.address } }, kioskId, screen: { widthPx: 1080, heightPx: 1920, pxPerMm: 4 }, residentReader: 'A', staffReader: null, devices: {}, asked: [] };
    writeFileSync(join(dataDir, 'setup.json'), JSON.stringify(answers));
    start();
  }
  const setAside = (): string[] => readdirSync(dataDir).filter((name) => name.startsWith('device.key.json.old-'));

  test.each([
    { name: 'of a TPM that is not in this machine', key: JSON.stringify({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', tpm: { tcti: 'device:/dev/tpmrm9', handle: '0x81000001' } }), mode: 0o600 },
    { name: 'that others can read', key: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })), mode: 0o644 },
    { name: 'that is none', key: '{', mode: 0o600 },
  ])('and cannot be used, $name: it is set aside, and another is made', ({ key, mode }) => {
    writeFileSync(keyPath(), key, { mode });
    startAt('device-key', 'hall-7');
    expect(page()).toMatchObject({ step: 'device-key', made: null, problem: 'kiosk-config', old: 'unusable' });
    next();
    expect(page()).toMatchObject({ step: 'device-key' });
    touch({ intent: 'setup.choose', option: 'file' });
    expect(page()).toMatchObject({ step: 'device-key', made: { kind: 'file' }, problem: null });
    expect(page()).not.toHaveProperty('old');
    expect(readFileSync(join(dataDir, setAside()[0] ?? ''), 'utf8')).toBe(key);
  });

  test('and is another name’s on the ledger: told so, and the next one is enrolled', async () => {
    const world = worldAt(worldDir);
    const { secret } = loadCardState(world.cards['tech-ou'] ?? '').keys.sig;
    technician = ed25519Signer(new Uint8Array(Buffer.from(secret ?? '', 'hex')));
    const key = readFileSync(join(world.kioskDirs['hall-1'] ?? '', 'device.key.json'), 'utf8');
    writeFileSync(keyPath(), key, { mode: 0o600 });
    startAt('enrol', 'hall-7');
    await expect.poll(page, { timeout: 10_000 }).toMatchObject({ step: 'enrol', state: 'pin' });
    touch({ intent: 'pin.submit', pin: '123456' });
    await expect.poll(page, { timeout: 10_000 }).toMatchObject({ step: 'device-key', made: null, problem: null, old: 'taken' });
    touch({ intent: 'setup.choose', option: 'file' });
    expect(page()).toMatchObject({ made: { kind: 'file' } });
    expect(readFileSync(join(dataDir, setAside()[0] ?? ''), 'utf8')).toBe(key);
    next();
    await expect.poll(page, { timeout: 10_000 }).toMatchObject({ step: 'enrol', state: 'pin' });
    touch({ intent: 'pin.submit', pin: '123456' });
    await expect.poll(page, { timeout: 20_000 }).toMatchObject({ step: 'enrol', state: 'done' });
    expect(page()).not.toHaveProperty('before');

    // The power went before its proof was written.
    boot.stop();
    rmSync(join(dataDir, 'enrolment.receipt'));
    start();
    await expect.poll(page, { timeout: 10_000 }).toMatchObject({ step: 'enrol', state: 'done', before: true });
  }, 60_000);
});

test('what a resident or a member of staff would touch means nothing here', () => {
  start();
  const before = shown.length;
  for (const intent of [{ intent: 'start' }, { intent: 'visit.end' }, { intent: 'desk.confirm' }, { intent: 'setup.measure', cardPx: 300, widthPx: 1, heightPx: 1 }, { intent: 'back' }] as const) touch(intent);
  expect(shown.length).toBe(before);
});

test('a screen that was lost shows the page again', () => {
  start();
  const before = page();
  lose();
  expect([page(), shown.length]).toEqual([before, 2]);
});

test('a disk that takes nothing is said, and tried again', () => {
  const folder = dataDir;
  writeFileSync(join(folder, 'in the way'), '');
  dataDir = join(folder, 'in the way', 'hall');
  start();
  next();
  expect(page()).toMatchObject({ page: 'failure', code: 'kiosk-storage', next: 'retry', detail: 'ENOTDIR' });
  rmSync(join(folder, 'in the way'));
  touch({ intent: 'retry' });
  expect(page()).toMatchObject({ step: 'hub' });
  expect(JSON.parse(readFileSync(join(dataDir, 'setup.json'), 'utf8'))).toMatchObject({ step: 'hub' });
  dataDir = folder;
});
