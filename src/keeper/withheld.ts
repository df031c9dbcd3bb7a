import { ok, type Result } from '../contract/result.ts';
import type { Opener } from '../identity/hpke.ts';
import { openSealed, sealTo } from '../identity/sealing.ts';
import type { Id } from '../ledger/verify/acts.ts';
import { decodeOpenedPart } from '../ledger/verify/private-part.ts';
import { stateKey } from '../ledger/verify/records.ts';
import { readRecords, type LedgerView } from './ledger-records.ts';
import type { KeeperStore } from './store.ts';

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
    const opened = await openSealed(keeperPart, 'part', resident, opener);
    const part = opened.ok ? decodeOpenedPart(opened.value)?.part : undefined;
    if (!opened.ok || part?.kind !== 'access.record' || part.case === undefined) throw new Error('a look was withheld that is under no case');
    const records = await readRecords(ledger, { under: ['case', stateKey.case(part.case.id)], of: ['resident', stateKey.resident(resident)] });
    if (!records.ok) return records;
    const { under, of } = records.value;
    if (under?.sealed === true) {
      still.push({ transaction, act, opensAt: under.opensAt });
      continue;
    }
    // The card may have been replaced since: sealed to the key of today.
    const handed = of === null ? ok(null) : await store.handOver(transaction, act, sealTo(of.space[1], 'part', resident, opened.value));
    if (!handed.ok) return handed;
  }
  return ok(still);
}
