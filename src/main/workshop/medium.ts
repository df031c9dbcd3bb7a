import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
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
  flushLimitMs?: number;
}

/** A slow stick takes what the kernel has kept back within it. */
const longestFlushMs = 60_000;

export interface ExportFile {
  name: string;
  bytes: Uint8Array;
}

/** Path and SHA-256 of each file that lies there. */
export type Written = Result<{ path: string; sha256: string }[]>;

/**
 * Once all files lie on the medium: each written beside its name, flushed, renamed, and read back when the file system was flushed as a whole.
 * `kiosk-storage`; its detail `gone`: the place was none any more before it was written, or was none when it had been.
 */
export async function writeExport({ folder, places, flushLimitMs = longestFlushMs }: ExportTarget, files: readonly ExportFile[]): Promise<Written> {
  const isThere = (): boolean => places().some(({ option }) => option === folder);
  try {
    if (!isThere()) return fail('kiosk-storage', 'gone');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { name, bytes } of files) writeFlushed(join(folder, name), bytes);
    await flush(folder, flushLimitMs);
    const written = files.map(({ name, bytes }) => ({ path: join(folder, name), sha256: sha256(bytes) }));
    if (written.some((file) => sha256(readFileSync(file.path)) !== file.sha256)) return fail('kiosk-storage', 'read back');
    return isThere() ? ok(written) : fail('kiosk-storage', 'gone');
  } catch (error) {
    return fail('kiosk-storage', error instanceof Error && 'code' in error ? String(error.code) : 'flush');
  }
}

function writeFlushed(path: string, bytes: Uint8Array): void {
  const file = openSync(`${path}.part`, 'w', 0o600);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
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
