import { ok, type Result } from '../contract/result.ts';
import type { CheckpointKeeper } from './checkpoints.ts';
import type { Ledger, TransactionState } from './ledger.ts';
import { nodeCrypto } from './node-crypto.ts';
import { checkpointOf, checkpointText, type Checkpoint } from './verify/checkpoint.ts';
import { decodeReceipt, logRootOf, withCosignatures } from './verify/receipt.ts';

function restsOn(bytes: Uint8Array, checkpoint: Checkpoint): boolean {
  const receipt = decodeReceipt(bytes);
  const logRoot = receipt && logRootOf(receipt, nodeCrypto);
  if (receipt === undefined || logRoot === undefined) return false;
  const [logSize, stateRoot, [height]] = receipt.head;
  return checkpointText(checkpointOf({ height: height - 1, logSize, logRoot, stateRoot }, checkpoint.origin)) === checkpointText(checkpoint);
}

/** A ledger that knows what outsiders have seen of it: `recorded` becomes `witnessed`, and a receipt rests on the head that they cosigned. */
export function witnessedLedger(ledger: Ledger, checkpoints: Pick<CheckpointKeeper, 'covering' | 'isWitnessed'>): Ledger {
  const seen = (known: Result<TransactionState>): Result<TransactionState> =>
    known.ok && known.value.state === 'recorded' && checkpoints.isWitnessed(known.value.index) ? ok({ ...known.value, state: 'witnessed' }) : known;

  return {
    chain: ledger.chain,
    submit: async (envelope) => seen(await ledger.submit(envelope)),
    state: async (transaction) => seen(await ledger.state(transaction)),
    async receipt(transaction, waitMs) {
      const plain = await ledger.receipt(transaction, waitMs);
      if (!plain.ok || plain.value === null) return plain;
      const index = decodeReceipt(plain.value)?.index;
      const cosigned = index === undefined ? null : checkpoints.covering(index);
      if (cosigned === null) return plain;
      const { checkpoint, cosignatures } = cosigned;
      const receipt = await ledger.receiptAt(transaction, checkpoint.height);
      // Whoever is asked may have it at another head, which they did not cosign.
      if (!receipt.ok || receipt.value === null || !restsOn(receipt.value, checkpoint)) return plain;
      return ok(withCosignatures(receipt.value, checkpoint.origin, cosignatures) ?? plain.value);
    },
    receiptAt: (transaction, height) => ledger.receiptAt(transaction, height),
    head: () => ledger.head(),
    block: (height) => ledger.block(height),
    consistency: (first, second) => ledger.consistency(first, second),
    read: (keys) => ledger.read(keys),
    values: (keys) => ledger.values(keys),
    entries: (from, count) => ledger.entries(from, count),
    onBlock: (listener) => ledger.onBlock(listener),
    close: () => ledger.close(),
  };
}
