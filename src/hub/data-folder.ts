import { mkdirSync } from 'node:fs';
import { fail, ok, type Failure, type Result } from '../contract/result.ts';

/** Made where it is not there, for its owner alone. */
export function makeFolder(path: string): Result<null, Failure<'hub-storage'>> {
  return onDisk(path, () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return null;
  });
}

/** What the file system refuses is a value; detail: its errno and the path. */
export function onDisk<T>(path: string, work: () => T): Result<T, Failure<'hub-storage'>> {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && 'code' in error) return fail('hub-storage', `${String(error.code)} ${path}`);
    throw error;
  }
}
