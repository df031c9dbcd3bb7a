import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { fail, ok, type Result } from '../contract/result.ts';
import { publicKeyOf } from '../ledger/client/spki.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';
import { utf8 } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import { keptFile } from './kept-file.ts';
import { forgetTpmKey, makeTpmKey, publicOfTpmKey, signByTpm, type TpmKey } from './tpm.ts';

/** What attests that a request was signed at this kiosk. */
export interface DeviceKey {
  /** As in `kiosk.enrol`: Ed25519, or P-256 in SEC1 compressed form. */
  publicKey: PublicKey;
  /** 64 bytes: R ‖ S. `device-key-silent`: its chip does not sign just now. */
  sign(input: Uint8Array): Promise<Result<Uint8Array>>;
}

/** PEM of what TLS signs with; null of a key in a TPM, for which another stands in (ledger/client/door-delegation.ts). */
export interface StoredDeviceKey extends DeviceKey {
  tlsKey: string | null;
}

/** Nothing that anybody signs begins like it. */
const trial = utf8('imi-kiosk: a trial of the device key');

/** Signs now, and what it signs verifies: `device-key-silent`; `kiosk-config` where its chip has another key by now. */
export async function tryDeviceKey({ publicKey, sign: signBy }: DeviceKey, verify: Crypto['verify']): Promise<Result<null>> {
  const signature = await signBy(trial);
  if (!signature.ok) return signature;
  return verify(publicKey, trial, signature.value) ? ok(null) : fail('kiosk-config', 'the TPM has another key');
}

/** Where a device key is made. */
export type KeyPlace = 'file' | { tpm: string };

/**
 * Reads a private JWK: Ed25519 (RFC 8037 §2) or P-256 (RFC 7518 §6.2); or a public one of P-256 with `tpm`, which says where its private half lies.
 * Fails with `kiosk-config` when there is none, when it is no such key, or when anybody but its owner may read the file.
 */
export function readDeviceKey(path: string): Result<StoredDeviceKey> {
  try {
    if ((statSync(path).mode & 0o077) !== 0) return fail('kiosk-config', 'device key is readable by others');
    const jwk = JSON.parse(readFileSync(path, 'utf8')) as JsonWebKey & { tpm?: TpmKey };
    return jwk.tpm === undefined ? deviceKeyOf(jwk) : keyInTpm(jwk, jwk.tpm);
  } catch (error) {
    return fail('kiosk-config', error instanceof Error && 'code' in error ? `device key ${String(error.code)}` : 'device key is no JWK');
  }
}

/**
 * As `readDeviceKey`; where there is none yet, one is made and is on the disk, for its owner alone, when this returns: an Ed25519 key, or the name of a
 * P-256 key in the TPM, which has no Ed25519.
 */
export function readOrMakeDeviceKey(path: string, place: KeyPlace = 'file'): Result<StoredDeviceKey> {
  if (existsSync(path)) return readDeviceKey(path);
  const made: Result<JsonWebKey & { tpm?: TpmKey }> = place === 'file' ? ok(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })) : newKeyInTpm(place.tpm);
  if (!made.ok) return made;
  try {
    // Whole or not at all: half a key after a power cut would be one that nobody can read.
    keptFile(path).write(new TextEncoder().encode(`${JSON.stringify(made.value)}\n`));
  } catch (error) {
    // A chip has room for few keys.
    if (made.value.tpm !== undefined) forgetTpmKey(made.value.tpm);
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
  return readDeviceKey(path);
}

/** What lies there is kept under another name, `…old` and a number, and makes room for another key. */
export function setAsideDeviceKey(path: string): Result<null> {
  try {
    let number = 1;
    while (existsSync(`${path}.old-${number}`)) number += 1;
    renameSync(path, `${path}.old-${number}`);
    return ok(null);
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : undefined);
  }
}

function newKeyInTpm(tcti: string): Result<JsonWebKey & { tpm: TpmKey }> {
  const tpm = makeTpmKey(tcti);
  if (!tpm.ok) return tpm;
  const jwk = publicOfTpmKey(tpm.value);
  if (jwk.ok) return ok({ ...jwk.value, tpm: tpm.value });
  // Nothing on the disk says where it lies, and a chip has room for few keys.
  forgetTpmKey(tpm.value);
  return jwk;
}

/** Out of its TPM first, where it is in one; the file written over, then gone. A disk that writes elsewhere than it says (flash, copy on write) may keep the old bytes: only the ledger takes a key out of the world. */
export function wipeDeviceKey(path: string): Result<null> {
  try {
    const { tpm } = JSON.parse(readFileSync(path, 'utf8')) as { tpm?: TpmKey };
    const gone = tpm === undefined ? ok(null) : forgetTpmKey(tpm);
    if (!gone.ok) return gone;
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

/** Looked at as it lies there now: a TPM that was cleared, or a disk that was put into another machine, has another key or none. */
function keyInTpm(jwk: JsonWebKey, tpm: TpmKey): Result<StoredDeviceKey> {
  const inside = publicOfTpmKey(tpm);
  if (!inside.ok) return inside;
  if (inside.value.x !== jwk.x || inside.value.y !== jwk.y) return fail('kiosk-config', 'the TPM has another key');
  const publicKey = publicKeyOf(createPublicKey({ key: inside.value, format: 'jwk' }));
  if (publicKey === undefined) return fail('kiosk-config', 'device key of another kind');
  return ok({ publicKey, sign: (input) => signByTpm(tpm, input), tlsKey: null });
}

/** By a key in memory, Ed25519 or P-256: 64 bytes, R ‖ S. */
export const signWith = (secret: KeyObject, input: Uint8Array): Uint8Array =>
  new Uint8Array(secret.asymmetricKeyType === 'ed25519' ? sign(null, input, secret) : sign('sha256', input, { key: secret, dsaEncoding: 'ieee-p1363' }));

export function deviceKeyOf(jwk: JsonWebKey): Result<StoredDeviceKey> {
  const secret = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = publicKeyOf(createPublicKey(secret));
  if (publicKey === undefined) return fail('kiosk-config', 'device key of another kind');
  return ok({
    publicKey,
    sign: (input) => Promise.resolve(ok(signWith(secret, input))),
    tlsKey: secret.export({ format: 'pem', type: 'pkcs8' }).toString(),
  });
}
