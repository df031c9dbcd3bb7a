import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHub, type Hub } from '../../src/hub/hub.ts';
import { writeKeyFile } from '../../src/hub/key-file.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { demoId, demoSecret } from '../../tools/demo/demo-keys.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, Visitor } from '../hub/visitor.ts';
import { CaseDesk } from './case-desk.ts';

/** `imi case` with cards in a reader of a real pcscd, against a real hub. */
let dataDir: string;
let world: World;
let hub: Hub;
let desk: CaseDesk;
const dayMs = 86_400_000;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-case-'));
  world = await seedWorld(join(dataDir, 'world'));
  hub = must(await openHub({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  const hubPath = join(dataDir, 'hub.json');
  writeFileSync(hubPath, JSON.stringify(world.hubFile));
  desk = await CaseDesk.open({ dir: dataDir, hubPath, gateway: hub.gatewayUrl ?? '', cardFile: (person) => world.cards[person] ?? '' });
  writeKeyFile(join(dataDir, 'authority.key.json'), { sign: demoSecret('authority') });
  const lin = new Visitor(world, 'lin', callDirectly(hub));
  must(await hub.keeper.take((await lin.request(await lin.signIn(), 'tax/property-tax-certificate', { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' })).submission));
}, 60_000);
afterAll(async () => {
  await desk.close();
  await hub.close();
  rmSync(dataDir, { recursive: true });
});

const on = (days: number): string => new Date(Date.now() + days * dayMs).toISOString();
const opening = (...more: string[]): string[] => [
  'open',
  ...['--basis', 'Audit Law, article 38', '--subjects', toHex(demoId('lin')), '--kinds', 'grant.give,request.submit', '--from', on(-30), '--to', on(1)],
  ...['--until', on(10), '--opens', on(0.5), '--second', toHex(demoId('officer-luo')), '--authority', 'authority-north,authority-south', '--threshold', '2'],
  ...more,
];

describe('imi case', () => {
  let id: string;

  test('opens with the two cards one after the other in one reader', async () => {
    const done = await desk.case('audit-office', opening(), ['auditor-shen', 'officer-luo']);
    expect(done).toMatchObject({ code: 0, said: { transaction: expect.stringMatching(/^[0-9a-f]{64}$/) as string } });
    ({ case: id } = done.said as { case: string });
    expect((await desk.case('audit-office', ['show', id])).said).toMatchObject({ office: 'audit-office', state: 'open', sealed: true });
  }, 60_000);

  test('reads with the auditor’s card, and not with another’s', async () => {
    const read = await desk.case('audit-office', ['read', id, '--subject', toHex(demoId('lin'))], ['auditor-shen']);
    expect(read.code).toBe(0);
    expect((read.said as { entries: { kind: string }[] }).entries.map(({ kind }) => kind).sort()).toEqual(['grant.give', 'request.submit']);
    const other = await desk.case('audit-office', ['read', id, '--subject', toHex(demoId('lin'))], ['officer-luo']);
    expect(other).toMatchObject({ code: 1, said: null });
    expect(other.complaints).toContain('signer-role');
  }, 60_000);

  test('leaves a draft for an officer elsewhere, who reads what it is about before signing', async () => {
    const left = await desk.case('audit-office', opening('--elsewhere'), ['auditor-shen']);
    expect(left).toMatchObject({ code: 0, said: { waitsFor: 'civil-affairs' } });
    const { draft } = left.said as { draft: string };
    expect((await desk.case('civil-affairs', ['list'])).said).toMatchObject({ drafts: [{ id: draft, kind: 'case.open' }] });
    const signed = await desk.case('civil-affairs', ['sign', draft], ['officer-luo']);
    expect(signed.complaints).toContain('Audit Law, article 38');
    expect(signed.code).toBe(0);
  }, 60_000);

  test('has its body opened by two members of the authority, is not unsealed before its day, and is closed by the auditor', async () => {
    const share = async (member: string): Promise<string> => ((await desk.case(member, ['share', id])).said as { share: string }).share;
    const shares = [await share('authority-north'), await share('authority-south')].join();
    expect((await desk.case('authority-north', ['body', id, '--shares', shares])).said).toMatchObject({ basis: 'Audit Law, article 38' });
    const unseal = (): ReturnType<CaseDesk['case']> => desk.case('authority-north', ['unseal', id, '--authority-key', join(dataDir, 'authority.key.json')]);
    expect((await unseal()).complaints).toContain('case-not-due');
    const closed = await desk.case('audit-office', ['close', id], ['auditor-shen']);
    expect(closed.code).toBe(0);
  }, 60_000);

  test('says how it is called', async () => {
    expect(await desk.case('audit-office', ['open', '--basis', 'x'])).toMatchObject({ code: 2, said: null });
  });
});
