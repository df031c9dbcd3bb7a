import { appendFileSync, copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Result } from '../../src/contract/result.ts';
import { backUp, restore, type BackupFacts } from '../../src/ledger/backup.ts';
import { openEmbeddedLedger, type EmbeddedLedger } from '../../src/ledger/engines/embedded.ts';
import { exportLedger, importLedger } from '../../src/ledger/export.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { openEnvelope } from '../../src/ledger/verify/envelope.ts';
import { numbered } from './crash/load.ts';
import { genesis, keys, now, signerOf } from './small-district.ts';

let folder: string;
let time: number;
const files = (name = 'ledger') => ({ path: join(folder, `${name}.sqlite`), guardPath: join(folder, `${name}.signed`), genesis });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imi-backup-'));
  time = now * 1000;
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(name = 'ledger', begin = false): EmbeddedLedger {
  const opened = openEmbeddedLedger({ ...files(name), validator: keys.validator, clock: () => time, heartbeatMs: 60_000, begin });
  if (!opened.ok) throw new Error(opened.failure.detail);
  return opened.value;
}

async function record(ledger: EmbeddedLedger, number: number): Promise<Uint8Array> {
  const envelope = await numbered('backup', number);
  const opened = openEnvelope(envelope, nodeCrypto);
  if (!opened.ok) throw new Error(opened.failure.code);
  await ledger.submit(envelope);
  const receipt = await ledger.receipt(opened.value.id, 5000);
  if (!receipt.ok || receipt.value === null) throw new Error('no receipt');
  return receipt.value;
}

const copies: { way: string; out: (to: string) => Promise<Result<BackupFacts>>; back: (from: string, isGuardLost?: boolean) => Result<BackupFacts> }[] = [
  { way: 'a backup', out: (to) => backUp(files(), to), back: (from, isGuardLost = false) => restore(files(), from, { isGuardLost }) },
  { way: 'an export', out: (to) => Promise.resolve(exportLedger(files(), to)), back: (from, isGuardLost = false) => importLedger(files(), from, { isGuardLost }) },
];

describe.each(copies)('$way', ({ out, back }) => {
  const lose = (): void => {
    for (const end of ['', '-wal', '-shm']) rmSync(files().path + end, { force: true });
  };

  test('taken while the engine goes on, brought back: the same head and receipts, and it goes on', async () => {
    const ledger = open('ledger', true);
    const receipts = [];
    for (let number = 0; number < 30; number++) receipts.push(await record(ledger, number));
    const facts = await out(join(folder, 'copy'));
    expect(facts).toMatchObject({ ok: true, value: { entries: 30 } });
    const head = await ledger.head();
    expect(ledger.chain).toBe('imi-test');
    await ledger.close();
    lose();
    expect(back(join(folder, 'copy'))).toEqual(facts);
    const again = open();
    expect(await again.head()).toEqual(head);
    for (const [number, receipt] of receipts.entries()) expect(await record(again, number)).toEqual(receipt);
    await record(again, 30);
    await again.close();
    await open().close();
  });

  test('of a moment before the last head that was signed is refused, and so is one without the record of that', async () => {
    const ledger = open('ledger', true);
    await record(ledger, 0);
    expect((await out(join(folder, 'copy'))).ok).toBe(true);
    await record(ledger, 1);
    await ledger.close();
    lose();
    expect(back(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { code: 'hub-storage', detail: expect.stringMatching(/ends at height \d+, and height \d+ was signed.*newer copy/) as unknown } });
    renameSync(files().guardPath, join(folder, 'mislaid'));
    expect(back(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/missing or empty.*--guard-lost/) as unknown } });
    writeFileSync(files().guardPath, new Uint8Array(1024));
    expect(back(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/missing or empty/) as unknown } });
    expect(existsSync(files().path)).toBe(false);
    expect(back(join(folder, 'copy'), true).ok).toBe(true);
    const again = open();
    await record(again, 1);
    await again.close();
  });

  test('of another history than the one that was signed is refused', async () => {
    const ledger = open('ledger', true);
    await record(ledger, 0);
    expect((await out(join(folder, 'copy'))).ok).toBe(true);
    await ledger.close();
    const other = open('other', true);
    await record(other, 13);
    await other.close();
    lose();
    copyFileSync(files('other').guardPath, files().guardPath);
    expect(back(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/another history/) as unknown } });
  });

  test('writes nothing over: neither an earlier copy, nor a ledger, nor what is left of one', async () => {
    const ledger = open('ledger', true);
    await record(ledger, 0);
    expect((await out(join(folder, 'copy'))).ok).toBe(true);
    expect(await out(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/copy is there/) as unknown } });
    await ledger.close();
    expect(back(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/ledger\.sqlite is there/) as unknown } });
    lose();
    writeFileSync(`${files().path}-wal`, 'left');
    expect(back(join(folder, 'copy'))).toMatchObject({ ok: false, failure: { detail: expect.stringMatching(/ledger\.sqlite-wal is there/) as unknown } });
  });

  test('that broke off leaves nothing that the next try stumbles over', async () => {
    const ledger = open('ledger', true);
    await record(ledger, 0);
    expect((await out(join(folder, 'first'))).ok).toBe(true);
    // What a killed process leaves: a folder and a file with another name.
    copyFileSync(join(folder, 'first', readdirSync(join(folder, 'first'))[0] ?? ''), join(folder, 'left'));
    renameSync(join(folder, 'first'), join(folder, 'copy.part'));
    expect((await out(join(folder, 'copy'))).ok).toBe(true);
    await ledger.close();
    lose();
    renameSync(join(folder, 'left'), `${files().path}.part`);
    appendFileSync(`${files().path}.part`, 'half');
    expect(back(join(folder, 'copy')).ok).toBe(true);
    await open().close();
    expect(existsSync(`${files().path}.part`)).toBe(false);
  });

  test('with any file of it damaged or gone is refused, and nothing is put there', async () => {
    const ledger = open('ledger', true);
    for (let number = 0; number < 15; number++) await record(ledger, number);
    expect((await out(join(folder, 'copy'))).ok).toBe(true);
    await ledger.close();
    lose();
    const accepted: string[] = [];
    for (const name of readdirSync(join(folder, 'copy')).filter((one) => one !== 'genesis.cbor')) {
      const path = join(folder, 'copy', name);
      const sound = readFileSync(path);
      const damages = [sound.subarray(0, sound.length - 1), new Uint8Array(), sound.map((byte, i) => (i === Math.floor(sound.length / 3) ? byte ^ 4 : byte)), null];
      for (const [i, damaged] of damages.entries()) {
        if (damaged === null) rmSync(path);
        else writeFileSync(path, damaged);
        const result = back(join(folder, 'copy'));
        if (!result.ok) expect(result.failure.code).toBe('hub-storage');
        // A bit where a database keeps nothing changes nothing.
        else if (name !== 'ledger.sqlite') accepted.push(`${name} ${i}`);
        lose();
        writeFileSync(path, sound);
      }
    }
    expect(accepted).toEqual([]);
    expect(back(join(folder, 'copy')).ok).toBe(true);
  });

  test('of another genesis is refused', async () => {
    const ledger = open('ledger', true);
    await record(ledger, 0);
    expect((await out(join(folder, 'copy'))).ok).toBe(true);
    await ledger.close();
    const other = { ...files('other'), genesis: { ...genesis, validators: [{ key: signerOf('other').key[1], power: 10 }] } };
    const results = [restore(other, join(folder, 'copy'), { isGuardLost: true }), importLedger(other, join(folder, 'copy'), { isGuardLost: true })];
    for (const result of results) expect(result).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    expect(existsSync(other.path)).toBe(false);
  });
});
