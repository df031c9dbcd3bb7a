import type { Result } from '../../contract/result.ts';
import { openEnvelope } from '../../ledger/verify/envelope.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { nobleCrypto } from '../../ledger/verify/noble-crypto.ts';
import { decodeReceipt, verifyReceipt, type ReceiptFault, type ReceiptProof } from '../../ledger/verify/receipt.ts';
import { statementOf, type ReceiptStatement } from '../../ledger/verify/receipt-statement.ts';
import type { SymbolsFault } from '../../ledger/verify/receipt-symbols.ts';

export type Outcome =
  | { kind: 'holds'; statement: ReceiptStatement; proof: ReceiptProof }
  | { kind: 'codes'; fault: SymbolsFault }
  | { kind: 'refused'; fault: Exclude<ReceiptFault, 'other-ledger'>; detail: string }
  /** Which ledger the receipt names; nothing proves that it is in there. */
  | { kind: 'other-ledger'; named: string; trusted: string }
  | { kind: 'no-trust' }
  | { kind: 'file-unreadable' };

export function check(receipt: Result<Uint8Array, SymbolsFault>, trust: Trust | null): Outcome {
  if (trust === null) return { kind: 'no-trust' };
  if (!receipt.ok) return { kind: 'codes', fault: receipt.failure };
  const proof = verifyReceipt(receipt.value, trust, nobleCrypto);
  if (proof.ok) return { kind: 'holds', statement: statementOf(proof.value), proof: proof.value };
  const { fault, detail = '' } = proof.failure;
  if (fault === 'other-ledger') return { kind: 'other-ledger', named: chainNamed(receipt.value), trusted: trust.chain };
  return { kind: 'refused', fault, detail };
}

function chainNamed(bytes: Uint8Array): string {
  const receipt = decodeReceipt(bytes);
  const opened = receipt && openEnvelope(receipt.envelope, nobleCrypto);
  return opened?.ok === true ? opened.value.body.chain : '';
}
