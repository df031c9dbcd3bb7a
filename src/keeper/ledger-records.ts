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

/** Several at one state, in one question. */
export async function readRecords<const Q extends Readonly<Record<string, readonly [kind: RecordKind, key: Uint8Array]>>>(
  ledger: LedgerView,
  queries: Q,
): Promise<Result<{ [N in keyof Q]: Records[Q[N][0]] | null }>> {
  const asked = Object.entries(queries);
  const values = await ledger.values(asked.map(([, [, key]]) => key));
  if (!values.ok) return values;
  const records = asked.map(([name, [kind]], i) => {
    const value = values.value[i] ?? null;
    return [name, value === null ? null : decodeRecord(kind, value)] as const;
  });
  return ok(Object.fromEntries(records) as { [N in keyof Q]: Records[Q[N][0]] | null });
}
