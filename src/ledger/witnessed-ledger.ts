import { ok, type Result } from '../contract/result.ts';
import type { CheckpointKeeper } from './checkpoints.ts';
import type { Ledger, TransactionState } from './ledger.ts';
import { nodeCrypto } from './node-crypto.ts';
import { checkpointOf, checkpointText, type Checkpoint } from './verify/checkpoint.ts';
import { decodeHead } from './verify/head.ts';
import { decodeReceipt, withCosignatures } from './verify/receipt.ts';

function restsOn(receipt: Uint8Array, checkpoint: Checkpoint, chain: string): boolean {
  const carried = decodeReceipt(receipt)?.head;
  const head = carried && decodeHead(carried, chain, nodeCrypto);
  return head !== undefined && checkpointText(checkpointOf({ ...head, height: head.header.height - 1 }, checkpoint.origin)) === checkpointText(checkpoint);
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
      if (!receipt.ok || receipt.value === null || !restsOn(receipt.value, checkpoint, ledger.chain)) return plain;
      return ok(withCosignatures(receipt.value, checkpoint.origin, cosignatures) ?? plain.value);
    },
    receiptAt: (transaction, height) => ledger.receiptAt(transaction, height),
    head: () => ledger.head(),
    block: (height) => ledger.block(height),
    consistency: (first, second) => ledger.consistency(first, second),
    read: (keys) => ledger.read(keys),
    values: (keys) => ledger.values(keys),
    onBlock: (listener) => ledger.onBlock(listener),
    close: () => ledger.close(),
  };
}
