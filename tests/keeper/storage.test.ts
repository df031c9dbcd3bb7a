import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoorResult } from '../../src/contract/hub-door.ts';
import { openHubParts, type HubParts } from '../../src/hub/hub.ts';
import { hashOf } from '../../src/identity/grant.ts';
import { softwareOpener } from '../../src/identity/hpke.ts';
import { openObjects, openSpace } from '../../src/identity/space.ts';
import { openAskBook, type AskBook } from '../../src/keeper/ask-book.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toHex } from '../../src/ledger/verify/bytes.ts';
import { openStorageNote } from '../../src/ledger/verify/storage-receipt.ts';
import { stateKey } from '../../src/ledger/verify/records.ts';
import { demoSecret } from '../../tools/demo/demo-keys.ts';
import { partySecrets } from '../../tools/demo/parties.ts';
import { demoServerPath, seedWorld, worldAt, type World } from '../../tools/demo/world.ts';
import { callDirectly, must, soon, Visitor, type OpenVisit } from '../hub/visitor.ts';
import { newId, partySigner, storePath } from './agency-stand.ts';

let dataDir: string;
let world: World;
let parts: HubParts;
let lin: Visitor;
let visit: OpenVisit;

const start = async (): Promise<void> => {
  parts = must(await openHubParts({ hubFile: world.hubFile, serverFile: world.serverFile, dataDir: world.hubDir }));
  must(await parts.keeper.recover());
  lin = new Visitor(world, 'lin', callDirectly(parts));
  visit = await lin.signIn();
};
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-storage-'));
  world = await seedWorld(dataDir);
  await start();
});
afterAll(async () => {
  await parts.close();
  rmSync(dataDir, { recursive: true });
});

const answers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };
const keeperKey = partySigner('keeper').key;

describe('whoever stores something', () => {
  it('is given the keeper’s signed note of every ciphertext, and the same again whenever it comes again', async () => {
    const { id, submission } = await lin.request(visit, 'tax/property-tax-certificate', answers);
    const { receipt, state } = must(await parts.keeper.take(submission));
    expect(state).toBe('queued');
    const note = must(openStorageNote(receipt ?? new Uint8Array(), keeperKey, parts.ledger.chain, nodeCrypto));
    expect(note).toMatchObject({ keeper: 'keeper', transaction: id });
    expect(note.payloads).toEqual(submission.payloads.map(({ act, what, to, sealed }) => ({ act, what, to, hash: hashOf(sealed) })));
    must(await parts.ledger.receipt(id, 5000));
    const again = must(await parts.keeper.take(submission));
    expect([again.state, again.receipt]).toEqual(['recorded', receipt]);
    for (const [key, chain] of [[partySigner('gateway').key, parts.ledger.chain], [keeperKey, 'imi-other']] as const) {
      expect(openStorageNote(receipt ?? new Uint8Array(), key, chain, nodeCrypto).ok).toBe(false);
    }
    for (let at = 0; at < (receipt?.length ?? 0); at += 5) {
      const flipped = receipt?.with(at, (receipt[at] ?? 0) ^ 1) ?? new Uint8Array();
      expect(openStorageNote(flipped, keeperKey, parts.ledger.chain, nodeCrypto).ok, `byte ${at}`).toBe(false);
    }
  });

  it('is given none for what was refused', async () => {
    const { submission } = await lin.request(visit, 'tax/property-tax-certificate', answers, { spoil: (draft) => ({ ...draft, reads: 33 }) });
    expect(must(await parts.keeper.take(submission))).toEqual({ state: 'rejected', code: 'reads-too-many' });
  });
});

describe('a space', () => {
  it('is exported whole, and opens with the slip alone', async () => {
    must(await parts.keeper.take((await lin.request(visit, 'tax/property-tax-certificate', answers)).submission));
    const pages: DoorResult<'space.export'>[] = [];
    for (let after: string | null = ''; after !== null; after = pages.at(-1)?.next ?? null) pages.push(must(await parts.keeper.exportSpace(visit.session, after)));
    const objects = pages.flatMap((page) => page.objects);
    expect(objects.map(({ name }) => name).toSorted()).toEqual((await lin.signIn()).opened.objects.map(({ name }) => name).toSorted());
    const record = await lin.record('resident', stateKey.resident(lin.resident));
    const slip = softwareOpener(demoSecret('recovery/lin'));
    const space = must(await openSpace(pages[0]!.recoveryKey, lin.resident, record.space[1], slip, 'recovery'));
    const contents = must(await openObjects(objects, space));
    expect(contents.credentials.length).toBeGreaterThan(0);
    expect(contents.self['phone']?.value).toBe('13812345678');
  });

  it('goes on behind the last object of a page, and is given to the open visit alone', async () => {
    const [first, second] = must(await parts.keeper.exportSpace(visit.session, '')).objects;
    expect(must(await parts.keeper.exportSpace(visit.session, first!.name)).objects[0]?.name).toBe(second!.name);
    const refused = await parts.keeper.exportSpace(newId(), '');
    expect(!refused.ok && refused.failure.code).toBe('hub-refused');
  });
});

describe('imi keeper', () => {
  const cli = (...args: string[]): { code: number; said: string } => {
    try {
      const said = execFileSync(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'keeper', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      return { code: 0, said };
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: string };
      return { code: status, said: stderr };
    }
  };
  const place = (data = world.hubDir): string[] => ['--server', demoServerPath.pathname, '--data', data];

  const { keeper, gateway, status } = worldAt('').serverFile;
  const inHub = (path: string): string => join(world.hubDir, path);
  const asks = (): AskBook => must(openAskBook(inHub(gateway?.asks ?? ''), partySecrets('keeper').seal));
  const askId = newId();
  beforeAll(async () => {
    const book = asks();
    must(await book.keepAsk({ id: askId, agency: 'tax-bureau', subject: lin.resident, signed: 'signed.by.tax', until: soon() + 600, withCode: false }, soon()));
    await book.close();
  });

  it('copies a running hub’s files, looked through, and brings them back: spaces open as before, asks and status lists are there', async () => {
    must(await parts.publisher.publish());
    const listed = must(await parts.lists.newest('registrar'));
    expect(listed).not.toBeNull();
    const out = join(dataDir, 'keeper.backup');
    const backup = cli('backup', ...place(), '--out', out);
    expect(backup).toMatchObject({ code: 0 });
    expect(backup.said).toMatch(/\d+ spaces with \d+ objects, [1-9]\d* private parts opened, \d+ on their way to the ledger; 1 asks, [1-9]\d* status lists/);
    const before = (await lin.signIn()).opened.objects;
    await parts.close();
    expect(cli('restore', ...place(), '--from', out)).toMatchObject({ code: 1 });
    for (const path of [storePath(world), inHub(gateway?.asks ?? '')]) for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    rmSync(inHub(status.lists), { recursive: true });
    expect(cli('restore', ...place(), '--from', out)).toMatchObject({ code: 0 });
    await start();
    expect(visit.opened.objects).toEqual(before);
    expect(must(await parts.keeper.activity(visit.session, 0)).entries.length).toBeGreaterThan(2);
    expect(must(await parts.lists.newest('registrar'))).toBe(listed);
    const restored = asks();
    expect(must(await restored.ask(askId))).toMatchObject({ agency: 'tax-bureau', signed: 'signed.by.tax' });
    await restored.close();
  });

  const inBackup = (folder: string, name: string, sql: string): void => {
    const database = new DatabaseSync(join(folder, name));
    database.exec(sql);
    database.close();
  };
  it.each<{ name: string; spoil: (folder: string) => void; said: RegExp }>([
    { name: 'damaged', spoil: (folder) => writeFileSync(join(folder, 'keeper.sqlite'), 'x'.repeat(5000)), said: /hub-storage/ },
    {
      name: "another keeper's",
      spoil: (folder) => inBackup(folder, 'keeper.sqlite', "UPDATE payload SET sealed = zeroblob(600) WHERE what = 'part' AND addressee = 'keeper'"),
      said: /private part does not open with this keeper/,
    },
    { name: 'with the asks of another', spoil: (folder) => inBackup(folder, 'asks.sqlite', 'UPDATE ask SET sealed = zeroblob(600)'), said: /ask does not open with this keeper/ },
    { name: 'without a book of asks in its place', spoil: (folder) => inBackup(folder, 'asks.sqlite', 'PRAGMA application_id = 7'), said: /no book of asks/ },
    { name: 'with a status list that was changed', spoil: (folder) => writeFileSync(join(folder, 'status-lists', `${'ab'.repeat(32)}.jwt`), 'a.b.c'), said: /damaged: abab/ },
    { name: 'not there', spoil: (folder) => rmSync(folder, { recursive: true }), said: /is no backup/ },
  ])('puts nothing in place that is $name', ({ spoil, said }) => {
    const whole = join(dataDir, 'whole.backup');
    if (!existsSync(whole)) expect(cli('backup', ...place(), '--out', whole).code).toBe(0);
    const spoilt = join(dataDir, `spoilt-${toHex(newId())}.backup`);
    cpSync(whole, spoilt, { recursive: true });
    spoil(spoilt);
    const elsewhere = mkdtempSync(join(dataDir, 'elsewhere-'));
    copyFileSync(inHub(keeper.key), join(elsewhere, keeper.key));
    const restored = cli('restore', ...place(elsewhere), '--from', spoilt);
    expect(restored.code).toBe(1);
    expect(restored.said).toMatch(said);
    expect(readdirSync(elsewhere)).toEqual([keeper.key]);
  });

  it('writes nothing over, and says how it is called', () => {
    const there = join(dataDir, 'there.backup');
    writeFileSync(there, 'something');
    expect(cli('backup', ...place(), '--out', there)).toMatchObject({ code: 1 });
    expect(cli('backup', ...place())).toMatchObject({ code: 2 });
    expect(cli('mend')).toMatchObject({ code: 2 });
  });
});
