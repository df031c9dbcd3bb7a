import type { Result } from '../../contract/result.ts';
import { decodeActivityReceipt, verifyActivityReceipt } from '../../ledger/verify/activity-receipt.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { nobleCrypto } from '../../ledger/verify/noble-crypto.ts';
import { checkPendingReceipt, completeReceipt, decodePendingReceipt, type PendingReceipt } from '../../ledger/verify/pending-receipt.ts';
import { decodeReceipt, verifyReceipt, type ReceiptFailure, type ReceiptFault, type ReceiptProof } from '../../ledger/verify/receipt.ts';
import { activityStatementOf, pendingStatementOf, statementOf, type ActivityStatement, type PendingStatement, type ReceiptStatement } from '../../ledger/verify/receipt-statement.ts';
import type { SymbolsFault } from '../../ledger/verify/receipt-symbols.ts';

export type Outcome =
  /** `completes`: the pending receipt that was opened before is of the same request. */
  | { kind: 'holds'; statement: ReceiptStatement; proof: ReceiptProof; completes: boolean }
  /** Everything that touched a resident, and that it is everything. */
  | { kind: 'complete'; statement: ActivityStatement }
  /** Signed and whole, and in no ledger as far as it can say. */
  | { kind: 'queued'; statement: PendingStatement; pending: PendingReceipt }
  | { kind: 'codes'; fault: SymbolsFault }
  | { kind: 'refused'; fault: Exclude<ReceiptFault, 'other-ledger'>; detail: string }
  /** Which ledger the receipt names; nothing proves that it is in there. */
  | { kind: 'other-ledger'; named: string; trusted: string }
  | { kind: 'no-trust' }
  | { kind: 'file-unreadable' };

/** @param waiting the pending receipt that was opened before, to be completed. */
export function check(receipt: Result<Uint8Array, SymbolsFault>, trust: Trust | null, waiting: PendingReceipt | null): Outcome {
  if (trust === null) return { kind: 'no-trust' };
  if (!receipt.ok) return { kind: 'codes', fault: receipt.failure };
  const bytes = receipt.value;
  const pending = decodePendingReceipt(bytes);
  if (pending !== undefined) {
    const signed = checkPendingReceipt(bytes, trust, nobleCrypto);
    return signed.ok ? { kind: 'queued', statement: pendingStatementOf(signed.value), pending } : refusal(signed.failure, pending.envelope, trust);
  }
  if (decodeActivityReceipt(bytes) !== undefined) {
    const complete = verifyActivityReceipt(bytes, trust, nobleCrypto);
    return complete.ok ? { kind: 'complete', statement: activityStatementOf(complete.value) } : refusal(complete.failure, undefined, trust);
  }
  const completed = waiting === null ? undefined : completeReceipt(waiting, bytes, nobleCrypto);
  const proof = verifyReceipt(completed ?? bytes, trust, nobleCrypto);
  if (!proof.ok) return refusal(proof.failure, decodeReceipt(bytes)?.envelope, trust);
  return { kind: 'holds', statement: statementOf(proof.value), proof: proof.value, completes: completed !== undefined };
}

function refusal({ fault, detail = '' }: ReceiptFailure, envelope: Uint8Array | undefined, trust: Trust): Outcome {
  if (fault !== 'other-ledger') return { kind: 'refused', fault, detail };
  const opened = envelope && openEnvelope(envelope, nobleCrypto);
  return { kind: 'other-ledger', named: opened?.ok === true ? opened.value.body.chain : '', trusted: trust.chain };
}
