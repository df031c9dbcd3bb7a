import { ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { decodeRecord, stateKey } from '../ledger/verify/records.ts';
import type { LedgerView } from './ledger-records.ts';
import type { KeeperStore } from './store.ts';
import { readPart } from './submission-walk.ts';

/** A look under a sealed case, of which the resident is told that it was and when it opens. */
export interface Withheld {
  transaction: Uint8Array;
  act: number;
  /** Unix seconds: due for unsealing from then on. */
  opensAt: number;
}

/** Hands over what cases that were unsealed meanwhile had kept from the resident, and says what is still kept. */
export async function withheldFrom(resident: Id, { store, ledger, opener }: { store: Pick<KeeperStore, 'withheld' | 'handOver'>; ledger: LedgerView; opener: Opener }): Promise<Result<Withheld[]>> {
  const kept = await store.withheld(resident);
  if (!kept.ok) return kept;
  const still: Withheld[] = [];
  for (const { transaction, act, keeperPart } of kept.value) {
    const part = await readPart(keeperPart, resident, 'access.record', opener);
    if (part?.case === undefined) throw new Error('a look was withheld that is under no case');
    const values = await ledger.values([stateKey.case(part.case.id)]);
    if (!values.ok) return values;
    const [value = null] = values.value;
    const record = value === null ? null : decodeRecord('case', value);
    if (record?.sealed === true) {
      still.push({ transaction, act, opensAt: record.opensAt });
      continue;
    }
    const handed = await store.handOver(transaction, act);
    if (!handed.ok) return handed;
  }
  return ok(still);
}
