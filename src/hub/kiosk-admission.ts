import { fail, ok, type Result } from '../contract/result.ts';
import { readRecord, type LedgerView } from '../keeper/ledger-records.ts';
import type { CommittedBlock } from '../ledger/ledger.ts';
import { nodeCrypto } from '../ledger/node-crypto.ts';
import type { Name, PublicKey } from '../ledger/verify/acts.ts';
import { keyId } from '../ledger/verify/envelope.ts';
import { stateKey } from '../ledger/verify/records.ts';

/**
 * Which of this hub's kiosks the ledger lets attest with this key.
 * `kiosk-not-enrolled`: `unknown`, `retired`, or enrolled by `another-hub`; why the ledger could not be read.
 */
export async function admitKiosk(ledger: LedgerView, hub: Name, key: PublicKey): Promise<Result<Name>> {
  const known = await readRecord(ledger, 'key', stateKey.key(keyId(key, nodeCrypto)));
  if (!known.ok) return known;
  if (known.value === null || !('kiosk' in known.value.owner)) return fail('kiosk-not-enrolled', 'unknown');
  const kiosk = await readRecord(ledger, 'kiosk', stateKey.kiosk(known.value.owner.kiosk));
  if (!kiosk.ok) return kiosk;
  if (known.value.state !== 'active' || kiosk.value?.state !== 'active') return fail('kiosk-not-enrolled', 'retired');
  return kiosk.value.hub === hub ? ok(kiosk.value.id) : fail('kiosk-not-enrolled', 'another-hub');
}

/** After such a block who was let in may have to go. */
export const changesKiosks = ({ transactions }: CommittedBlock): boolean => transactions.some(({ body }) => body.acts.some(({ kind }) => kind === 'kiosk.retire'));
