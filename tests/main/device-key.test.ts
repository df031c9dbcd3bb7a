import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { publicKeyOf } from '../../src/ledger/client/spki.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { readDeviceKey, readOrMakeDeviceKey } from '../../src/main/device-key.ts';
import { must } from '../hub/visitor.ts';

const folder = mkdtempSync(join(tmpdir(), 'imi-device-key-'));
afterAll(() => rmSync(folder, { recursive: true }));

function keyFile(name: string, content: KeyObject | string, mode = 0o600): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content.export({ format: 'jwk' })), { mode });
  return path;
}

describe.each([
  { kind: 'Ed25519', pair: () => generateKeyPairSync('ed25519'), algorithm: -19 },
  { kind: 'P-256', pair: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), algorithm: -9 },
])('a device key of $kind', ({ kind, pair, algorithm }) => {
  const { privateKey, publicKey } = pair();
  const read = readDeviceKey(keyFile(kind, privateKey));
  if (!read.ok) throw new Error(read.failure.detail);
  const key = read.value;

  test('attests what the ledger takes', async () => {
    const input = Buffer.from('what is attested');
    expect(key.publicKey[0]).toBe(algorithm);
    expect(key.publicKey).toEqual(publicKeyOf(publicKey));
    expect(nodeCrypto.verify(key.publicKey, input, must(await key.sign(input)))).toBe(true);
    expect(nodeCrypto.verify(key.publicKey, Buffer.from('something else'), must(await key.sign(input)))).toBe(false);
  });

  test('is the one that TLS signs with', () => {
    expect(publicKeyOf(createPublicKey(createPrivateKey(key.tlsKey ?? '')))).toEqual(key.publicKey);
  });
});

test.each([
  { name: 'that others can read', path: () => keyFile('open', generateKeyPairSync('ed25519').privateKey, 0o640), detail: 'device key is readable by others' },
  { name: 'that is not there', path: () => join(folder, 'nowhere.json'), detail: 'device key ENOENT' },
  { name: 'that is no JSON', path: () => keyFile('no-json', 'key'), detail: 'device key is no JWK' },
  { name: 'on another curve', path: () => keyFile('p384', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey), detail: 'device key of another kind' },
])('a key $name keeps the kiosk from opening', ({ path, detail }) => {
  expect(readDeviceKey(path())).toEqual({ ok: false, failure: { code: 'kiosk-config', detail } });
});

describe('where the power went while one was made', () => {
  const at = (name: string): string => {
    mkdirSync(join(folder, name));
    return join(folder, name, 'device.key.json');
  };
  const whole = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));

  test.each([0, 1, 20, whole.length - 1])('after %i bytes of it, another is made, and the half is gone', (length) => {
    const path = at(`cut-${length}`);
    writeFileSync(`${path}.new`, whole.slice(0, length), { mode: 0o644 });
    const made = must(readOrMakeDeviceKey(path));
    expect(must(readDeviceKey(path)).publicKey).toEqual(made.publicKey);
    expect((JSON.parse(readFileSync(path, 'utf8')) as { d: string }).d).not.toBe((JSON.parse(whole) as { d: string }).d);
    expect([readdirSync(dirname(path)), statSync(path).mode & 0o777]).toEqual([['device.key.json'], 0o600]);
  });

  test('one that was there before is not made again', () => {
    const path = at('before');
    const made = must(readOrMakeDeviceKey(path));
    writeFileSync(`${path}.new`, whole.slice(0, 20), { mode: 0o600 });
    expect(must(readOrMakeDeviceKey(path)).publicKey).toEqual(made.publicKey);
  });

  test('a folder that takes nothing keeps no half of it', () => {
    const path = join(folder, 'nowhere', 'device.key.json');
    expect(readOrMakeDeviceKey(path)).toEqual({ ok: false, failure: { code: 'kiosk-storage', detail: 'ENOENT' } });
  });
});
