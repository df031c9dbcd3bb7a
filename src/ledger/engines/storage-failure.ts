import { fail, type Failure } from '../../contract/result.ts';

/** SQLite's primary result codes for what a disk or another process does: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB. */
const storageCodes: readonly number[] = [5, 6, 8, 10, 11, 13, 14, 26];

/** What the disk or the file system refused; anything else is a bug and thrown on. */
export function storageFailure(error: unknown): { readonly ok: false; readonly failure: Failure<'hub-storage'> } {
  if (error instanceof Error) {
    if ('errcode' in error && typeof error.errcode === 'number' && storageCodes.includes(error.errcode & 0xff)) {
      return fail('hub-storage', error.message.slice(0, 120));
    }
    // Every question is written here: one that the file does not understand was asked of a table whose definition is damaged.
    if (/^no such (column|table): |^table \w+ has no column named /.test(error.message)) return fail('hub-storage', error.message.slice(0, 120));
    // No number that is written here is so large: node:sqlite found one that is damaged.
    if (error instanceof RangeError && error.message.startsWith('Value is too large to be represented as a JavaScript number')) return fail('hub-storage', 'a damaged number');
    if ('syscall' in error && 'code' in error && typeof error.code === 'string') return fail('hub-storage', error.code);
  }
  throw error;
}
