import { ok, type Result } from '../contract/result.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { decodeRecord, type RecordKind, type Records } from '../ledger/verify/records.ts';

/** What the keeper reads of the ledger: the node it trusts, so no proofs. */
export type LedgerView = Pick<Ledger, 'chain' | 'values'>;

export async function readRecord<K extends RecordKind>(ledger: LedgerView, kind: K, key: Uint8Array): Promise<Result<Records[K] | null>> {
  const values = await ledger.values([key]);
  if (!values.ok) return values;
  const [value] = values.value;
  return ok(value === null || value === undefined ? null : decodeRecord(kind, value));
}
