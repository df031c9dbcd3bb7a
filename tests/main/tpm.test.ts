import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { readDeviceKey, readOrMakeDeviceKey, wipeDeviceKey, type StoredDeviceKey } from '../../src/main/device-key.ts';
import { plainSignature, signByTpm } from '../../src/main/tpm.ts';
import { reportReadiness, readReadiness, type ReadinessParts, type SignedReadiness } from '../../src/main/workshop/readiness.ts';
import { fail, ok } from '../../src/contract/result.ts';
import { worldAt } from '../../tools/demo/world.ts';
import { SoftwareTpm, whyNoTpm } from '../fixtures/software-tpm.ts';
import { must } from '../hub/visitor.ts';

describe.skipIf(whyNoTpm !== null)('a device key in a TPM 2.0', () => {
  const tpm = new SoftwareTpm();
  let dir: string;
  let key: StoredDeviceKey;
  const path = (): string => join(dir, 'device.key.json');
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'imi-tpm-key-'));
    await tpm.start();
    key = must(readOrMakeDeviceKey(path(), { tpm: tpm.tcti }));
  });
  afterAll(async () => {
    await tpm.close();
    rmSync(dir, { recursive: true });
  });

  test('attests what the ledger takes', async () => {
    const input = Buffer.from('what is attested '.repeat(400));
    expect(key.publicKey[0]).toBe(-9);
    expect(nodeCrypto.verify(key.publicKey, input, must(await key.sign(input)))).toBe(true);
    expect(nodeCrypto.verify(key.publicKey, Buffer.from('something else'), must(await key.sign(input)))).toBe(false);
  });

  test('is not on the disk: its file says where it is', () => {
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path(), 'utf8'))).toEqual({ kty: 'EC', crv: 'P-256', x: expect.any(String) as string, y: expect.any(String) as string, tpm: { tcti: tpm.tcti, handle: expect.stringMatching(/^0x81/) as string } });
    expect(key.tlsKey).toBeNull();
  });

  test('is the same after the machine was off', async () => {
    await tpm.stop();
    expect(readDeviceKey(path())).toMatchObject({ ok: false, failure: { code: 'kiosk-config' } });
    await tpm.start();
    expect(must(readDeviceKey(path())).publicKey).toEqual(key.publicKey);
    expect(must(readOrMakeDeviceKey(path(), { tpm: tpm.tcti })).publicKey).toEqual(key.publicKey);
  });

  test('a chip that is gone is told as such, and asked again at the next signature', async () => {
    const input = Buffer.from('what is attested');
    await tpm.stop();
    expect(await key.sign(input)).toEqual({ ok: false, failure: { code: 'device-key-silent', detail: expect.stringMatching(/^tpm2 sign: /) as string } });
    await tpm.start();
    expect(nodeCrypto.verify(key.publicKey, input, must(await key.sign(input)))).toBe(true);
  });

  test('a chip that is gone is bad on the readiness report, which is not signed then', async () => {
    const parts: ReadinessParts = {
      hubFile: worldAt('').hubFile,
      kioskId: 'hall-1',
      dataDir: dir,
      version: '1',
      program: ok(null),
      deviceKey: ok(key),
      devices: { service: 'ready', readers: [] },
      hub: { call: () => Promise.resolve(fail('hub-unreachable')) },
      light: {} as ReadinessParts['light'],
      district: { checkKiosk: () => Promise.resolve(fail('hub-unreachable')) },
      now: () => Date.UTC(2026, 10, 22),
    };
    const line = ({ report }: SignedReadiness): object | undefined => report.checks.find(({ check }) => check === 'device-key');
    const before = await reportReadiness(parts);
    expect(line(before)).toEqual({ check: 'device-key', state: 'good' });
    expect(readReadiness(before.signed ?? '', key.publicKey, nodeCrypto.verify)).toEqual(before.report);
    await tpm.stop();
    const silent = await reportReadiness(parts);
    await tpm.start();
    expect(line(silent)).toMatchObject({ state: 'bad', code: 'device-key-silent' });
    expect(silent).toMatchObject({ report: { ready: false }, signed: null });
  });

  test('keeps nothing else waiting while it signs', async () => {
    const order: string[] = [];
    const signed = key.sign(Buffer.from('what is attested')).then((signature) => order.push(signature.ok ? 'signed' : 'failed'));
    await new Promise(setImmediate);
    order.push('went on');
    await signed;
    expect(order).toEqual(['went on', 'signed']);
  });

  test('a chip that hangs keeps nobody longer than its limit, is sent nothing more until the tool has ended, and signs again then', async () => {
    const input = Buffer.from('what is attested');
    const hung = { tcti: 'cmd:sleep 8', handle: '0x81000000' };
    const silent = { ok: false, failure: { code: 'device-key-silent', detail: 'tpm2 sign: no answer' } };
    const begun = performance.now();
    expect(await signByTpm(hung, input)).toEqual(silent);
    expect(performance.now() - begun).toBeLessThan(7500);
    const again = performance.now();
    expect(await key.sign(input)).toEqual(silent);
    expect(performance.now() - again).toBeLessThan(1000);
    await vi.waitFor(async () => expect((await key.sign(input)).ok).toBe(true), { timeout: 10_000, interval: 250 });
  });

  test('is not taken for the key of another machine’s disk', () => {
    const other = join(dir, 'other.json');
    writeFileSync(other, JSON.stringify({ ...(JSON.parse(readFileSync(path(), 'utf8')) as object), x: 'AAAA' }), { mode: 0o600 });
    expect(readDeviceKey(other)).toMatchObject({ ok: false, failure: { detail: 'the TPM has another key' } });
  });

  test('that cannot be read once it is made does not stay in the chip', () => {
    const kept = (): string => execFileSync('tpm2', ['getcap', '--tcti', tpm.tcti, 'handles-persistent'], { encoding: 'utf8' });
    const before = kept();
    const tools = join(dir, 'tools');
    mkdirSync(tools);
    writeFileSync(join(tools, 'tpm2'), '#!/bin/sh\n[ "$1" = readpublic ] && exit 1\nexec /usr/bin/tpm2 "$@"\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${tools}:${process.env['PATH'] ?? ''}`);
    const made = readOrMakeDeviceKey(join(dir, 'never.json'), { tpm: tpm.tcti });
    vi.unstubAllEnvs();
    expect(made).toMatchObject({ ok: false, failure: { code: 'kiosk-config', detail: 'tpm2 readpublic: 1' } });
    expect(before).toMatch(/0x81/i);
    expect(kept()).toBe(before);
  });

  test('is out of the chip when it is wiped', () => {
    const copy = join(dir, 'copy.json');
    writeFileSync(copy, readFileSync(path()), { mode: 0o600 });
    expect(wipeDeviceKey(path()).ok).toBe(true);
    expect(existsSync(path())).toBe(false);
    expect(readDeviceKey(copy)).toMatchObject({ ok: false });
    // As where its file could not be written over the first time.
    expect(wipeDeviceKey(copy)).toEqual(ok(null));
    expect(existsSync(copy)).toBe(false);
  });

  test('that its chip cannot be asked for stays, with its file', async () => {
    must(readOrMakeDeviceKey(path(), { tpm: tpm.tcti }));
    await tpm.stop();
    expect(wipeDeviceKey(path())).toMatchObject({ ok: false, failure: { code: 'kiosk-config' } });
    expect(existsSync(path())).toBe(true);
    await tpm.start();
    expect(wipeDeviceKey(path())).toEqual(ok(null));
  });
});

test.each([
  { name: 'with a zero before each', r: `00${'ff'.repeat(32)}`, s: `00${'80'.repeat(32)}` },
  { name: 'with leading zeros gone', r: '01', s: '7f'.repeat(31) },
])('a signature $name becomes R ‖ S', ({ r, s }) => {
  const integer = (hex: string): string => `02${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`;
  const body = integer(r) + integer(s);
  const der = Buffer.from(`30${(body.length / 2).toString(16).padStart(2, '0')}${body}`, 'hex');
  const plain = (hex: string): string => hex.slice(-64).padStart(64, '0');
  expect(Buffer.from(plainSignature(der)).toString('hex')).toBe(plain(r) + plain(s));
});
