import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { publicKeyOf } from '../../src/ledger/client/spki.ts';
import { nodeCrypto } from '../../src/ledger/node-crypto.ts';
import { readDeviceKey } from '../../src/main/device-key.ts';

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

  test('attests what the ledger takes', () => {
    const input = Buffer.from('what is attested');
    expect(key.publicKey[0]).toBe(algorithm);
    expect(key.publicKey).toEqual(publicKeyOf(publicKey));
    expect(nodeCrypto.verify(key.publicKey, input, key.sign(input))).toBe(true);
    expect(nodeCrypto.verify(key.publicKey, Buffer.from('something else'), key.sign(input))).toBe(false);
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
