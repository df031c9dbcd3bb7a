import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TransactionLog } from '../../src/ledger/log.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { toHex, utf8 } from '../../src/ledger/verify/bytes.ts';
import { signCheckpoint } from '../../src/ledger/verify/checkpoint.ts';
import { verifyCosignatures } from '../../src/ledger/verify/cosignature.ts';
import { decodeSignatureLines, encodeNote, encodeNoteKey, verifyNote } from '../../src/ledger/verify/note.ts';
import { addCheckpointBody } from '../../src/ledger/witness.ts';
import { decodedKey, decodedNote, noteKeyOf } from '../ledger/note-vectors.ts';
import { seedOf, signerOf } from '../ledger/small-district.ts';

const imi = join(import.meta.dirname, '../../src/cli/imi.ts');
const origin = 'district.example/ledger';
const logSigner = signerOf('log');

const logOf = (name: string): TransactionLog => {
  const log = new TransactionLog(new DatabaseSync(':memory:'), nodeCrypto);
  for (let index = 0; index < 400; index++) {
    const envelope = utf8(`${name} ${index}`);
    log.append({ index, transaction: nodeCrypto.sha256(envelope), envelope, height: 1 });
  }
  return log;
};
const honest = logOf('honest');
const forked = logOf('forked');
const checkpointAt = (log: TransactionLog, size: number) => signCheckpoint({ origin, size, root: log.root(size), height: size, stateRoot: seedOf('state') }, logSigner, nodeCrypto);
const bodyAt = (old: number, size: number, log = honest): Uint8Array<ArrayBuffer> =>
  addCheckpointBody(old, old === 0 ? [] : log.consistencyPath(old, size), encodeNote(checkpointAt(log, size))) as Uint8Array<ArrayBuffer>;

let folder: string;
let running: ReturnType<typeof witnessProcess> | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-witness-'));
  running = null;
  writeConfig({ logs: [{ origin, keys: [encodeNoteKey(noteKeyOf(origin, 1, logSigner), nodeCrypto)] }] });
});
afterEach(() => {
  running?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function writeConfig(more: object): void {
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ name: 'audit-office.example/w1', listen: { port: 0 }, ...more }));
}

const witnessProcess = (...args: string[]): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']>; stderr: NonNullable<ChildProcess['stderr']> } =>
  spawn(process.execPath, [imi, 'witness', ...args, '--config', join(folder, 'config.json'), '--data', join(folder, 'data')], { stdio: ['ignore', 'pipe', 'pipe'] });
const exitCode = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

async function init(): Promise<string> {
  const child = witnessProcess('init');
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return printed.trimEnd();
}

/** Its address. */
async function start(): Promise<string> {
  const child = witnessProcess();
  running = child;
  for await (const line of createInterface(child.stdout)) return line.replace('imi witness is ready on ', '');
  throw new Error(await text(child.stderr));
}

const post = (url: string, body: Uint8Array<ArrayBuffer>): Promise<Response> => fetch(`${url}/add-checkpoint`, { method: 'POST', body });

describe('imi witness', () => {
  test('prints its key once, cosigns with it, and ends with 0 on SIGTERM', async () => {
    const key = decodedKey(await init());
    expect(key).toMatchObject({ name: 'audit-office.example/w1', type: 4 });
    expect(statSync(join(folder, 'data/witness.key.json')).mode & 0o777).toBe(0o600);
    const url = await start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/);
    const answer = await post(url, bodyAt(0, 7));
    expect(answer.status).toBe(200);
    const lines = decodeSignatureLines(await answer.text());
    const held = lines.ok && verifyCosignatures({ text: checkpointAt(honest, 7).text, signatures: lines.value }, [key], nodeCrypto);
    expect(held).toMatchObject({ ok: true, value: [{ witness: key }] });
    const newest = decodedNote(await (await fetch(`${url}/${toHex(nodeCrypto.sha256(utf8(origin)))}/checkpoint`)).text());
    expect(newest.text).toBe(checkpointAt(honest, 7).text);
    expect(verifyCosignatures(newest, [key], nodeCrypto)).toEqual(held);
    expect(verifyNote(newest, [noteKeyOf(origin, 1, logSigner)], nodeCrypto).ok).toBe(true);
    const stale = await post(url, bodyAt(0, 8));
    expect([stale.status, stale.headers.get('content-type'), await stale.text()]).toEqual([409, 'text/x.tlog.size', '7\n']);
    running?.kill('SIGTERM');
    expect(running && (await exitCode(running))).toBe(0);
  });

  test('answers what else comes to its door', async () => {
    await init();
    const url = await start();
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405);
    expect((await fetch(url)).status).toBe(404);
    const checkpoint = `${url}/${toHex(nodeCrypto.sha256(utf8(origin)))}/checkpoint`;
    expect((await fetch(checkpoint)).status).toBe(404);
    expect((await fetch(checkpoint, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/${'0'.repeat(64)}/checkpoint`)).status).toBe(404);
    expect((await post(url, new Uint8Array(80_001))).status).toBe(413);
    expect((await post(url, new Uint8Array(80_000))).status).toBe(400);
  });

  test('killed at any instant has forgotten nothing that it cosigned', async () => {
    await init();
    let answered = 0;
    for (let round = 0; round < 6; round++) {
      const url = await start();
      const known = Number(await (await post(url, bodyAt(0, 0))).text().then((said) => (/^[0-9]+\n$/.test(said) ? said : '0')));
      expect(known).toBeGreaterThanOrEqual(answered);
      if (known > 0) {
        expect((await post(url, bodyAt(known, known + 1, forked))).status).toBe(422);
        expect((await post(url, bodyAt(known, known, forked))).status).toBe(409);
      }
      const until = known + 5 + 7 * round;
      for (let old = known; ; old++) {
        const asked = post(url, bodyAt(old, old + 1));
        // Somewhere between the question's first byte and the answer's last.
        if (old === until) running?.kill('SIGKILL');
        const status = await asked.then(
          (answer) => answer.status,
          () => null,
        );
        if (status === null) break;
        expect(status).toBe(200);
        answered = old + 1;
      }
      expect(running && (await exitCode(running))).toBeNull();
    }
    expect(answered).toBeGreaterThan(40);
  }, 60_000);

  test('does not run without the memory that it began with, and is not made twice', async () => {
    await init();
    expect(await init()).toBe('');
    unlinkSync(join(folder, 'data/witness.sqlite'));
    const child = witnessProcess();
    const [said, code] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(code).toBe(1);
    expect(said).toContain('hub-storage');
    expect(existsSync(join(folder, 'data/witness.sqlite'))).toBe(false);
  });

  test.each([
    { name: 'a config without a name', config: { name: undefined }, code: 2, says: 'name' },
    { name: 'an origin twice', config: { logs: [1, 2].map(() => ({ origin, keys: ['a+00000000+AAAA'] })) }, code: 2, says: 'an origin twice' },
    { name: 'more keys to sign than there are', config: { logs: [{ origin, keys: ['a+00000000+AAAA'], threshold: 2 }] }, code: 2, says: 'fewer keys' },
    { name: 'a key that is none', config: { logs: [{ origin, keys: ['a+00000000+AAAA'] }] }, code: 1, says: 'log-key-unreadable' },
    { name: 'an address that is not here', config: { logs: [], listen: { host: '192.0.2.1', port: 0 } }, code: 1, says: 'unusable' },
  ])('refuses $name', async ({ config, code, says }) => {
    await init();
    writeConfig(config);
    const child = witnessProcess();
    const [said, ended] = await Promise.all([text(child.stderr), exitCode(child)]);
    expect(said).toContain(says);
    expect(ended).toBe(code);
  });
});
