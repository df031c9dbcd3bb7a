import { fail, ok, type Failure, type Result } from '../contract/result.ts';

/** What SQLite itself throws is a disk's doing: `hub-storage` with its primary result code. Anything else is a bug and goes on as one. */
export function guarded<T>(work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR' && 'errcode' in error) return fail('hub-storage', `sqlite-${Number(error.errcode) & 0xff}`);
    throw error;
  }
}

/** The same around what answers with a failure of its own. */
export function guardedResult<T, F>(work: () => Result<T, F>): Result<T, F | Failure> {
  const done = guarded(work);
  return done.ok ? done.value : done;
}
