import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HubFile } from '../../src/contract/hub-file.ts';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { trustThrough } from '../../src/ledger/verify/handover.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { decodeRecord, stateKey, type KioskRecord } from '../../src/ledger/verify/records.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';
import { readReadiness, type Readiness } from '../../src/main/workshop/readiness.ts';
import { demoPin } from '../../tools/demo/people.ts';
import { demoTlsHubPath, seedWorld, worldAt, type World } from '../../tools/demo/world.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { whyNoReaders } from '../drivers/device-rig.ts';
import { must } from '../hub/visitor.ts';

interface Done {
  code: number;
  out: string;
  err: string;
}

/** A machine on which a technician works: a terminal, and readers of its own. */
class Machine {
  readonly pcscd: Pcscd;
  readonly #hand: CardHand;
  readonly #world: World;

  private constructor(pcscd: Pcscd, hand: CardHand, world: World) {
    this.pcscd = pcscd;
    this.#hand = hand;
    this.#world = world;
  }

  static async open(dir: string, world: World): Promise<Machine> {
    const pcscd = await startPcscd({ dir });
    return new Machine(pcscd, await startVirtualCard({ ports: pcscd.ports }), world);
  }

  /** `imi kiosk …`; this card goes in when one is asked for, and its PIN is typed. */
  async imi(args: readonly string[], card: string | null = null): Promise<Done> {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'kiosk', ...args], {
      env: { PATH: process.env['PATH'], PCSCLITE_CSOCK_NAME: this.pcscd.socketPath },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith('Put ')) void this.#hand.insert(this.#world.cards[card ?? ''] ?? '');
      else if (line.startsWith('PIN of')) child.stdin.write(`${demoPin}\n`);
      else err += `${line}\n`;
    });
    const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
    await this.#hand.pull();
    return { code, out, err };
  }

  async close(): Promise<void> {
    await this.#hand.close();
    await this.pcscd.stop();
  }
}

const missing = whyNoReaders();

describe.skipIf(missing !== null).each([
  { way: 'on the hub’s own machine', tls: false },
  { way: 'on another machine', tls: true },
])('imi kiosk, $way', ({ tls }) => {
  let dir: string;
  let world: World;
  let hub: Hub;
  let machine: Machine;
  let hubPath: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'workshop-'));
    const base = tls ? worldAt(join(dir, 'w'), { hubPath: demoTlsHubPath }) : worldAt(join(dir, 'w'));
    const serverFile = tls ? { ...base.serverFile, door: { ...base.serverFile.door, listen: ['tls://127.0.0.1:0'] } } : base.serverFile;
    world = await seedWorld(join(dir, 'w'));
    hub = must(await openHub({ hubFile: base.hubFile, serverFile, dataDir: world.hubDir }));
    machine = await Machine.open(join(dir, 'pcsc'), world);
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
    const { code, out } = await machine.imi(['check', ...where(), '--json']);
    expect(code).toBe(1);
    const report = JSON.parse(out) as Readiness & { signed: string | null };
    expect(found(report)).toMatchObject({ 'data-folder': 'kiosk-storage', 'device-key': 'kiosk-config' });
    expect([report.ready, report.signed]).toEqual([false, null]);
  }, 60_000);

  it('whoever is no technician of this hub enrols nothing', async () => {
    expect(await machine.imi(['provision', '--config', config()], 'staff-liang')).toMatchObject({ code: 1, err: 'Refused: staff-card-role (staff)\n' });
    expect(await machine.imi(['provision', '--config', config()], 'lin')).toMatchObject({ code: 1, err: 'Refused: staff-card-unknown\n' });
    expect(await recorded()).toBeNull();
  }, 60_000);

  it('a technician’s card makes a kiosk of it, with a key that nobody else reads', async () => {
    const { out, err } = await machine.imi(['provision', '--config', config()], 'tech-ou');
    expect([err, out.split('\n')[0]]).toEqual(['', 'Enrolled: hall-9']);
    const key = must(readDeviceKey(join(dataDir(), 'device.key.json')));
    expect(await recorded()).toMatchObject({ id: 'hall-9', state: 'active', key: key.publicKey });
    expect(statSync(dataDir()).mode & 0o777).toBe(0o700);
    const proof = verifyReceipt(new Uint8Array(readFileSync(join(dataDir(), 'enrolment.receipt'))), trustThrough(world.hubFile.trustRoot, nodeCrypto), nodeCrypto);
    expect(proof.ok).toBe(true);
  }, 60_000);

  it('done again it asks for no card', async () => {
    const before = await recorded();
    const { err, out } = await machine.imi(['provision', '--config', config()]);
    expect(err).toBe('');
    expect(out).not.toContain('Enrolled');
    expect(await recorded()).toEqual(before);
  }, 60_000);

  it('says on one page that it is ready, signed by its own key', async () => {
    const pdf = join(dir, 'ready.pdf');
    const { out } = await machine.imi(['check', ...where(), '--json', '--pdf', pdf]);
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
    expect(await machine.imi(['provision', '--config', path], 'tech-ou')).toMatchObject({ code: 1, err: 'Refused: kiosk-not-enrolled (key)\n' });
  }, 60_000);

  it('retired, its key is gone, the ledger knows it no more, and the proof says so', async () => {
    const proof = join(dir, 'retired.receipt');
    expect(await machine.imi(['retire', ...where(), '--out', proof], 'tech-ou')).toMatchObject({ code: 0, err: '', out: `Retired: hall-9. The proof: ${proof}\n` });
    expect(await recorded()).toMatchObject({ state: 'retired' });
    expect(existsSync(join(dataDir(), 'device.key.json'))).toBe(false);
    expect(verifyReceipt(new Uint8Array(readFileSync(proof)), trustThrough(world.hubFile.trustRoot, nodeCrypto), nodeCrypto).ok).toBe(true);
    expect((await machine.imi(['provision', '--config', config()], 'tech-ou')).err).toBe('Refused: kiosk-not-enrolled (retired)\n');
  }, 60_000);

  it('called without what it needs it says how', async () => {
    expect(await machine.imi(['provision'])).toMatchObject({ code: 2, err: expect.stringContaining('imi kiosk provision --config FILE') as string });
    expect(await machine.imi(['check', '--hub', hubPath, '--kiosk', 'nowhere', '--data', dir])).toMatchObject({ code: 2, err: expect.stringContaining('names no kiosk “nowhere”') as string });
  }, 60_000);
});
