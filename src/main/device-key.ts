import { createPrivateKey, createPublicKey, sign, type JsonWebKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { fail, ok, type Result } from '../contract/result.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';

/** What attests that a request was signed at this kiosk. */
export interface DeviceKey {
  /** As in `kiosk.enrol`: Ed25519, or P-256 in SEC1 compressed form. */
  publicKey: PublicKey;
  /** 64 bytes: R ‖ S. */
  sign(input: Uint8Array): Uint8Array;
}

/**
 * Reads a private JWK: Ed25519 (RFC 8037 §2) or P-256 (RFC 7518 §6.2).
 * Fails with `kiosk-config` when there is none, when it is no such key, or when anybody but its owner may read the file.
 */
export function readDeviceKey(path: string): Result<DeviceKey> {
  try {
    if ((statSync(path).mode & 0o077) !== 0) return fail('kiosk-config', 'device key is readable by others');
    return deviceKeyOf(JSON.parse(readFileSync(path, 'utf8')) as JsonWebKey);
  } catch (error) {
    return fail('kiosk-config', error instanceof Error && 'code' in error ? `device key ${String(error.code)}` : 'device key is no JWK');
  }
}

function deviceKeyOf(jwk: JsonWebKey): Result<DeviceKey> {
  const secret = createPrivateKey({ key: jwk, format: 'jwk' });
  const { x, y } = createPublicKey(secret).export({ format: 'jwk' });
  if (secret.asymmetricKeyType === 'ed25519') {
    return ok({
      publicKey: [-19, new Uint8Array(Buffer.from(x ?? '', 'base64url'))],
      sign: (input) => new Uint8Array(sign(null, input, secret)),
    });
  }
  if (secret.asymmetricKeyType !== 'ec' || secret.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    return fail('kiosk-config', 'device key of another kind');
  }
  const odd = ((Buffer.from(y ?? '', 'base64url').at(-1) ?? 0) & 1) === 1;
  return ok({
    publicKey: [-9, new Uint8Array(Buffer.concat([Uint8Array.of(odd ? 3 : 2), Buffer.from(x ?? '', 'base64url')]))],
    sign: (input) => new Uint8Array(sign('sha256', input, { key: secret, dsaEncoding: 'ieee-p1363' })),
  });
}
