import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import { fromBase64url, toBase64url } from '../ledger/verify/bytes.ts';

/** Raw secrets of 32 bytes, in base64url: Ed25519 seed, X25519 scalar, key of the registrar's index. */
const keyFileSchema = z.strictObject({ v: z.literal(1), sign: z.string().optional(), seal: z.string().optional(), index: z.string().optional() });
export interface KeyFile {
  sign?: Uint8Array;
  seal?: Uint8Array;
  index?: Uint8Array;
}

/** `key-missing`, `key-unreadable` (form), `key-exposed` (others than its owner can read it). detail: the path. */
export type KeyFailure = Failure<'key-missing' | 'key-unreadable' | 'key-exposed'>;

export function readKeyFile(path: string): Result<KeyFile, KeyFailure> {
  let text: string;
  try {
    const file = openSync(path, 'r');
    try {
      if ((fstatSync(file).mode & 0o077) !== 0) return fail('key-exposed', path);
      text = readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return fail('key-missing', path);
  }
  const parsed = keyFileSchema.safeParse(parseJson(text));
  if (!parsed.success) return fail('key-unreadable', path);
  const keys: KeyFile = {};
  for (const name of ['sign', 'seal', 'index'] as const) {
    const encoded = parsed.data[name];
    if (encoded === undefined) continue;
    const bytes = fromBase64url(encoded);
    if (bytes?.length !== 32) return fail('key-unreadable', path);
    keys[name] = bytes;
  }
  return ok(keys);
}

/** Those of its secrets that must be there. */
export function secretsOf<K extends keyof KeyFile>(path: string, names: readonly K[]): Result<Record<K, Uint8Array>, KeyFailure> {
  const file = readKeyFile(path);
  if (!file.ok) return file;
  const secrets: Partial<Record<K, Uint8Array>> = {};
  for (const name of names) {
    const secret = file.value[name];
    if (secret === undefined) return fail('key-unreadable', `${path}: ${name}`);
    secrets[name] = secret;
  }
  return ok(secrets as Record<K, Uint8Array>);
}

/** Makes the file with mode 0600, synced. Throws where it exists: a key is never written over. */
export function writeKeyFile(path: string, keys: KeyFile): void {
  const encoded = Object.fromEntries(Object.entries(keys).map(([name, bytes]: [string, Uint8Array]) => [name, toBase64url(bytes)]));
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ v: 1, ...encoded }, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
