import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { demoPin } from '../../tools/demo/people.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { startPcscd, type Pcscd } from '../../tools/pcscd.ts';
import { startVirtualCard, type CardHand } from '../../tools/virtual-card/hand.ts';
import { whyNoReaders } from '../drivers/device-rig.ts';
import { agencyOf } from '../gateway/gateway-in-test.ts';
import { callDirectly, must, Visitor } from '../hub/visitor.ts';

describe.skipIf(whyNoReaders() !== null)('an officer’s card in a reader', () => {
  let dir: string;
  let world: World;
  let hub: Hub;
  let pcscd: Pcscd;
  let hand: CardHand;
  let request: string;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'officer-'));
    world = await seedWorld(join(dir, 'world'));
    hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
    pcscd = await startPcscd({ dir: join(dir, 'pcscd') });
    hand = await startVirtualCard({ ports: pcscd.ports });
    const config = join(dir, 'world/agencies/tax-bureau/agency.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('http://127.0.0.1:7480', hub.gatewayUrl ?? ''));
    const lin = new Visitor(world, 'lin', callDirectly(hub));
    const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
    const { submission, id } = await lin.request(await lin.signIn(), 'tax/property-tax-certificate', answers);
    must(await hub.keeper.take(submission));
    must(await hub.ledger.receipt(id, 5000));
    const tax = agencyOf(hub.gatewayUrl ?? '', 'tax-bureau', world);
    request = await vi.waitFor(async () => must(await tax.requests())[0]?.id ?? Promise.reject(new Error('no request')), { timeout: 10_000 });
  }, 60_000);
  afterAll(async () => {
    await hand.close();
    await pcscd.stop();
    await hub.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Puts the card in as it is asked for, and types the PIN as it is asked for. */
  async function reads(card: string, pin: string): Promise<{ code: number; out: string; err: string[] }> {
    const args = ['agency', 'read', request, '--purpose', 'tax.property-certificate', '--reader', pcscd.readerNames.resident, '--config', join(dir, 'world/agencies/tax-bureau/agency.json')];
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), ...args], { env: { PATH: process.env['PATH'], PCSCLITE_CSOCK_NAME: pcscd.socketPath }, stdio: ['pipe', 'pipe', 'pipe'] });
    const err: string[] = [];
    let out = '';
    child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line === 'Put the officer’s card into a reader.') void hand.insert(world.cards[card] ?? '');
      else if (line === 'PIN of the officer’s card:') child.stdin.write(`${pin}\n`);
      else err.push(line);
    });
    const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
    await hand.pull();
    return { code, out, err };
  }

  it('signs the order that reads what is granted', async () => {
    const { code, out, err } = await reads('officer-mai', demoPin);
    expect([err, code]).toEqual([[], 0]);
    expect(out).toContain('name: 林悦');
    expect(out).toContain('The resident reads of this look: ');
  }, 30_000);

  it('with a wrong PIN signs nothing, and one try is gone', async () => {
    expect(await reads('officer-mai', '999999')).toMatchObject({ code: 1, out: '', err: ['imi agency: pin-wrong (2 left)'] });
  }, 30_000);

  it('that is somebody else’s is refused by the ledger’s word', async () => {
    expect(await reads('staff-liang', demoPin)).toMatchObject({ code: 1, out: '', err: [expect.stringContaining('imi agency: signer-')] });
  }, 30_000);
});
