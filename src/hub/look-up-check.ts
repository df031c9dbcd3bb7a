import { fail, ok, type Failure, type Result } from '../contract/result.ts';
import type { LedgerView } from '../keeper/ledger-records.ts';
import { soundOrder } from '../keeper/order-check.ts';
import { answering } from '../keeper/refusal.ts';
import type { Crypto } from '../ledger/verify/crypto.ts';
import type { CheckedLookup } from '../registrar/look-up.ts';

/**
 * An order to look somebody up, held against ledger and clock by the keeper's own rules.
 *
 * @param now Unix seconds.
 */
export async function checkLookUp(signed: Uint8Array, parts: { ledger: LedgerView; crypto: Crypto }, now: number): Promise<Result<CheckedLookup, Failure<string>>> {
  const checked = await answering(() => soundOrder(signed, ['index.lookup'], parts, now));
  if (!checked.ok) return checked;
  const { id, order, staff, notAfter } = checked.value;
  return staff === null ? fail('signer-role') : ok({ id, order, staff, notAfter });
}
