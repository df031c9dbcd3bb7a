import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type JsonWebKey } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { fail, ok, type Result } from '../contract/result.ts';
import { publicKeyOf } from '../ledger/client/spki.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';

/** What attests that a request was signed at this kiosk. */
export interface DeviceKey {
  /** As in `kiosk.enrol`: Ed25519, or P-256 in SEC1 compressed form. */
  publicKey: PublicKey;
  /** 64 bytes: R ‖ S. */
  sign(input: Uint8Array): Uint8Array;
}

/** With what TLS signs with; of a key in a TPM, what names it to OpenSSL (ledger/client/door-tls.ts). */
export interface StoredDeviceKey extends DeviceKey {
  tlsKey: string;
}

/**
 * Reads a private JWK: Ed25519 (RFC 8037 §2) or P-256 (RFC 7518 §6.2).
 * Fails with `kiosk-config` when there is none, when it is no such key, or when anybody but its owner may read the file.
 */
export function readDeviceKey(path: string): Result<StoredDeviceKey> {
  try {
    if ((statSync(path).mode & 0o077) !== 0) return fail('kiosk-config', 'device key is readable by others');
    return deviceKeyOf(JSON.parse(readFileSync(path, 'utf8')) as JsonWebKey);
  } catch (error) {
    return fail('kiosk-config', error instanceof Error && 'code' in error ? `device key ${String(error.code)}` : 'device key is no JWK');
  }
}

/** As `readDeviceKey`; where there is none yet, an Ed25519 key is made and is on the disk, for its owner alone, when this returns. */
export function readOrMakeDeviceKey(path: string): Result<StoredDeviceKey> {
  if (existsSync(path)) return readDeviceKey(path);
  try {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, `${JSON.stringify(jwk)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
  return readDeviceKey(path);
}

/** Written over, then gone. A disk that writes elsewhere than it says (flash, copy on write) may keep the old bytes: only the ledger takes a key out of the world. */
export function wipeDeviceKey(path: string): Result<null> {
  try {
    const { size } = statSync(path);
    const file = openSync(path, 'r+');
    try {
      writeSync(file, randomBytes(size), 0, size, 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    unlinkSync(path);
    return ok(null);
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
}

export function deviceKeyOf(jwk: JsonWebKey): Result<StoredDeviceKey> {
  const secret = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = publicKeyOf(createPublicKey(secret));
  if (publicKey === undefined) return fail('kiosk-config', 'device key of another kind');
  return ok({
    publicKey,
    sign: (input) => new Uint8Array(publicKey[0] === -19 ? sign(null, input, secret) : sign('sha256', input, { key: secret, dsaEncoding: 'ieee-p1363' })),
    tlsKey: secret.export({ format: 'pem', type: 'pkcs8' }).toString(),
  });
}
