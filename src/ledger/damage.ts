/**
 * Thrown where what was read from the ledger's file is not what its hashes say. `errcode` is SQLITE_CORRUPT, so it is told like damage that
 * SQLite itself finds: nothing of it is served.
 */
export class LedgerDamage extends Error {
  readonly errcode = 11;
  override readonly name = 'LedgerDamage';
}

/** A value of a column of bytes. A damaged row has values of other kinds than its table says: `LedgerDamage` with `what` then. */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new LedgerDamage(what);
  return value;
}
