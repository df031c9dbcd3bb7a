import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HubFile } from '../../src/contract/hub-file.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustThrough } from '../../src/ledger/verify/handover.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { decodeRecord, stateKey, type KioskRecord } from '../../src/ledger/verify/records.ts';
import { secretsOf } from '../../src/hub/key-file.ts';
import { x25519Key } from '../../src/identity/x25519.ts';
import { sealJournal } from '../../src/main/workshop/journal-export.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';
import { readReadiness, type Readiness } from '../../src/main/workshop/readiness.ts';
import { demoTlsHubPath, seedWorld, worldAt, type World } from '../../tools/demo/world.ts';
import { whyNoReaders } from '../drivers/device-rig.ts';
import { SoftwareTpm, whyNoTpm } from '../fixtures/software-tpm.ts';
import { must } from '../hub/visitor.ts';
import { TerminalWithCards } from './terminal-with-cards.ts';

const missing = whyNoReaders();

describe.skipIf(missing !== null).each([
  { way: 'on the hub’s own machine', tls: false },
  { way: 'on another machine', tls: true },
])('imi kiosk, $way', ({ tls }) => {
  let dir: string;
  let world: World;
  let hub: Hub;
  let machine: TerminalWithCards;
  let hubPath: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'workshop-'));
    const base = tls ? worldAt(join(dir, 'w'), { hubPath: demoTlsHubPath }) : worldAt(join(dir, 'w'));
    const serverFile = tls ? { ...base.serverFile, door: { ...base.serverFile.door, listen: ['tls://127.0.0.1:0'] } } : base.serverFile;
    world = await seedWorld(join(dir, 'w'));
    hub = must(await openHub({ hubFile: base.hubFile, serverFile, dataDir: world.hubDir }));
    machine = await TerminalWithCards.open(join(dir, 'pcsc'));
    const address = tls ? (hub.doors[0]?.address ?? '') : `unix:${hub.socketPath}`;
    const place = tls ? { address, pin: hub.pin ?? '' } : { address };
    const { resident } = machine.pcscd.readerNames;
    const hall: HubFile['kiosks'][string] = { ...base.hubFile.kiosks['hall-1'], readers: { resident } } as HubFile['kiosks'][string];
    hubPath = join(dir, 'hub.json');
    writeFileSync(hubPath, JSON.stringify({ ...base.hubFile, hub: place, kiosks: { ...base.hubFile.kiosks, 'hall-9': hall } }));
  }, 60_000);
  afterAll(async () => {
    await machine.close();
    await hub.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** `imi kiosk …`, with this person's card where one is asked for. */
  const imi = (args: readonly string[], person?: string) => machine.imi(['kiosk', ...args], person === undefined ? [] : [world.cards[person] ?? '']);
  const dataDir = (): string => join(dir, 'hall-9');
  const config = (): string => {
    const path = join(dir, 'kiosk.json');
    writeFileSync(path, JSON.stringify({ hub: 'hub.json', kiosk: 'hall-9', data: 'hall-9' }));
    return path;
  };
  const where = (): string[] => ['--hub', hubPath, '--kiosk', 'hall-9', '--data', dataDir()];
  const recorded = async (): Promise<KioskRecord | null> => {
    const [value] = must(await hub.ledger.values([stateKey.kiosk('hall-9')]));
    return value === null || value === undefined ? null : decodeRecord('kiosk', value);
  };
  const found = (report: Readiness): Record<string, string> => Object.fromEntries(report.checks.map(({ check, state, code }) => [check, code ?? state]));

  it('an empty folder is not ready, and says what is wrong', async () => {
    const { code, out } = await imi(['check', ...where(), '--json']);
    expect(code).toBe(1);
    const report = JSON.parse(out) as Readiness & { signed: string | null };
    expect(found(report)).toMatchObject({ 'data-folder': 'kiosk-storage', 'device-key': 'kiosk-config' });
    expect([report.ready, report.signed]).toEqual([false, null]);
  }, 60_000);

  it('whoever is no technician of this hub enrols nothing', async () => {
    expect(await imi(['provision', '--config', config()], 'staff-liang')).toMatchObject({ code: 1, err: 'Refused: staff-card-role (staff)\n' });
    expect(await imi(['provision', '--config', config()], 'lin')).toMatchObject({ code: 1, err: 'Refused: staff-card-unknown\n' });
    expect(await recorded()).toBeNull();
  }, 60_000);

  it('a technician’s card makes a kiosk of it, with a key that nobody else reads', async () => {
    const { out, err } = await imi(['provision', '--config', config()], 'tech-ou');
    expect([err, out.split('\n')[0]]).toEqual(['', 'Enrolled: hall-9']);
    const key = must(readDeviceKey(join(dataDir(), 'device.key.json')));
    expect(await recorded()).toMatchObject({ id: 'hall-9', state: 'active', key: key.publicKey });
    expect(statSync(dataDir()).mode & 0o777).toBe(0o700);
    const proof = verifyReceipt(new Uint8Array(readFileSync(join(dataDir(), 'enrolment.receipt'))), trustThrough(world.hubFile.trustRoot, nodeCrypto), nodeCrypto);
    expect(proof.ok).toBe(true);
  }, 60_000);

  it.skipIf(whyNoTpm !== null)('a kiosk whose key is in a TPM is enrolled and comes in like every other', async () => {
    const tpm = new SoftwareTpm();
    await tpm.start();
    const hubFile = JSON.parse(readFileSync(hubPath, 'utf8')) as HubFile;
    writeFileSync(join(dir, 'hub-tpm.json'), JSON.stringify({ ...hubFile, kiosks: { 'hall-tpm': hubFile.kiosks['hall-9'] } }));
    writeFileSync(join(dir, 'tpm.json'), JSON.stringify({ hub: 'hub-tpm.json', kiosk: 'hall-tpm', data: 'hall-tpm', tpm: tpm.tcti }));
    const { out } = await imi(['provision', '--config', join(dir, 'tpm.json')], 'tech-ou');
    expect(out).toContain('Enrolled: hall-tpm');
    const { out: said } = await imi(['check', '--hub', join(dir, 'hub-tpm.json'), '--kiosk', 'hall-tpm', '--data', join(dir, 'hall-tpm'), '--json']);
    const { signed, ...report } = JSON.parse(said) as Readiness & { signed: string };
    expect(found(report)).toMatchObject({ 'device-key': 'good', hub: 'good', ledger: 'good', enrolment: 'good' });
    const { publicKey } = must(readDeviceKey(join(dir, 'hall-tpm/device.key.json')));
    expect(readReadiness(signed, publicKey, (key, input, signature) => nodeCrypto.verify(key, input, signature))).toEqual(report);
    await tpm.close();

    const gone = ['retire', '--gone', '--hub', hubPath, '--kiosk', 'hall-tpm', '--data', dataDir(), '--out', join(dir, 'gone.receipt')];
    const { code, out: last, err } = await imi(gone, 'tech-ou');
    // From another machine nobody speaks for a kiosk that is not there.
    if (tls) expect([code, err]).toEqual([1, 'Refused: hub-refused (another-kiosk)\n']);
    else expect([code, last]).toEqual([0, expect.stringContaining('Retired: hall-tpm') as string]);
  }, 60_000);

  it('what a kiosk exports is read by its hub, and by nobody who has another’s file', async () => {
    const key = must(readDeviceKey(join(dataDir(), 'device.key.json')));
    writeFileSync(join(dataDir(), 'journal.jsonl'), '{"seq":0}\n');
    const { publicKey } = x25519Key(must(secretsOf(join(world.hubDir, 'hub.key.json'), ['seal'])).seal);
    const from = join(dir, 'exported.imi');
    const read = () => imi(['journal', '--from', from, '--hub', hubPath, '--key', join(world.hubDir, 'hub.key.json'), '--data', dataDir()]);
    writeFileSync(from, must(await sealJournal({ dataDir: dataDir(), kioskId: 'hall-9', deviceKey: key, hubSeal: publicKey, now: 0 })));
    expect(await read()).toMatchObject({ code: 0, out: '{"seq":0}\n' });
    const another = must(readDeviceKey(join(world.kioskDirs['hall-1'] ?? '', 'device.key.json')));
    writeFileSync(from, must(await sealJournal({ dataDir: dataDir(), kioskId: 'hall-9', deviceKey: another, hubSeal: publicKey, now: 0 })));
    expect(await read()).toMatchObject({ code: 1, out: '', err: 'Refused: export-signature\n' });
    rmSync(join(dataDir(), 'journal.jsonl'));
  }, 60_000);

  it('done again it asks for no card', async () => {
    const before = await recorded();
    const { err, out } = await imi(['provision', '--config', config()]);
    expect(err).toBe('');
    expect(out).not.toContain('Enrolled');
    expect(await recorded()).toEqual(before);
  }, 60_000);

  it('says on one page that it is ready, signed by its own key', async () => {
    const pdf = join(dir, 'ready.pdf');
    const { out } = await imi(['check', ...where(), '--json', '--pdf', pdf]);
    const { signed, ...report } = JSON.parse(out) as Readiness & { signed: string };
    const { program, ...others } = found(report);
    // Whether the screens were built on this machine is not for this test.
    expect(program).toMatch(/^(good|not-built)$/);
    expect(others).toEqual({ 'data-folder': 'good', disk: expect.stringMatching(/good|warning/) as string, 'device-key': 'good', hub: 'good', ledger: 'good', clock: 'good', enrolment: 'good', 'reader-resident': 'good', 'stand-ins': 'warning' });
    const { publicKey } = must(readDeviceKey(join(dataDir(), 'device.key.json')));
    expect(readReadiness(signed, publicKey, nodeCrypto.verify)).toEqual(report);
    expect(readReadiness(signed, (await recordedOther())?.key ?? publicKey, nodeCrypto.verify)).toBeNull();
    expect(readFileSync(pdf).subarray(0, 5).toString('latin1')).toBe('%PDF-');
  }, 60_000);

  const recordedOther = async (): Promise<KioskRecord | null> => {
    const [value] = must(await hub.ledger.values([stateKey.kiosk('hall-1')]));
    return value === null || value === undefined ? null : decodeRecord('kiosk', value);
  };

  it('another device does not take its name', async () => {
    const other = join(dir, 'other');
    mkdirSync(other, { recursive: true });
    cpSync(hubPath, join(other, 'hub.json'));
    const path = join(other, 'kiosk.json');
    writeFileSync(path, JSON.stringify({ hub: 'hub.json', kiosk: 'hall-9', data: 'data' }));
    expect(await imi(['provision', '--config', path], 'tech-ou')).toMatchObject({ code: 1, err: 'Refused: kiosk-not-enrolled (key)\n' });
  }, 60_000);

  it('retired, its key is gone, the ledger knows it no more, and the proof says so', async () => {
    const proof = join(dir, 'retired.receipt');
    expect(await imi(['retire', ...where(), '--out', proof], 'tech-ou')).toMatchObject({ code: 0, err: '', out: `Retired: hall-9. The proof: ${proof}\n` });
    expect(await recorded()).toMatchObject({ state: 'retired' });
    expect(existsSync(join(dataDir(), 'device.key.json'))).toBe(false);
    expect(verifyReceipt(new Uint8Array(readFileSync(proof)), trustThrough(world.hubFile.trustRoot, nodeCrypto), nodeCrypto).ok).toBe(true);
    expect((await imi(['provision', '--config', config()], 'tech-ou')).err).toBe('Refused: kiosk-not-enrolled (retired)\n');
  }, 60_000);

  it('called without what it needs it says how', async () => {
    expect(await imi(['provision'])).toMatchObject({ code: 2, err: expect.stringContaining('imi kiosk provision --config FILE') as string });
    expect(await imi(['check', '--hub', hubPath, '--kiosk', 'nowhere', '--data', dir])).toMatchObject({ code: 2, err: expect.stringContaining('names no kiosk “nowhere”') as string });
  }, 60_000);
});
