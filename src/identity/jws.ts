import { ok, type Result } from '../contract/result.ts';
import type { PublicKey } from '../ledger/verify/acts.ts';
import { fromBase64url, toBase64url } from '../ledger/verify/bytes.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';

/** A compact JWS (RFC 7515 §7.1) taken apart; nothing of it is checked yet. What is no JSON is undefined. */
export interface Jws {
  header: unknown;
  payload: unknown;
  signingInput: Uint8Array;
  signature: Uint8Array;
}

/** null: not three parts of base64url. */
export function parseJws(jws: string): Jws | null {
  const parts = jws.split('.');
  const [header, payload, signature] = parts.map((part) => fromBase64url(part));
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) return null;
  return { header: parseJson(header), payload: parseJson(payload), signature, signingInput: Buffer.from(jws.slice(0, jws.lastIndexOf('.')), 'ascii') };
}

/** true: its `alg` is that of the key, it asks for no extension (`crit`), and the key signed it. */
export function isSignedBy({ header, signingInput, signature }: Jws, key: PublicKey, verify: Crypto['verify']): boolean {
  if (typeof header !== 'object' || header === null || 'crit' in header || !('alg' in header)) return false;
  const fits = key[0] === -19 ? header.alg === 'EdDSA' || header.alg === 'Ed25519' : key[0] === -9 && header.alg === 'ES256';
  return fits && verify(key, signingInput, signature);
}

/** Header and payload as they are signed: in the order of their members. */
export const jwsInput = (header: object, payload: object): string => [header, payload].map((part) => Buffer.from(JSON.stringify(part), 'utf8').toString('base64url')).join('.');

/** @param sign of Ed25519, whose `alg` the header says. */
export function signJws(header: object, payload: object, sign: (input: Uint8Array) => Uint8Array): string {
  const input = jwsInput(header, payload);
  return `${input}.${toBase64url(sign(Buffer.from(input, 'ascii')))}`;
}

/** The same with a key that may fail, of any kind. */
export async function signJwsBy<F>(header: object, payload: object, sign: (input: Uint8Array) => Promise<Result<Uint8Array, F>>): Promise<Result<string, F>> {
  const input = jwsInput(header, payload);
  const signature = await sign(Buffer.from(input, 'ascii'));
  return signature.ok ? ok(`${input}.${toBase64url(signature.value)}`) : signature;
}

/** A public JWK of Ed25519 (RFC 8037) or P-256 (RFC 7518 §6.2). null: another kind, or malformed. */
export function keyOfJwk(jwk: unknown): PublicKey | null {
  if (typeof jwk !== 'object' || jwk === null || !('kty' in jwk) || !('crv' in jwk) || !('x' in jwk)) return null;
  const x = typeof jwk.x === 'string' ? fromBase64url(jwk.x) : undefined;
  if (x?.length !== 32) return null;
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return [-19, x];
  const y = 'y' in jwk && typeof jwk.y === 'string' ? fromBase64url(jwk.y) : undefined;
  if (jwk.kty !== 'EC' || jwk.crv !== 'P-256' || y?.length !== 32) return null;
  return [-9, Uint8Array.of(2 + ((y[31] ?? 0) & 1), ...x)];
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
