import { fail, ok, type Failure, type Result } from '../contract/result.ts';

/** SQLITE_CONSTRAINT, MISMATCH, MISUSE, RANGE: a statement of ours that was wrong. */
const bugs: readonly number[] = [19, 20, 21, 25];

/** What else SQLite itself throws is a disk's doing: `hub-storage` with its primary result code. Anything that is not SQLite's is a bug and thrown on. */
export function sqliteFailure(error: unknown): Result<never> {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR' && 'errcode' in error) {
    const errcode = Number(error.errcode) & 0xff;
    if (!bugs.includes(errcode)) return fail('hub-storage', `sqlite-${errcode}`);
  }
  throw error;
}

export function guarded<T>(work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (error) {
    return sqliteFailure(error);
  }
}

/** The same around what answers with a failure of its own. */
export function guardedResult<T, F>(work: () => Result<T, F>): Result<T, F | Failure> {
  const done = guarded(work);
  return done.ok ? done.value : done;
}

/** A BLOB of a row. Throws a `TypeError` where the column holds something else: a bug, since the file is our own. */
export function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('not a BLOB');
  return value;
}
