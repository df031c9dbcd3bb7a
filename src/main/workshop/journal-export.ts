import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { fail, ok, type Failure, type Result } from '../../contract/result.ts';
import type { SetupOption } from '../../contract/workshop.ts';
import { isSignedBy, parseJws, signJwsBy } from '../../identity/jws.ts';
import type { Opener } from '../../identity/hpke.ts';
import { openSealed, sealTo } from '../../identity/sealing.ts';
import type { Name, PublicKey } from '../../ledger/verify/acts.ts';
import { utf8 } from '../../ledger/verify/bytes.ts';
import { decodeCbor, encodeCbor } from '../../ledger/verify/cbor.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { DeviceKey } from '../device-key.ts';
import { journalFiles } from '../journal.ts';

/** What the device key has signed: whose journal it is, until when, and what is sealed. */
const statementSchema = z.strictObject({ v: z.literal(1), kiosk: z.string(), at: z.iso.datetime(), sealed: z.string() });
export type JournalStatement = z.infer<typeof statementSchema>;

const fileSchema = z.strictObject({ v: z.literal(1), statement: z.string(), sealed: z.custom<Uint8Array>((value) => value instanceof Uint8Array) });

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface ExportParts {
  dataDir: string;
  kioskId: Name;
  deviceKey: DeviceKey;
  /** X25519, of the hub's party: whoever has its private half opens it. */
  hubSeal: Uint8Array;
  /** Unix milliseconds. */
  now: number;
}

/** The whole journal, oldest line first, sealed to the hub and signed by this kiosk: CBOR of `{v, statement, sealed}`. `device-key-silent`. */
export async function sealJournal({ dataDir, kioskId, deviceKey, hubSeal, now }: ExportParts): Promise<Result<Uint8Array>> {
  const lines = journalFiles(dataDir)
    .filter((file) => existsSync(file))
    .toReversed()
    .map((file) => readFileSync(file));
  const sealed = sealTo(hubSeal, 'journal', utf8(kioskId), gzipSync(Buffer.concat(lines)));
  const statement: JournalStatement = { v: 1, kiosk: kioskId, at: new Date(now).toISOString(), sealed: sha256(sealed) };
  const signed = await signJwsBy({ alg: deviceKey.publicKey[0] === -19 ? 'EdDSA' : 'ES256', typ: 'imi-journal+jwt' }, statement, (input) => deviceKey.sign(input));
  return signed.ok ? ok(encodeCbor({ v: 1, statement: signed.value, sealed })) : signed;
}

export type JournalFileFault = Failure<'export-form' | 'export-signature' | 'seal-broken'>;

/** What a file says that it is, whoever signed it. */
export function statementOf(file: Uint8Array): JournalStatement | null {
  const read = fileSchema.safeParse(decodeCbor(file));
  const statement = read.success ? statementSchema.safeParse(parseJws(read.data.statement)?.payload) : null;
  return statement?.success === true ? statement.data : null;
}

/** The lines of an exported journal, where this key, the ledger's for that kiosk, has signed it. */
export async function openJournalFile(file: Uint8Array, key: PublicKey, opener: Opener, verify: Crypto['verify']): Promise<Result<string, JournalFileFault>> {
  const read = fileSchema.safeParse(decodeCbor(file));
  const statement = statementOf(file);
  if (!read.success || statement === null) return fail('export-form');
  const jws = parseJws(read.data.statement);
  if (jws === null || !isSignedBy(jws, key, verify) || sha256(read.data.sealed) !== statement.sealed) return fail('export-signature');
  const opened = await openSealed(read.data.sealed, 'journal', utf8(statement.kiosk), opener);
  if (!opened.ok) return fail('seal-broken', opened.failure.detail);
  try {
    return ok(gunzipSync(opened.value, { maxOutputLength: 256 * 1024 * 1024 }).toString('utf8'));
  } catch {
    return fail('export-form', 'gzip');
  }
}

/** Folders below which a stick that is plugged in shows; the kiosk's unit (kiosk-image/imi-kiosk.service) lets it write there. */
export const stickRoots: readonly string[] = ['/media', '/run/media', '/mnt'];

/** On this kiosk's own disk, to be fetched by whoever looks after the machine. */
const ownFolder = 'exports';

/** Sticks that are mounted below these folders and can be written to, and the kiosk's own folder. */
export function exportPlaces(dataDir: string, roots: readonly string[], isMount: (path: string) => boolean = isMountPoint): SetupOption[] {
  const below = (path: string, depth: number): string[] => {
    try {
      if (isMount(path) && statSync(path).isDirectory()) return [path];
      return depth === 0 ? [] : readdirSync(path).sort().flatMap((name) => below(join(path, name), depth - 1));
    } catch {
      return [];
    }
  };
  const sticks = roots.flatMap((root) => below(root, 2)).filter(isWritable);
  return [...sticks.map((path) => ({ option: path, title: path.replace(/^.*\//, ''), detail: path })), { option: join(dataDir, ownFolder), title: ownFolder, detail: join(dataDir, ownFolder) }];
}

function isMountPoint(path: string): boolean {
  return statSync(path).dev !== statSync(dirname(path)).dev;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export interface ExportTarget {
  /** One of `places`. */
  folder: string;
  /** What can be written to now: a stick that is unmounted leaves a folder on the kiosk's own disk, where it would be taken for saved. */
  places(): readonly SetupOption[];
  flushLimitMs?: number;
}

/** A slow stick takes what the kernel has kept back within it. */
const longestFlushMs = 60_000;

/**
 * The file's path and SHA-256, once it lies on the medium: written beside its name, flushed, renamed, read back, and the file system flushed as a whole.
 * `kiosk-storage`; its detail `gone`: the place was none any more before it was written, or was none when it had been.
 */
export async function writeExport({ folder, places, flushLimitMs = longestFlushMs }: ExportTarget, name: string, bytes: Uint8Array): Promise<Result<{ path: string; sha256: string }>> {
  const isThere = (): boolean => places().some(({ option }) => option === folder);
  const path = join(folder, name);
  try {
    if (!isThere()) return fail('kiosk-storage', 'gone');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = openSync(`${path}.part`, 'w', 0o600);
    try {
      writeSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.part`, path);
    await flush(folder, flushLimitMs);
    if (sha256(readFileSync(path)) !== sha256(bytes)) return fail('kiosk-storage', 'read back');
    return isThere() ? ok({ path, sha256: sha256(bytes) }) : fail('kiosk-storage', 'gone');
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : 'flush');
  }
}

/** syncfs: the names too, and what the medium's own file system keeps back. Given up at its limit even where the kernel does not let `sync` end. */
function flush(folder: string, limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('sync', ['-f', folder], { signal: AbortSignal.timeout(limitMs), killSignal: 'SIGKILL' }, (error) => {
      if (error === null) resolve();
      else reject(new Error('sync'));
    });
  });
}
