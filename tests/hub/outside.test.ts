import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hubFileSchema, hubServerFileSchema, type HubFile, type HubServerFile } from '../../src/contract/hub-file.ts';
import { foundHub } from '../../src/hub/founding.ts';
import { openHub, openHubParts } from '../../src/hub/hub.ts';
import { openOutside, readOrMakeCheckpointKey } from '../../src/hub/outside.ts';
import { connectHub } from '../../src/ledger/client/hub-client.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toBase64url } from '../../src/ledger/verify/bytes.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { decodeCheckpoint, signCheckpoint, type Checkpoint } from '../../src/ledger/verify/checkpoint.ts';
import { verifyCosignatures } from '../../src/ledger/verify/cosignature.ts';
import { trustOf } from '../../src/ledger/verify/head.ts';
import { encodeNoteKey, verifyNote } from '../../src/ledger/verify/note.ts';
import { verifyReceipt } from '../../src/ledger/verify/receipt.ts';
import { demoHubPath, seedWorld } from '../../tools/demo/world.ts';
import { decodedKey, decodedNote } from '../ledger/note-vectors.ts';
import { signerOf } from '../ledger/small-district.ts';
import { must, Visitor } from './visitor.ts';

const imi = join(import.meta.dirname, '../../src/cli/imi.ts');
const origin = 'xiguan.example/ledger';
const taxAnswers = { property_use: 'own-home', tax_year: '2025', certificate_use: 'loan', letter_language: 'zh-Hans', phone: '13812345678' };

let folder: string;
let running: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-outside-'));
  running = [];
});
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

const serverFile = (checkpoints: object): HubServerFile => hubServerFileSchema.parse({ hub: 'north-hub', ledger: { engine: 'embedded' }, keeper: {}, registrar: {}, checkpoints });

function witnessProgram(...args: string[]): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
  const child = spawn(process.execPath, [imi, 'witness', ...args, '--config', join(folder, 'witness.json'), '--data', join(folder, 'witness')], { stdio: ['ignore', 'pipe', 'ignore'] });
  running.push(child);
  return child;
}

describe('a hub with a witness', () => {
  it('gives receipts that say who outside has seen them', async () => {
    const world = await seedWorld(join(folder, 'world'));
    const named = hubServerFileSchema.parse({ ...world.serverFile, checkpoints: { origin } });
    const hubKey = must(readOrMakeCheckpointKey({ serverFile: named, dataDir: world.hubDir }));

    writeFileSync(join(folder, 'witness.json'), JSON.stringify({ name: 'audit-office.example/w1', listen: { port: 0 }, logs: [{ origin, keys: [hubKey] }] }));
    const witnessKey = (await text(witnessProgram('init').stdout)).trimEnd();
    const lines = createInterface(witnessProgram().stdout);
    const [ready] = (await once(lines, 'line')) as [string];
    const url = ready.replace('imi witness is ready on ', '');

    const asked = hubServerFileSchema.parse({ ...named, checkpoints: { ...named.checkpoints, witnesses: [{ key: witnessKey, url }], everyMs: 100, serve: { port: 0 } } });
    const faults: string[] = [];
    const hub = must(await openHub({ hubFile: world.hubFile, serverFile: asked, dataDir: world.hubDir, onFault: (where, error) => faults.push(`${where} ${JSON.stringify(error)}`) }));
    const client = connectHub({ socketPath: hub.socketPath });
    try {
      const lin = new Visitor(world, 'lin', (method, params) => client.call(method, params));
      const { id, submission } = await lin.request(await lin.signIn(), 'tax/property-tax-certificate', taxAnswers);
      must(await client.call('transaction.submit', submission));
      must(await client.call('transaction.receipt', { transaction: id, waitMs: 5000 }));
      await expect.poll(async () => must(await client.call('transaction.state', { transaction: id })).state, { timeout: 10_000 }).toBe('witnessed');
      expect(must(await client.call('transaction.submit', submission)).state).toBe('witnessed');

      const { receipt } = must(await client.call('transaction.receipt', { transaction: id, waitMs: 0 }));
      const key = decodedKey(witnessKey);
      const trust = hubFileSchema.shape.trustRoot.parse({ ...world.hubFile.trustRoot, witnessing: { origin, witnesses: [{ name: key.name, key: toBase64url(key.key) }] } });
      const proof = must(verifyReceipt(receipt ?? new Uint8Array(), trustOf(trust), nodeCrypto));
      expect(proof.witnessed).toMatchObject({ isWitnessed: true, witnesses: [{ name: 'audit-office.example/w1' }] });
      expect(Math.abs(Date.now() / 1000 - (proof.witnessed.witnesses[0]?.time ?? 0))).toBeLessThan(30);
      expect(faults).toEqual([]);
    } finally {
      client.close();
      await hub.close();
    }
  }, 60_000);
});

describe('a hub that shows its ledger', () => {
  it('is founded with a key for its checkpoints, and says it again when asked', async () => {
    const file = serverFile({ origin });
    const founded = must(await foundHub({ chain: 'north', serverFile: file, dataDir: folder, now: Date.now() }));
    expect(decodedKey(founded.checkpointKey ?? '')).toMatchObject({ name: origin, type: 1 });
    expect(statSync(join(folder, 'checkpoint.key.json')).mode & 0o777).toBe(0o600);
    expect(readOrMakeCheckpointKey({ serverFile: file, dataDir: folder })).toEqual({ ok: true, value: founded.checkpointKey });
    const { checkpoints: _, ...without } = file;
    expect(readOrMakeCheckpointKey({ serverFile: without, dataDir: folder })).toMatchObject({ ok: false, failure: { code: 'no-checkpoints' } });
  });

  it('serves checkpoint and tiles where its server file says so, and signs without a witness as well', async () => {
    const port = await freePort();
    const file = serverFile({ origin, everyMs: 100, serve: { port } });
    const founded = must(await foundHub({ chain: 'north', serverFile: file, dataDir: folder, now: Date.now() }));
    const hub = must(await openHub({ hubFile: hubFileOf(founded.trustRoot), serverFile: file, dataDir: folder }));
    try {
      await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/checkpoint`)).status, { timeout: 10_000 }).toBe(200);
      const note = decodedNote(await (await fetch(`http://127.0.0.1:${port}/checkpoint`)).text());
      expect(verifyNote(note, [decodedKey(founded.checkpointKey ?? '')], nodeCrypto).ok).toBe(true);
      expect(decodeCheckpoint(note.text)).toMatchObject({ ok: true, value: { origin, size: 0 } });
      expect(must(verifyCosignatures(note, [], nodeCrypto))).toEqual([]);
      expect((await fetch(`http://127.0.0.1:${port}/tile/0/000.p/1`)).status).toBe(404);
    } finally {
      await hub.close();
    }
    await expect(fetch(`http://127.0.0.1:${port}/checkpoint`)).rejects.toThrow();
  });

  it('has its checkpoints signed by the validators’ nodes where there are several', async () => {
    const [v1, v2] = [signerOf('v1'), signerOf('v2')];
    const keys = [v1, v2].map((signer) => encodeNoteKey({ name: origin, type: 1, key: signer.key[1] }, nodeCrypto));
    const file = serverFile({ origin, signers: { keys, threshold: 2 } });
    const founded = must(await foundHub({ chain: 'north', serverFile: serverFile({ origin }), dataDir: folder, now: Date.now() }));
    const parts = must(await openHubParts({ hubFile: hubFileOf(founded.trustRoot), serverFile: serverFile({ origin }), dataDir: folder }));
    try {
      const several = Object.assign(Object.create(parts.ledger) as Ledger, { checkpointSignatures: (checkpoint: Checkpoint) => Promise.resolve([v1, v2].flatMap((signer) => signCheckpoint(checkpoint, signer, nodeCrypto).signatures)) });
      const outside = must(openOutside({ serverFile: file, dataDir: folder, ledger: several, now: Date.now, onFault: (where) => expect.fail(where) }));
      must(await outside.open());
      await outside.close();
      const note = decodedNote(readFileSync(join(folder, 'checkpoint'), 'utf8'));
      expect(must(verifyNote(note, keys.map(decodedKey), nodeCrypto))).toHaveLength(2);
      const wrong = serverFile({ origin: 'other.example', signers: { keys, threshold: 2 } });
      expect(openOutside({ serverFile: wrong, dataDir: folder, ledger: several, now: Date.now, onFault: () => undefined })).toMatchObject({ ok: false, failure: { code: 'log-key-unreadable' } });
    } finally {
      await parts.close();
    }
  });

  const refused: { name: string; checkpoints: object; code: string }[] = [
    { name: 'whose checkpoint key is lost', checkpoints: { origin, key: 'lost.key.json' }, code: 'key-missing' },
    { name: 'whose witness’s key is none', checkpoints: { origin, witnesses: [{ key: 'w1+00000000+AAAA', url: 'http://127.0.0.1:1' }] }, code: 'witness-key-unreadable' },
    { name: 'with one validator that names the keys of several', checkpoints: { origin, signers: { keys: ['a+00000000+AAAA'], threshold: 1 } }, code: 'nobody-to-sign' },
    { name: 'that cannot listen there', checkpoints: { origin, serve: { host: '192.0.2.1', port: 0 } }, code: 'unusable' },
  ];
  it.each(refused)('does not start one $name', async ({ checkpoints, code }) => {
    const founded = must(await foundHub({ chain: 'north', serverFile: serverFile({ origin }), dataDir: folder, now: Date.now() }));
    const opened = await openHub({ hubFile: hubFileOf(founded.trustRoot), serverFile: serverFile(checkpoints), dataDir: folder });
    expect(opened).toMatchObject({ ok: false, failure: { code } });
    // What was opened before is closed again.
    const again = must(await openHub({ hubFile: hubFileOf(founded.trustRoot), serverFile: serverFile({ origin }), dataDir: folder }));
    await again.close();
  });

  it('does not serve a log that is on other machines', async () => {
    const own = serverFile({ origin });
    const founded = must(await foundHub({ chain: 'north', serverFile: own, dataDir: folder, now: Date.now() }));
    const elsewhere = hubServerFileSchema.parse({ ...serverFile({ origin, serve: { port: 0 } }), ledger: { engine: 'cometbft', nodes: ['http://127.0.0.1:1'] } });
    expect(await openHub({ hubFile: hubFileOf(founded.trustRoot), serverFile: elsewhere, dataDir: folder })).toMatchObject({ ok: false, failure: { code: 'log-elsewhere' } });
  });

  it.each([
    { name: 'no origin', checkpoints: {} },
    { name: 'a space in the origin', checkpoints: { origin: 'a b' } },
    { name: 'a witness twice', checkpoints: { origin, witnesses: [1, 2].map(() => ({ key: 'w1+00000000+AAAA', url: 'http://127.0.0.1:1' })) } },
    { name: 'a witness that is not on the web', checkpoints: { origin, witnesses: [{ key: 'w1+00000000+AAAA', url: 'file:///etc' }] } },
    { name: 'more witnesses wanted than named', checkpoints: { origin, threshold: 2 } },
    { name: 'more validators wanted than named', checkpoints: { origin, signers: { keys: ['a+00000000+AAAA'], threshold: 2 } } },
  ])('takes no server file with $name', ({ checkpoints }) => {
    expect(() => serverFile(checkpoints)).toThrow();
  });
});

const hubFileOf = (trustRoot: object): HubFile => hubFileSchema.parse({ ...(JSON.parse(readFileSync(demoHubPath, 'utf8')) as object), trustRoot });

/** That nobody listens on by the time it is used. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
