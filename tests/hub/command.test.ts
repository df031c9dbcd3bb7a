import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HubFile } from '../../src/contract/hub-file.ts';
import { doorIdentity } from '../../src/hub/door-identity.ts';
import { openHub } from '../../src/hub/hub.ts';
import { connectHub } from '../../src/ledger/client/hub-client.ts';
import { createLightClient, query } from '../../src/ledger/client/light-client.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { ed25519Signer } from '../../src/ledger/node-signer.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';
import { wayToHub } from '../../src/main/way-to-hub.ts';
import { demoSecret } from '../../tools/demo/demo-keys.ts';
import { loadCardState, saveCardState } from '../../tools/virtual-card/card-state.ts';
import { isPivFile } from '../../tools/virtual-card/piv-state.ts';
import { demoHubPath, demoServerPath, seedWorld, type World } from '../../tools/demo/world.ts';
import { must } from './visitor.ts';

const imi = fileURLToPath(new URL('../../src/cli/imi.ts', import.meta.url));
let dataDir: string;
let world: World;
let running: ChildProcess | null = null;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'imi-command-'));
  world = await seedWorld(dataDir);
});
afterEach(() => running?.kill('SIGKILL'));
afterAll(() => rmSync(dataDir, { recursive: true }));

const hubProcess = (...args: string[]): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']>; stderr: NonNullable<ChildProcess['stderr']> } => {
  const child = spawn(process.execPath, [imi, 'hub', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  return child;
};
const demo = (): string[] => ['--hub', fileURLToPath(demoHubPath), '--server', fileURLToPath(demoServerPath), '--data', world.hubDir];
const readyLine = async (child: ReturnType<typeof hubProcess>): Promise<string> => {
  for await (const line of createInterface(child.stdout)) return line;
  return '';
};
const exitCode = async (child: ChildProcess): Promise<number | null> => (child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0]);

describe('imi hub', () => {
  it('says one line when it listens, answers, and ends with 0 on SIGTERM', async () => {
    const child = hubProcess(...demo());
    const socketPath = join(dataDir, 'hub.sock');
    expect(await readyLine(child)).toBe(`imi hub is ready on ${socketPath}`);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    const client = connectHub({ socketPath });
    expect(must(await client.call('services.list', {})).services.length).toBeGreaterThan(20);
    client.close();
    child.kill('SIGTERM');
    expect(await exitCode(child)).toBe(0);
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('starts again after it was killed', async () => {
    const killed = hubProcess(...demo());
    await readyLine(killed);
    killed.kill('SIGKILL');
    await exitCode(killed);
    const child = hubProcess(...demo());
    expect(await readyLine(child)).toMatch(/ready/);
    child.kill('SIGTERM');
    expect(await exitCode(child)).toBe(0);
  });

  it.each([
    { name: 'a data folder without keys', args: () => demo().with(5, join(dataDir, 'cards')), code: 1, says: 'key-missing' },
    { name: 'a data folder that is a file', args: () => demo().with(5, fileURLToPath(demoHubPath)), code: 1, says: 'imi hub: hub-storage (ENOTDIR' },
    { name: 'no arguments', args: () => [], code: 2, says: '--hub FILE' },
    { name: 'an argument that it does not know', args: () => [...demo(), '--fast'], code: 2, says: '--fast' },
    { name: 'a hub file that is none', args: () => demo().with(1, fileURLToPath(demoServerPath)), code: 2, says: 'trustRoot' },
  ])('refuses $name with $code', async ({ args, code, says }) => {
    const child = hubProcess(...args());
    const [said, ended] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(said).toContain(says);
    expect(ended).toBe(code);
  });

  it('does not start with a key that others can read', async () => {
    const key = join(world.hubDir, 'keeper.key.json');
    chmodSync(key, 0o644);
    const child = hubProcess(...demo());
    const [said, ended] = await Promise.all([text(child.stderr), exitCode(child)]);
    chmodSync(key, 0o600);
    expect(said).toContain('key-exposed');
    expect(ended).toBe(1);
  });
});

describe('imi hub over TLS', () => {
  /** Arguments for a hub that listens on loopback, whose file says `pin`. */
  const overTls = (pin: string, listen = 'tls://127.0.0.1:0'): string[] => {
    const [hubPath, serverPath] = [join(dataDir, 'tls.json'), join(dataDir, 'tls.server.json')];
    writeFileSync(hubPath, JSON.stringify({ ...world.hubFile, hub: { address: 'tls://127.0.0.1:7443', pin } }));
    writeFileSync(serverPath, JSON.stringify({ ...world.serverFile, door: { listen: [listen] } }));
    return ['--hub', hubPath, '--server', serverPath, '--data', world.hubDir];
  };
  const pin = doorIdentity(demoSecret('door'), 'xiguan-hub').pin;

  it('says where, and by which key it is known, and lets an enrolled kiosk in', async () => {
    const child = hubProcess(...overTls(pin));
    const [, address = '', said] = /^imi hub is ready on (tls:\/\/127\.0\.0\.1:\d+) \((.+)\)$/.exec(await readyLine(child)) ?? [];
    expect(said).toBe(pin);
    const kioskDir = world.kioskDirs['hall-1'] ?? '';
    const client = connectHub(wayToHub({ address, pin }, { kioskId: 'hall-1', dataDir: kioskDir, deviceKey: must(readDeviceKey(join(kioskDir, 'device.key.json'))) }));
    expect(must(await client.call('services.list', {})).services.length).toBeGreaterThan(20);
    client.close();
    child.kill('SIGTERM');
    expect(await exitCode(child)).toBe(0);
  });

  it.each([
    { name: 'where its file tells kiosks of another key', args: () => overTls(`sha256:${'a'.repeat(43)}`), code: 1, says: `imi hub: door-pin (the hub's file has another pin than this hub: ${pin})` },
    { name: 'without TLS on a network', args: () => overTls(pin, 'tcp://127.0.0.1:7443'), code: 2, says: 'an address is unix:<path> or tls://<host>:<port>' },
    { name: 'on a machine that is not this one', args: () => overTls(pin, 'tls://192.0.2.1:7443'), code: 1, says: 'imi hub: unusable (EADDRNOTAVAIL 192.0.2.1:7443)' },
  ])('does not start $name', async ({ args, code, says }) => {
    const child = hubProcess(...args());
    const [said, ended] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(said).toContain(says);
    expect(ended).toBe(code);
  });

  it('does not make a new key in place of one that is lost, but says what it looks for', async () => {
    const path = join(world.hubDir, 'door.key.json');
    const kept = readFileSync(path);
    rmSync(path);
    const child = hubProcess(...overTls(pin));
    const [said, ended] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(readdirSync(world.hubDir)).not.toContain('door.key.json');
    writeFileSync(path, kept, { mode: 0o600 });
    expect([ended, said]).toEqual([1, `imi hub: key-missing (${path})\n`]);
  });
});

describe('imi hub pin', () => {
  const pinOf = async (data: string): Promise<[string, number | null]> => {
    const child = hubProcess('pin', '--server', fileURLToPath(demoServerPath), '--data', data);
    const [said, refused, ended] = await Promise.all([text(child.stdout), text(child.stderr), exitCode(child)]);
    return [said + refused, ended];
  };

  it('makes a key where there is none, for its owner alone, and then says the same each time', async () => {
    const folder = join(dataDir, 'older');
    mkdirSync(folder);
    const [first, ended] = await pinOf(folder);
    expect([first, ended]).toEqual([expect.stringMatching(/^sha256:[A-Za-z0-9_-]{43}\n$/), 0]);
    expect(statSync(join(folder, 'door.key.json')).mode & 0o777).toBe(0o600);
    expect(await pinOf(folder)).toEqual([first, 0]);
  });

  it('refuses a key without what it needs, and a folder that is not there', async () => {
    const folder = join(dataDir, 'other-key');
    mkdirSync(folder);
    writeFileSync(join(folder, 'door.key.json'), JSON.stringify({ v: 1 }), { mode: 0o600 });
    expect(await pinOf(folder)).toEqual([expect.stringContaining('imi hub pin: key-unreadable'), 1]);
    expect(await pinOf(join(dataDir, 'nowhere'))).toEqual([expect.stringContaining('imi hub pin: hub-storage (ENOENT'), 1]);
    expect(await exitCode(hubProcess('pin', '--data', folder))).toBe(2);
  });
});

describe('imi hub init', () => {
  it('founds a hub that starts, once', async () => {
    const folder = join(dataDir, 'founded');
    const founding = ['init', '--chain', 'imi-test', '--server', fileURLToPath(demoServerPath), '--data', folder];
    const child = hubProcess(...founding);
    const [said, ended] = await Promise.all([text(child.stdout), exitCode(child)]);
    expect(ended).toBe(0);
    const { trustRoot, pin } = JSON.parse(said) as Pick<HubFile, 'trustRoot'> & { pin: string };
    const pinProcess = hubProcess('pin', '--server', fileURLToPath(demoServerPath), '--data', folder);
    expect(await Promise.all([text(pinProcess.stdout), exitCode(pinProcess)])).toEqual([`${pin}\n`, 0]);
    expect(statSync(join(folder, 'validator.key.json')).mode & 0o777).toBe(0o600);

    const again = hubProcess(...founding);
    const [refused, code] = await Promise.all([text(again.stderr), exitCode(again)]);
    expect([code, refused]).toEqual([1, expect.stringContaining('already-founded')]);

    const hubFile = { ...world.hubFile, trustRoot, hub: { address: 'unix:hub.sock' } };
    const hub = must(await openHub({ hubFile, serverFile: world.serverFile, dataDir: folder }));
    const client = connectHub({ socketPath: hub.socketPath });
    const light = createLightClient({ hub: client, trustRoot, crypto: nodeCrypto, clock: Date.now, maxHeadAgeMs: 60_000 });
    const { records } = must(await light.read([query.party('keeper')]));
    expect(records[0]?.party).toBe('keeper');
    client.close();
    await hub.close();

    for (const name of ['ledger.sqlite', 'ledger.sqlite.signed']) rmSync(join(folder, name));
    expect(await openHub({ hubFile, serverFile: world.serverFile, dataDir: folder })).toMatchObject({ ok: false, failure: { detail: 'the ledger’s file is missing' } });
    expect(readdirSync(folder)).not.toContain('ledger.sqlite');
  });

  it('refuses a data folder that is a file with 1', async () => {
    const child = hubProcess('init', '--chain', 'imi-test', '--server', fileURLToPath(demoServerPath), '--data', fileURLToPath(demoHubPath));
    const [said, ended] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect([ended, said]).toEqual([1, expect.stringContaining('imi hub init: hub-storage (EEXIST')]);
  });

  it.each([
    { name: 'no chain', args: ['init', '--server', fileURLToPath(demoServerPath), '--data', '/nowhere'] },
    { name: 'a chain id that is none', args: ['init', '--chain', 'Big Chain', '--server', fileURLToPath(demoServerPath), '--data', '/nowhere'] },
  ])('refuses $name with 2', async ({ args }) => {
    expect(await exitCode(hubProcess(...args))).toBe(2);
  });
});

describe('the seeded world', () => {
  it('is left as it is when it is there already', async () => {
    const path = world.cards['lin'] ?? '';
    const state = loadCardState(path);
    saveCardState(path, { ...state, signatureCount: 41 });
    await seedWorld(dataDir);
    expect(loadCardState(path).signatureCount).toBe(41);
    saveCardState(path, state);
  });

  it('has a card for everybody, each as it is meant to be', () => {
    const isPiv = ([, path]: [string, string]): boolean => isPivFile(path);
    const cards = Object.fromEntries(Object.entries(world.cards).filter((card) => !isPiv(card)).map(([id, path]) => [id, loadCardState(path)]));
    expect(Object.entries(world.cards).filter(isPiv).map(([id]) => id)).toEqual(['staff-ye']);
    expect(cards['zhao']?.pw1.triesLeft).toBe(0);
    expect(cards['other']?.keys.sig.algorithm).toBe('rsa2048');
    // One signature at the desk; the one who was never there has made none.
    expect([cards['lin']?.signatureCount, cards['he']?.signatureCount]).toEqual([1, 0]);
    expect(cards['staff-liang']?.face.kind).toBe('staff');
  });

  it("has the validator that the hub file's trust root names", () => {
    const [validator] = world.hubFile.trustRoot.validators;
    expect(validator?.key).toBe(Buffer.from(ed25519Signer(demoSecret('validator')).key[1]).toString('base64url'));
  });
});
