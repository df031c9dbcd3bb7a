import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { recoveryKeyText } from '../../src/identity/recovery-key.ts';
import { decodeRecord, stateKey, type ResidentRecord } from '../../src/ledger/verify/records.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { demoHubPath, seedWorld, type World } from '../../tools/demo/world.ts';
import { whyNoReaders } from '../drivers/device-rig.ts';
import { cardInMemory } from '../hub/card-in-memory.ts';
import { must } from '../hub/visitor.ts';
import { RegistrarOffice } from './registrar-office.ts';

const missing = whyNoReaders();

describe.skipIf(missing !== null)('imi registrar replace, with three cards at one reader', () => {
  let dir: string;
  let world: World;
  let hub: Hub;
  let office: RegistrarOffice;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'registrar-'));
    world = await seedWorld(join(dir, 'world'));
    hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
    office = await RegistrarOffice.open({ dir: join(dir, 'office'), world, hubPath: demoHubPath.pathname, gateway: hub.gatewayUrl ?? '' });
  }, 60_000);
  afterAll(async () => {
    await office.close();
    await hub.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const recordOf = async (person: string): Promise<ResidentRecord> => {
    const [value] = must(await hub.ledger.values([stateKey.resident(demoId(person))]));
    return decodeRecord('resident', value ?? new Uint8Array(0));
  };

  it('with a slip that is mistyped, or another’s: refused, and the old card stays', async () => {
    const before = await recordOf('lin');
    const slip = join(dir, 'wrong-slip.txt');
    writeFileSync(slip, recoveryKeyText(demoSecret('recovery/lin')).replace(/^./, (sign) => (sign === '0' ? '1' : '0')));
    expect(await office.replace('lin', 'lin-new', ['--slip', slip])).toMatchObject({ code: 1, err: 'Refused: slip-mistyped\n' });
    writeFileSync(slip, recoveryKeyText(demoSecret('recovery/chen')));
    expect(await office.replace('lin', 'lin-new', ['--slip', slip])).toMatchObject({ code: 1, err: 'Refused: slip-wrong\n' });
    expect(await recordOf('lin')).toEqual(before);
  }, 60_000);

  it('with the slip: the ledger has the new card, and a new slip lies there for its owner alone', async () => {
    const slip = join(dir, 'slip.txt');
    writeFileSync(slip, recoveryKeyText(demoSecret('recovery/lin')));
    const { code, out, err } = await office.replace('lin', 'lin-new', ['--slip', slip]);
    expect([err, code]).toEqual(['', 0]);
    const pdf = out.trim().split(' ').at(-1) ?? '';
    expect(readFileSync(pdf).subarray(0, 5).toString('latin1')).toBe('%PDF-');
    expect(statSync(pdf).mode & 0o777).toBe(0o600);
    const record = await recordOf('lin');
    expect(record.aut[1]).toEqual(cardInMemory(world.cards['lin-new'] ?? '').aut.key[1]);
    expect(record.readOnlyUntil).toBeGreaterThan(Date.now() / 1000);
    expect(must(await hub.keeper.recovery(demoId('lin')))).toMatchObject({ replaced: 1, formers: [{ number: 1 }] });
  }, 60_000);

  it('without one: replaced all the same, and nothing of before is handed on', async () => {
    const { code, err } = await office.replace('wang', 'wang-new');
    expect([err, code]).toEqual(['', 0]);
    expect(must(await hub.keeper.recovery(demoId('wang')))).toMatchObject({ replaced: 1, formers: [] });
  }, 60_000);

  it('called without what it needs it says how', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'registrar', 'replace'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let err = '';
    child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2);
    expect(err).toContain('imi registrar replace RESIDENT');
  });
});
