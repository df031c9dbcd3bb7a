import { fail, ok, type Result } from '../../contract/result.ts';
import type { OpenedPart } from '../../ledger/verify/acts.ts';
import type { Crypto } from '../../ledger/verify/crypto.ts';
import type { Trust } from '../../ledger/verify/head.ts';
import { checkPendingReceipt, encodePendingReceipt } from '../../ledger/verify/pending-receipt.ts';
import { receiptToSymbols } from '../../ledger/verify/receipt-symbols.ts';
import { verifyReceipt, withParts } from '../../ledger/verify/receipt.ts';
import type { DeviceKey } from '../device-key.ts';
import type { District } from '../district.ts';
import type { Outbox, Waiting } from '../outbox.ts';
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

export interface RequestSources {
  district: Pick<District, 'receipt'>;
  outbox: Pick<Outbox, 'find'>;
  deviceKey: Pick<DeviceKey, 'publicKey'>;
  trust: Trust;
  crypto: Crypto;
}

/** An earlier request, looked up anew. What this kiosk itself knows of it is shown when the hub is away too. */
export async function openRequest(request: PastRequest, signer: Uint8Array, sources: RequestSources): Promise<Result<ShownReceipt>> {
  const { district, outbox, trust, crypto } = sources;
  const { state } = request.row;
  const found = await district.receipt(request.transaction, 0);
  if (found.ok && found.value !== null) {
    const drawn = drawReceipt(found.value.receipt, request.parts, trust, crypto);
    return drawn.ok ? ok({ state: found.value.isWitnessed ? 'witnessed' : 'recorded', qr: drawn.value }) : drawn;
  }
  const waiting = outbox.find(request.transaction);
  if (waiting !== null) return ok({ state: 'queued', qr: drawPending(waiting, request.parts, signer, sources) });
  if (state === 'rejected' || state === 'expired') return ok({ state, qr: [] });
  return found.ok ? ok({ state: 'queued', qr: [] }) : found;
}

/** None where it does not hold together: the request waits all the same. */
function drawPending({ submission }: Waiting, parts: PastRequest['parts'], signer: Uint8Array, { deviceKey, trust, crypto }: RequestSources): string[] {
  const pending = encodePendingReceipt({ v: 1, state: 'queued', envelope: submission.envelope, keys: [[-19, signer], deviceKey.publicKey], parts });
  return checkPendingReceipt(pending, trust, crypto).ok ? receiptToSymbols(pending) : [];
}
