import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail, ok, type Result } from '../../contract/result.ts';
import type { SetupOption } from '../../contract/workshop.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
  writeLimitMs?: number;
}

/** A slow stick takes it all in within it, with what the kernel has kept back. */
const longestWriteMs = 60_000;

export interface ExportFile {
  name: string;
  bytes: Uint8Array;
}

/** Path and SHA-256 of each file that lies there. */
export type Written = Result<{ path: string; sha256: string }[]>;

/**
 * Once all files lie on the medium: each written beside its name, flushed, renamed, and read back when the file system was flushed as a whole. Everything else
 * goes on meanwhile, however slow the medium is. `kiosk-storage`; its detail `gone`: the place was none any more before it was written, or was none when it had
 * been; `flush`: it was not taken in within the limit, and the kernel may still be at it.
 */
export async function writeExport({ folder, places, writeLimitMs = longestWriteMs }: ExportTarget, files: readonly ExportFile[]): Promise<Written> {
  const isThere = (): boolean => places().some(({ option }) => option === folder);
  const limit = AbortSignal.timeout(writeLimitMs);
  try {
    if (!isThere()) return fail('kiosk-storage', 'gone');
    const written = await Promise.race([writeAll(folder, files, limit), over(limit)]);
    if (!written) return fail('kiosk-storage', 'read back');
    return isThere() ? ok(files.map(({ name, bytes }) => ({ path: join(folder, name), sha256: sha256(bytes) }))) : fail('kiosk-storage', 'gone');
  } catch (error) {
    return fail('kiosk-storage', !limit.aborted && error instanceof Error && 'code' in error ? String(error.code) : 'flush');
  }
}

/** Whether what is read back is what was written. */
async function writeAll(folder: string, files: readonly ExportFile[], limit: AbortSignal): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { name, bytes } of files) await writeFlushed(join(folder, name), bytes, limit);
  await flush(folder, limit);
  for (const { name, bytes } of files) if (sha256(await readFile(join(folder, name))) !== sha256(bytes)) return false;
  return true;
}

/** What a stick brings along under the name is not written through, wherever it leads. */
async function writeFlushed(path: string, bytes: Uint8Array, limit: AbortSignal): Promise<void> {
  const part = `${path}.part`;
  await rm(part, { force: true });
  try {
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(bytes, { signal: limit });
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** No call to a file system that hangs ends before the kernel lets it. */
const over = (limit: AbortSignal): Promise<never> => new Promise((_, reject) => limit.addEventListener('abort', () => reject(new Error('limit')), { once: true }));

/** syncfs: the names too, and what the medium's own file system keeps back. */
function flush(folder: string, limit: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('sync', ['-f', folder], { signal: limit, killSignal: 'SIGKILL' }, (error) => {
      if (error === null) resolve();
      else reject(new Error('sync'));
    });
  });
}
