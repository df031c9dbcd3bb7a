import { fail, ok, type Result } from '../../contract/result.ts';
import type { OpenedPart } from '../../ledger/verify/acts.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { receiptToSymbols } from '../../ledger/verify/receipt-symbols.ts';
import { verifyReceipt, withParts } from '../../ledger/verify/receipt.ts';
import type { District } from '../district.ts';
import type { PastRequest, ShownReceipt } from './work.ts';

/**
 * The hub's receipt with the private parts put in, checked as a stranger would check it, as the texts of QR codes.
 * @param parts one an act.
 */
export function drawReceipt(receipt: Uint8Array, parts: readonly (OpenedPart | null)[], trust: Trust, crypto: Crypto): Result<string[]> {
  const whole = withParts(receipt, parts);
  if (whole === undefined) return fail('proof-invalid', 'parts');
  const proof = verifyReceipt(whole, trust, crypto);
  return proof.ok ? ok(receiptToSymbols(whole)) : proof;
}

/** An earlier request, looked up anew. */
export async function openRequest(
  request: PastRequest,
  { district, trust, crypto }: { district: Pick<District, 'receipt'>; trust: Trust; crypto: Crypto },
): Promise<Result<ShownReceipt>> {
  const found = await district.receipt(request.transaction, 0);
  if (!found.ok) return found;
  if (found.value === null) return ok({ state: request.row.state === 'recorded' ? 'queued' : request.row.state, qr: [] });
  const drawn = drawReceipt(found.value.receipt, request.parts, trust, crypto);
  return drawn.ok ? ok({ state: 'recorded', qr: drawn.value }) : drawn;
}
