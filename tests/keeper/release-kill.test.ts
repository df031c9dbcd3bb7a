import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { openGrantInner } from '../../src/identity/grant.ts';
import { decodeRecord, stateKey } from '../../src/ledger/verify/records.ts';
import { seedWorld, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, Visitor } from '../hub/visitor.ts';
import { cardSigner, newId, orderBy, partyOpener, storePath } from './agency-stand.ts';
import type { ReleasingOrder } from './releasing-process.ts';

let dataDir: string;
let world: World;
const open = async (): Promise<HubParts> => {
  const parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  must(await parts.keeper.recover());
  return parts;
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-release-kill-'));
  world = await seedWorld(dataDir);
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };

/** Resolves when the process stands where it was told to; it is killed there. */
async function killWhile(order: ReleasingOrder): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'releasing-process.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), once(child, 'exit')])) as [unknown];
  expect(line).toBe('there');
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

it.each([
  { name: 'kept and not yet given to the ledger', at: 'before-submit' },
  { name: 'recorded and not yet handed out', at: 'after-submit' },
] as const)('a keeper killed with the access $name releases later, and one read is counted', async ({ at }) => {
  const before = await open();
  const lin = new Visitor(world, 'lin', callDirectly(before));
  const { id, submission, draft } = await lin.request(await lin.signIn(), 'tax/property-tax-certificate', answers, { spoil: (one) => ({ ...one, reads: 2 }) });
  must(await before.keeper.take(submission));
  must(await before.ledger.receipt(id, 5000));
  await lin.signIn();
  const access = newId();
  const order = { kind: 'grant.read', party: 'tax-bureau', purpose: 'tax.property-certificate', subject: lin.resident, grant: draft.grant, access } as const;
  const signed = await orderBy(cardSigner(world, 'officer-mai'), before.ledger.chain, order);
  await before.close();

  await killWhile({ dataDir, store: storePath(world), signed: Buffer.from(signed).toString('base64'), at });

  const after = await open();
  try {
    const released = must(await after.keeper.release(signed));
    expect(must(await openGrantInner(released.inner, draft.grant, partyOpener('tax-bureau')))).toHaveLength(1);
    const [grant, record] = must(await after.ledger.values([stateKey.grant(draft.grant), stateKey.access(access)]));
    expect(decodeRecord('grant', grant ?? new Uint8Array()).reads).toBe(1);
    expect(record).not.toBeNull();
    // Who looked stands in the resident's space, once.
    const { contents } = await new Visitor(world, 'lin', callDirectly(after)).signIn();
    expect(contents.parts.filter((part) => Buffer.from(part.transaction).equals(released.transaction))).toHaveLength(1);
  } finally {
    await after.close();
  }
});
